"""One fault at a time: corrupt, land, and visit the raw door with the assets that could tell."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from expectations.runner import run_door
from expectations.suite_files import SUITES_FOLDER
from tests.faults.catalogue import Fault
from tests.faults.raw_files import copy_files
from warehouse.errors import IngestError
from warehouse.ingest.ingest import ingest


@dataclass(frozen=True, slots=True)
class Outcome:
    """What ingest said (a refusal, or its ledger of rejects) and what the raw door found broken."""

    refusal: str
    rejects: str
    failed: frozenset[str]


def raw_suite_of(expectations: Iterable[str], folder: Path) -> Path:
    """The raw suite with the assets that hold `expectations`: the others cannot change the outcome."""
    wanted = set(expectations)
    suite = json.loads((SUITES_FOLDER / "raw.json").read_text(encoding="utf-8"))
    suite["assets"] = [a for a in suite["assets"] if wanted.intersection(e["name"] for e in a["expectations"])]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "raw.json").write_text(json.dumps(suite), encoding="utf-8")
    return folder


def visit_raw_door(landing: Path, folder: Path, expectations: Iterable[str]) -> frozenset[str]:
    """Names of the expectations that do not hold, among the assets of `expectations`."""
    with duckdb.connect() as connection:
        table = run_door(
            connection,
            door="raw",
            cohort="synthetic",
            raw_folder=str(landing),
            pages_folder=folder / "quality" / "synthetic",
            suites_folder=raw_suite_of(expectations, folder / "suites"),
            accepted_exceptions=folder / "no_exceptions.csv",
        )
    return frozenset(row["expectation"] for row in table.to_pylist() if not row["is_success"])


def run_fault(fault: Fault, export: Path, folder: Path, *, is_corrupted: bool = True) -> Outcome:
    """Copy what the fault needs, put it in, land it, and look."""
    files = copy_files(export, folder / "export", fault.files)
    if is_corrupted:
        fault.corrupt(files)
    try:
        landing, _ = ingest(folder / "export", cohort="synthetic", to=folder / "raw")
    except IngestError as refused:
        return Outcome(str(refused), "", frozenset())
    rejected = json.loads((landing / "profile.json").read_text(encoding="utf-8"))["rejected"]
    failed = visit_raw_door(landing, folder, fault.caught_by) if fault.door == "raw" else frozenset()
    return Outcome("", json.dumps(rejected), failed)
