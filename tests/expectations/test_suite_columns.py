"""A column that a query does not give is named before a build where the query's text shows it."""

import pytest
from conftest import WriteSuite
from small_suites import a_suite, an_asset

from expectations.suite_columns import columns_told_wrong
from expectations.suite_files import load_suite, load_suites


def faults(write_suite: WriteSuite, query: str, **changes: object) -> list[str]:
    suite = load_suite("raw", folder=write_suite(a_suite(an_asset(query=query, **changes))))
    return [str(fault) for fault in columns_told_wrong([suite])]


def test_column_that_is_not_selected__is_named_by_file_and_line_with_the_nearest(write_suite: WriteSuite) -> None:
    (told,) = faults(write_suite, "with read as (select * from '{raw}/x.parquet') select eid, h as height_cm from read")
    assert "expectations/suites/raw.json, line " in told
    assert "heights_plausible reads a column that exists, 'height_m' does not" in told
    assert "did you mean height_cm?" in told


def test_key_that_is_not_selected__is_named(write_suite: WriteSuite) -> None:
    (told,) = faults(write_suite, "select avg(h) as height_m from people group by grp", key=["grp"])
    assert "the key of people is a column, 'grp' is not" in told


@pytest.mark.parametrize(
    "query",
    [
        "select grp, height_m from people",
        "select 1 as height_m union all select 2",
        "select *, 1 as other from people",
        "unpivot (select a, b from people) on columns(*) into name field value height",
        "no SQL at all (",
    ],
    ids=["named", "union", "star", "unpivot", "unreadable"],
)
def test_query_that_gives_the_column_or_does_not_say__is_left_to_the_door(write_suite: WriteSuite, query: str) -> None:
    assert faults(write_suite, query) == []


def test_suites_of_the_house__read_what_their_queries_give() -> None:
    assert columns_told_wrong(load_suites()) == []
