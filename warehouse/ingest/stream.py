"""Decompressed, checked UTF-8 bytes of a raw file: NUL bytes, a cut gzip a wrong encoding stop here."""

import codecs
import gzip
import io
import re
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, cast

from isal import igzip, igzip_lib

from warehouse.errors import IngestError
from warehouse.ingest.faults import refuse

GZIP_MAGIC = b"\x1f\x8b"
# What stands above a header and is none: comments of PLINK 2 and VCF-like files, and Excel's word for the delimiter.
COMMENTS = (b"##", b"sep=")
RUN_OF_SPACES = re.compile(rb" {2,}")
EDGE_SPACES = re.compile(rb"^ +| +(?=\r?$)", re.MULTILINE)


def is_gzip(path: Path) -> bool:
    with path.open("rb") as handle:
        return handle.read(2) == GZIP_MAGIC


class CleanStream(io.RawIOBase):
    """A readable stream of UTF-8 bytes.

    path : the raw file, gzip or plain (told by its first bytes, not its name).
    where : how faults name the file.
    encoding : Python codec of the file; anything but UTF-8 is recoded on the way.
    Lines before the header that begin with ## (PLINK 2, VCF-like headers) or sep= (Excel) are left out.
    squeeze_spaces : runs of spaces become one space and edge spaces go (aligned, space-separated files).
    advance : told the number of raw bytes consumed, for progress.
    """

    def __init__(
        self,
        path: Path,
        *,
        where: str,
        encoding: str = "utf-8",
        squeeze_spaces: bool = False,
        advance: Callable[[int], None] | None = None,
    ) -> None:
        super().__init__()
        self.where = where
        self.fault: IngestError | None = None
        self.line = 1
        self._raw = path.open("rb")
        self._is_gzip = is_gzip(path)
        self._source = cast(BinaryIO, igzip.IGzipFile(fileobj=self._raw)) if self._is_gzip else self._raw
        self._encoding = encoding
        self._recodes = codecs.lookup(encoding).name not in ("utf-8", "utf-8-sig", "ascii")
        self._decoder = codecs.getincrementaldecoder(encoding if self._recodes else "utf-8")()
        self._squeezes = squeeze_spaces
        self._advance = advance
        self._told = 0
        self._tail = b""
        self._at_start = True
        self._before_header: bytes | None = b""
        self.n_comment_lines = 0

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self._raw.close()
        super().close()

    def read(self, size: int = -1, /) -> bytes:
        if size is None or size < 0:
            return b"".join(iter(lambda: self.read(1 << 20), b""))
        while True:
            chunk = self._source_bytes(size)
            out = self._checked(chunk)
            if out or not chunk:
                return out

    def readall(self) -> bytes:
        return self.read(-1)

    def readinto(self, buffer: object, /) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)

    def _stop(self, rule: str, remedy: str) -> IngestError:
        # Arrow may rewrap an exception raised inside its reader: the caller finds the fault here.
        self.fault = refuse(self.where, rule, remedy)
        return self.fault

    def _source_bytes(self, size: int) -> bytes:
        try:
            chunk = self._source.read(size)
        except EOFError as cut:
            raise self._stop(
                f"a gzip file ends with its end marker; this one is cut after line {self.line:,}",
                "copy or download the file again",
            ) from cut
        except (gzip.BadGzipFile, zlib.error, igzip_lib.IsalError) as bad:  # type: ignore[misc]  # a class, typed as an instance
            raise self._stop(
                f"a gzip file unpacks whole; this one is damaged after line {self.line:,}",
                "copy or download the file again (gzip -t FILE tests it)",
            ) from bad
        except OSError as bad:
            raise self._stop(
                "a file can be read to its end", f"the system says: {bad.strerror or 'input error'}"
            ) from bad
        if self._advance is not None:
            told = self._raw.tell()
            self._advance(told - self._told)
            self._told = told
        return chunk

    def _checked(self, chunk: bytes) -> bytes:
        final = not chunk
        if self._recodes:
            try:
                chunk = self._decoder.decode(chunk, final=final).encode("utf-8")
            except UnicodeDecodeError as bad:
                raise self._stop(
                    f"the text is {self._encoding}; near line {self.line:,} it is not",
                    "give another --override encoding",
                ) from bad
        if b"\0" in chunk:
            line = self.line + chunk[: chunk.index(b"\0")].count(b"\n")
            raise self._stop(
                f"a text file holds no NUL bytes; line {line:,} does",
                "the copy is damaged, or the file is UTF-16: copy it again, or --override encoding=utf-16",
            )
        if not self._recodes and not (chunk.isascii() and not self._decoder.getstate()[0]):
            self._check_utf8(chunk, final)
        if self._at_start and chunk:
            chunk = chunk.removeprefix(codecs.BOM_UTF8)
            self._at_start = False
        self.line += chunk.count(b"\n")
        if self._before_header is not None:
            chunk = self._without_comments(self._before_header + chunk, final)
        return self._squeezed(chunk, final) if self._squeezes else chunk

    def _without_comments(self, held: bytes, final: bool) -> bytes:
        """What stands after the comment lines; nothing, and all of it held back, while their end is not seen."""
        while held.startswith(COMMENTS) and b"\n" in held:
            held = held.partition(b"\n")[2]
            self.n_comment_lines += 1
        is_open = held.startswith(COMMENTS) or any(start.startswith(held) for start in COMMENTS)
        self._before_header = held if is_open and not final else None
        return b"" if self._before_header is not None else held

    def _check_utf8(self, chunk: bytes, final: bool) -> None:
        try:
            self._decoder.decode(chunk, final=final)
        except UnicodeDecodeError as bad:
            line = self.line + chunk[: bad.start].count(b"\n")
            # 0x80 to 0x9f are control characters in Latin-1 and typographic signs in Windows-1252.
            guess = "cp1252" if any(0x80 <= byte < 0xA0 for byte in chunk[bad.start : bad.start + 1]) else "latin-1"
            raise self._stop(
                f"the text is UTF-8; line {line:,} holds other bytes (they would be a letter in {guess})",
                f"save the file as UTF-8, or say --override encoding:{self.where}={guess}",
            ) from bad

    def _squeezed(self, chunk: bytes, final: bool) -> bytes:
        # Whole lines only, so that a run of spaces cut by the block border is seen whole.
        whole, newline, self._tail = (self._tail + chunk).rpartition(b"\n")
        if final:
            newline, self._tail = newline + self._tail, b""
        return RUN_OF_SPACES.sub(b" ", EDGE_SPACES.sub(b"", whole + newline))
