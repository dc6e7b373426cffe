from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from conftest import WriteSuite
from small_suites import NOW, a_suite, an_asset, an_expectation

from expectations.findings import SCHEMA, bound_text
from expectations.runner import run_door
from expectations.suite_files import ExpectationSuiteError
from warehouse.errors import BuildError


@pytest.fixture
def check(connection: duckdb.DuckDBPyConnection, write_suite: WriteSuite, no_exceptions: Path, tmp_path: Path) -> Any:
    """Runs a suite of the raw door and gives its rows by expectation."""

    def run(suite: dict[str, Any], cohort: str = "synthetic") -> dict[str, dict[str, Any]]:
        table = run_door(
            connection,
            door="raw",
            cohort=cohort,
            raw_folder="nowhere",
            pages_folder=tmp_path / "pages",
            now=NOW,
            suites_folder=write_suite(suite),
            accepted_exceptions=no_exceptions,
        )
        assert table.schema == SCHEMA
        return {row["expectation"]: row for row in table.to_pylist()}

    return run


def test_run_door__one_row_per_expectation_in_the_order_of_the_file(check: Any) -> None:
    rows = check(
        a_suite(an_asset(an_expectation("b"), an_expectation("a", kwargs={"column": "height_m", "max_value": 1})))
    )
    assert list(rows) == ["b", "a"]
    assert rows["b"]["is_success"]
    assert not rows["a"]["is_success"]
    assert (rows["a"]["unexpected_count"], rows["a"]["element_count"]) == (1003, 1003)
    assert rows["a"]["message"] == "1,003 of 1,003 break it."
    assert rows["a"]["expectation_id"] == "raw/people/a"


def test_run_door__severity_is_the_suites(check: Any) -> None:
    too_low = {"column": "height_m", "max_value": 1}
    rows = check(
        a_suite(an_asset(an_expectation("a", kwargs=too_low), an_expectation("b", kwargs=too_low, severity="warning")))
    )
    assert {name: row["severity"] for name, row in rows.items()} == {"a": "critical", "b": "warning"}


def test_run_door__an_expectation_that_errs_is_a_failure_with_its_message(check: Any) -> None:
    rows = check(a_suite(an_asset(an_expectation(kwargs={"column": "grp", "min_value": 1}))))
    (row,) = rows.values()
    assert (row["is_error"], row["is_success"], row["severity"]) == (True, False, "critical")
    assert "Cannot compare values of type VARCHAR and type DOUBLE" in row["message"]


def test_run_door__a_query_that_errs_on_the_data_fails_each_of_its_expectations(check: Any) -> None:
    asset = an_asset(
        an_expectation("a"), an_expectation("b"), query="select cast(grp as double) as height_m from people"
    )
    rows = check(a_suite(asset))
    assert [(row["is_error"], row["is_success"]) for row in rows.values()] == [(True, False)] * 2
    assert all("Conversion Error" in row["message"] for row in rows.values())


def test_run_door__unknown_columns_and_queries_that_do_not_bind_are_collected(check: Any) -> None:
    assets = (
        an_asset(an_expectation("a", kwargs={"column": "heigth_m", "min_value": 1})),
        an_asset(an_expectation("b"), name="absent", query="select * from nowhere"),
        an_asset(an_expectation("c"), name="keyed", key=["nothing"]),
    )
    with pytest.raises(ExpectationSuiteError) as refusal:
        check(a_suite(*assets))
    texts = [str(fault) for fault in refusal.value.faults]
    assert len(texts) == 4
    assert all(text.startswith("expectations/suites/raw.json, line ") for text in texts)
    assert any("'heigth_m' does not" in text and "height_m" in text for text in texts)
    assert any("absent can be run" in text and "nowhere" in text for text in texts)
    assert any("the key of keyed is a column, 'nothing' is not" in text for text in texts)
    assert any("aggregates hold no participant, keyed has participant_id" in text for text in texts)


def test_run_door__an_unknown_cohort_is_refused(check: Any) -> None:
    with pytest.raises(BuildError, match="nobody"):
        check(a_suite(), cohort="nobody")


def test_run_door__no_rows_break_no_rule_but_one_about_their_number(check: Any) -> None:
    rows = check(
        a_suite(
            an_asset(
                an_expectation("mean", type="expect_column_mean_to_be_between"),
                an_expectation("count", type="expect_table_row_count_to_be_between", kwargs={"min_value": 1}),
                query="select * from people where false",
            )
        )
    )
    assert (rows["mean"]["is_success"], rows["mean"]["message"]) == (True, "No rows to check.")
    assert (rows["count"]["is_success"], rows["count"]["element_count"]) == (False, 0)


def test_run_door__mostly_counts_values_that_are_there(check: Any) -> None:
    query = "select case when is_even then height_m end as height_m from people"
    too_low = {"column": "height_m", "max_value": 1.6, "mostly": 0.5}
    (row,) = check(a_suite(an_asset(an_expectation(kwargs=too_low), query=query))).values()
    assert row["bound"] == "at most 1.6, for at least 50 % of rows"
    assert row["message"].endswith(" of 502 break it.")


