"""Read one participant file into canonical columns: codes, ISO dates, and JSON lists for arrays."""

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from warehouse.ingest.arrays import canonical_lists, combine_columns, list_lengths
from warehouse.ingest.cells import NOT_A_CODE, NOT_A_LIST, NOT_A_MEANING, CellReader, participant_ids, whole_numbers
from warehouse.ingest.codings import Decoder
from warehouse.ingest.date_order import refuse_other_order
from warehouse.ingest.dates import DateReader
from warehouse.ingest.detect import Shape
from warehouse.ingest.faults import refuse
from warehouse.ingest.fields import CODES_OF_DATES, Kind, codes_column
from warehouse.ingest.landing import TableWriter
from warehouse.ingest.numbers import NUMBER, without_edge_spaces
from warehouse.ingest.plan import PartPlan, Target
from warehouse.ingest.rejects import Rejects
from warehouse.ingest.replace_coding import Decoders
from warehouse.ingest.tables import Block, stream_blocks

# A row of a wide export is long: blocks hold enough rows for Parquet to compress well.
BLOCK_BYTES = 32 << 20
ROWS_PER_GROUP = 65_536


def _number(text: str) -> str | None:
    return text if NUMBER.fullmatch(text) else None


@dataclass
class ParticipantReader:
    """Turns blocks of one participant file into canonical columns.

    number_codes : columns whose coding has no codes but numbers.
    """

    shape: Shape
    plan: PartPlan
    dates: DateReader
    rejects: Rejects
    decoders: Decoders = field(default_factory=dict)
    number_codes: Container[str] = ()
    too_long: dict[str, int] = field(default_factory=dict)
    unlike: dict[str, int] = field(default_factory=dict)

    def columns(self, block: Block) -> dict[str, pa.Array]:
        """Canonical columns of one block."""
        made: dict[str, pa.Array] = {"eid": participant_ids(block.rows.column(self.plan.eid), where=self.shape.name)}
        # Codes before the dates that are aligned with them.
        for target in sorted(self.plan.targets, key=lambda t: t.field.field_id in CODES_OF_DATES):
            if target.field.is_list:
                made[target.column] = self._list(target, block, made)
            elif len(target.sources) == 1:
                made[target.column] = self._scalar(target, target.sources[0][1], block)
            else:
                made[target.column] = self._flag(target, block)
        return made

    @cached_property
    def cells(self) -> CellReader:
        return CellReader(self.shape.name, self.dates, self.rejects)

    def _scalar(self, target: Target, source: str, block: Block) -> pa.Array:
        cells, column = block.rows.column(source), target.column
        cells = without_edge_spaces(cells)
        if cells.null_count == len(cells):
            return cells
        kind = target.field.kind
        if column in self.decoders:
            self.cells.count(column, cells)
            cells = self.cells.decoded(block, column, cells, self.decoders[column])
        else:
            self.cells.count(column, cells)
        if kind == "date":
            return self.cells.days(block, column, cells)
        if kind == "time":
            return self.cells.times(block, column, cells)
        if kind == "integer" or (kind == "number" and target.field.encoding_id):
            return self.cells.integers(block, column, cells)
        if kind == "number":
            return self.cells.numbers(block, column, cells)
        if kind == "text":
            return self.cells.names(block, column, cells)
        return (
            self.cells.integers(block, column, cells, rule=NOT_A_CODE)
            if column in self.number_codes
            else (whole_numbers(cells))
        )

    def _list(self, target: Target, block: Block, made: Mapping[str, pa.Array]) -> pa.Array:
        partner = codes_column(target.column)
        if target.is_one_list_column:
            cells, column = without_edge_spaces(block.rows.column(target.sources[0][1])), target.column
            is_meant, kind = column in self.decoders, target.field.kind
            lists, bad = canonical_lists(
                cells, decode=self.decoders[column] if is_meant else self._item(kind), are_codes=kind == "code"
            )
            self.cells.count(column, cells)
            self.cells.reject(block, column, cells, bad, NOT_A_MEANING if is_meant else NOT_A_LIST)
            if partner in made:
                self._count_unlike(column, list_lengths(lists), list_lengths(made[partner]))
            return lists
        columns = {
            index if index is not None else target.field.array_min: self._scalar(target, name, block)
            for index, name in target.sources
        }
        lengths = list_lengths(made[partner]) if partner in made else None
        lists, too_long = combine_columns(
            columns, n_rows=block.rows.num_rows, first_index=target.field.array_min, lengths=lengths
        )
        if too_long.size:
            self.too_long[target.column] = self.too_long.get(target.column, 0) + int(too_long.size)
        return lists

    def _count_unlike(self, column: str, n_entries: np.ndarray, n_codes: np.ndarray) -> None:
        """Entries of one list stand beside those of another only where both are as long: a gap would shift them."""
        unlike = int(np.count_nonzero((n_entries > 0) & (n_entries != n_codes)))
        if unlike:
            self.unlike[column] = self.unlike.get(column, 0) + unlike

    def _item(self, kind: Kind) -> Decoder | None:
        """How items of a list of dates or numbers are read; codes and texts land as they are."""
        if kind == "date":
            return self.dates.one
        return _number if kind in ("integer", "number") else None

    def _flag(self, target: Target, block: Block) -> pa.Array:
        """An NMR flag with several array positions: its one code, or a list where a biomarker bears several."""
        columns = {index or 0: self._scalar(target, name, block) for index, name in target.sources}
        lists, _ = combine_columns(columns, n_rows=block.rows.num_rows, first_index=0)
        return pc.replace_substring_regex(lists, r'^\["([^",]*)"\]$', r"\1")

    def refuse_what_was_met(self) -> None:
        """Raises IngestError for faults only the whole file shows."""
        refuse_other_order(self.shape, self.dates)
        for column, count in self.unlike.items():
            raise refuse(
                self.shape.name,
                f"a list in {column} is as long as the list of codes in {codes_column(column)}",
                "the columns come from different exports, or empty entries were dropped: export the dates as columns "
                "(_a0, _a1, ...)",
                count,
            )
        for column, count in self.too_long.items():
            raise refuse(
                self.shape.name,
                f"a participant has as many entries in {column} as codes in {codes_column(column)}, or fewer",
                "the two columns come from different exports or one was cut: export both again together",
                count,
            )


