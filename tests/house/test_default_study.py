"""The default study, where it has been built: it finds what was planted, and the README shows what it found."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from warehouse.publish.flow import PAGE, flow_page
from warehouse.publish.readme import BEGIN, END, results_table, with_results

ROOT = Path(__file__).parents[2]
STUDY = ROOT / "warehouse" / "study.duckdb"
DEFAULT_SIZE = 50_000
# The seed is fixed, so these are facts of one cohort and no chances.
STANDARD_ERRORS = 3.0


@pytest.fixture(scope="module")
def study() -> Iterator[duckdb.DuckDBPyConnection]:
    if not STUDY.is_file():
        pytest.skip("needs the default study: make build")
    with duckdb.connect(str(STUDY), read_only=True) as connection:
        landed = connection.execute("select max(n_in) from marts.eligibility_flow").fetchall()[0][0]
        if landed != DEFAULT_SIZE:
            pytest.skip(f"the study here is of {landed:,} participants, the default of {DEFAULT_SIZE:,}")
        yield connection


def test_the_readme_shows_a_table_of_results() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = readme.partition(BEGIN)[2].partition(END)[0]
    assert shown.count("|") > 30


def test_the_table_of_results_is_current(study: duckdb.DuckDBPyConnection) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert readme == with_results(readme, results_table(study)), "run python -m warehouse.publish.readme"


def test_the_flow_diagram_is_current(study: duckdb.DuckDBPyConnection) -> None:
    assert (ROOT / PAGE).read_text(encoding="utf-8") == flow_page(study), "run python -m warehouse.publish.flow"


def test_the_four_primary_estimates_find_the_planted_truth(study: duckdb.DuckDBPyConnection) -> None:
    rows = study.execute(
        "select exposure, standard_errors_from_truth from results.truth_comparisons where is_primary_adjustment"
    ).fetchall()
    assert len(rows) == 4
    assert all(abs(off) < STANDARD_ERRORS for _, off in rows), rows


def test_the_unadjusted_estimates_visibly_do_not(study: duckdb.DuckDBPyConnection) -> None:
    rows = study.execute(
        "select exposure, standard_errors_from_target from results.truth_comparisons "
        "where adjustment_set = 'unadjusted'"
    ).fetchall()
    assert len(rows) == 4
    assert all(abs(off) > STANDARD_ERRORS for _, off in rows), rows


def test_the_truth_lies_within_5_percent_of_the_published_logs(study: duckdb.DuckDBPyConnection) -> None:
    rows = study.execute(
        "select exposure, target_log_hazard_ratio / ln(reference_hazard_ratio) from results.truth_comparisons "
        "where is_primary_adjustment"
    ).fetchall()
    assert len(rows) == 4
    assert all(abs(ratio - 1) < 0.05 for _, ratio in rows), rows


def test_the_computed_ends_of_follow_up_are_the_planted(study: duckdb.DuckDBPyConnection) -> None:
    """Of hospital, deaths and primary care, in every nation or at every data provider."""
    rows = study.execute(
        """
        select ends.event_source, ends.nation, ends.computed_end_date, cast(truths.note as date)
        from marts.planted_truths as truths
        full outer join intermediate.int_follow_up_ends__decided as ends
            on truths.outcome = ends.event_source and truths.exposure = ends.nation
        where truths.quantity = 'end_of_follow_up' or truths.quantity is null
        """
    ).fetchall()
    assert len(rows) == 10
    assert [row for row in rows if row[2] != row[3]] == []
