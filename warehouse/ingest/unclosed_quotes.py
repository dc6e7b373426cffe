"""Rows that a quote nobody closed has swallowed: one row lands with cells of another, and those between are lost.

A cell that holds a line break and as many delimiters as a row holds a row. Free text with a line break does not.
"""

import csv
import io
import re

import pyarrow as pa
import pyarrow.compute as pc

from warehouse.ingest.detect import SAMPLE_BYTES, Shape
from warehouse.ingest.faults import refuse
from warehouse.ingest.stream import CleanStream

NOT_CLOSED = "a quote that is opened in a cell is closed in it"
LINE_BREAK = re.compile(b"\n")
CHUNK = 1 << 20


def line_breaks(batch: pa.RecordBatch) -> list[pa.Array]:
    """Columns of a batch in which some cell holds a line break."""
    texts = (column for column in batch.columns if pa.types.is_string(column.type))
    return [column for column in texts if column.buffers()[2] and LINE_BREAK.search(column.buffers()[2])]


def swallowed(shape: Shape, columns: list[pa.Array]) -> tuple[dict[int, int], int]:
    """Rows with a cell that holds rows, each with the lines it swallowed; and line breaks of all cells."""
    found: dict[int, int] = {}
    n_breaks = 0
    for column in columns:
        breaks = pc.fill_null(pc.count_substring(column, "\n"), 0)
        n_breaks += pc.sum(breaks).as_py() or 0
        has_row = pc.greater_equal(pc.fill_null(pc.count_substring(column, shape.delimiter), 0), len(shape.header) - 1)
        for index in pc.indices_nonzero(pc.and_(pc.greater(breaks, 0), has_row)).to_pylist():
            found[index] = found.get(index, 0) + breaks[index].as_py()
    return found, n_breaks


def refuse_swallowed_unseen(shape: Shape) -> None:
    """Look for swallowed rows in the columns that were not read, where lines of the file are unaccounted for.

    Raises IngestError with the number of lines that were swallowed.
    """
    csv.field_size_limit(SAMPLE_BYTES * 2)
    text = io.TextIOWrapper(io.BufferedReader(_open(shape), CHUNK), encoding="utf-8", newline="")
    n_lines = 0
    with text:
        for row in csv.reader(text, delimiter=shape.delimiter):
            for cell in row:
                if "\n" in cell and cell.count(shape.delimiter) >= len(shape.header) - 1:
                    n_lines += cell.count("\n")
    if n_lines:
        raise refuse(
            shape.name,
            f"{NOT_CLOSED}; lines were swallowed by a cell",
            "close the quote, or double it where it is a sign of the text, and export the file again",
            n_lines,
        )


def _open(shape: Shape) -> io.RawIOBase:
    return CleanStream(shape.path, where=shape.name, encoding=shape.encoding, squeeze_spaces=shape.squeeze_spaces)
