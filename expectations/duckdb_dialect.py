"""SQLAlchemy dialect over one DuckDB connection that is already open, made for Great Expectations.

Great Expectations has no DuckDB engine and reads a result after it has handed the connection back, which SQLAlchemy
answers with a rollback; in DuckDB that drops the result (great_expectations issues 10738, 11579). So cursors here hold
their rows, and begin, commit and rollback do nothing: the transaction belongs to whoever opened the connection, in a
build to dbt. The SQL that is compiled is PostgreSQL's, which DuckDB reads.
"""

from collections.abc import Sequence
from types import ModuleType
from typing import Any

import duckdb
import sqlalchemy as sa
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.pool import StaticPool

URL = "open_duckdb://"
registry.register("open_duckdb", __name__, "OpenDuckDBDialect")


class BufferedCursor:
    """A DB-API cursor that owns its rows, so that they outlive the statement."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._rows: list[tuple[Any, ...]] = []
        self.description: Sequence[Any] | None = None
        self.rowcount = -1
        self.arraysize = 1

    def execute(self, statement: str, parameters: Sequence[Any] | None = None) -> None:
        executed = self._connection.execute(statement, list(parameters) if parameters else None)
        self.description = executed.description
        self._rows = executed.fetchall()
        self.rowcount = len(self._rows)

    def fetchone(self) -> tuple[Any, ...] | None:
        return self._rows.pop(0) if self._rows else None

    def fetchmany(self, size: int | None = None) -> list[tuple[Any, ...]]:
        size = self.arraysize if size is None else size
        taken, self._rows = self._rows[:size], self._rows[size:]
        return taken

    def fetchall(self) -> list[tuple[Any, ...]]:
        taken, self._rows = self._rows, []
        return taken

    def close(self) -> None:
        self._rows = []


class BorrowedConnection:
    """The caller's connection as DB-API wants it; closing or ending a transaction is left to the caller."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def cursor(self) -> BufferedCursor:
        return BufferedCursor(self._connection)

    def commit(self) -> None: ...

    def rollback(self) -> None: ...

    def close(self) -> None: ...


class OpenDuckDBDialect(PGDialect):
    """PostgreSQL's SQL, DuckDB's driver, nobody's transactions."""

    name = "duckdb"
    driver = "open"
    default_paramstyle = "qmark"
    supports_statement_cache = False
    supports_sane_rowcount = False

    @classmethod
    def import_dbapi(cls) -> ModuleType:
        return duckdb

    def initialize(self, connection: sa.Connection) -> None:
        # PGDialect asks the server for its version and settings, which DuckDB does not have.
        self.default_schema_name = "main"

    def on_connect(self) -> None:
        return None

    def do_begin(self, dbapi_connection: Any) -> None: ...

    def do_commit(self, dbapi_connection: Any) -> None: ...

    def do_rollback(self, dbapi_connection: Any) -> None: ...


def engine_arguments(connection: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """Keyword arguments that make `sa.create_engine(URL, ...)` borrow `connection`."""
    return {"creator": lambda: BorrowedConnection(connection), "poolclass": StaticPool}
