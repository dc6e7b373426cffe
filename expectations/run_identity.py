"""Which run this is: of which landing, by which specification. Same landing and same specification, same rows."""

import hashlib
import platform
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
# Everything that decides what a build finds, apart from the landing.
SPECIFICATION = (
    "dbt_project.yml",
    "requirements.lock",
    "models",
    "python_models",
    "warehouse/macros",
    "warehouse/seeds",
    "expectations/suites",
)
SPECIFYING = frozenset({".sql", ".py", ".yml", ".csv", ".json", ".lock"})
# A seed of excuses changes what counts as accepted, never a row.
NOT_SPECIFYING = frozenset({"accepted_exceptions.csv"})
DIGEST_BYTES = 8
BLOCK_BYTES = 1 << 22


@dataclass(frozen=True, slots=True)
class RunIdentity:
    """run_id : of the dbt invocation, or of a recheck of what is published. kind : build or recheck."""

    run_id: str
    kind: str
    landing_hash: str
    spec_hash: str


def landing_hash(landing: Path) -> str:
    """Digest of what was landed: every table by name and bytes, not the times of the files it came from."""
    return _digest(sorted(landing.rglob("*.parquet")), below=landing)


def spec_hash(root: Path = ROOT, *, options: str = "") -> str:
    """Digest of models, seeds, suites, pinned libraries and Python; `options` are those given to this run."""
    files: list[Path] = []
    for name in SPECIFICATION:
        path = root / name
        found = path.rglob("*") if path.is_dir() else [path]
        files += [f for f in found if f.suffix in SPECIFYING and f.name not in NOT_SPECIFYING and f.is_file()]
    return _digest(sorted(files), below=root, also=f"{platform.python_version()}\0{options}")


def _digest(files: Iterable[Path], *, below: Path, also: str = "") -> str:
    digest = hashlib.blake2b(also.encode(), digest_size=DIGEST_BYTES)
    for path in files:
        digest.update(f"\0{path.relative_to(below).as_posix()}\0{path.stat().st_size}\0".encode())
        with path.open("rb") as stream:
            while block := stream.read(BLOCK_BYTES):
                digest.update(block)
    return digest.hexdigest()
