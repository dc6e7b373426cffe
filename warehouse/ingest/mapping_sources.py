"""The table of another cohort as text: a CSV, Stata or Parquet file, or a table shipped by causaldata."""

import importlib.resources
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from warehouse.ingest.detect import look_at, refuse_duplicate_columns
from warehouse.ingest.faults import refuse
from warehouse.ingest.overrides import Overrides
from warehouse.ingest.rejects import Rejects
from warehouse.ingest.tables import stream_blocks

PACKAGED = "causaldata:"
TABLE_SUFFIXES = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt", ".txt.gz", ".dta", ".parquet")


def source_path(source: str) -> Path:
    """The file a `--from` names.

    Raises IngestError where there is none, or several.
    """
    if source.startswith(PACKAGED):
        name = source.removeprefix(PACKAGED)
        path = Path(str(importlib.resources.files("causaldata"))) / name / f"{name}.dta"
        if not path.is_file():
            raise refuse(source, "the table is one that the package causaldata ships", "for example causaldata:nhefs")
        return path
    path = Path(source)
    if path.is_file():
        return path
    if not path.is_dir():
        raise refuse(path.name, "the file or folder given by --from exists", "check the path")
    tables = [one for one in sorted(path.iterdir()) if one.name.lower().endswith(TABLE_SUFFIXES)]
    if len(tables) != 1:
        raise refuse(
            path.name,
            f"a folder for --mapping holds one table; this one holds {', '.join(one.name for one in tables) or 'none'}",
            "name the file in --from",
            len(tables),
        )
    return tables[0]


def read_table(path: Path, *, overrides: Overrides, rejects: Rejects) -> pa.Table:
    """All columns as text, empty cells null, whole numbers without a decimal point."""
    suffix = path.suffix.lower()
    if suffix == ".dta":
        return _stata(path)
    if suffix == ".parquet":
        table = pq.read_table(path)
        return pa.table({name: _text(table.column(name)) for name in table.column_names})
    shape = look_at(path, name=path.name, overrides=overrides)
    refuse_duplicate_columns(shape)
    return pa.Table.from_batches([block.rows for block in stream_blocks(shape, rejects=rejects)])


def _stata(path: Path) -> pa.Table:
    try:
        frame = pd.read_stata(path)
    except (OSError, ValueError, KeyError) as bad:
        raise refuse(path.name, "a .dta file is Stata data that can be read", "save it again from Stata") from bad
    return pa.table(
        {str(name): _text(pa.array(frame[name].astype(object), from_pandas=True)) for name in frame.columns}
    )


def _text(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    cells = [None if cell is None else _cell(cell) for cell in column.to_pylist()]
    return pa.array([cell or None for cell in cells], pa.string())


def _cell(cell: object) -> str:
    if isinstance(cell, bool):
        return str(int(cell))
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else repr(cell)
    return str(cell).strip()
