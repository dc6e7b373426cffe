"""Raw files open for changes: each as a table of text under its stem, written back in the shape it came in."""

import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import duckdb

QUOTED = "all_varchar = true, header = true, quote = '\"', escape = '\"'"
# Stem of the file on disk, where a table has a name of its own.
TABLES = {"olink": "olink_instance_0.csv", "withdrawals": "w00000_20260101.csv"}


@dataclass(frozen=True, slots=True)
class RawFiles:
    """A folder of raw files that may be changed."""

    folder: Path

    def path(self, table: str) -> Path:
        name = TABLES.get(table, f"{table}.csv")
        places = [self.folder / name, self.folder / "helper_files" / f"{table}.dat"]
        places += sorted((self.folder / "gwas").glob(f"{table}.*gz"))
        return next(place for place in places if place.exists())

    def sql(self, *statements: str) -> None:
        """Run statements over the tables they name; the one that is updated, inserted to or deleted from is written."""
        with duckdb.connect() as connection:
            named = set(re.findall(r"\b(?:update|into|from|using|join|table)\s+(\w+)", " ".join(statements)))
            loaded = {table: self._load(connection, table) for table in sorted(named) if self._is_file(table)}
            changed = set(re.findall(r"\b(?:update|insert into|delete from|alter table)\s+(\w+)", " ".join(statements)))
            for statement in statements:
                connection.execute(statement)
            for table in sorted(changed & loaded.keys()):
                self._write(connection, table, loaded[table])

    def cut(self, table: str, share: float) -> None:
        """Keep the first part of a file, in bytes: an upload that broke off."""
        path = self.path(table)
        path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])

    def replace(self, table: str, pattern: str, by: str) -> None:
        """Replace text of the header."""
        path = self.path(table)
        header, _, rest = path.read_bytes().partition(b"\n")
        path.write_bytes(re.sub(pattern, by, header.decode()).encode() + b"\n" + rest)

    def _is_file(self, table: str) -> bool:
        try:
            self.path(table)
        except StopIteration:
            return False
        return True

    def _load(self, connection: duckdb.DuckDBPyConnection, table: str) -> list[str]:
        """Create the table with columns without their entity; gives the header."""
        path = self.path(table)
        if table == "withdrawals":
            listed = f"read_csv('{path}', header = false, columns = {{'eid': 'varchar'}})"
            connection.execute(f"create table {table} as select * from {listed}")
            return []
        connection.execute(
            f"create table {table} as select * from read_csv('{path}', delim = '{self._delimiter(path)}', {QUOTED})"
        )
        header = [row[0] for row in connection.execute(f"describe {table}").fetchall()]
        for name in header:
            if "." in name:
                connection.execute(f'alter table {table} rename column "{name}" to "{name.split(".", 1)[1]}"')
        return header

    def _write(self, connection: duckdb.DuckDBPyConnection, table: str, header: list[str]) -> None:
        path = self.path(table)
        path.unlink()
        columns = [row[0] for row in connection.execute(f"describe {table}").fetchall()]
        entity = header[0].split(".", 1)[0] + "." if header and "." in header[0] else ""
        named = ", ".join(f'"{column}" as "{entity}{column}"' for column in columns)
        how = f"format csv, header {'true' if header else 'false'}, delim '{self._delimiter(path)}'"
        how += ", compression gzip" if path.suffix == ".gz" else ""
        connection.execute(f"copy (select {named} from {table}) to '{path}' ({how})")

    @staticmethod
    def _delimiter(path: Path) -> str:
        if ".regenie" in path.name:
            return " "
        return "\t" if path.suffix == ".dat" or ".tsv" in path.name else ","


def copy_files(export: Path, folder: Path, tables: Iterable[str]) -> RawFiles:
    """A folder with the participant table and the named ones: what one fault needs, and no more to read."""
    folder.mkdir(parents=True)
    files = RawFiles(export)
    for table in {"participant", *tables}:
        if table in ("ld_scores", "helper_files", "gwas"):
            shutil.copytree(export / table, folder / table)
            continue
        for path in files.path(table).parent.glob(f"{files.path(table).name}*"):
            target = folder / path.relative_to(export)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
    return RawFiles(folder)
