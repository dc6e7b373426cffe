"""Stream a delimited text file as Arrow batches of text, with the line of every row and a ledger of ragged rows."""

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as csv

from warehouse.errors import IngestError
from warehouse.ingest.detect import NO_NAME, Shape
from warehouse.ingest.faults import refuse
from warehouse.ingest.read_ahead import read_ahead
from warehouse.ingest.reject_limits import is_beyond
from warehouse.ingest.rejects import Rejects
from warehouse.ingest.stream import CleanStream
from warehouse.ingest.unclosed_quotes import NOT_CLOSED, line_breaks, refuse_swallowed_unseen, swallowed

BLOCK_BYTES = 16 << 20
# What R, pandas, databases, Stata, SAS and Excel write for no value. Not None: that is a meaning (of stair climbing, of
# fractures); nor words such as n/a, which are told by their column.
MISSING = ("", "NA", "<NA>", "NaN", "nan", "NaT", "NULL", "null", ".", "#N/A")


class NotANumberError(Exception):
    """A cell of a column that was to be read as numbers is none."""


@dataclass(frozen=True, slots=True)
class Block:
    """Rows of a file under the header's names, text unless numbers were asked for, and the line each row stands on."""

    rows: pa.RecordBatch
    first_line: int
    skipped: tuple[int, ...] = ()

    def line(self, index: int) -> int:
        line = self.first_line + index
        for skipped in self.skipped:
            if skipped <= line:
                line += 1
        return line


def stream_blocks(
    shape: Shape,
    *,
    rejects: Rejects,
    columns: Sequence[str] | None = None,
    numbers: Container[str] = (),
    missing: Sequence[str] = MISSING,
    has_header: bool = True,
    names: Sequence[str] | None = None,
    advance: Callable[[int], None] | None = None,
    block_bytes: int = BLOCK_BYTES,
) -> Iterator[Block]:
    """Yield the rows of `shape` in blocks of about `block_bytes`, read one block ahead.

    columns : the header columns to convert (all when None); others are parsed and left.
    numbers : the header columns to read as doubles; the others are text.
    names : column names to use in place of the header's.

    Raises IngestError when the file is damaged, or too many rows are ragged; NotANumberError at a cell that is none.
    """
    return read_ahead(
        lambda: _blocks(
            shape,
            rejects=rejects,
            columns=columns,
            numbers=numbers,
            missing=missing,
            has_header=has_header,
            names=names,
            advance=advance,
            block_bytes=block_bytes,
        )
    )


def _blocks(
    shape: Shape,
    *,
    rejects: Rejects,
    columns: Sequence[str] | None,
    numbers: Container[str],
    missing: Sequence[str],
    has_header: bool,
    names: Sequence[str] | None,
    advance: Callable[[int], None] | None,
    block_bytes: int,
) -> Iterator[Block]:
    header = list(names or shape.header)
    if columns is not None and shape.ends_in_delimiter and NO_NAME not in columns:
        columns = [*columns, NO_NAME]
    stream = CleanStream(
        shape.path, where=shape.name, encoding=shape.encoding, squeeze_spaces=shape.squeeze_spaces, advance=advance
    )
    ragged: list[int] = []

    n_swallowed = 0

    def skip_ragged(row: csv.InvalidRow) -> str:
        nonlocal n_swallowed
        n_more = (row.text or "").count("\n")
        number = (row.number or 0) + n_swallowed
        ragged.extend(number + k for k in range(n_more + 1))
        n_swallowed += n_more
        rule = NOT_CLOSED if n_more else f"a row has {row.expected_columns} cells, as the header"
        rejects.add(shape.name, number + stream.n_comment_lines, "", rule, n_lines=n_more + 1)
        rejects.n_rows[shape.name] += n_more + 1
        return "skip"

    first = 2 if has_header else 1
    try:
        reader = csv.open_csv(
            pa.PythonFile(stream, mode="r"),
            read_options=csv.ReadOptions(
                block_size=block_bytes, column_names=header, skip_rows=1 if has_header else 0, use_threads=False
            ),
            parse_options=csv.ParseOptions(
                delimiter=shape.delimiter or ",",
                quote_char='"' if shape.is_quoted else False,
                ignore_empty_lines=False,
                invalid_row_handler=skip_ragged,
                newlines_in_values=shape.has_line_breaks,
            ),
            convert_options=csv.ConvertOptions(
                column_types={name: pa.float64() if name in numbers else pa.string() for name in header},
                strings_can_be_null=True,
                null_values=list(missing),
                include_columns=list(columns) if columns is not None else None,
                check_utf8=False,
            ),
        )
    except pa.ArrowInvalid as bad:
        if "Empty CSV" in str(bad):
            return
        raise _fault(shape, stream, bad) from None
    except IngestError:
        raise
    line = first
    n_rows = n_breaks = n_lost = told = 0
    try:
        while True:
            try:
                batch = reader.read_next_batch()
            except StopIteration:
                break
            n_rows += batch.num_rows
            rejects.n_rows[shape.name] += batch.num_rows
            if shape.ends_in_delimiter:
                _refuse_cells_beyond_the_header(shape, batch)
            # Arrow parses ahead: a ragged row belongs to this block by its line, not by when it was met.
            end = line + batch.num_rows
            within: list[int] = []
            while told < len(ragged) and ragged[told] <= end:
                within.append(ragged[told])
                told += 1
                end += 1
            above = stream.n_comment_lines  # lines of the file that are no lines of the table
            block = Block(rows=batch, first_line=line + above, skipped=tuple(number + above for number in within))
            if shape.is_quoted and (columns_with := line_breaks(batch)):
                found, n_met = swallowed(shape, columns_with)
                block = _without_swallowed(block, found, rejects, shape.name)
                n_breaks += n_met
                n_lost += sum(found.values()) + len(found)
            if all(column.null_count for column in block.rows.columns):
                block = _without_blank(block)
            yield block
            line = end
            _refuse_too_many(shape, len(ragged) + n_lost, n_rows, is_end=False)
        n_lines = stream.line - first - stream.n_comment_lines
    except pa.ArrowException as bad:
        raise _fault(shape, stream, bad) from None
    finally:
        stream.close()
    _refuse_too_many(shape, len(ragged) + n_lost, n_rows, is_end=True)
    if shape.is_quoted and shape.delimiter and n_lines > n_rows + len(ragged) + n_breaks:
        refuse_swallowed_unseen(shape)