def land_part(
    reader: ParticipantReader, *, writer: TableWriter, advance: Callable[[int], None] | None = None
) -> pa.Array:
    """Stream one participant file into `writer`; returns the eids met, in file order.

    Raises IngestError for a participant that stands twice.
    """
    eids: list[pa.Array] = []
    for block in stream_blocks(
        reader.shape,
        rejects=reader.rejects,
        columns=reader.plan.source_columns,
        advance=advance,
        block_bytes=BLOCK_BYTES,
    ):
        made = reader.columns(block)
        made = _with_eid(made, reader, block)
        eids.append(made["eid"])
        writer.write(made, len(made["eid"]))
    reader.refuse_what_was_met()
    every = pa.concat_arrays(eids) if eids else pa.array([], pa.string())
    _refuse_repeated(every, reader.shape)
    return every


def _with_eid(made: dict[str, pa.Array], reader: ParticipantReader, block: Block) -> dict[str, pa.Array]:
    """The rows that have a participant id; the others go to the ledger."""
    has_eid = pc.is_valid(made["eid"])
    if pc.all(has_eid, min_count=0).as_py():
        return made
    for index in pc.indices_nonzero(pc.invert(has_eid)).to_pylist():
        reader.rejects.add(reader.shape.name, block.line(index), "eid", "a row has a participant id")
    return {name: column.filter(has_eid) for name, column in made.items()}


def _refuse_repeated(eids: pa.Array, shape: Shape) -> None:
    # Withdrawn participants are masked with negative ids, which may repeat.
    known = eids.filter(pc.invert(pc.starts_with(eids, "-")))
    n_twice = len(known) - pc.count_distinct(known).as_py()
    if n_twice:
        raise refuse(
            shape.name,
            "a participant stands in one row of a participant table",
            "export again without repeated rows; two exports are two files, joined by eid",
            n_twice,
        )
