"""A planted id and a planted value must be nowhere in what a run leaves behind: table, pages, log, errors."""

import logging
from pathlib import Path

import duckdb
import pytest
from conftest import WriteSuite
from small_suites import NOW, a_suite, an_asset, an_expectation

from expectations.runner import run_door
from expectations.safe_messages import safe_engine_message, safe_message

PLANTED_ID = "SYN777777"
PLANTED_VALUE = "73.31371"


@pytest.fixture
def planted(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """A row that breaks every rule below."""
    connection.execute(
        "create table answers as select participant_id, height_m, cast(height_m as varchar) as text, grp from people"
    )
    connection.execute(
        f"insert into answers values ('{PLANTED_ID}', {PLANTED_VALUE}, 'value {PLANTED_VALUE}', 'alone')"
    )
    connection.execute(f"insert into answers values ('{PLANTED_ID}', {PLANTED_VALUE}, '{PLANTED_ID}', 'alone')")
    return connection


BY_GROUP = "select grp, count(*) as n_participants, max(height_m) as tallest_m from answers group by grp"
RECORDS = an_asset(
    an_expectation("between"),
    an_expectation("unique", type="expect_column_values_to_be_unique", kwargs={"column": "participant_id"}),
    an_expectation(
        "in_set",
        type="expect_column_values_to_be_in_set",
        kwargs={"column": "participant_id", "value_set": ["SYN000001"]},
    ),
    an_expectation("lengths", type="expect_column_value_lengths_to_equal", kwargs={"column": "text", "value": 1}),
    an_expectation("compared", kwargs={"column": "text", "min_value": 1}),
    query="select * from answers",
)
CONVERTED = an_asset(
    an_expectation("converted"), name="converted", query="select cast(text as double) as height_m from answers"
)
DATED = an_asset(
    an_expectation("dated"), name="dated", query="select strptime(text, '%Y-%m-%d') as height_m from answers"
)
PARSED = an_asset(an_expectation("parsed"), name="parsed", query="select json(text) as height_m from answers")
GROUPED = an_asset(
    an_expectation("tallest", kwargs={"column": "tallest_m", "max_value": 1}),
    name="groups",
    key=["grp"],
    shown_as={"title": "Groups", "note": "By group."},
    query=BY_GROUP,
)
ASIDE = {"name": "aside", "title": "Aside", "note": "By group.", "query": BY_GROUP}
BROKEN_ASIDE = {
    "name": "broken",
    "title": "Broken",
    "note": "Fails.",
    "query": "select cast(text as double) as x from answers",
}


def test_run__leaves_no_id_and_no_value_of_a_participant_behind(
    planted: duckdb.DuckDBPyConnection,
    write_suite: WriteSuite,
    no_exceptions: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    pages = tmp_path / "pages"
    table = run_door(
        planted,
        door="raw",
        cohort="synthetic",
        raw_folder="nowhere",
        pages_folder=pages,
        now=NOW,
        suites_folder=write_suite(a_suite(RECORDS, CONVERTED, DATED, PARSED, GROUPED, evidence=[ASIDE, BROKEN_ASIDE])),
        accepted_exceptions=no_exceptions,
    )
    assert not any(table["is_success"].to_pylist()), "every rule must fail, or nothing could have leaked"
    written = {path.name: path.read_text(encoding="utf-8") for path in pages.rglob("*") if path.is_file()}
    assert {"index.html", "raw.html", "summary.md", "raw.json"} <= set(written)
    gx_log = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("great_expectations"))
    out, err = capfd.readouterr()
    left = {**written, "table": str(table.to_pylist()), "log": gx_log, "stdout": out, "stderr": err}
    for name, text in left.items():
        assert PLANTED_ID not in text, f"{name} names a participant"
        for value in (PLANTED_VALUE, "73.3137", "73.31"):
            assert value not in text, f"{name} shows a participant's value"
    assert "alone" in written["index.html"], "the group itself may be named"


@pytest.mark.parametrize(
    "query",
    [
        f"select cast('{PLANTED_ID}' as integer)",
        f"select cast('{PLANTED_ID}' as date)",
        f"select strptime('{PLANTED_ID}', '%Y')",
        f"select json_extract('{{\"{PLANTED_ID}', '$')",
        f"select error('{PLANTED_ID} has grip {PLANTED_VALUE}')",
        f"select {PLANTED_VALUE.replace('.', '')}::tinyint",
    ],
)
def test_engine_errors__are_told_without_what_they_quote(query: str) -> None:
    with duckdb.connect() as opened, pytest.raises(duckdb.Error) as raised:
        opened.execute(query).fetchall()
    for told in (
        safe_engine_message(raised.value),
        safe_message(f"(_duckdb.{type(raised.value).__name__}) {raised.value}"),
    ):
        assert "Error" in told
        assert PLANTED_ID not in told
        assert PLANTED_VALUE.replace(".", "") not in told.replace(".", "")


def test_engine_errors__about_names_are_told_whole() -> None:
    with duckdb.connect() as opened, pytest.raises(duckdb.Error) as raised:
        opened.execute("select height from (select 1 as height_m)")
    assert 'Referenced column "height" not found' in safe_engine_message(raised.value)


def test_other_errors__lose_quoted_text_and_numbers() -> None:
    assert safe_message(f"cannot order '{PLANTED_ID}' and {PLANTED_VALUE}\nTraceback") == "cannot order … and …"
