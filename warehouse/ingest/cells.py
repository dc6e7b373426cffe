"""Read the cells of one column by what it holds; what cannot be read lands empty and stands in the ledger."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from warehouse.ingest.dates import DateReader
from warehouse.ingest.dates import remedy_for as remedy_for_dates
from warehouse.ingest.faults import refuse
from warehouse.ingest.numbers import NOT_A_NUMBER, not_numbers
from warehouse.ingest.numbers import remedy_for as remedy_for_numbers
from warehouse.ingest.rejects import Rejects
from warehouse.ingest.tables import Block

# meaning -> code; None for a text that is no meaning of the coding.
Decoder = Callable[[str], str | None]

NOT_A_DATE = "a date is a day of the calendar"
NOT_A_TIME = "a timestamp is a day and a time"
NOT_A_LIST = "an array cell is a JSON list, a Python list or a pipe string"
NOT_A_MEANING = "a cell of a REPLACE export is a meaning of its coding"
NOT_A_CODE = "a coded field holds the numbers of its coding"

ROUNDED = r"^\d(\.\d+)?[eE]\+\d+$"
ROUNDED_NAME = "a device, plate or well is named in full"
EXPORT_RAW = "these cells are no codes: put the export's codings.csv beside it, or export with coding_option RAW"
REMEDIES: dict[str, Callable[[pa.Array], str]] = {
    NOT_A_DATE: remedy_for_dates,
    NOT_A_TIME: remedy_for_dates,
    NOT_A_NUMBER: remedy_for_numbers,
    ROUNDED_NAME: lambda _: "these cells are in scientific notation: write the column as text, and export again",
    NOT_A_CODE: lambda _: EXPORT_RAW,
    NOT_A_MEANING: lambda _: EXPORT_RAW,
    NOT_A_LIST: lambda _: "write lists as JSON, or parted by |, and dates in them as YYYY-MM-DD",
}


def whole_numbers(column: pa.Array) -> pa.Array:
    """`3.0` read as `3`: some converters write integers as floats."""
    if not pc.any(pc.match_substring(column, "."), min_count=0).as_py():
        return column
    return pc.replace_substring_regex(column, r"^(-?\d+)\.0+$", r"\1")


def participant_ids(column: pa.Array, *, where: str) -> pa.Array:
    """Ids without the spaces that fixed-width exports pad them with, nor the `.0` of converters.

    Raises IngestError for ids that were rounded (1.5e+06).
    """
    ids = whole_numbers(pc.utf8_trim_whitespace(column))
    if pc.any(pc.match_substring(ids, "+"), min_count=0).as_py():
        is_rounded = pc.match_substring_regex(ids, ROUNDED)
        raise refuse(
            where,
            "a participant id is written in full; here ids are in scientific notation, which rounds them",
            "write ids as text (R: as.character, or options(scipen = 20)), and export again",
            pc.sum(is_rounded).as_py(),
        )
    return ids


def decoded(cells: pa.Array, decode: Decoder) -> tuple[pa.Array, pa.Array]:
    """Codes of cells that hold meanings, and the indices of cells that are no meaning."""
    coded = cells.dictionary_encode()
    codes = pa.array([decode(text) for text in coded.dictionary.to_pylist()], pa.string()).take(coded.indices)
    return codes, pc.indices_nonzero(pc.and_(pc.is_valid(cells), pc.is_null(codes)))


def emptied(cells: pa.Array, at: pa.Array) -> pa.Array:
    """The cells, those at some indices null."""
    is_bad = np.zeros(len(cells), dtype=bool)
    is_bad[at.to_numpy()] = True
    return pc.if_else(pa.array(is_bad), pa.scalar(None, cells.type), cells)


@dataclass(slots=True)
class CellReader:
    """Reads columns of one file, block by block."""

    file: str
    dates: DateReader
    rejects: Rejects

    def count(self, column: str, cells: pa.Array) -> None:
        """Remember how many cells of a column were held to a rule."""
        self.rejects.n_filled[self.file, column] += len(cells) - cells.null_count

    def reject(self, block: Block, column: str, cells: pa.Array, bad: pa.Array, rule: str) -> None:
        """Write the bad ones of `cells` to the ledger, and what to do about them."""
        if not len(bad):
            return
        key = (self.file, column, rule)
        self.rejects.add_cells(*key, (block.line(index) for index in bad.to_pylist()))
        if key not in self.rejects.remedies:
            self.rejects.remedies[key] = REMEDIES[rule](cells.take(bad))

    def decoded(self, block: Block, column: str, cells: pa.Array, decode: Decoder) -> pa.Array:
        codes, bad = decoded(cells, decode)
        self.reject(block, column, cells, bad, NOT_A_MEANING)
        return codes

    def days(self, block: Block, column: str, cells: pa.Array) -> pa.Array:
        read, bad = self.dates.dates(cells)
        self.reject(block, column, cells, bad, NOT_A_DATE)
        return read

    def times(self, block: Block, column: str, cells: pa.Array) -> pa.Array:
        read, bad = self.dates.timestamps(cells)
        self.reject(block, column, cells, bad, NOT_A_TIME)
        return read

    def numbers(
        self, block: Block, column: str, cells: pa.Array, *, rule: str = NOT_A_NUMBER, are_whole: bool = False
    ) -> pa.Array:
        bad = not_numbers(cells, are_whole=are_whole)
        self.reject(block, column, cells, bad, rule)
        return emptied(cells, bad) if len(bad) else cells

    def names(self, block: Block, column: str, cells: pa.Array) -> pa.Array:
        """Names of devices, plates and wells, which may be numbers: those that were rounded are lost."""
        cells = whole_numbers(cells)
        if not pc.any(pc.match_substring(cells, "+"), min_count=0).as_py():
            return cells
        bad = pc.indices_nonzero(pc.match_substring_regex(cells, ROUNDED))
        self.reject(block, column, cells, bad, ROUNDED_NAME)
        return emptied(cells, bad)

    def integers(self, block: Block, column: str, cells: pa.Array, *, rule: str = NOT_A_NUMBER) -> pa.Array:
        return whole_numbers(self.numbers(block, column, cells, rule=rule, are_whole=True))
