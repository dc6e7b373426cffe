from pathlib import Path

import duckdb
import pytest
from conftest import WriteSuite
from small_suites import a_suite, an_asset, an_expectation

from expectations.__main__ import QualityError, check_doors, main
from expectations.suite_files import DOORS


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    """A published database of two people, and its landing."""
    (tmp_path / "raw" / "synthetic").mkdir(parents=True)
    with duckdb.connect(str(tmp_path / "study.duckdb")) as opened:
        opened.execute("create table people as select * from (values (1.6), (1.7)) as listed (height_m)")
    return tmp_path


def suites(write_suite: WriteSuite, *, severity: str) -> Path:
    """At every door one rule that holds, and at the marts one that does not."""
    for door in DOORS:
        too_low = an_expectation("too_low", kwargs={"column": "height_m", "max_value": 1}, severity=severity)
        expectations = [an_expectation(), too_low] if door == "marts" else [an_expectation()]
        folder = write_suite(a_suite(an_asset(*expectations), door=door), door)
    return folder


@pytest.mark.parametrize(("severity", "exit_code"), [("critical", 1), ("warning", 0)])
def test_check_doors__exit_code_is_one_only_for_critical_failures(
    severity: str,
    exit_code: int,
    warehouse: Path,
    write_suite: WriteSuite,
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = check_doors(cohort="synthetic", warehouse=warehouse, suites_folder=suites(write_suite, severity=severity))
    assert found == exit_code
    printed = capsys.readouterr().out
    assert f"- **{severity}**: " in printed
    assert "`marts/people/too_low`" in printed
    assert "index.html" in printed
    pages = warehouse / "quality" / "synthetic"
    assert {path.name for path in pages.glob("*.html")} == {
        "index.html",
        "faults.html",
        *(f"{door}.html" for door in DOORS),
    }


def test_check_doors__leaves_the_published_database_alone(warehouse: Path, write_suite: WriteSuite) -> None:
    before = (warehouse / "study.duckdb").read_bytes()
    check_doors(cohort="synthetic", warehouse=warehouse, suites_folder=suites(write_suite, severity="warning"))
    assert (warehouse / "study.duckdb").read_bytes() == before


def test_check_doors__can_visit_one_door(warehouse: Path, write_suite: WriteSuite) -> None:
    folder = suites(write_suite, severity="critical")
    assert check_doors(cohort="synthetic", warehouse=warehouse, doors=["raw"], suites_folder=folder) == 0
    assert {path.name for path in (warehouse / "quality" / "synthetic").glob("*.html")} == {
        "index.html",
        "raw.html",
        "faults.html",
    }


def test_check_doors__says_everything_that_is_missing_and_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(QualityError) as refusal:
        check_doors(cohort="nhefs", warehouse=tmp_path)
    assert [fault.remedy for fault in refusal.value.faults] == ["run make build COHORT=nhefs"] * 2
    assert "study_nhefs.duckdb" in str(refusal.value)


def test_command__answers_bad_input_with_a_message_and_an_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--cohort", "nhefs", "--warehouse", str(tmp_path)]) == 2
    assert "The doors cannot be checked: 2 faults." in capsys.readouterr().err
    assert main(["--cohort", "nobody", "--warehouse", str(tmp_path)]) != 0
    assert "cohort nobody" in capsys.readouterr().err


@pytest.mark.pipeline
@pytest.mark.parametrize("cohort", ["synthetic", "nhefs"])
def test_published_study__breaks_no_critical_rule(cohort: str) -> None:
    root = Path(__file__).parents[2]
    database = root / "warehouse" / ("study.duckdb" if cohort == "synthetic" else f"study_{cohort}.duckdb")
    if not database.exists():
        pytest.skip(f"needs {database.name}: run make build")
    assert check_doors(cohort=cohort, warehouse=root / "warehouse") == 0
