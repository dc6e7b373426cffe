"""Files that are no text and no gzip of text, told by their first bytes: each is refused by name, with the way out."""

import gzip
import zlib
from pathlib import Path

from warehouse.ingest.faults import refuse
from warehouse.ingest.stream import GZIP_MAGIC

HEAD_BYTES = 256
AS_CSV_FROM_R = "write the table as CSV in R: data.table::fwrite(x, 'FILE.csv')"
AS_CSV_FROM_STATA = "write the table as CSV in Stata: export delimited"
# What begins which format, at which byte.
MAGIC: tuple[tuple[int, bytes, str, str], ...] = (
    (0, b"PK\x03\x04", "a zip archive or an Excel workbook", "unzip it, or save the sheet as CSV"),
    (0, b"\xd0\xcf\x11\xe0", "an old Excel workbook", "save the sheet as CSV"),
    (0, b"PAR1", "Parquet", "export the table as CSV"),
    (0, b"ARROW1", "Arrow (feather)", "export the table as CSV"),
    (0, b"\x89HDF", "HDF5", "export the table as CSV"),
    (0, b"SQLite format 3", "an SQLite database", "export its tables as CSV"),
    (8, b"DUCK", "a DuckDB database", "export its tables as CSV: copy TABLE to 'FILE.csv' (header)"),
    (0, b"\xfd7zX", "xz compressed", "unpack it: unxz FILE"),
    (0, b"BZh", "bzip2 compressed", "unpack it: bunzip2 FILE"),
    (0, b"\x28\xb5\x2f\xfd", "zstandard compressed", "unpack it: unzstd FILE"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7-zip archive", "unpack it: 7z x FILE"),
)
# Written by statistics packages; R's also within gzip.
TABLES: tuple[tuple[bytes, str, str], ...] = (
    (b"<stata_dta>", "a Stata data set", AS_CSV_FROM_STATA),
    *(
        (bytes((release, order, 1)), "a Stata data set", AS_CSV_FROM_STATA)
        for release in (113, 114, 115)
        for order in (1, 2)
    ),
    (
        b"\0\0\0\0\0\0\0\0\0\0\0\0\xc2\xea\x81\x60",
        "a SAS data set",
        "write the table as CSV in SAS: proc export dbms=csv",
    ),
    (b"HEADER RECORD*******LIB", "a SAS transport file", "write the table as CSV in SAS: proc export dbms=csv"),
    (b"$FL2", "an SPSS data set", "write the table as CSV in SPSS: SAVE TRANSLATE /TYPE=CSV"),
    (b"$FL3", "an SPSS data set", "write the table as CSV in SPSS: SAVE TRANSLATE /TYPE=CSV"),
    *((start, "an R data file", AS_CSV_FROM_R) for start in (b"RDX2\n", b"RDX3\n", b"X\n\0\0\0", b"A\n3\n", b"A\n2\n")),
)


def refuse_foreign_format(head: bytes, *, path: Path, name: str) -> None:
    """Refuse a file whose `head`, its first HEAD_BYTES, is of another format.

    Raises IngestError with what the file is and how it becomes CSV.
    """
    for start, magic, what, remedy in MAGIC:
        if head[start:].startswith(magic):
            raise refuse(name, f"exports are text or gzip; this is {what}", remedy)
    inner = _inside_gzip(path) if head.startswith(GZIP_MAGIC) else head
    for magic, what, remedy in TABLES:
        if inner.startswith(magic):
            raise refuse(name, f"exports are text or gzip of text; this is {what}", remedy)


def _inside_gzip(path: Path) -> bytes:
    """The first bytes that are compressed; nothing where the file is damaged, which is told by who reads it."""
    try:
        with gzip.open(path, "rb") as inner:
            return inner.read(HEAD_BYTES)
    except (OSError, EOFError, zlib.error):
        return b""
