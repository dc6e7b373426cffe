"""Read record-level tables and withdrawals: RAP entities and portal files, dates as ISO."""

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from warehouse.ingest.cells import CellReader, participant_ids
from warehouse.ingest.date_order import date_reader, refuse_other_order
from warehouse.ingest.detect import NO_NAME, Shape
from warehouse.ingest.faults import refuse
from warehouse.ingest.headers import is_eid_name
from warehouse.ingest.landing import TableWriter
from warehouse.ingest.numbers import without_edge_spaces
from warehouse.ingest.overrides import Overrides
from warehouse.ingest.record_tables import RecordTable
from warehouse.ingest.rejects import Rejects
from warehouse.ingest.replace_coding import Decoders
from warehouse.ingest.tables import MISSING, stream_blocks

NO_EID = "a row has a participant id"
SHARE_OF_OTHER_WORDS = 0.01  # of the first rows: single ones are the doors' to count
# Codes as pandas writes columns with gaps, and as books print them. Of three digits 733.0 may be either: it stays, and
# the doors tell it.
FLOAT_CODE = r"^(\d{4,5})\.0$"
DOTTED_CODE = r"^([A-Z]\d{2})\.([0-9A-Z]+)$"


@dataclass(frozen=True, slots=True)
class RecordPlan:
    """Canonical column -> header cell of one record file."""

    table: RecordTable
    shape: Shape
    source: Mapping[str, str]
    extra: tuple[str, ...] = ()

    @property
    def missing(self) -> list[str]:
        return [column for column in self.table.columns if column not in self.source]


def plan_record(shape: Shape, table: RecordTable, *, ignored: Container[str] = ()) -> RecordPlan:
    """Columns of one record file, dotted or plain, any case.

    Raises IngestError naming the columns that tell the table and are not there, or stand there twice.
    """
    source: dict[str, str] = {}
    extra: list[str] = []
    twice: list[str] = []
    for cell in shape.header:
        name = cell.lower().removeprefix(f"{table.name}.")
        name = "eid" if is_eid_name(name) else name
        if cell in ignored or name in ignored:
            extra.append(cell)
        elif name in source:
            twice.append(name)
        elif name in table.columns:
            source[name] = cell
        else:
            extra.append(cell)
    if twice:
        raise refuse(
            shape.name,
            f"a column stands once in a header; in two writings: {', '.join(twice)}",
            "leave one of the columns out",
            len(twice),
        )
    lacking = sorted(table.signature - source.keys())
    if lacking:
        raise refuse(
            shape.name,
            f"{table.name} has the columns {', '.join(lacking)}",
            "export the whole table again",
            len(lacking),
        )
    _refuse_other_words(shape, table, source)
    return RecordPlan(table=table, shape=shape, source=source, extra=tuple(extra))


def _refuse_other_words(shape: Shape, table: RecordTable, source: Mapping[str, str]) -> None:
    """The nation of a record hangs on a column without a coding: whose meanings nothing turns back."""
    for column, words in table.words.items():
        if column not in source:
            continue
        at = shape.header.index(source[column])
        others = sum(row[at].strip() not in {*words, *MISSING} for row in shape.rows)
        if others > SHARE_OF_OTHER_WORDS * len(shape.rows):
            raise refuse(
                shape.name,
                f"{column} is one of {', '.join(sorted(words))}",
                "export the table again with coding_option RAW",
                others,
            )


def land_record(
    plan: RecordPlan,
    *,
    writer: TableWriter,
    overrides: Overrides,
    rejects: Rejects,
    decoders: Decoders | None = None,
    advance: Callable[[int], None] | None = None,
) -> str:
    """Stream one record file into `writer`; returns the evidence for its dates.

    Raises IngestError where the order of its dates is unproved or mixed.
    """
    dated = [plan.source[column] for column in sorted(plan.table.dates & plan.source.keys())]
    dates, evidence = date_reader(plan.shape, dated, overrides)
    reader = CellReader(plan.shape.name, dates, rejects)
    for block in stream_blocks(plan.shape, rejects=rejects, columns=list(plan.source.values()), advance=advance):
        made: dict[str, pa.Array] = {}
        for canonical, cell in plan.source.items():
            cells = block.rows.column(cell)
            if canonical in plan.table.dates | plan.table.integers | plan.table.icd:
                cells = without_edge_spaces(cells)
            if canonical == "eid":
                cells = participant_ids(cells, where=plan.shape.name)
            elif cells.null_count == len(cells):
                pass
            elif decoders and canonical in decoders:
                reader.count(canonical, cells)
                cells = reader.decoded(block, canonical, cells, decoders[canonical])
            elif canonical in plan.table.dates:
                reader.count(canonical, cells)
                cells = reader.days(block, canonical, cells)
            elif canonical in plan.table.integers:
                reader.count(canonical, cells)
                cells = reader.integers(block, canonical, cells)
            elif canonical in plan.table.icd:
                cells = pc.replace_substring_regex(cells, FLOAT_CODE, r"\1")
                cells = pc.replace_substring_regex(cells, DOTTED_CODE, r"\1\2")
            made[canonical] = cells
        has_eid = pc.is_valid(made["eid"])
        n_rows = block.rows.num_rows
        if made["eid"].null_count:
            for index in pc.indices_nonzero(pc.invert(has_eid)).to_pylist():
                rejects.add(plan.shape.name, block.line(index), "eid", NO_EID)
            made = {name: cells.filter(has_eid) for name, cells in made.items()}
            n_rows = len(made["eid"])
        writer.write(made, n_rows)
    refuse_other_order(plan.shape, dates)
    return evidence


def land_withdrawals(shapes: Sequence[tuple[Shape, bool]], *, writer: TableWriter, rejects: Rejects) -> None:
    """Stream one-column lists of withdrawn participants; each pair says whether the list has a header."""
    for shape, has_header in shapes:
        # A comma behind each id makes a second, empty column.
        names = ["eid", *(NO_NAME for _ in shape.header[1:])]
        for block in stream_blocks(shape, rejects=rejects, columns=["eid"], has_header=has_header, names=names):
            eids = participant_ids(block.rows.column("eid"), where=shape.name).drop_null()
            writer.write({"eid": eids}, len(eids))
