"""Bytes of a raw file are checked on the way: encodings, NUL, cut gzip, aligned spaces; and read ahead in a thread."""

import gzip
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ingest.small_export import write_text
from warehouse.errors import IngestError
from warehouse.ingest.detect import look_at
from warehouse.ingest.overrides import Overrides
from warehouse.ingest.read_ahead import read_ahead
from warehouse.ingest.rejects import Rejects
from warehouse.ingest.stream import CleanStream
from warehouse.ingest.tables import stream_blocks


def _read(path: Path, size: int, **options: object) -> bytes:
    stream = CleanStream(path, where=path.name, **options)  # type: ignore[arg-type]
    try:
        return b"".join(iter(lambda: stream.read(size), b""))
    finally:
        stream.close()


@pytest.mark.parametrize("size", [1, 2, 3, 5, 1 << 20])
def test_stream__letters_of_several_bytes_survive_any_block_border(tmp_path: Path, size: int) -> None:
    text = "eid,drug\nSYN000001,Kalzium für 70 µg €\n"
    assert _read(write_text(tmp_path / "a.csv", text), size) == text.encode()
    assert _read(write_text(tmp_path / "b.csv.gz", text), size) == text.encode()


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16", "utf-16-le"])
def test_stream__other_encodings_become_utf_8(tmp_path: Path, encoding: str) -> None:
    text = "eid,drug\nSYN000001,für\n"
    assert _read(write_text(tmp_path / "a.csv", text, encoding=encoding), 4, encoding=encoding) == text.encode()


@pytest.mark.parametrize("size", [4, 7, 1 << 20])
def test_stream__runs_of_spaces_become_one(tmp_path: Path, size: int) -> None:
    path = write_text(tmp_path / "a.txt", "  SNP    A1 \n rs1     G\nrs2  T")
    assert _read(path, size, squeeze_spaces=True) == b"SNP A1\nrs1 G\nrs2 T"


def test_stream__a_letter_cut_by_the_end_of_the_file_is_no_utf_8(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("eid\nfü".encode()[:-1])
    with pytest.raises(IngestError, match="the text is UTF-8; line 2"):
        _read(tmp_path / "a.csv", 3)


def test_stream__several_gzip_members_are_one_file(tmp_path: Path) -> None:
    (tmp_path / "a.bgz").write_bytes(gzip.compress(b"eid\n1\n") + gzip.compress(b"2\n"))
    assert _read(tmp_path / "a.bgz", 2) == b"eid\n1\n2\n"


def test_stream_blocks__small_blocks_keep_every_row_and_line(tmp_path: Path) -> None:
    rows = [f"SYN{k:06d},{k}" if k % 50 else f"SYN{k:06d},{k},ragged" for k in range(1, 4001)]
    path = write_text(tmp_path / "a.csv", "\n".join(["eid,n", *rows]) + "\n")
    shape = look_at(path, name="a.csv", overrides=Overrides())
    rejects, lines = Rejects(), []

    def read_all() -> None:
        for block in stream_blocks(shape, rejects=rejects, block_bytes=700):
            texts = block.rows.column("n").to_pylist()
            lines.extend((block.line(index), int(text) + 1) for index, text in enumerate(texts))

    with pytest.raises(IngestError, match=r"\(80 break it\)"):
        read_all()
    assert len(lines) == 3_920
    assert all(line == expected for line, expected in lines)
    assert [line for _, line, _, _ in rejects.lines] == [k + 1 for k in range(50, 4001, 50)]


def test_stream_blocks__quoted_line_breaks_cross_block_borders(tmp_path: Path) -> None:
    rows = [f'SYN{k:06d},"two\nlines {k}"' for k in range(400)]
    path = write_text(tmp_path / "a.csv", "\n".join(["eid,note", *rows]) + "\n")
    shape = look_at(path, name="a.csv", overrides=Overrides())
    notes = [
        n for b in stream_blocks(shape, rejects=Rejects(), block_bytes=333) for n in b.rows.column("note").to_pylist()
    ]
    assert notes == [f"two\nlines {k}" for k in range(400)]


def test_read_ahead__keeps_order_and_raises_in_place() -> None:
    def source() -> Iterator[int]:
        yield from (1, 2, 3)
        raise ValueError("four")

    met: list[int] = []
    with pytest.raises(ValueError, match="four"):
        met.extend(read_ahead(source))
    assert met == [1, 2, 3]


def test_read_ahead__a_consumer_that_stops_stops_the_source() -> None:
    is_closed = threading.Event()

    def source() -> Iterator[int]:
        try:
            yield from range(1_000)
        finally:
            is_closed.set()

    items = read_ahead(source)
    assert next(items) == 0
    items.close()  # type: ignore[attr-defined]
    assert is_closed.wait(2)
