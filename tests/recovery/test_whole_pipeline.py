"""Null study, full study and clean cohorts through the whole pipeline; slow: make test ARGS='-m recovery'."""

import pytest
from scipy.stats import norm
from statsmodels.stats.proportion import proportion_confint

from tests.recovery.whole_pipeline import DOCS, Answer, answers, as_docs, false_alarms, remarks_of, study

NULL_COHORTS, FULL_COHORTS, CLEAN_COHORTS = 8, 6, 20


@pytest.mark.recovery
def test_null_study__finds_no_more_than_chance_gives() -> None:
    runs = study("none", seeds=NULL_COHORTS)
    assert [one for one in answers(runs, "none") if not one.is_as_expected] == []
    assert [(run["seed"], alarm) for run in runs for alarm in false_alarms(run)] == []


@pytest.mark.recovery
def test_full_study__intervals_cover_and_what_is_found_is_there() -> None:
    runs = study("full", seeds=FULL_COHORTS)
    assert [one for one in answers(runs, "full") if not one.is_as_expected] == []
    assert [alarm for run in runs for alarm in run["alarms"]] == []


@pytest.mark.recovery
def test_clean_cohorts__raise_no_alarm_at_any_door_up_to_the_marts() -> None:
    runs = study("full", seeds=CLEAN_COHORTS, only_doors=True)
    assert [(run["seed"], run["alarms"]) for run in runs if run["alarms"]] == []


@pytest.mark.parametrize(
    ("expected", "share", "error", "is_as_expected"),
    [
        (0.95, 0.94, 0.004, True),
        (0.95, 0.90, 0.004, False),
        (0.95, 0.936, 0.004, False),
        (0.95, 0.999, 0.001, True),
        (0.05, 0.06, 0.005, True),
        (0.05, 0.10, 0.005, False),
        (0.0, 0.001, 0.0, True),
        (0.0, 0.05, 0.01, False),
        (None, 0.3, 0.1, True),
    ],
)
def test_answer__is_judged_by_its_monte_carlo_error(
    expected: float | None, share: float, error: float, is_as_expected: bool
) -> None:
    assert Answer("", expected, share, error, 20, 1000).is_as_expected is is_as_expected


@pytest.mark.parametrize(("n", "is_as_expected"), [(5, True), (1000, False)])
def test_answer__of_cohorts_that_all_agree_has_the_error_of_a_binomial(n: int, is_as_expected: bool) -> None:
    answer = Answer("", 0.95, 0.8, 0.0, 4, n)
    low, high = proportion_confint(0.8 * n, n, alpha=2 * norm.sf(1), method="wilson")
    assert answer.judged_error == pytest.approx((high - low) / 2, rel=1e-12)
    assert answer.is_as_expected is is_as_expected


def test_remarks_of_people_stay_when_the_tables_are_written_again() -> None:
    remarks = remarks_of(DOCS.read_text(encoding="utf-8"))
    assert remarks
    again = as_docs("# Title\n\nTables.\n", remarks=remarks)
    assert remarks_of(again) == remarks
    assert again.index("Tables.") < again.index(remarks)
