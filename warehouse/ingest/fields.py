"""The canonical participant table: which columns it has, in which order, and what each holds."""

import csv
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

SEEDS = Path(__file__).resolve().parent.parent / "seeds"

Kind = Literal["date", "time", "number", "integer", "code", "text"]

KIND_OF_VALUE_TYPE: dict[str, Kind] = {
    "integer": "integer",
    "continuous": "number",
    "categorical_single": "code",
    "categorical_multiple": "code",
    "date": "date",
    "time": "time",
    "text": "text",
}
NMR_LAST_INSTANCE = 1

# A dates (or years) array is aligned by index with the array of codes it belongs to, and never longer.
CODES_OF_DATES = {41280: 41270, 41281: 41271, 20008: 20002}


@dataclass(frozen=True, slots=True)
class Field:
    """One UK Biobank field as the study knows it."""

    field_id: int
    title: str
    kind: Kind
    encoding_id: int
    is_instanced: bool
    last_instance: int
    array_min: int
    array_max: int
    is_multi_select: bool
    is_required: bool
    is_nmr: bool = False

    @property
    def is_list(self) -> bool:
        return self.array_max > 0 or self.is_multi_select

    def column(self, instance: int | None) -> str:
        return f"p{self.field_id}_i{instance}" if self.is_instanced else f"p{self.field_id}"

    def columns(self) -> Iterator[str]:
        if not self.is_instanced:
            yield self.column(None)
            return
        for instance in range(self.last_instance + 1):
            yield self.column(instance)


def read_seed(name: str) -> list[dict[str, str]]:
    """Rows of a seed CSV."""
    with (SEEDS / name).open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def _is(text: str) -> bool:
    return text.strip().lower() == "true"


def _phenotype_fields() -> Iterator[Field]:
    for row in read_seed("ukb_fields.csv"):
        yield Field(
            field_id=int(row["field_id"]),
            title=row["title"],
            kind=KIND_OF_VALUE_TYPE[row["value_type"]],
            encoding_id=int(row["encoding_id"] or 0),
            is_instanced=_is(row["is_instanced"]),
            last_instance=int(row["last_instance"] or 0),
            array_min=int(row["array_min"] or 0),
            array_max=int(row["array_max"] or 0),
            is_multi_select=_is(row["is_multi_select"]),
            is_required=_is(row["is_required"]),
        )


def _nmr_field(field_id: int, title: str, kind: Kind, encoding_id: int) -> Field:
    return Field(
        field_id=field_id,
        title=title,
        kind=kind,
        encoding_id=encoding_id,
        is_instanced=True,
        last_instance=NMR_LAST_INSTANCE,
        array_min=0,
        array_max=0,
        is_multi_select=False,
        is_required=False,
        is_nmr=True,
    )


def _nmr_fields() -> Iterator[Field]:
    rows = read_seed("nmr_biomarkers.csv")
    for row in rows:
        yield _nmr_field(int(row["field_id"]), row["description"], "number", 0)
    for row in rows:
        if row["flag_field_id"]:
            yield _nmr_field(int(row["flag_field_id"]), f"{row['description']}, QC Flag", "code", 2310)


@functools.cache
def known_fields() -> dict[int, Field]:
    """Fields of the study by id: phenotypes in seed order, then NMR biomarkers, then their QC flags."""
    fields: dict[int, Field] = {}
    for field in (*_phenotype_fields(), *_nmr_fields()):
        fields.setdefault(field.field_id, field)
    return fields


@functools.cache
def participant_columns() -> tuple[str, ...]:
    """Every column of participant.parquet, `eid` first."""
    return ("eid", *(column for field in known_fields().values() for column in field.columns()))


def codes_column(column: str) -> str:
    """The column of codes that a column of dates or years is aligned with; empty where there is none."""
    field = field_of_column().get(column)
    codes = None if field is None else CODES_OF_DATES.get(field.field_id)
    return "" if field is None or codes is None else column.replace(f"p{field.field_id}", f"p{codes}")


@functools.cache
def field_of_column() -> dict[str, Field]:
    return {column: field for field in known_fields().values() for column in field.columns()}
