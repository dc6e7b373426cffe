"""What a raw file is made of, from its first bytes: compression, encoding, delimiter, header and a sample of rows."""

import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path

from warehouse.errors import IngestError
from warehouse.ingest.faults import refuse
from warehouse.ingest.foreign_formats import HEAD_BYTES, refuse_foreign_format
from warehouse.ingest.headers import is_eid_name
from warehouse.ingest.overrides import Overrides
from warehouse.ingest.reject_limits import MAX_REJECTED_SHARE, max_rejected_share
from warehouse.ingest.stream import GZIP_MAGIC, CleanStream

SAMPLE_BYTES = 4 << 20
SAMPLE_ROWS = 2_000
# A few ragged rows do not change the delimiter: they are rejected one by one later.
SHARE_OF_AGREEING_ROWS = 0.9
# Rows may hold one cell more than the header: a delimiter that ends every row, or the row numbers of R's write.table.
NO_NAME = ""
FEWEST_NUMBERED_ROWS = 5
# A quote behind a backslash and before text: R's write.table escapes so unless told otherwise; no CSV reader reads it.
ESCAPED_QUOTE = re.compile(r'\\"(?=[^",;|\s])')

# Cells that a quote opens, and those that the next one closes; a row in which one is not closed makes no other file.
OPENED = re.compile(r'(?:^|[,\t;|\n])"')
ENCLOSED = re.compile(r'(?:^|(?<=[,\t;|\n]))"(?:[^"\n]|"")*"(?=[,\t;|\r\n]|$)')
FEWEST_ENCLOSED = 10

DELIMITERS = {"tab": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "space": " "}
DELIMITER_NAMES = {sign: name for name, sign in DELIMITERS.items()}


@dataclass(frozen=True, slots=True)
class Shape:
    """The shape of one delimited text file."""

    path: Path
    name: str
    size: int
    compression: str
    encoding: str
    delimiter: str
    is_quoted: bool
    squeeze_spaces: bool
    has_line_breaks: bool
    ends_in_delimiter: bool
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    evidence: str
    max_rejected_share: float = MAX_REJECTED_SHARE

    @property
    def is_header_only(self) -> bool:
        return bool(self.delimiter) and not self.rows


def _head(path: Path, name: str, encoding: str) -> tuple[bytes, bool]:
    """Up to SAMPLE_BYTES of checked UTF-8, and whether the file ends there."""
    stream = CleanStream(path, where=name, encoding=encoding)
    chunks: list[bytes] = []
    total = 0
    try:
        while total < SAMPLE_BYTES:
            chunk = stream.read(1 << 20)
            if not chunk:
                return b"".join(chunks), True
            chunks.append(chunk)
            total += len(chunk)
    finally:
        stream.close()
    return b"".join(chunks), False


def _encoding(magic: bytes, name: str, overrides: Overrides) -> tuple[str, str]:
    chosen = overrides.get("encoding", name)
    if chosen:
        try:
            "".encode(chosen)
        except LookupError:
            raise refuse(
                name, f"an encoding has a Python name; {chosen} is none", "for example latin-1 or cp1252"
            ) from None
        return chosen, "override"
    if magic[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16", "byte order mark"
    return "utf-8", "every byte is checked"


def _is_quoted(text: str) -> bool:
    """Whether double quotes enclose cells: they stand around some, and rows cut by them agree with the header as well.

    Where none is seen, tab-separated lines are taken as they are: a lone quote further down is one of a free text, and
    would swallow the rows behind it.
    """
    if '"' not in text:
        return "\t" not in text.partition("\n")[0]
    opening = sum(text.count(f'{sign}"') for sign in (",", "\t", ";", "|", " ", "\n")) + text.startswith('"')
    closing = sum(text.count(f'"{sign}') for sign in (",", "\t", ";", "|", " ", "\n", "\r")) + text.endswith('"')
    if opening == 0 or closing == 0:
        return False
    return _best_agreement(text, True) >= _best_agreement(text, False) or _encloses_cells(text)


def _encloses_cells(text: str) -> bool:
    """Whether quotes at the beginning of cells are closed at their end, but for accidents."""
    n_enclosed = len(ENCLOSED.findall(text))
    return n_enclosed >= FEWEST_ENCLOSED and n_enclosed >= SHARE_OF_AGREEING_ROWS * len(OPENED.findall(text))


def _best_agreement(text: str, is_quoted: bool) -> float:
    tried = (_rows(text, sign, is_quoted) for sign in DELIMITERS.values())
    return max((_agreement(rows) for rows in tried if rows and len(rows[0]) > 1), default=0.0)


def _rows(text: str, delimiter: str, is_quoted: bool) -> list[list[str]]:
    csv.field_size_limit(SAMPLE_BYTES * 2)
    lines = io.StringIO(text, newline="")
    if is_quoted:
        reader = csv.reader(lines, delimiter=delimiter)
    else:
        reader = csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE)
    rows: list[list[str]] = []
    for row in reader:
        if row:
            rows.append(row)
        if len(rows) > SAMPLE_ROWS:
            break
    return rows


