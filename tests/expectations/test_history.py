"""The history outlives the published database, stays bounded, and answers what drifted between two exports."""

import json
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from conftest import WriteSuite
from small_suites import NOW, a_suite, an_asset, an_expectation

from expectations import history
from expectations.history import read_history, remember_tables
from expectations.run_identity import RunIdentity, landing_hash, spec_hash
from expectations.runner import run_door

BY_GROUP = an_asset(
    an_expectation("shares", kwargs={"column": "mean_height_m", "min_value": 1, "max_value": 3}),
    name="groups",
    key=["grp"],
    query="select grp, count(*) as n_participants, avg(height_m) as mean_height_m from people group by grp",
)


@pytest.fixture
def visit(connection: duckdb.DuckDBPyConnection, write_suite: WriteSuite, no_exceptions: Path, tmp_path: Path) -> Any:
    """Runs the raw door as a build of a landing, minutes after the first; gives the folder of the history."""

    def run(*, landing: str = "one", minute: int = 0, cohort: str = "synthetic", suite: Any = None) -> Path:
        run_door(
            connection,
            door="raw",
            cohort=cohort,
            raw_folder="nowhere",
            pages_folder=tmp_path / "quality" / cohort,
            now=NOW + timedelta(minutes=minute),
            suites_folder=write_suite(suite or a_suite(BY_GROUP)),
            accepted_exceptions=no_exceptions,
            identity=RunIdentity(f"run-{cohort}-{minute}", "build", landing, "spec"),
        )
        return tmp_path / "quality"

    return run


def test_history__adds_a_run_and_keeps_those_of_other_cohorts(visit: Any) -> None:
    visit()
    visit(minute=1)
    quality = visit(minute=2, cohort="nhefs")
    rows = read_history(quality, "findings").to_pylist()
    assert [(row["cohort"], row["run_id"]) for row in rows] == [
        ("synthetic", "run-synthetic-0"), ("synthetic", "run-synthetic-1"), ("nhefs", "run-nhefs-2"),
    ]  # fmt: skip
    assert {row["landing_hash"] for row in rows} == {"one"}


def test_history__keeps_aggregates_of_ten_people_and_more(visit: Any) -> None:
    quality = visit()
    (finding,) = read_history(quality, "findings").to_pylist()
    assert (finding["observed_low"], finding["observed_high"]) == (pytest.approx(1.725), pytest.approx(1.77))
    seen = read_history(quality, "observations").to_pylist()
    assert {row["observed_of"] for row in seen} == {f"group {k}" for k in range(10)}, "the group of three is left out"
    assert {row["measure"] for row in seen} == {"n_participants", "mean_height_m"}


def test_history__holds_no_value_of_a_record(visit: Any) -> None:
    quality = visit(suite=a_suite(an_asset(an_expectation())))
    (finding,) = read_history(quality, "findings").to_pylist()
    assert (finding["observed_low"], finding["observed_median"], finding["observed_high"]) == (None, None, None)
    assert read_history(quality, "observations").num_rows == 0


def test_history__lets_the_oldest_runs_go(visit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "RUNS_KEPT", 3)
    for minute in range(5):
        quality = visit(minute=minute)
    rows = read_history(quality, "findings").to_pylist()
    assert [row["run_id"] for row in rows] == ["run-synthetic-2", "run-synthetic-3", "run-synthetic-4"]
    assert len(list((quality / "history" / "synthetic").glob("*"))) == 6


def test_history__reads_files_of_a_version_with_fewer_columns(visit: Any) -> None:
    quality = visit()
    (path,) = (quality / "history" / "synthetic").glob("*findings*")
    pq.write_table(pq.read_table(path).drop_columns(["observed_median"]), path)
    visit(minute=1)
    assert [row["observed_median"] is None for row in read_history(quality, "findings").to_pylist()] == [True, False]


def test_history__is_empty_without_runs(tmp_path: Path) -> None:
    for kind in history.SCHEMAS:
        assert read_history(tmp_path, kind).num_rows == 0


def readme_query() -> str:
    text = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    found = re.search(r"<!-- drift:begin -->(.*?)<!-- drift:end -->", text, re.DOTALL)
    assert found
    return found[1]


def test_readme__its_query_finds_what_drifted_between_two_exports(
    visit: Any, connection: duckdb.DuckDBPyConnection
) -> None:
    visit(landing="first")
    visit(landing="first", minute=1)
    connection.execute("update people set height_m = height_m * 1.2 where grp = 'group 3'")
    visit(landing="second", minute=2)
    quality = visit(landing="second", minute=3)
    with duckdb.connect() as published:
        published.execute("create schema quality")
        kept = read_history(quality, "observations")
        published.register("kept", kept)
        published.execute("create table quality.observation_history as select * from kept")
        rows = published.execute(readme_query()).fetchall()
    assert [row[:3] for row in rows] == [("groups", "group 3", "mean_height_m")]
    assert rows[0][4] == pytest.approx(1.2 * rows[0][3])
    assert kept.num_rows == 4 * 20


