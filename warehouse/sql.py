"""A SQL prompt on the published study, read-only.

    python -m warehouse.sql [--cohort NAME] ["select ..."]

The file opens in any DuckDB 2.0 client; this prompt needs nothing installed but the environment.
"""

import argparse
import sys
from pathlib import Path

import duckdb

from warehouse.cohorts import find_cohort
from warehouse.errors import StudyError

HELP = "End a statement with ;   .tables lists the tables   .columns marts.participants explains one   .quit leaves"
TABLES = "select schema_name, table_name, estimated_size as n_rows, comment from duckdb_tables() order by 1, 2"
COLUMNS = "select column_name, data_type, comment from duckdb_columns() where schema_name || '.' || table_name = '{}'"

WHOLE = 10_000  # rows: a list of tables or columns is never cut


def _answer(connection: duckdb.DuckDBPyConnection, statement: str, *, rows: int = 40) -> None:
    try:
        relation = connection.sql(statement)
        if relation is not None:
            relation.show(max_rows=rows, max_width=200)
    except duckdb.Error as error:
        print(error, file=sys.stderr)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m warehouse.sql", description="Query the published study.")
    parser.add_argument("--cohort", default="synthetic", help="a row of seeds/cohorts.csv")
    parser.add_argument("statement", nargs="?", help="one statement; without it a prompt")
    options = parser.parse_args(arguments)
    try:
        database = Path("warehouse") / f"{find_cohort(options.cohort).database}.duckdb"
    except StudyError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    if not database.is_file():
        print(f"{database} is not there yet: run make build COHORT={options.cohort}", file=sys.stderr)
        return 1
    with duckdb.connect(str(database), read_only=True) as connection:
        if options.statement:
            _answer(connection, options.statement)
            return 0
        print(f"{database}, read-only. {HELP}")
        held = ""
        while True:
            try:
                line = input("study> " if not held else "    -> ")
            except EOFError:
                return 0
            if line.strip() in (".quit", ".exit"):
                return 0
            if line.strip() == ".tables":
                _answer(connection, TABLES, rows=WHOLE)
                continue
            if line.startswith(".columns"):
                table = line.removeprefix(".columns").strip().replace("'", "''")
                _answer(connection, COLUMNS.format(table), rows=WHOLE)
                continue
            held = f"{held}\n{line}"
            if held.rstrip().endswith(";"):
                _answer(connection, held)
                held = ""


if __name__ == "__main__":
    raise SystemExit(main())
