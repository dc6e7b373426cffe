"""One text that changes when an input, a choice or the reader changes; a run that finds it in place does nothing."""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from stat import S_ISREG

from warehouse.ingest.fields import SEEDS

# Raise it whenever the same files would land differently than before.
READER_VERSION = "6"
SEEDS_READ = ("ukb_fields.csv", "nmr_biomarkers.csv", "olink_assays.csv", "value_labels.csv")
EDGE_BYTES = 1 << 16


def _edges(path: Path) -> bytes:
    """The first and last bytes: size and time alone miss a file replaced in place."""
    with path.open("rb") as handle:
        head = handle.read(EDGE_BYTES)
        handle.seek(max(0, path.stat().st_size - EDGE_BYTES))
        return head + handle.read()


def fingerprint(files: Iterable[Path], *, folder: Path, choices: Iterable[str]) -> str:
    """Digest of the inputs: names, sizes, times and edges of files, choices, seeds and reader version."""
    digest = hashlib.blake2b(digest_size=16)
    digest.update(READER_VERSION.encode())
    for choice in sorted(choices):
        digest.update(f"\0{choice}".encode())
    for name in SEEDS_READ:
        seed = SEEDS / name
        digest.update(f"\0{name}\0".encode() + (seed.read_bytes() if seed.exists() else b""))
    for path in files:
        digest.update(f"\0{path.relative_to(folder).as_posix()}\0".encode())
        # A link that leads nowhere, a pipe or a closed file is refused by name when it is looked at.
        try:
            stat = path.stat()
            digest.update(f"{stat.st_size}\0{stat.st_mtime_ns}\0".encode())
            digest.update(_edges(path) if S_ISREG(stat.st_mode) else b"no file")
        except OSError:
            digest.update(b"unreadable")
    return digest.hexdigest()