def test_landing_hash__follows_content_and_not_the_clock(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "participant.parquet").write_bytes(b"rows")
        (tmp_path / name / "profile.json").write_text(name)
    assert landing_hash(tmp_path / "a") == landing_hash(tmp_path / "b")
    (tmp_path / "b" / "participant.parquet").write_bytes(b"Rows")
    assert landing_hash(tmp_path / "a") != landing_hash(tmp_path / "b")


def test_spec_hash__follows_models_seeds_and_options_but_not_excuses(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "warehouse" / "seeds").mkdir(parents=True)
    (tmp_path / "models" / "a.sql").write_text("select 1")
    first = spec_hash(tmp_path)
    (tmp_path / "warehouse" / "seeds" / "accepted_exceptions.csv").write_text("door")
    assert spec_hash(tmp_path) == first
    assert spec_hash(tmp_path, options="gwas_maf_min=0.05") != first
    (tmp_path / "models" / "a.sql").write_text("select 2")
    assert spec_hash(tmp_path) != first


TABLES = ("marts.participants", "results.hazard_ratios")


def reproducibility_of(builds: list[tuple[str, tuple[str, str]]], tmp_path: Path) -> tuple[dict[str, Any], str]:
    """What the results door says after builds, each a landing and the content of both tables: finding and summary."""
    suite = json.loads((Path(__file__).parents[2] / "expectations/suites/results.json").read_text(encoding="utf-8"))
    suite["assets"] = [asset for asset in suite["assets"] if asset["name"] == "reproducibility"]
    (tmp_path / "results.json").write_text(json.dumps(suite), encoding="utf-8")
    for minute, (landing, hashes) in enumerate(builds):
        remember_tables(
            tmp_path / "quality",
            identity=RunIdentity(f"run{minute}", "build", landing, "spec"),
            run_at=datetime(2026, 1, 1, 0, minute),
            cohort="synthetic",
            fingerprints=[
                {
                    "table_schema": name.split(".")[0],
                    "table_name": name.split(".")[1],
                    "n_rows": 3,
                    "content_hash": found,
                }
                for name, found in zip(TABLES, hashes, strict=True)
            ],
        )
    with duckdb.connect() as connection:
        connection.execute("create schema quality")
        connection.register("kept", read_history(tmp_path / "quality", "tables"))
        connection.execute("create table quality.table_fingerprints as select * from kept")
        (row,) = run_door(
            connection,
            door="results",
            cohort="synthetic",
            raw_folder="nowhere",
            pages_folder=tmp_path / "quality" / "synthetic",
            now=NOW,
            suites_folder=tmp_path,
            accepted_exceptions=tmp_path / "none.csv",
        ).to_pylist()
    assert row["expectation"] == "same_input_gives_same_rows"
    return row, (tmp_path / "quality" / "synthetic" / "summary.md").read_text(encoding="utf-8")


def test_results_door__says_which_table_has_other_rows_from_the_same_input(tmp_path: Path) -> None:
    builds = [("one", ("same", "this")), ("two", ("x", "y")), ("one", ("same", "other"))]
    row, summary = reproducibility_of(builds, tmp_path)
    assert (row["is_success"], row["severity"]) == (False, "warning")
    assert "results.hazard_ratios (1)" in row["message"]
    assert "participants" not in row["message"]
    assert "1 warning, 0 hold" in summary


def test_results_door__holds_once_the_same_input_gave_the_same_rows(tmp_path: Path) -> None:
    row, summary = reproducibility_of([("one", ("same", "this")), ("one", ("same", "this"))], tmp_path)
    assert (row["is_success"], row["message"]) == (True, "")
    assert "1 hold" in summary
    assert "comparable" not in summary


def test_results_door__counts_no_table_as_reproduced_before_a_second_build(tmp_path: Path) -> None:
    row, summary = reproducibility_of([("two", ("x", "y")), ("one", ("same", "this"))], tmp_path)
    assert row["message"].startswith("Not yet comparable")
    assert "0 hold, 1 not yet comparable" in summary
    assert "- `results/reproducibility/same_input_gives_same_rows`" in summary
    page = (tmp_path / "quality" / "synthetic" / "index.html").read_text(encoding="utf-8")
    assert "What is not yet comparable" in page