def _agreement(rows: list[list[str]]) -> float:
    width = len(rows[0])
    return 1.0 if len(rows) == 1 else sum(len(row) == width for row in rows[1:]) / (len(rows) - 1)


def _with_unnamed_cell(rows: list[list[str]]) -> tuple[list[list[str]], str] | None:
    """The rows under a header that names the cell it leaves out, and which that is; None where nothing tells.

    A first cell that counts the rows is R's row name, which write.table leaves without a header. A last cell that is
    empty in every row is a delimiter at its end.
    """
    header, below = rows[0], rows[1:]
    whole = [row for row in below if len(row) == len(header) + 1]
    if not below or len(whole) < SHARE_OF_AGREEING_ROWS * len(below):
        return None
    # The number first: the last column of a table may be empty throughout.
    if [row[0] for row in whole] == [str(k) for k in range(1, len(whole) + 1)]:
        # A few rows may count by chance: chromosome 1 in a file of one row.
        if len(whole) < FEWEST_NUMBERED_ROWS:
            return None
        return [[NO_NAME, *header], *below], "every row begins with its number, which the header leaves out"
    if all(not row[-1].strip() for row in whole):
        return [[*header, NO_NAME], *below], "every row ends in a delimiter more than the header"
    return None


def _delimiter(text: str, name: str, is_quoted: bool) -> tuple[str, list[list[str]], str]:
    """The delimiter by which header and rows have the same number of cells.

    Raises IngestError where header and rows are cut by different delimiters.
    """
    tried = {sign: _rows(text, sign, is_quoted) for sign in DELIMITERS.values()}
    for sign, rows in tried.items():
        if rows and len(rows[0]) > 1 and _agreement(rows) >= SHARE_OF_AGREEING_ROWS:
            share = f"{len(rows[0]):,} cells in the header and in {_agreement(rows):.0%} of {len(rows) - 1:,} rows"
            return sign, rows, share
    for sign, rows in tried.items():
        if rows and len(rows[0]) > 1 and (found := _with_unnamed_cell(rows)) is not None:
            return sign, found[0], found[1]
    if all(len(row) == 1 for rows in tried.values() for row in rows[1:]) and is_eid_name(text.partition("\n")[0]):
        return "", tried[","], "one column"
    widths = {sign: len(rows[0]) for sign, rows in tried.items() if rows}
    sign = max(widths, key=lambda s: widths[s])
    if widths[sign] > 1:
        # A single-column list (withdrawals) may hold free text in its first line; a table may not.
        others = [
            DELIMITER_NAMES[other]
            for other, rows in tried.items()
            if other != sign and any(len(row) == widths[sign] for row in rows[1:])
        ]
        ragged = sum(len(row) != widths[sign] for row in tried[sign][1:])
        said = f"the header is cut by {DELIMITER_NAMES[sign]}"
        said += f", other lines by {' and '.join(others)}" if others else ", the rows below have other numbers of cells"
        raise refuse(
            name,
            f"one delimiter cuts every line into as many cells as the header has; {said}",
            f"export the file again, or say --override delimiter:{name}=tab (or comma, space)",
            ragged,
        )
    return "", tried[","], "one column"


