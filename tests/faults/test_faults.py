"""Every fault is named by its check at its door; the same checks hold where nothing was put in."""

import csv
import shutil
from collections import Counter
from pathlib import Path

import duckdb
import pytest

from expectations.suite_files import DOORS, load_suite
from tests.faults.catalogue import AT_INGEST, AT_MARTS, AT_RAW, AT_STAGING, FAULTS, Fault
from tests.faults.raw_files import RawFiles
from tests.faults.runs import run_fault, visit_raw_door
from tests.faults.table import DOCS, PAGES, as_csv, as_docs
from tests.pipeline.conftest import copy_project
from warehouse.ingest.ingest import ingest

FEWEST_FAULTS = 40


def test_catalogue__is_large_and_names_checks_that_exist() -> None:
    assert len(FAULTS) >= FEWEST_FAULTS
    assert [what for what, n in Counter(one.what for one in FAULTS).items() if n > 1] == []
    names = {door: {e.name for asset in load_suite(door).assets for e in asset.expectations} for door in DOORS}
    unknown = [
        (one.what, name)
        for one in FAULTS
        if one.door != "ingest"
        for name in one.caught_by
        if name not in names[one.door]
    ]
    assert unknown == []


def test_table__in_docs_and_pages_is_current() -> None:
    assert DOCS.read_text(encoding="utf-8") == as_docs(), "run python -m tests.faults"
    assert PAGES.read_text(encoding="utf-8") == as_csv(), "run python -m tests.faults"
    with PAGES.open(newline="", encoding="utf-8") as stream:
        assert len(list(csv.DictReader(stream))) == len(FAULTS)


@pytest.mark.parametrize("fault", AT_INGEST, ids=lambda fault: fault.what)
def test_ingest__names(fault: Fault, export: Path, tmp_path: Path) -> None:
    outcome = run_fault(fault, export, tmp_path)
    assert [words for words in fault.caught_by if words not in outcome.refusal + outcome.rejects] == []


@pytest.mark.parametrize("fault", AT_RAW, ids=lambda fault: fault.what)
def test_raw_door__names(fault: Fault, export: Path, tmp_path: Path) -> None:
    outcome = run_fault(fault, export, tmp_path)
    assert outcome.refusal == ""
    assert set(fault.caught_by) <= outcome.failed


def test_clean_export__passes_ingest_and_every_check_of_the_raw_door(export: Path, tmp_path: Path) -> None:
    landing, _ = ingest(export, cohort="synthetic", to=tmp_path / "raw")
    every = {e.name for asset in load_suite("raw").assets for e in asset.expectations}
    assert visit_raw_door(landing, tmp_path, every) == frozenset()


@pytest.fixture(scope="module")
def failed_later(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """What the doors name in a cohort with all faults of staging and marts at once; none hides another."""
    project = copy_project(tmp_path_factory.mktemp("later") / "project")
    options = ("--participants=6000", "--seed=11", "--proteins=60", "--metabolomic-share=0", "--snps=0")
    exported = "warehouse/export/synthetic"
    wrote = project.run("-m", "warehouse.synthetic", *options, "--out", exported)
    assert wrote.returncode == 0, wrote.stderr
    for fault in AT_STAGING:
        fault.corrupt(RawFiles(project.folder / exported))
    (project.folder / exported / "spec_stamp.json").unlink()
    ends = project.folder / "warehouse/seeds/censoring_dates.csv"
    with ends.open("a", encoding="utf-8") as stream:
        stream.write("synthetic,England,hospital,2021-10-31,Read off the wrong release\n")
    landed = project.run("-m", "warehouse.ingest", "--from", exported, "--cohort", "synthetic", "--to", "warehouse/raw")
    assert landed.returncode == 0, landed.stderr
    # Without their tests the doors stop nothing, so that one run shows all of them.
    build = ("build", "--select", "+marts_expectations", "--exclude-resource-type", "test", "unit_test")
    finished = project.run("-m", "dbt.cli.main", "--quiet", *build, COHORT="synthetic", OPENBLAS_NUM_THREADS="1")
    assert finished.returncode == 0, finished.stdout + finished.stderr
    found = {}
    with duckdb.connect(str(project.folder / "warehouse/build/study.duckdb"), read_only=True) as connection:
        for door in ("raw", "staging", "marts"):
            query = f"select expectation, severity from quality.{door}_expectations where not is_success"
            rows = connection.execute(query).fetchall()
            found[door] = {name for name, _ in rows}
            found[f"{door} critical"] = {name for name, severity in rows if severity == "critical"}
    shutil.rmtree(project.folder)
    return found


@pytest.mark.parametrize("fault", [*AT_STAGING, *AT_MARTS], ids=lambda fault: fault.what)
def test_later_door__names(fault: Fault, failed_later: dict[str, set[str]]) -> None:
    assert set(fault.caught_by) <= failed_later[fault.door]


def test_later_faults__could_not_be_stopped_earlier(failed_later: dict[str, set[str]]) -> None:
    assert failed_later["raw critical"] == set()