def _without_blank(block: Block) -> Block:
    """The block without rows of nothing: Arrow makes them of blank lines."""
    is_blank = pa.array([True] * block.rows.num_rows)
    for column in block.rows.columns:
        is_blank = pc.and_(is_blank, pc.is_null(column))
    return _left_out(block, dict.fromkeys(pc.indices_nonzero(is_blank).to_pylist(), 0))


def _left_out(block: Block, rows: Mapping[int, int]) -> Block:
    """The block without some rows, each with as many lines behind it."""
    if not rows:
        return block
    lines = [block.line(index) + k for index, n_more in rows.items() for k in range(n_more + 1)]
    kept = pa.array([index not in rows for index in range(block.rows.num_rows)])
    return Block(block.rows.filter(kept), block.first_line, tuple(sorted([*block.skipped, *lines])))


def _without_swallowed(block: Block, found: Mapping[int, int], rejects: Rejects, name: str) -> Block:
    """The block without rows that swallowed others; all of their lines stand in the ledger."""
    for index, n_more in found.items():
        rejects.add(name, block.line(index), "", NOT_CLOSED, n_lines=n_more + 1)
        rejects.n_rows[name] += n_more
    return _left_out(block, found)


def _refuse_cells_beyond_the_header(shape: Shape, batch: pa.RecordBatch) -> None:
    """What stands behind a row's last delimiter, where rows have one more than the header: nothing, or cells shift."""
    beyond = batch.column(batch.schema.get_field_index(NO_NAME))
    if beyond.null_count < len(beyond):
        raise refuse(
            shape.name,
            "behind the delimiter that ends every row stands nothing; here cells stand beyond the header's last column",
            "the header lacks a column, or a cell holds an unquoted delimiter: export the file again",
            len(beyond) - beyond.null_count,
        )


def _refuse_too_many(shape: Shape, n_ragged: int, n_rows: int, *, is_end: bool) -> None:
    # One row is an accident, such as a last line of spaces, however short the file.
    if is_beyond(n_ragged, max(n_rows, 0 if is_end else 10_000), shape.max_rejected_share):
        raise refuse(
            shape.name,
            f"at most {shape.max_rejected_share:.0%} of the rows have another number of cells than the header",
            "the delimiter or the quoting changes within the file: export it again, or give --override delimiter; to "
            f"go on without these rows: --override unreadable:{shape.name}=SHARE",
            n_ragged,
        )


def _fault(shape: Shape, stream: CleanStream, bad: Exception) -> Exception:
    """What Arrow's exception is called here; its text may quote a cell, so it is not handed on."""
    if stream.fault is None and "conversion error to double" in str(bad):
        return NotANumberError(shape.name)
    return stream.fault or _unreadable(shape, bad)


def _unreadable(shape: Shape, bad: Exception) -> IngestError:
    # Arrow's message may quote a row: only its kind is passed on.
    kind = "a row is longer than a block" if "straddling" in str(bad) else "its rows cannot be cut into cells"
    return refuse(
        shape.name, f"a table can be read to its end; {kind}", "check the quoting and the delimiter of the file"
    )
