"""Replace warehouse/<study>.duckdb whole, by an atomic rename, from dbt's scratch file.

A reader of the published file never blocks a build, and a build that fails or is killed leaves the last good file.
Only tables go out: views over landing files would break for a reader who opens the database elsewhere. The views of
the intermediate layer, which read other models, go out as tables, but for those that repeat another.
"""

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

PUBLISHED_SCHEMAS = ("seeds", "staging", "intermediate", "marts", "results", "quality")
PARQUET_SCHEMAS = ("marts", "results", "quality")
SCREENED_SCHEMAS = ("staging", "intermediate")
# Views whose lines another published table holds: ten million a trait are not written out once more.
UNPUBLISHED_VIEWS = (("intermediate", "int_gwas_associations__regional"),)


@dataclass(frozen=True, slots=True)
class Description:
    """What a table and its columns hold, in words; column names to sentences."""

    schema: str
    table: str
    description: str
    columns: dict[str, str]


def _tables(connection: duckdb.DuckDBPyConnection, schemas: tuple[str, ...]) -> list[tuple[str, str]]:
    rows = connection.execute(
        "select schema_name, table_name from duckdb_tables() "
        "where database_name = current_database() and not internal "
        "union all select schema_name, view_name from duckdb_views() "
        "where database_name = current_database() and not internal and schema_name = 'intermediate' order by 1, 2"
    ).fetchall()
    return [(schema, table) for schema, table in rows if schema in schemas and (schema, table) not in UNPUBLISHED_VIEWS]


def _rows_to_publish(connection: duckdb.DuckDBPyConnection, schema: str, table: str, screened: bool) -> str:
    """The table, without people who withdrew: the cohort's own tables never hold them, the layers before it do."""
    columns = connection.execute(f'describe {schema}."{table}"').fetchall()
    if not screened or schema not in SCREENED_SCHEMAS or "participant_id" not in [column[0] for column in columns]:
        return f'select * from {schema}."{table}"'
    return (
        f'select * from {schema}."{table}" where participant_id not in '
        "(select participant_id from intermediate.int_participants__screened "
        "where exclusion_reason in ('negative id', 'withdrew consent'))"
    )


def _quoted(text: str) -> str:
    return "'" + " ".join(text.split()).replace("'", "''") + "'"


def _comment(connection: duckdb.DuckDBPyConnection, database: str, descriptions: Sequence[Description]) -> None:
    """Descriptions as comments on tables and columns, where any SQL client shows them."""
    there: dict[tuple[str, str], set[str]] = {}
    for schema, table, column in connection.execute(
        "select schema_name, table_name, column_name from duckdb_columns() where database_name = ?", [database]
    ).fetchall():
        there.setdefault((schema, table), set()).add(column)
    # One transaction: a commit for each of three thousand comments would take longer than the tables themselves.
    connection.execute("begin transaction")
    for one in descriptions:
        columns = there.get((one.schema, one.table))
        if columns is None:
            continue
        name = f'{database}.{one.schema}."{one.table}"'
        statements = [f"comment on table {name} is {_quoted(one.description)}"] if one.description else []
        statements += [
            f'comment on column {name}."{column}" is {_quoted(text)}'
            for column, text in one.columns.items()
            if text and column in columns
        ]
        connection.execute(";".join(statements) or "select 1")
    connection.execute("commit")


def publish_database(
    connection: duckdb.DuckDBPyConnection, *, target: Path, parquet: Path, descriptions: Sequence[Description] = ()
) -> int:
    """Copy every published table to `target` and the outward ones to `parquet`; returns the number of tables.

    Both are written beside their place and moved in whole, the database first. descriptions: comments of `target`.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    # The name keeps `.duckdb.`, so that git never sees what a killed publication leaves behind.
    for stale in target.parent.glob(f"{target.name}.*.new*"):
        stale.unlink()
    beside = target.with_name(f"{target.name}.{os.getpid()}.new")
    tables = _tables(connection, PUBLISHED_SCHEMAS)
    screened = ("intermediate", "int_participants__screened") in tables
    try:
        connection.execute(f"attach '{beside}' as published_study")
        try:
            for schema in sorted({schema for schema, _ in tables}):
                connection.execute(f"create schema if not exists published_study.{schema}")
            for schema, table in tables:
                rows = _rows_to_publish(connection, schema, table, screened)
                connection.execute(f'create table published_study.{schema}."{table}" as {rows}')
            _comment(connection, "published_study", descriptions)
            connection.execute("checkpoint published_study")
        finally:
            connection.execute("detach published_study")
        written = _write_parquet(connection, beside=parquet.with_name(f"{parquet.name}.{os.getpid()}.new"))
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    os.replace(beside, target)
    _swap(written, parquet)
    return len(tables)


def _write_parquet(connection: duckdb.DuckDBPyConnection, *, beside: Path) -> Path:
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    for schema, table in _tables(connection, PARQUET_SCHEMAS):
        (beside / schema).mkdir(exist_ok=True)
        connection.execute(
            f"copy {schema}.\"{table}\" to '{beside / schema / table}.parquet' (format parquet, compression zstd)"
        )
    return beside


def _swap(written: Path, folder: Path) -> None:
    old = folder.with_name(f"{folder.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        os.replace(folder, old)
    os.replace(written, folder)
    shutil.rmtree(old, ignore_errors=True)
