"""Read a mapping CSV (target, source, rule, detail, note): another cohort's columns in UK Biobank's vocabulary."""

import csv
from dataclasses import dataclass
from pathlib import Path

from warehouse.ingest.faults import Faults, refuse
from warehouse.ingest.fields import field_of_column, known_fields
from warehouse.ingest.mapping_rules import MAKERS, N_SOURCES, RULES, CellRule
from warehouse.ingest.record_tables import RECORD_TABLES

COLUMNS = ("target", "source", "rule", "detail", "note")


@dataclass(frozen=True, slots=True)
class Mapped:
    """One target column and how its cells are made; `make` is None for a column deliberately absent."""

    table: str
    column: str
    sources: tuple[str, ...]
    make: CellRule | None
    note: str


def read_mapping(path: Path) -> list[Mapped]:
    """Rows of a mapping.

    Raises IngestError with every row that names no target, rule, detail or source of its kind, and every required
    field the mapping is silent about.
    """
    try:
        with path.open(encoding="utf-8", newline="") as handle:
            reader = csv.DictReader(handle)
            rows = list(reader)
            header = tuple(reader.fieldnames or ())
    except OSError as bad:
        raise refuse(path.name, f"a mapping can be opened; the system says: {bad.strerror}", "check the path") from bad
    if header != COLUMNS:
        raise refuse(path.name, f"a mapping has the columns {', '.join(COLUMNS)}", "correct its header")
    faults = Faults()
    mapped: list[Mapped] = []
    for line, row in enumerate(rows, start=2):
        read = _read_row(row, where=f"{path.name} line {line}", faults=faults)
        if read is not None:
            mapped.append(read)
    targets = [(one.table, one.column) for one in mapped]
    for table, column in sorted({target for target in targets if targets.count(target) > 1}):
        faults.add(path.name, f"a target stands once; {table}.{column} stands twice", "leave one row out")
    present = {one.column for one in mapped if one.table == "participant"}
    for field in known_fields().values():
        if field.is_required and field.column(0) not in present:
            faults.add(
                path.name,
                f"the mapping speaks of field {field.field_id}, {field.title} ({field.column(0)})",
                "map it, or give it the rule absent with the reason in note",
            )
    faults.stop()
    return mapped


def _read_row(row: dict[str, str], *, where: str, faults: Faults) -> Mapped | None:
    target, rule = (row["target"] or "").strip(), (row["rule"] or "").strip()
    table, dot, column = target.rpartition(".")
    table = table if dot else "participant"
    if table == "participant":
        known = column == "eid" or column in field_of_column()
    else:
        known = table in RECORD_TABLES and column in RECORD_TABLES[table].columns
    before = len(faults.seen)
    if not known:
        faults.add(
            where, f"target {target} is a column of the landing", "for example p31, p53_i0 or death.date_of_death"
        )
    if rule not in RULES:
        faults.add(where, f"{rule or 'nothing'} is a rule", f"rules: {', '.join(RULES)}")
        return None
    sources = tuple(part.strip() for part in (row["source"] or "").split("+") if part.strip())
    if len(sources) != N_SOURCES.get(rule, 1):
        faults.add(where, f"rule {rule} takes {N_SOURCES.get(rule, 1)} source column(s)", "several are joined by +")
    if rule == "absent":
        if not (row["note"] or "").strip():
            faults.add(where, "an absent column says why in note", "write the reason")
        make = None
    else:
        try:
            make = MAKERS[rule]((row["detail"] or "").strip())
        except ValueError as bad:
            faults.add(where, f"rule {rule}: {bad}", "correct detail")
            return None
    if len(faults.seen) > before:
        return None
    return Mapped(table=table, column=column, sources=sources, make=make, note=(row["note"] or "").strip())
