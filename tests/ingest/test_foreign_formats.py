"""Files that are no text are refused by what they are, never by what a text reader stumbles over in them."""

import bz2
import gzip
import lzma
import sqlite3
import zipfile
from collections.abc import Callable
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest

from warehouse.errors import IngestError
from warehouse.ingest.detect import look_at
from warehouse.ingest.overrides import Overrides

TABLE = pd.DataFrame({"eid": ["SYN000001", "SYN000002"], "p31": ["0", "1"]})
TEXT = TABLE.to_csv(index=False).encode()
SAS = bytes(12) + b"\xc2\xea\x81\x60\xb3\x14\x11\xcf" + bytes(200)
# As R 4 writes them: saveRDS (gzip by default, plain, ascii) and save.
RDS, RDS_ASCII = b"X\n\0\0\0\x03\0\x04\x03\x01\0\x03\x05\0", b"A\n3\n262914\n197888\n"
RDATA = b"RDX3\nX\n\0\0\0\x03"


def _sqlite(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("create table participant (eid text)")
    connection.close()


def _duckdb(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table participant (eid varchar)")


def _zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("participant.csv", TEXT)


CASES: dict[str, tuple[Callable[[Path], object], str]] = {
    "stata 114": (lambda path: TABLE.to_stata(path, version=114, write_index=False), "a Stata data set"),
    "stata 118": (lambda path: TABLE.to_stata(path, version=118, write_index=False), "a Stata data set"),
    "sas": (lambda path: path.write_bytes(SAS), "a SAS data set"),
    "spss": (lambda path: path.write_bytes(b"$FL2@(#) SPSS DATA FILE" + bytes(100)), "an SPSS data set"),
    "rds": (lambda path: path.write_bytes(gzip.compress(RDS)), "an R data file"),
    "rds, plain": (lambda path: path.write_bytes(RDS), "an R data file"),
    "rds, ascii": (lambda path: path.write_bytes(gzip.compress(RDS_ASCII)), "an R data file"),
    "rdata": (lambda path: path.write_bytes(gzip.compress(RDATA)), "an R data file"),
    "parquet": (lambda path: pa.parquet.write_table(pa.Table.from_pandas(TABLE), path), "Parquet"),
    "feather": (lambda path: pa.feather.write_feather(TABLE, str(path)), "Arrow (feather)"),
    "sqlite": (_sqlite, "an SQLite database"),
    "duckdb": (_duckdb, "a DuckDB database"),
    "zip": (_zip, "a zip archive or an Excel workbook"),
    "xz": (lambda path: path.write_bytes(lzma.compress(TEXT)), "xz compressed"),
    "bzip2": (lambda path: path.write_bytes(bz2.compress(TEXT)), "bzip2 compressed"),
}


@pytest.mark.parametrize("case", CASES)
def test_other_format__is_refused_by_its_name(tmp_path: Path, case: str) -> None:
    write, what = CASES[case]
    path = tmp_path / "participant.csv"  # the name says nothing
    write(path)
    with pytest.raises(IngestError) as refused:
        look_at(path, name=path.name, overrides=Overrides())
    said = str(refused.value)
    assert f"this is {what}" in said
    assert any(word in said for word in ("CSV", "unpack it", "unzip it"))


@pytest.mark.parametrize("packed", [False, True])
def test_text__is_none_of_them(tmp_path: Path, packed: bool) -> None:
    path = tmp_path / "participant.csv"
    path.write_bytes(gzip.compress(TEXT) if packed else TEXT)
    assert look_at(path, name=path.name, overrides=Overrides()).header == ("eid", "p31")
