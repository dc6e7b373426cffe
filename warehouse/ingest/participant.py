"""Read one participant file into canonical columns: codes, ISO dates, and JSON lists for arrays."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from warehouse.ingest.arrays import canonical_lists, combine_columns, list_lengths
from warehouse.ingest.codings import Decoder
from warehouse.ingest.date_order import refuse_other_order
from warehouse.ingest.dates import DateReader
from warehouse.ingest.detect import Shape
from warehouse.ingest.faults import refuse
from warehouse.ingest.fields import CODES_OF_DATES, codes_column
from warehouse.ingest.landing import TableWriter
from warehouse.ingest.plan import PartPlan, Target
from warehouse.ingest.rejects import Rejects
from warehouse.ingest.replace_coding import Decoders
from warehouse.ingest.tables import Block, stream_blocks

# A row of a wide export is long: blocks hold enough rows for Parquet to compress well.
BLOCK_BYTES = 32 << 20
ROWS_PER_GROUP = 65_536

NOT_A_DATE = "a date is a day of the calendar"
NOT_A_TIME = "a timestamp is a day and a time"
NOT_A_LIST = "an array cell is a JSON list, a Python list or a pipe string"
NOT_A_MEANING = "a cell of a REPLACE export is a meaning of its coding"


def whole_numbers(column: pa.Array) -> pa.Array:
    """`3.0` read as `3`: some converters write integers as floats."""
    if not pc.any(pc.match_substring(column, "."), min_count=0).as_py():
        return column
    return pc.replace_substring_regex(column, r"^(-?\d+)\.0+$", r"\1")


def participant_ids(column: pa.Array) -> pa.Array:
    """Ids without the spaces that fixed-width exports pad them with, nor the `.0` of converters."""
    return whole_numbers(pc.utf8_trim_whitespace(column))


def decoded(cells: pa.Array, decode: Decoder) -> tuple[pa.Array, pa.Array]:
    """Codes of cells that hold meanings, and the indices of cells that are no meaning."""
    coded = cells.dictionary_encode()
    codes = pa.array([decode(text) for text in coded.dictionary.to_pylist()], pa.string()).take(coded.indices)
    return codes, pc.indices_nonzero(pc.and_(pc.is_valid(cells), pc.is_null(codes)))


@dataclass(slots=True)
class ParticipantReader:
    """Turns blocks of one participant file into canonical columns."""

    shape: Shape
    plan: PartPlan
    dates: DateReader
    rejects: Rejects
    decoders: Decoders = field(default_factory=dict)
    too_long: dict[str, int] = field(default_factory=dict)

    def columns(self, block: Block) -> dict[str, pa.Array]:
        """Canonical columns of one block."""
        made: dict[str, pa.Array] = {"eid": participant_ids(block.rows.column(self.plan.eid))}
        # Codes before the dates that are aligned with them.
        for target in sorted(self.plan.targets, key=lambda t: t.field.field_id in CODES_OF_DATES):
            if target.field.is_list:
                made[target.column] = self._list(target, block, made)
            elif len(target.sources) == 1:
                made[target.column] = self._scalar(target, target.sources[0][1], block)
            else:
                made[target.column] = self._flag(target, block)
        return made

    def _reject(self, block: Block, target: Target, bad: pa.Array, rule: str) -> None:
        for index in bad.to_pylist():
            self.rejects.add(self.shape.name, block.line(index), target.column, rule)

    def _scalar(self, target: Target, source: str, block: Block) -> pa.Array:
        cells = block.rows.column(source)
        if cells.null_count == len(cells):
            return cells
        if target.column in self.decoders:
            cells, bad = decoded(cells, self.decoders[target.column])
            self._reject(block, target, bad, NOT_A_MEANING)
        kind = target.field.kind
        if kind == "date":
            cells, bad = self.dates.dates(cells)
            self._reject(block, target, bad, NOT_A_DATE)
        elif kind == "time":
            cells, bad = self.dates.timestamps(cells)
            self._reject(block, target, bad, NOT_A_TIME)
        elif kind in ("integer", "code"):
            cells = whole_numbers(cells)
        return cells

    def _list(self, target: Target, block: Block, made: Mapping[str, pa.Array]) -> pa.Array:
        partner = codes_column(target.column)
        if target.is_one_list_column:
            cells = block.rows.column(target.sources[0][1])
            lists, bad = canonical_lists(cells, decode=self.decoders.get(target.column))
            self._reject(block, target, bad, NOT_A_MEANING if target.column in self.decoders else NOT_A_LIST)
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

    def _flag(self, target: Target, block: Block) -> pa.Array:
        """An NMR flag with several array positions: its one code, or a list where a biomarker bears several."""
        columns = {index or 0: self._scalar(target, name, block) for index, name in target.sources}
        lists, _ = combine_columns(columns, n_rows=block.rows.num_rows, first_index=0)
        return pc.replace_substring_regex(lists, r'^\["([^",]*)"\]$', r"\1")

    def refuse_what_was_met(self) -> None:
        """Raises IngestError for faults only the whole file shows."""
        refuse_other_order(self.shape, self.dates)
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