def look_at(path: Path, *, name: str, overrides: Overrides) -> Shape:
    """The shape of a raw file.

    Raises IngestError for a file that cannot be opened, is empty, is not text, or mixes delimiters.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as handle:
            magic = handle.read(HEAD_BYTES)
    except OSError as bad:
        raise refuse(name, f"a file can be opened; the system says: {bad.strerror}", "check its permissions") from bad
    if size == 0:
        raise refuse(name, "a file has content; this one is empty", "export it again or move it away")
    refuse_foreign_format(magic, path=path, name=name)
    is_gz = magic.startswith(GZIP_MAGIC)
    encoding, encoding_evidence = _encoding(b"" if is_gz else magic, name, overrides)
    head, is_whole = _head(path, name, encoding)
    if not is_whole:
        head = head[: head.rfind(b"\n") + 1] or head
    text = head.decode("utf-8", errors="ignore")
    if not text.strip():
        raise refuse(name, "a file has content; this one holds blank lines only", "export it again or move it away")
    is_quoted = _is_quoted(text)
    if is_quoted and (n_escaped := sum(bool(ESCAPED_QUOTE.search(line)) for line in text.splitlines())):
        raise refuse(
            name,
            "a quote inside a quoted cell is doubled; here it stands behind a backslash",
            "write the file again with doubled quotes (R: write.csv, or write.table(qmethod = 'double'))",
            n_escaped,
        )
    lines = text.splitlines()
    squeeze = "\t" not in lines[0] and "," not in lines[0] and ("  " in lines[0] or lines[0].startswith(" "))
    if squeeze:
        text = "\n".join(" ".join(line.split()) for line in lines)
    chosen = overrides.get("delimiter", name)
    if chosen:
        delimiter, evidence = DELIMITERS[chosen], "override"
        rows = _rows(text, delimiter, is_quoted)
        if rows and (found := _with_unnamed_cell(rows)) is not None:
            rows, evidence = found[0], f"override; {found[1]}"
    else:
        delimiter, rows, evidence = _delimiter(text, name, is_quoted)
    return Shape(
        path=path,
        name=name,
        size=size,
        compression="gzip" if is_gz else "none",
        encoding=encoding,
        delimiter=delimiter,
        is_quoted=is_quoted,
        squeeze_spaces=squeeze,
        has_line_breaks=any("\n" in cell for row in rows for cell in row),
        ends_in_delimiter=len(rows[0]) > 1 and rows[0][-1] == NO_NAME,
        header=tuple(cell.strip() for cell in rows[0]),
        rows=tuple(tuple(row) for row in rows[1:] if len(row) == len(rows[0])),
        max_rejected_share=max_rejected_share(overrides, name),
        evidence=f"{encoding} ({encoding_evidence}); {DELIMITER_NAMES.get(delimiter, 'no')} delimiter ({evidence})",
    )


def refuse_duplicate_columns(shape: Shape) -> None:
    """Raises IngestError naming the columns that stand twice in the header."""
    seen: set[str] = set()
    twice: list[str] = []
    for column in shape.header:
        if column in seen and column not in twice:
            twice.append(column)
        seen.add(column)
    if twice:
        named = ", ".join(twice[:5]) + (" ..." if len(twice) > 5 else "")
        raise refuse(
            shape.name,
            f"a column stands once in a header; twice: {named}",
            "leave the repeated columns out (two fields may bear one title: header_style FIELD-NAME tells them apart)",
            len(twice),
        )


__all__ = ["IngestError", "Shape", "look_at", "refuse_duplicate_columns"]
