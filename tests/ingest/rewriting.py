"""Rewrite the participant table of the embedded cohort, as `dx extract_dataset` gives it, into every other shape."""

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path

from warehouse.ingest.codings import TREATMENT_LABELS
from warehouse.ingest.fields import known_fields, read_seed

DOTTED = re.compile(r"^participant\.p(?P<field>\d+)(?:_i(?P<instance>\d+))?(?:_a(?P<array>\d+))?$")
# One cell of the header: field, visit, array index; then the cells of the column, lists opened.
Key = tuple[int, int, int | None]
Cell = str | list[str] | None
Table = tuple[list[str], dict[Key, list[Cell]]]


def read_dotted(path: Path) -> Table:
    """Ids and columns of a dotted participant CSV."""
    with path.open(encoding="utf-8", newline="") as handle:
        header, *rows = csv.reader(handle)
    columns: dict[Key, list[Cell]] = {}
    for k, name in enumerate(header[1:], start=1):
        found = DOTTED.match(name)
        assert found is not None, name
        array = None if found["array"] is None else int(found["array"])
        cells: list[Cell] = [json.loads(row[k]) if row[k].startswith("[") else row[k] or None for row in rows]
        columns[int(found["field"]), int(found["instance"] or 0), array] = cells
    return [row[0] for row in rows], columns


def spread_lists(columns: dict[Key, list[Cell]]) -> dict[Key, list[Cell]]:
    """Multi-select answers as the legacy converter writes them: one column per array index."""
    spread: dict[Key, list[Cell]] = {}
    for (field, instance, array), cells in columns.items():
        lists = [cell for cell in cells if isinstance(cell, list)]
        if not lists:
            spread[field, instance, array] = cells
        for index in range(max(map(len, lists), default=0)):
            spread[field, instance, index] = [
                cell[index] if isinstance(cell, list) and index < len(cell) else None for cell in cells
            ]
    return spread


def titled(field: int, instance: int, array: int | None) -> str:
    known = known_fields()[field]
    name = f"{known.title} | Instance {instance}" if known.is_instanced else known.title
    return name if array is None else f"{name} | Array {array}"


def plain(field: int, instance: int, array: int | None) -> str:
    name = known_fields()[field].column(instance)
    return name if array is None else f"{name}_a{array}"


def by_pattern(pattern: str) -> Callable[[int, int, int | None], str]:
    return lambda field, instance, array: pattern.format(f=field, i=instance, a=array or 0)


# Style: eid column, column name, whether lists are spread over array columns.
STYLES: dict[str, tuple[str, Callable[[int, int, int | None], str], bool]] = {
    "plain": ("eid", plain, False),
    "title": ("Participant ID", titled, False),
    "ukb": ("eid", by_pattern("{f}-{i}.{a}"), True),
    "tab": ("f.eid", by_pattern("f.{f}.{i}.{a}"), True),
    "r": ("eid", by_pattern("X{f}.{i}.{a}"), True),
    "stata": ("n_eid", by_pattern("n_{f}_{i}_{a}"), True),
    "phesant": ("xeid", by_pattern("x{f}_{i}_{a}"), True),
    "ukbtools": ("eid", by_pattern("title_of_it_f{f}_{i}_{a}"), True),
}


def meanings(columns: dict[Key, list[Cell]]) -> dict[Key, list[Cell]]:
    """Codes replaced by their meanings; labels of ICD codes begin with the code, its point after three signs."""
    meaning_of: dict[int, dict[str, str]] = {}
    for row in read_seed("value_labels.csv"):
        meaning_of.setdefault(int(row["encoding_id"]), {}).setdefault(row["code"], row["label"])
    with TREATMENT_LABELS.open(encoding="utf-8", newline="") as handle:
        meaning_of[4] = {row["code"].replace("_", ""): row["label"] for row in csv.DictReader(handle)}

    def meant(cell: Cell, encoding: int) -> Cell:
        if isinstance(cell, list):
            return [str(meant(item, encoding)) for item in cell]
        if cell is None:
            return None
        if encoding == 19:
            return f"{cell[:3]}.{cell[3:]} Some disease" if len(cell) > 3 else f"{cell} Some disease"
        if encoding == 87:
            return f"{cell} Some disease"
        return meaning_of.get(encoding, {}).get(cell, cell)

    return {key: [meant(cell, known_fields()[key[0]].encoding_id) for cell in cells] for key, cells in columns.items()}


def day_first(columns: dict[Key, list[Cell]]) -> dict[Key, list[Cell]]:
    """Dates as the portal writes them: DD/MM/YYYY."""

    def turned(cell: Cell) -> Cell:
        return "/".join(reversed(cell.split("-"))) if isinstance(cell, str) else cell

    return {
        key: [turned(cell) for cell in cells] if known_fields()[key[0]].kind == "date" else cells
        for key, cells in columns.items()
    }


def rows_of(table: Table, style: str, *, write_list: Callable[[list[str]], str]) -> list[list[str]]:
    """Header and rows in one style."""
    ids, columns = table
    eid, name, is_spread = STYLES[style]
    chosen = spread_lists(columns) if is_spread else columns
    rows = [[eid, *(name(*key) for key in chosen)]]
    for k, identifier in enumerate(ids):
        cells = (column[k] for column in chosen.values())
        rows.append(
            [identifier, *(write_list(c) if isinstance(c, list) and c else "" if not c else str(c) for c in cells)]
        )
    return rows
