"""What codes mean: the export's own codings file, the Showcase's encoding tables, or the seed of labels."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from warehouse.errors import IngestError
from warehouse.ingest.detect import Shape
from warehouse.ingest.faults import Faults
from warehouse.ingest.fields import SEEDS, known_fields, read_seed
from warehouse.ingest.recognise import Found
from warehouse.ingest.rejects import Rejects
from warehouse.ingest.tables import stream_blocks

CODING_NAME = re.compile(r"(?:data_coding_|coding_?)?(?P<encoding>\d+)$", re.IGNORECASE)
PARTICIPANT_COLUMN = re.compile(r"^p(?P<field>\d+)(?:_i\d+)?(?:_a\d+)?$")


@dataclass(slots=True)
class Codings:
    """Meanings of codes by encoding, and titles of fields, as far as the export or the seed tell."""

    code_of: dict[int, dict[str, str]] = field(default_factory=dict)
    codes: dict[int, set[str]] = field(default_factory=dict)
    fields_of_title: dict[str, set[int]] = field(default_factory=dict)
    has_dictionary: bool = False

    def add(self, encoding: int, code: str, meaning: str) -> None:
        # Two codes with one meaning (the future dates of coding 819) are the same answer: the first stands.
        self.code_of.setdefault(encoding, {}).setdefault(meaning, code)
        self.codes.setdefault(encoding, set()).add(code)

    def add_title(self, title: str, field_id: int) -> None:
        self.fields_of_title.setdefault(title, set()).add(field_id)


def _rows(shape: Shape) -> list[dict[str, str]]:
    cells = {cell.lower(): cell for cell in shape.header}
    rows: list[dict[str, str]] = []
    for block in stream_blocks(shape, rejects=Rejects(), missing=()):
        columns = {name: block.rows.column(cell).to_pylist() for name, cell in cells.items()}
        rows += [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    return rows


def _plain_title(title: str) -> str:
    """`Standing height | Instance 0 | Array 1` without its visit and index."""
    return re.sub(r" \| (Instance|Array) \d+", "", title)


def read_codings(found: Sequence[Found], faults: Faults) -> Codings:
    """Codings of the export, filled from the seed where it is silent."""
    codings = Codings()
    readers = {
        "codings": _read_export_codings,
        "showcase_encoding_values": _read_showcase_values,
        "data_dictionary": _read_dictionary,
        "showcase_fields": _read_showcase_fields,
    }
    for one in found:
        if one.entity in readers and one.shape is not None:
            try:
                readers[one.entity](_rows(one.shape), codings)
            except IngestError as error:
                faults.absorb(error)
    _fill_from_seed(codings)
    return codings


def _read_export_codings(rows: Sequence[Mapping[str, str]], codings: Codings) -> None:
    for row in rows:
        named = CODING_NAME.search(row["coding_name"] or "")
        if named:
            codings.add(int(named["encoding"]), row["code"], row["meaning"])


def _read_showcase_values(rows: Sequence[Mapping[str, str]], codings: Codings) -> None:
    for row in rows:
        if (row.get("selectable") or "1") != "0":
            codings.add(int(row["encoding_id"]), row["value"], row["meaning"])


def _read_dictionary(rows: Sequence[Mapping[str, str]], codings: Codings) -> None:
    codings.has_dictionary = True
    for row in rows:
        column = PARTICIPANT_COLUMN.match(row["name"] or "")
        if column and (row.get("entity") or "participant") == "participant":
            codings.add_title(_plain_title(row["title"]), int(column["field"]))


def _read_showcase_fields(rows: Sequence[Mapping[str, str]], codings: Codings) -> None:
    codings.has_dictionary = True
    for row in rows:
        codings.add_title(row["title"], int(row["field_id"]))


def _fill_from_seed(codings: Codings) -> None:
    told = set(codings.codes)
    if (SEEDS / "value_labels.csv").exists():
        for row in read_seed("value_labels.csv"):
            if int(row["encoding_id"]) not in told:
                codings.add(int(row["encoding_id"]), row["code"], row["label"])
    for field_id, known in known_fields().items():
        codings.add_title(known.title, field_id)
