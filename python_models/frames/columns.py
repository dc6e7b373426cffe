"""Columns of a mart as arrays: numbers as float64 with NaN for null, words as codes with their levels."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

MISSING = -1


@dataclass(frozen=True, slots=True)
class Categories:
    """codes (n,): index into levels, -1 where null; levels: sorted words."""

    codes: npt.NDArray[np.int32]
    levels: tuple[str, ...]

    def take(self, rows: npt.NDArray[np.intp]) -> "Categories":
        return Categories(self.codes[rows], self.levels)


Column = npt.NDArray[np.float64] | Categories
Columns = Mapping[str, Column]


def as_column(array: pa.ChunkedArray) -> Column:
    """Text becomes Categories, dates days since 1970, everything else float64."""
    kind = array.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_dictionary(kind):
        combined = array.combine_chunks()
        encoded = combined if pa.types.is_dictionary(kind) else combined.dictionary_encode()
        words = np.asarray(encoded.dictionary.to_pylist(), dtype=object)
        order = np.argsort(words.astype(str), kind="stable") if len(words) else np.empty(0, dtype=np.intp)
        position = np.empty(len(words), dtype=np.int32)
        position[order] = np.arange(len(words), dtype=np.int32)
        raw = encoded.indices.fill_null(MISSING).to_numpy(zero_copy_only=False).astype(np.int64)
        codes = np.where(raw == MISSING, MISSING, position[raw] if len(words) else MISSING).astype(np.int32)
        return Categories(codes, tuple(str(word) for word in words[order]))
    if pa.types.is_date(kind):
        array = pc.cast(pc.cast(array, pa.date32()), pa.int32())
    if pa.types.is_boolean(kind):
        array = pc.cast(array, pa.int8())
    return pc.cast(array, pa.float64(), safe=False).to_numpy().astype(np.float64, copy=False)


def read_columns(relation: duckdb.DuckDBPyRelation, names: Iterable[str]) -> dict[str, Column]:
    """The named columns of a relation, read once."""
    listed = list(dict.fromkeys(names))
    table = relation.select(*[duckdb.ColumnExpression(name) for name in listed]).to_arrow_table()
    found: dict[str, Column] = {}
    for name in listed:
        # Column by column, so that words and their codes are never all there at once.
        found[name] = as_column(table.column(name))
        table = table.drop_columns([name])
    return found


def present(column: Column) -> npt.NDArray[np.bool_]:
    """Where a column holds a value, (n,)."""
    return column.codes != MISSING if isinstance(column, Categories) else np.isfinite(column)


def take(column: Column, rows: npt.NDArray[np.intp]) -> Column:
    return column.take(rows) if isinstance(column, Categories) else column[rows]


def complete_rows(columns: Sequence[Column]) -> npt.NDArray[np.bool_]:
    """Rows in which every column holds a value, (n,); columns: at least one, of equal length."""
    return np.logical_and.reduce([present(column) for column in columns])
