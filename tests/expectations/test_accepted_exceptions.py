from datetime import date, datetime
from pathlib import Path

import duckdb
import pytest
from conftest import WriteSuite
from small_suites import NOW, a_suite, an_asset, an_expectation

from expectations.accepted_exceptions import COLUMNS, SEED, check_suites, load_accepted_exceptions
from expectations.runner import run_door
from expectations.suite_files import DOORS, ExpectationSuiteError, load_suite

TOO_LOW = {"column": "height_m", "max_value": 1.6}
ROW = "raw,people,heights_plausible,height_m,Known and small,A. Keeper,2026-06-30"


@pytest.fixture
def seed(tmp_path: Path) -> Path:
    folder = tmp_path / "warehouse" / "seeds"
    folder.mkdir(parents=True)
    return folder / "accepted_exceptions.csv"


def write(seed: Path, *rows: str, header: str = ",".join(COLUMNS)) -> None:
    seed.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")


def run(
    connection: duckdb.DuckDBPyConnection, folder: Path, seed: Path, tmp_path: Path, now: datetime = NOW
) -> list[dict]:
    table = run_door(
        connection, door="raw", cohort="synthetic", raw_folder="nowhere", pages_folder=tmp_path / "pages", now=now,
        suites_folder=folder, accepted_exceptions=seed,
    )  # fmt: skip
    return table.to_pylist()


def test_active_exception__lowers_the_severity_and_keeps_the_reason(
    connection: duckdb.DuckDBPyConnection, write_suite: WriteSuite, seed: Path, tmp_path: Path
) -> None:
    write(seed, ROW)
    (finding,) = run(connection, write_suite(a_suite(an_asset(an_expectation(kwargs=TOO_LOW)))), seed, tmp_path)
    assert (finding["severity"], finding["is_success"]) == ("accepted", False)
    assert "Accepted by A. Keeper until 2026-06-30: Known and small" in finding["message"]


def test_expired_exception__gives_the_failure_its_severity_back_and_is_a_finding_of_its_own(
    connection: duckdb.DuckDBPyConnection, write_suite: WriteSuite, seed: Path, tmp_path: Path
) -> None:
    write(seed, ROW)
    folder = write_suite(a_suite(an_asset(an_expectation(kwargs=TOO_LOW))))
    failure, expired = run(connection, folder, seed, tmp_path, now=datetime(2026, 7, 1))
    assert failure["severity"] == "critical"
    assert (expired["severity"], expired["is_success"]) == ("warning", False)
    for finding in (failure, expired):
        assert "warehouse/seeds/accepted_exceptions.csv, line 2" in finding["message"]
        assert "2026-06-30" in finding["message"]
    assert failure["expectation_id"] != expired["expectation_id"]


def test_exception__holds_through_its_last_day(
    connection: duckdb.DuckDBPyConnection, write_suite: WriteSuite, seed: Path, tmp_path: Path
) -> None:
    write(seed, ROW)
    folder = write_suite(a_suite(an_asset(an_expectation(kwargs=TOO_LOW))))
    (finding,) = run(connection, folder, seed, tmp_path, now=datetime(2026, 6, 30, 23, 59))
    assert finding["severity"] == "accepted"


def test_exception__covers_only_what_it_names(
    connection: duckdb.DuckDBPyConnection, write_suite: WriteSuite, seed: Path, tmp_path: Path
) -> None:
    write(seed, ROW)
    both = an_asset(an_expectation(kwargs=TOO_LOW), an_expectation("heights_low", kwargs=TOO_LOW))
    severities = [f["severity"] for f in run(connection, write_suite(a_suite(both)), seed, tmp_path)]
    assert severities == ["accepted", "critical"]


FAULTY = [
    ("unknown door", "cellar,people,heights_plausible,,why,who,2026-06-30", "the door 'cellar' exists"),
    ("unknown asset", "raw,animals,heights_plausible,,why,who,2026-06-30", "has the asset 'animals'"),
    ("unknown expectation", "raw,people,heights,,why,who,2026-06-30", "has the expectation 'heights'"),
    ("no reason", "raw,people,heights_plausible,,,who,2026-06-30", "has its reason"),
    ("nobody accepted it", "raw,people,heights_plausible,,why,,2026-06-30", "has its accepted_by"),
    ("no date", "raw,people,heights_plausible,,why,who,next summer", "ends on a date"),
    ("no end", "raw,people,heights_plausible,,why,who,9999-12-31", "within 2 years; until_date is 9999-12-31"),
    ("a repeat", "raw,people,heights_plausible,,why,who,2026-01-31", "line 2 accepts raw/people/heights_"),
]


@pytest.mark.parametrize(("row", "says"), [case[1:] for case in FAULTY], ids=[case[0] for case in FAULTY])
def test_faulty_row__is_named_by_file_and_line(row: str, says: str, write_suite: WriteSuite, seed: Path) -> None:
    write(seed, ROW, row)
    with pytest.raises(ExpectationSuiteError) as refusal:
        load_accepted_exceptions(load_suite("raw", folder=write_suite(a_suite())), seed=seed, today=NOW.date())
    (fault,) = refusal.value.faults
    assert fault.where == "warehouse/seeds/accepted_exceptions.csv, line 3"
    assert says in fault.rule


def test_end__may_lie_two_years_ahead_and_no_day_more(write_suite: WriteSuite, seed: Path) -> None:
    write(seed, ROW)
    suite = load_suite("raw", folder=write_suite(a_suite()))
    assert load_accepted_exceptions(suite, seed=seed, today=date(2024, 6, 30))
    with pytest.raises(ExpectationSuiteError, match=r"line 2.*within 2 years"):
        load_accepted_exceptions(suite, seed=seed, today=date(2024, 6, 29))


def test_faulty_rows__are_collected(write_suite: WriteSuite, seed: Path) -> None:
    write(seed, ROW, *(case[1] for case in FAULTY))
    with pytest.raises(ExpectationSuiteError) as refusal:
        load_accepted_exceptions(load_suite("raw", folder=write_suite(a_suite())), seed=seed)
    assert len(refusal.value.faults) == len(FAULTY)


def test_missing_column__is_named(write_suite: WriteSuite, seed: Path) -> None:
    write(seed, header="door,asset,expectation,column_name,reason,accepted_by")
    with pytest.raises(ExpectationSuiteError, match="until_date"):
        load_accepted_exceptions(load_suite("raw", folder=write_suite(a_suite())), seed=seed)


def test_seed_of_the_house__is_well_formed() -> None:
    assert SEED.exists()
    for door in DOORS:
        for accepted in load_accepted_exceptions(load_suite(door)):
            assert accepted.until_date > date(2020, 1, 1)


def test_check_suites__tells_which_exceptions_have_ended_before_anything_is_built(
    write_suite: WriteSuite, seed: Path
) -> None:
    write(seed, ROW)
    for door in DOORS:
        folder = write_suite(a_suite(door=door), door)
    assert check_suites(folder=folder, seed=seed, today=date(2026, 6, 30)) == ()
    (ended,) = check_suites(folder=folder, seed=seed, today=date(2026, 7, 1))
    assert ended.ended_words == (
        "warehouse/seeds/accepted_exceptions.csv, line 2: the exception for raw/people/heights_plausible ended on "
        "2026-06-30; what it excused counts again"
    )
