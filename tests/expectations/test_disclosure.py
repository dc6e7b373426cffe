"""Pages leave the machine: no count of people from 1 to 4 stands on one, nor a share or a rate that tells it."""

import json
import re
from pathlib import Path

import duckdb
import pytest
from conftest import WriteSuite
from small_suites import NOW, a_suite, an_asset, an_expectation

from expectations.disclosure import PEOPLE, may_be_shown, shown_row
from expectations.runner import run_door
from expectations.suite_files import DOORS, SUITES_FOLDER

# Counted, and no people: variants, files, rules, estimates, biomarkers, genes, levels of a covariate.
NOT_PEOPLE = {
    "n_both", "n_compared", "n_contradictions", "n_discovered", "n_earlier_runs", "n_estimates", "n_files",
    "n_followed_up", "n_impossible_p", "n_levels", "n_lists", "n_mediators", "n_miscounted", "n_negative",
    "n_negative_error", "n_negative_that_find_something", "n_not_exponential", "n_not_of_counts", "n_other_rows",
    "n_outside_interval", "n_positive", "n_positive_missed", "n_participants_all", "n_proteins", "n_showcase",
    "n_q_below_p", "n_refused_and_given",
    "n_replicated", "n_results", "n_rows", "n_same_direction", "n_same_sign", "n_sets", "n_shared", "n_shared_at_fdr",
    "n_small_shown", "n_snps", "n_snps_allele_mismatch", "n_tested", "n_tests", "n_unexplained", "n_variants",
    "n_with_few_events", "n_with_too_few_events", "n_without_answer", "n_without_error",
}  # fmt: skip


@pytest.fixture
def pages(connection: duckdb.DuckDBPyConnection, write_suite: WriteSuite, no_exceptions: Path, tmp_path: Path) -> Path:
    """A group of three, two in a hundred of another with an answer, three records that break a rule."""
    connection.execute("update people set height_m = 9.0 where grp = 'small group'")
    by_group = (
        "select grp, count(*) as n_participants, count(*) filter (is_even) as n_events, 0.0375 as rate, "
        "count(*) filter (participant_id in ('SYN000001', 'SYN000011')) / count(*) as share_odd "
        "from people group by grp"
    )
    suite = a_suite(
        an_asset(an_expectation("tall"), an_expectation("mostly_tall", kwargs={
            "column": "height_m", "min_value": 1, "max_value": 3, "mostly": 0.5})),
        an_asset(
            an_expectation("odd", kwargs={"column": "share_odd", "max_value": 0.001}),
            an_expectation("few", kwargs={"column": "n_events", "min_value": 40}, severity="warning"),
            name="groups", key=["grp"], query=by_group, shown_as={"title": "Groups", "note": "By group."},
        ),
    )  # fmt: skip
    run_door(
        connection, door="raw", cohort="synthetic", raw_folder="nowhere", pages_folder=tmp_path / "pages", now=NOW,
        suites_folder=write_suite(suite), accepted_exceptions=no_exceptions,
    )  # fmt: skip
    return tmp_path / "pages"


def test_pages__tell_no_small_count_of_people(pages: Path) -> None:
    front, door, summary = (
        (pages / name).read_text(encoding="utf-8") for name in ("index.html", "raw.html", "summary.md")
    )
    for text in (front, door, summary):
        assert "fewer than 5 of 1,003 break it." in text
        assert not re.search(r"(?<![\d,.])[1-4] of 1,003", text)
        assert "0.02" not in text, "the share that two of a hundred are"
    assert "group 1 (fewer than 5 people, or all but so few)" in summary
    assert ">&lt; 5 %<" in front, "two of a hundred"
    assert "fewer than 5</td>" in front, "the group of three"
    assert "unexpected values" not in door


def test_row__hides_measures_beside_a_small_count_and_keeps_the_rest() -> None:
    columns = ("grp", "n_participants", "n_events", "rate", "n_levels", "share_died")
    assert shown_row(columns, ("a", 500, 3, 0.006, 2, 0.4)) == ["a", 500, "fewer than 5", None, 2, None]
    assert shown_row(columns, ("a", 500, 5, 0.01, 2, 0.4)) == ["a", 500, 5, 0.01, 2, 0.4]
    assert shown_row(columns, ("a", 500, 0, 0.0, 2, 0.004)) == ["a", 500, 0, 0.0, 2, "< 1 %"]


def test_value_of_an_aggregate__may_be_shown_unless_it_tells_a_small_count() -> None:
    assert may_be_shown("share_died", 0.1, 100)
    assert not may_be_shown("share_died", 0.02, 100)
    assert may_be_shown("share_in_showcase", 0.02, 100), "somebody else's share"
    assert not may_be_shown("n_events", 3, 1_000)
    assert may_be_shown("n_levels", 3, 1_000)


@pytest.mark.parametrize("door", DOORS)
def test_suites__count_nothing_of_which_it_is_not_said_whether_it_is_people(door: str) -> None:
    suite = json.loads((SUITES_FOLDER / f"{door}.json").read_text(encoding="utf-8"))
    shown = [item for item in suite["assets"] if item.get("shown_as")] + suite.get("evidence", [])
    for item in shown:
        query = "\n".join(item["query"]) if isinstance(item["query"], list) else item["query"]
        # What the last select gives.
        named = set(re.findall(r"\bn_\w+", query.rpartition("\n)")[2]))
        assert named <= PEOPLE | NOT_PEOPLE, item["name"]
