"""A small synthetic export, written once per test session, and readers of it."""

import hashlib
from pathlib import Path

import duckdb

from warehouse.synthetic.export import write_export
from warehouse.synthetic.options import Options

SMALL = Options(participants=3_000, seed=11, proteomic_share=0.3, proteins=60, metabolomic_share=0.5, snps=3_000)


def write_small(folder: Path, options: Options = SMALL) -> Path:
    """Write the export unless the folder holds it."""
    write_export(options, folder)
    return folder


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below a folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def open_tables(folder: Path) -> duckdb.DuckDBPyConnection:
    """Every CSV of the export as a table of text, columns without their entity."""
    connection = duckdb.connect()
    for path in sorted(folder.glob("*.csv")):
        if path.stem.startswith("w0"):
            connection.execute(
                f"create table withdrawals as select * from read_csv('{path}', all_varchar = true, header = false, "
                "columns = {'eid': 'varchar'})"
            )
            continue
        connection.execute(
            f"create table {path.stem} as select * from read_csv('{path}', all_varchar = true, delim = ',', "
            "quote = '\"', escape = '\"', header = true)"
        )
        names = [row[0] for row in connection.execute(f"describe {path.stem}").fetchall()]
        for name in names:
            if "." in name:
                short = name.split(".", 1)[1]
                connection.execute(f'alter table {path.stem} rename column "{name}" to "{short}"')
    return connection
