"""Bad input: one clear message, a non-zero exit, nothing half-written, the last good study untouched."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.pipeline.conftest import SMALL, Project

pytestmark = pytest.mark.pipeline


def fingerprint(project: Project) -> tuple[int, int]:
    stat = (project.folder / "warehouse/study.duckdb").stat()
    return stat.st_ino, stat.st_mtime_ns


def test_unknown_cohort_names_the_known_ones(unbuilt: Callable[[], Project]) -> None:
    finished = unbuilt().build("--cohort", "narnia")
    assert finished.returncode == 6
    assert "export, nhefs, synthetic" in finished.stderr
    assert "Traceback" not in finished.stderr


def test_a_build_without_a_landing_says_how_to_get_one(unbuilt: Callable[[], Project]) -> None:
    finished = unbuilt().build("--cohort", "export")
    assert finished.returncode == 6
    assert "make ingest FROM=" in finished.stderr


def test_bare_dbt_without_a_landing_says_so_too(unbuilt: Callable[[], Project]) -> None:
    project = unbuilt()
    dbt = str(Path(sys.executable).parent / "dbt")
    finished = subprocess.run(
        [dbt, "build"], cwd=project.folder, env=project.environment(), capture_output=True, text=True, check=False
    )
    assert finished.returncode != 0
    assert "run `make build`" in finished.stdout


def test_a_wrong_type_in_a_seed_stops_before_anything_is_written(rebuilt: Project) -> None:
    before = fingerprint(rebuilt)
    seed = rebuilt.folder / "warehouse/seeds/exposure_scalings.csv"
    seed.write_text(seed.read_text().replace("per_units,5,", "per_units,five,"))
    finished = rebuilt.build(*SMALL)
    assert finished.returncode == 3
    assert "exposure_scalings.csv: column detail holds double values" in finished.stderr
    assert fingerprint(rebuilt) == before


def test_a_study_row_that_names_nothing_is_refused(rebuilt: Project) -> None:
    seed = rebuilt.folder / "warehouse/seeds/arms.csv"
    seed.write_text(seed.read_text().replace("sarcopenia_osteoporosis,bone", "sarcopenia,bone"))
    finished = rebuilt.build(*SMALL)
    assert finished.returncode == 3
    assert "study is listed in studies.csv" in finished.stderr


@pytest.mark.parametrize(
    ("break_export", "message"),
    [
        (lambda folder: [path.unlink() for path in folder.rglob("*.*") if path.is_file()], "empty"),
        (
            lambda folder: (folder / "participant.csv").write_text(
                (folder / "participant.csv").read_text().replace("participant.p53_i0", "participant.p99999_i0", 1)
            ),
            "53",
        ),
        (lambda folder: (folder / "participant.csv").write_bytes(b"\x00\xff\x00" * 4000), "participant.csv"),
    ],
    ids=["empty export", "missing required field", "unreadable file"],
)
def test_a_bad_export_is_refused_and_the_last_landing_stays(
    rebuilt: Project, break_export: Callable[[Path], object], message: str
) -> None:
    export = rebuilt.folder / "warehouse/export/synthetic"
    landing = rebuilt.folder / "warehouse/raw/synthetic/profile.json"
    before = landing.read_bytes()
    break_export(export)
    finished = rebuilt.run("-m", "warehouse.ingest", "--from", str(export), "--cohort", "synthetic")
    assert finished.returncode == 4, finished.stdout + finished.stderr
    assert message in finished.stderr
    assert "Traceback" not in finished.stderr
    assert landing.read_bytes() == before


def test_a_critical_expectation_stops_what_is_behind_it_and_names_the_remedy(rebuilt: Project) -> None:
    """A landing spoiled behind ingest's back: every man's sex lost."""
    before = fingerprint(rebuilt)
    spoil = (
        "import duckdb; p='warehouse/raw/synthetic/participant.parquet'; c=duckdb.connect(); "
        "c.execute(f\"create table t as select * replace (replace(p31, '1', '7') as p31) from '{p}'\"); "
        "c.execute(f\"copy t to '{p}' (format parquet)\")"
    )
    assert rebuilt.run("-c", spoil).returncode == 0
    dbt = str(Path(sys.executable).parent / "dbt")
    finished = subprocess.run(
        [dbt, "build"], cwd=rebuilt.folder, env=rebuilt.environment(), capture_output=True, text=True, check=False
    )
    assert finished.returncode != 0
    assert "raw door, critical" in finished.stdout
    assert "->" in finished.stdout
    assert "The last good study file is untouched" in finished.stdout
    assert fingerprint(rebuilt) == before


def test_a_bare_dbt_build_names_a_suites_faults_before_it_builds_anything(rebuilt: Project) -> None:
    suite = rebuilt.folder / "expectations/suites/results.json"
    suite.write_text(suite.read_text().replace("expect_column_values_to_be_between", "expect_column_values_betwen", 1))
    dbt = str(Path(sys.executable).parent / "dbt")
    finished = subprocess.run(
        [dbt, "build"], cwd=rebuilt.folder, env=rebuilt.environment(), capture_output=True, text=True, check=False
    )
    assert finished.returncode != 0
    assert "expectations/suites/results.json, line " in finished.stdout
    assert "did you mean expect_column_values_to_be_between" in finished.stdout
    assert "Traceback" not in finished.stdout
    assert " of " not in finished.stdout.partition("Concurrency")[2], "no node began"


@pytest.mark.parametrize("seconds", [3.0, 12.0, 24.0])
def test_a_build_killed_at_any_moment_leaves_the_last_good_study(rebuilt: Project, seconds: float) -> None:
    before = rebuilt.query("select count(*), sum(n_events) from results.hazard_ratios")
    process = subprocess.Popen(
        [sys.executable, "-m", "warehouse.build", *SMALL, "--seed", "77"],
        cwd=rebuilt.folder,
        env=rebuilt.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    time.sleep(seconds)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert rebuilt.query("select count(*), sum(n_events) from results.hazard_ratios") == before
    else:
        assert process.returncode == 0
