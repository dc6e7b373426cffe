"""What no tracked file may hold: numbers that read as participant ids, registry hosts, a machine's paths."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# UK Biobank's audit takes these for participant ids: seven digits from 1,000,000 to 6,500,000 standing alone.
PARTICIPANT_ID = re.compile(r"(?<![0-9.A-Za-z_])[1-6][0-9]{6}(?![0-9.])")
REGISTRY = re.compile(r"pypi\.org|pythonhosted|npmjs|deb\.debian|" + "files" + r"\.python", re.IGNORECASE)
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:tmp|root|home|farm)/\w")


def tracked_files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


def lines_that_match(pattern: re.Pattern[str]) -> list[str]:
    found = []
    for path in tracked_files():
        if path.suffix in (".lock", ".png", ".svg") or path == Path(__file__):
            continue
        for i, line in enumerate(path.read_text(encoding="utf-8", errors="ignore").splitlines(), start=1):
            if pattern.search(line):
                found.append(f"{path.relative_to(ROOT)}:{i}")
    return found


def test_no_number_could_be_a_participant_id() -> None:
    assert lines_that_match(PARTICIPANT_ID) == []


def test_no_registry_host_is_named() -> None:
    assert lines_that_match(REGISTRY) == []


def test_no_path_of_a_machine_is_named() -> None:
    assert lines_that_match(MACHINE_PATH) == []
