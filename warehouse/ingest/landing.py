"""Write a landing beside the last good one, table by table, and put it in place whole.

A table already finished from the same inputs by a run that was cut is kept; the last good landing stays until the swap.
"""

import ctypes
import json
import os
import shutil
from collections.abc import Callable, Container, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from types import TracebackType

import pyarrow as pa
import pyarrow.parquet as pq

STATE = "state.json"
ROWS_PER_GROUP = 122_880
AT_FDCWD, RENAME_EXCHANGE = -100, 2


class TableWriter:
    """Append batches to one Parquet file, as text unless said otherwise; columns not given are null.

    repeated : columns given as dictionaries of few texts; they are written as such, and read as text.
    distinct : columns whose values do not repeat; they are written without a dictionary.
    numbers : columns of doubles.
    """

    def __init__(
        self,
        path: Path,
        columns: Sequence[str],
        *,
        rows_per_group: int = ROWS_PER_GROUP,
        repeated: Container[str] = (),
        distinct: Container[str] = (),
        numbers: Container[str] = (),
    ) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.columns = tuple(columns)
        coded = pa.dictionary(pa.int32(), pa.string())
        self.schema = pa.schema(
            [
                (name, coded if name in repeated else pa.float64() if name in numbers else pa.string())
                for name in self.columns
            ]
        )
        self.n_rows = 0
        self._rows_per_group = rows_per_group
        self._waiting: list[pa.RecordBatch] = []
        self._n_waiting = 0
        self._writer = pq.ParquetWriter(
            path,
            self.schema,
            compression="zstd",
            compression_level=1,
            store_schema=False,
            # Where some columns repeat, the others are measurements: a dictionary of them would be built in vain.
            use_dictionary=[name for name in self.columns if name in repeated]
            or [name for name in self.columns if name not in distinct],
            # Measurements share their first bytes: apart from the others these are packed in a third of the time.
            use_byte_stream_split=[name for name in self.columns if name in numbers and name in distinct],
        )
        # One row group is compressed while the next is read.
        self._pool = ThreadPoolExecutor(max_workers=1)
        self._writing: Future[None] | None = None

    def __enter__(self) -> "TableWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._flush()
                self._wait()
        finally:
            self._pool.shutdown()
            self._writer.close()

    def write(self, columns: dict[str, pa.Array], n_rows: int) -> None:
        """Add n_rows rows given by column."""
        if n_rows == 0:
            return
        self._waiting.append(
            pa.RecordBatch.from_arrays(
                [
                    _as(columns[name], kind) if name in columns else pa.nulls(n_rows, kind)
                    for name, kind in zip(self.columns, self.schema.types, strict=True)
                ],
                schema=self.schema,
            )
        )
        self._n_waiting += n_rows
        self.n_rows += n_rows
        if self._n_waiting >= self._rows_per_group:
            self._flush()

    def _flush(self) -> None:
        if self._waiting:
            table = pa.Table.from_batches(self._waiting, schema=self.schema)
            self._wait()
            self._writing = self._pool.submit(self._writer.write_table, table, row_group_size=self._rows_per_group)
        self._waiting, self._n_waiting = [], 0

    def _wait(self) -> None:
        if self._writing is not None:
            self._writing.result()
            self._writing = None


def _as(column: pa.Array | pa.ChunkedArray, kind: pa.DataType) -> pa.Array:
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if array.type == kind:
        return array
    return array.dictionary_encode() if pa.types.is_dictionary(kind) else array.cast(kind)


def write_empty(path: Path, columns: Sequence[str], *, numbers: Container[str] = ()) -> None:
    with TableWriter(path, columns, numbers=numbers):
        pass


class Landing:
    """The folder a landing is written to before it is put in place."""

    def __init__(self, target: Path, fingerprint: str) -> None:
        self.target = target
        self.folder = target.parent / f".{target.name}.landing"
        self.fingerprint = fingerprint
        self._done: dict[str, object] = {}
        self._remembering = Lock()

    def open(self) -> None:
        """Keep what a cut run finished from the same inputs; begin anew otherwise."""
        state = self._read_state()
        if state.get("fingerprint") == self.fingerprint:
            self._done = dict(state.get("done", {}))
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self._write_state()

    def _read_state(self) -> dict[str, dict[str, object]]:
        try:
            return json.loads((self.folder / STATE).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}

    def _write_state(self) -> None:
        beside = self.folder / f"{STATE}.new"
        beside.write_text(json.dumps({"fingerprint": self.fingerprint, "done": self._done}), encoding="utf-8")
        os.replace(beside, self.folder / STATE)

    def once(self, step: str, work: Callable[[], object]) -> object:
        """Do `work` unless a cut run finished it; its JSON-ready answer is remembered."""
        if step not in self._done:
            answer = work()
            with self._remembering:
                self._done[step] = answer
                self._write_state()
        return self._done[step]

    def discard(self) -> None:
        """Leave nothing half-written: the export was refused, so there is nothing to continue."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, table: str) -> Path:
        return self.folder / f"{table}.parquet"

    def put_in_place(self) -> None:
        """Swap the new landing with the last good one in one step, then drop the old."""
        (self.folder / STATE).unlink(missing_ok=True)
        self.target.parent.mkdir(parents=True, exist_ok=True)
        if self.target.exists():
            _exchange(self.folder, self.target)
            shutil.rmtree(self.folder)
        else:
            os.rename(self.folder, self.target)


def _exchange(one: Path, other: Path) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if hasattr(libc, "renameat2"):
        done = libc.renameat2(AT_FDCWD, os.fsencode(one), AT_FDCWD, os.fsencode(other), RENAME_EXCHANGE)
        if done == 0:
            return
    # No atomic exchange on this system: two renames, and `recover` mends a cut between them.
    aside = other.parent / f".{other.name}.old"
    shutil.rmtree(aside, ignore_errors=True)
    os.rename(other, aside)
    os.rename(one, other)
    os.rename(aside, one)


def recover(target: Path) -> None:
    """Bring back the last good landing when a run was cut between two renames."""
    aside = target.parent / f".{target.name}.old"
    if aside.exists() and not target.exists():
        os.rename(aside, target)
