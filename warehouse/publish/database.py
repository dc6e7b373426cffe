"""Replace warehouse/<study>.duckdb whole, by an atomic rename, from dbt's scratch file.

A reader of the published file never blocks a build, and a build that fails or is killed leaves the last good file.
Only tables go out: views over landing files would break for a reader who opens the database elsewhere.
"""

import os
import shutil
from pathlib import Path

import duckdb

PUBLISHED_SCHEMAS = ("seeds", "staging", "intermediate", "marts", "results", "quality")
PARQUET_SCHEMAS = ("marts", "results", "quality")


def _tables(connection: duckdb.DuckDBPyConnection, schemas: tuple[str, ...]) -> list[tuple[str, str]]:
    rows = connection.execute(
        "select schema_name, table_name from duckdb_tables() "
        "where database_name = current_database() and not internal order by 1, 2"
    ).fetchall()
    return [(schema, table) for schema, table in rows if schema in schemas]


def publish_database(connection: duckdb.DuckDBPyConnection, *, target: Path, parquet: Path) -> int:
    """Copy every published table to `target` and the outward ones to `parquet`; returns the number of tables.

    Both are written beside their place and moved in whole.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_suffix(f".{os.getpid()}.new")
    beside.unlink(missing_ok=True)
    tables = _tables(connection, PUBLISHED_SCHEMAS)
    connection.execute(f"attach '{beside}' as published_study")
    try:
        for schema in sorted({schema for schema, _ in tables}):
            connection.execute(f"create schema if not exists published_study.{schema}")
        for schema, table in tables:
            connection.execute(f'create table published_study.{schema}."{table}" as from {schema}."{table}"')
        connection.execute("checkpoint published_study")
    finally:
        connection.execute("detach published_study")
    _publish_parquet(connection, folder=parquet)
    os.replace(beside, target)
    Path(f"{beside}.wal").unlink(missing_ok=True)
    return len(tables)


def _publish_parquet(connection: duckdb.DuckDBPyConnection, *, folder: Path) -> None:
    beside = folder.with_name(f"{folder.name}.{os.getpid()}.new")
    shutil.rmtree(beside, ignore_errors=True)
    for schema, table in _tables(connection, PARQUET_SCHEMAS):
        (beside / schema).mkdir(parents=True, exist_ok=True)
        connection.execute(
            f"copy {schema}.\"{table}\" to '{beside / schema / table}.parquet' (format parquet, compression zstd)"
        )
    old = folder.with_name(f"{folder.name}.{os.getpid()}.old")
    if folder.exists():
        os.replace(folder, old)
    os.replace(beside, folder)
    shutil.rmtree(old, ignore_errors=True)
