"""Plan the participant table: which source columns of which file make each canonical column."""

from collections import Counter
from collections.abc import Container, Iterable
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from warehouse.ingest.faults import Faults
from warehouse.ingest.fields import Field, known_fields
from warehouse.ingest.headers import Header
from warehouse.ingest.overrides import Overrides


@dataclass(frozen=True, slots=True)
class Target:
    """One canonical column and the header cells it is made from, by array index (None: the cell holds the whole)."""

    column: str
    field: Field
    sources: tuple[tuple[int | None, str], ...]

    @property
    def is_one_list_column(self) -> bool:
        return self.field.is_list and len(self.sources) == 1 and self.sources[0][0] is None


@dataclass(frozen=True, slots=True)
class PartPlan:
    """What one participant file gives."""

    eid: str
    targets: tuple[Target, ...]
    n_other_columns: int

    @property
    def source_columns(self) -> list[str]:
        return [self.eid, *(name for target in self.targets for _, name in target.sources)]


def plan_part(header: Header, *, where: str, overrides: Overrides, faults: Faults) -> PartPlan:
    """Canonical columns of one file; header cells that break a field's shape are faults."""
    fields = known_fields()
    ignored = {int(subject) for subject in overrides.subjects("ignore_field") if subject.isdigit()}
    ignored_columns = overrides.subjects("ignore_column")
    sources: dict[str, dict[int | None, str]] = {}
    field_of: dict[str, Field] = {}
    n_other = len(header.unread)
    for column in header.columns:
        field = fields.get(column.field_id)
        canonical = field.column(column.instance) if field is not None else ""
        if (
            field is None
            or column.field_id in ignored
            or not ignored_columns.keys().isdisjoint({column.name, canonical})
        ):
            n_other += 1
            continue
        if field.is_instanced and column.instance is None:
            faults.add(
                where,
                f"field {field.field_id} is repeated, so its column names a visit; {column.name} names none",
                f"rename it (p{field.field_id}_i0), or --override ignore_field:{field.field_id}=yes",
            )
            continue
        if not field.is_instanced and column.instance not in (None, 0):
            faults.add(
                where,
                f"field {field.field_id} is asked once; {column.name} names visit {column.instance}",
                f"check the column, or --override ignore_field:{field.field_id}=yes",
            )
            continue
        if field.is_instanced and column.instance is not None and column.instance > field.last_instance:
            n_other += 1
            continue
        array = column.array
        if array is not None and not field.is_list and not field.is_nmr:
            if array != 0:
                faults.add(
                    where,
                    f"field {field.field_id} has one value; {column.name} names array {array}",
                    f"check the column, or --override ignore_field:{field.field_id}=yes",
                )
                continue
            array = None
        field_of[canonical] = field
        if array in sources.setdefault(canonical, {}):
            faults.add(
                where,
                f"a field stands once in a header; {canonical} is also {column.name}",
                f"leave one of the columns out: --override ignore_column:{column.name}=yes",
            )
            continue
        sources[canonical][array] = column.name
    targets = []
    for canonical, by_array in sources.items():
        if None in by_array and len(by_array) > 1:
            faults.add(
                where,
                f"a field is one list column or one column per array index; {canonical} is both",
                "leave one of the forms out",
            )
            continue
        ordered = sorted(by_array.items(), key=lambda pair: -1 if pair[0] is None else pair[0])
        field = field_of[canonical]
        if not field.is_list and len(ordered) == 1:
            ordered = [(None, ordered[0][1])]
        targets.append(Target(column=canonical, field=field, sources=tuple(ordered)))
    return PartPlan(eid=header.eid, targets=tuple(targets), n_other_columns=n_other)


def empty_columns(participants: Path) -> list[str]:
    """Columns of the landed participant table in which no cell is filled."""
    landed = pq.ParquetFile(participants).metadata
    n_empty: Counter[str] = Counter()
    for group in (landed.row_group(k) for k in range(landed.num_row_groups)):
        for column in (group.column(k) for k in range(group.num_columns)):
            n_empty[column.path_in_schema] += column.statistics.null_count
    return [column for column, n in n_empty.items() if n == landed.num_rows]


def refuse_empty_required(empty: Container[str], faults: Faults, *, where: str) -> None:
    """A fault for every required column of the landed participant table in which no cell is filled."""
    for field in known_fields().values():
        if field.is_required and field.column(0) in empty:
            faults.add(
                where,
                f"field {field.field_id}, {field.title} ({field.column(0)}), is filled; all its cells are empty",
                "export the field again: the study cannot be run without it",
            )


def refuse_missing_required(
    plans: Iterable[PartPlan], faults: Faults, *, where: str, present: Iterable[str] = ()
) -> None:
    """A fault for every required field no file has (its first visit, where it is repeated)."""
    have = {target.column for plan in plans for target in plan.targets} | set(present)
    for field in known_fields().values():
        if field.is_required and field.column(0) not in have:
            faults.add(
                where,
                f"the export has field {field.field_id}, {field.title} ({field.column(0)})",
                "add it to the export: the study cannot be run without it",
            )