BY_GROUP = "select grp, count(*) as n_participants, avg(height_m) as mean_height_m from people group by grp"


def test_run_door__aggregates_that_fail_are_named_with_their_value_unless_their_group_is_small(check: Any) -> None:
    too_low = an_expectation(kwargs={"column": "mean_height_m", "max_value": 1.0})
    (row,) = check(a_suite(an_asset(too_low, key=["grp"], query=BY_GROUP))).values()
    assert row["unexpected_count"] == 11
    named = row["message"].removeprefix("11 of 11 break it. ").removesuffix(".").split("; ")
    assert len(named) == 8, "a page is no place for a long list"
    only_small = an_asset(too_low, key=["grp"], query=f"{BY_GROUP} having count(*) < 10")
    (row,) = check(a_suite(only_small)).values()
    assert row["message"] == "1 of 1 break it. small group."
    only_large = an_asset(too_low, key=["grp"], query=f"{BY_GROUP} having grp = 'group 3'")
    (row,) = check(a_suite(only_large)).values()
    assert row["message"] == "1 of 1 break it. group 3 (1.74)."


def test_run_door__observed_aggregates_are_reported(check: Any) -> None:
    highest = an_expectation(
        type="expect_column_max_to_be_between", kwargs={"column": "mean_height_m", "max_value": 1.0}
    )
    (row,) = check(a_suite(an_asset(highest, key=["grp"], query=f"{BY_GROUP} having count(*) = 100"))).values()
    assert (row["observed_value"], row["message"]) == ("1.77", "Observed 1.77.")


def test_run_door__fills_in_places_and_leaves_other_braces_alone(check: Any) -> None:
    query = "select '{raw}' as landing, date '{today}' as today, '{cohort}' as cohort, {'a': 1}['a'] as one from people"
    expectations = [
        an_expectation(
            "landing", type="expect_column_values_to_be_in_set", kwargs={"column": "landing", "value_set": ["nowhere"]}
        ),
        an_expectation(
            "cohort", type="expect_column_values_to_be_in_set", kwargs={"column": "cohort", "value_set": ["synthetic"]}
        ),
        an_expectation("today", kwargs={"column": "today", "min_value": "2026-01-02", "max_value": "2026-01-02"}),
        an_expectation("one", kwargs={"column": "one", "min_value": 1, "max_value": 1}),
    ]
    assert all(row["is_success"] for row in check(a_suite(an_asset(*expectations, query=query))).values())


def test_run_door__leaves_the_connection_as_it_was(connection: duckdb.DuckDBPyConnection, check: Any) -> None:
    connection.begin()
    connection.execute("insert into people select * from people limit 1")
    check(a_suite())
    assert connection.execute("select count(*) from people").fetchall() == [(1004,)]
    connection.rollback()
    assert connection.execute("select count(*) from people").fetchall() == [(1003,)]
    assert connection.execute("select table_name from duckdb_tables()").fetchall() == [("people",)]


def test_run_door__works_on_a_database_opened_read_only(
    write_suite: WriteSuite, no_exceptions: Path, tmp_path: Path
) -> None:
    file = str(tmp_path / "study.duckdb")
    with duckdb.connect(file) as opened:
        opened.execute("create table people as select 1.7 as height_m from range(5)")
    with duckdb.connect(file, read_only=True) as opened:
        table = run_door(
            opened, door="raw", cohort="synthetic", raw_folder="", pages_folder=tmp_path / "pages", now=NOW,
            suites_folder=write_suite(a_suite()), accepted_exceptions=no_exceptions,
        )  # fmt: skip
    assert table["is_success"].to_pylist() == [True]


def test_schema__has_no_column_without_a_type() -> None:
    assert not [field.name for field in SCHEMA if pa.types.is_null(field.type)]


@pytest.mark.parametrize(
    ("kind", "kwargs", "text"),
    [
        ("expect_column_values_to_be_between", {"min_value": 0, "max_value": 90}, "between 0 and 90"),
        ("expect_column_values_to_be_between", {"min_value": 0, "strict_min": True}, "more than 0"),
        ("expect_column_values_to_be_in_set", {"value_set": [True]}, "true"),
        ("expect_column_values_to_be_in_set", {"value_set": ["0", "1"]}, "one of 0, 1"),
        ("expect_column_values_to_not_be_in_set", {"value_set": ["9"]}, "none of 9"),
        ("expect_column_values_to_not_be_null", {}, "present"),
        ("expect_column_values_to_be_unique", {"mostly": 0.99}, "unique, for at least 99 % of rows"),
        ("expect_column_pair_values_a_to_be_greater_than_b", {"column_A": "a", "column_B": "b"}, "a greater than b"),
    ],
)  # fmt: skip
def test_bound_text__reads_as_words(kind: str, kwargs: dict[str, Any], text: str) -> None:
    assert bound_text(kind, {"column": "x", **kwargs}) == text
