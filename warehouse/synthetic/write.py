"""Text files in the shapes of a real export, written block by block: columns in, bytes out, nothing quoted twice.

pyarrow turns whole columns into text and joins them; no Python loop runs over rows. `dx extract_dataset` quotes only
cells that need it, which pyarrow's CSV writer cannot do, so the lists of codes come here already quoted.
"""

import gzip
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from warehouse.synthetic.outcomes import NEVER

GZIP_LEVEL = 3  # half the size of the fastest level at little more time


def whole(values: NDArray[np.generic]) -> pa.Array:
    """Whole numbers; NaN becomes an empty cell."""
    numbers = np.asarray(values)
    if numbers.dtype.kind == "f":
        empty = np.isnan(numbers)
        return pa.array(np.where(empty, 0, numbers).astype(np.int64), mask=empty)
    return pa.array(numbers)


def reals(values: NDArray[np.floating]) -> pa.Array:
    """Real numbers in their shortest text; NaN becomes an empty cell."""
    return pa.array(values, from_pandas=True)


def days(values: NDArray[np.generic]) -> pa.Array:
    """ISO dates of days since 1970-01-01; NEVER and NaN become an empty cell."""
    numbers = np.asarray(values)
    empty = np.isnan(numbers) if numbers.dtype.kind == "f" else numbers >= NEVER
    return pa.array(np.where(empty, 0, numbers).astype(np.int32), mask=empty).cast(pa.date32())


def labels(index: NDArray[np.generic], names: Sequence[str]) -> pa.Array:
    """The name at each index; a negative index is an empty cell."""
    at = np.asarray(index).astype(np.int64)
    return pa.array(list(names), pa.string()).take(pa.array(np.maximum(at, 0), mask=at < 0))


def empty(n: int) -> pa.Array:
    """A column without values."""
    return pa.nulls(n, pa.string())


def json_lists(owner: NDArray[np.integer], values: pa.Array, n: int) -> pa.Array:
    """One quoted JSON list of text per owner 0 ... n-1 from values sorted by owner; no value, empty cell."""
    counts = np.bincount(owner, minlength=n)
    offsets = np.concatenate(([0], np.cumsum(counts))).astype(np.int32)
    joined = pc.binary_join(pa.ListArray.from_arrays(pa.array(offsets), values), '"",""')
    text = pc.binary_join_element_wise('"[""', joined, '""]"', "")
    return pc.if_else(pa.array(counts > 0), text, pa.scalar(None, pa.string()))


class TextFile:
    """A delimited file that grows by blocks of columns; gzip if its name ends in .gz (no clock in its header)."""

    def __init__(self, path: Path, header: Sequence[str] | None, separator: str = ",", missing: str = "") -> None:
        self.path = path
        self.n_columns = None if header is None else len(header)
        self._separator = separator
        self._missing = missing
        self._raw: IO[bytes] = path.open("wb")
        self._out: IO[bytes] = self._raw
        if path.suffix == ".gz":
            zipped = gzip.GzipFile(filename="", mode="wb", compresslevel=GZIP_LEVEL, fileobj=self._raw, mtime=0)
            self._out = zipped  # type: ignore[assignment]
        if header is not None:
            self._out.write((separator.join(header) + "\n").encode())

    def append(self, columns: Sequence[pa.Array]) -> None:
        """Write rows given as equal-length columns."""
        if self.n_columns is not None and len(columns) != self.n_columns:
            raise ValueError(f"{self.path.name}: {len(columns)} columns for a header of {self.n_columns}")
        if not columns or len(columns[0]) == 0:
            return
        texts = [column if pa.types.is_string(column.type) else column.cast(pa.string()) for column in columns]
        if len(texts) == 1:
            texts.append(pa.scalar(""))
            separator = ""
        else:
            separator = self._separator
        rows = pc.binary_join_element_wise(*texts, separator, null_handling="replace", null_replacement=self._missing)
        rows = pc.binary_join_element_wise(rows, "", "\n")
        for chunk in rows.chunks if isinstance(rows, pa.ChunkedArray) else [rows]:
            offsets = np.frombuffer(chunk.buffers()[1], dtype=np.int32)
            self._out.write(memoryview(chunk.buffers()[2])[offsets[chunk.offset] : offsets[chunk.offset + len(chunk)]])

    def close(self) -> None:
        self._out.close()
        if self._out is not self._raw:
            self._raw.close()

    def __enter__(self) -> "TextFile":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
