"""The score test of proportional hazards, and hazard ratios by period."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

from python_models.estimators.survival.cox import EstimatorInputError, fit_cox
from python_models.estimators.survival.period_hazard_ratios import period_hazard_ratios, split_follow_up
from python_models.estimators.survival.proportional_hazards import check_proportional_hazards
from tests.estimators.survival.follow_up import simulate_follow_up
from tests.estimators.survival.plain_cox import plain_partial_likelihood

# The same likelihood written twice.
ROUNDING = 1e-8


def cut_at_events(exit: np.ndarray, event: np.ndarray) -> tuple[np.ndarray, ...]:
    """Rows cut at every event time: row number, start, end, event."""
    times = np.unique(exit[event])
    rows, start, end, died = [], [], [], []
    for i in range(exit.shape[0]):
        edges = [0, *times[times < exit[i]], exit[i]]
        for low, high in pairwise(edges):
            rows.append(i)
            start.append(low)
            end.append(high)
            died.append(bool(event[i]) and high == exit[i])
    return np.array(rows), np.array(start), np.array(end), np.array(died)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_check_proportional_hazards__is_the_score_test_of_a_time_by_covariate_term(ties: str) -> None:
    data = simulate_follow_up(n=80, p=2, days=30)
    ours = check_proportional_hazards(
        exit=data.exit, event=data.event, covariates=data.covariates, transform="identity", ties=ties
    )
    rows, start, end, died = cut_at_events(data.exit, data.event)
    x = data.covariates[rows]
    with_time = np.column_stack([x, x * end[:, None]])
    beta = fit_cox(exit=data.exit, event=data.event, covariates=data.covariates, ties=ties).beta
    _, score, information, _ = plain_partial_likelihood(
        exit=end, entry=start, event=died, covariates=with_time, beta=np.concatenate([beta, [0.0, 0.0]]), ties=ties
    )
    for columns, statistic in (
        ([2], ours.chi_squared[0]),
        ([3], ours.chi_squared[1]),
        ([2, 3], ours.global_chi_squared),
    ):
        kept = [0, 1, *columns]
        part = np.concatenate([[0.0, 0.0], score[columns]])
        expected = part @ np.linalg.solve(information[np.ix_(kept, kept)], part)
        assert statistic == pytest.approx(expected, rel=ROUNDING)


def test_check_proportional_hazards__a_term_of_two_columns_is_tested_jointly() -> None:
    data = simulate_follow_up(p=3)
    arguments = {"exit": data.exit, "event": data.event, "covariates": data.covariates}
    ours = check_proportional_hazards(**arguments, terms=[("smoking", [0, 1]), ("age", [2])])
    assert ours.terms == ("smoking", "age")
    assert ours.degrees_of_freedom.tolist() == [2, 1]
    alone = check_proportional_hazards(**arguments)
    assert ours.chi_squared[1] == pytest.approx(alone.chi_squared[2], rel=ROUNDING)
    assert ours.global_chi_squared == pytest.approx(alone.global_chi_squared, rel=ROUNDING)
    assert ours.chi_squared[0] >= max(alone.chi_squared[:2])


def test_check_proportional_hazards__p_values_are_uniform_where_hazards_are_proportional() -> None:
    p_values = []
    for seed in range(150):
        data = simulate_follow_up(n=150, p=2, seed=seed)
        test = check_proportional_hazards(exit=data.exit, event=data.event, covariates=data.covariates)
        p_values.append(test.global_p_value)
    assert stats.kstest(p_values, "uniform").pvalue > 0.01


def test_check_proportional_hazards__finds_an_effect_that_changes_sign() -> None:
    rng = np.random.default_rng(1)
    x = np.repeat([0.0, 1.0], 500)
    early = rng.exponential(100 / np.where(x == 1, 2.0, 1.0))
    late = 60 + rng.exponential(100 / np.where(x == 1, 0.5, 1.0))
    exit = np.ceil(np.where(early < 60, early, late)).astype(int)
    event = exit < 300
    test = check_proportional_hazards(exit=np.minimum(exit, 300), event=event, covariates=x)
    assert test.global_p_value is not None
    assert test.global_p_value < 1e-6
    bands = period_hazard_ratios(exit=np.minimum(exit, 300), event=event, exposure=x, covariates=None, cuts=[60])
    assert bands.beta[0] == pytest.approx(np.log(2.0), abs=3 * bands.standard_error[0])
    assert bands.beta[1] == pytest.approx(np.log(0.5), abs=3 * bands.standard_error[1])
    assert bands.equality_p_value is not None
    assert bands.equality_p_value < 1e-6


def test_check_proportional_hazards__passes_a_refusal_on() -> None:
    test = check_proportional_hazards(exit=[1, 2, 3], event=[0, 0, 0], covariates=[1.0, 2.0, 3.0])
    assert test.refusal == "no events among 3 rows"
    assert test.global_p_value is None


def test_check_proportional_hazards__unknown_transform_names_the_allowed() -> None:
    with pytest.raises(EstimatorInputError, match="km, identity, log, rank"):
        check_proportional_hazards(exit=[1], event=[1], covariates=[1.0], transform="sqrt")


def test_period_hazard_ratios__without_covariates_are_fits_of_each_period() -> None:
    data = simulate_follow_up(n=600, p=1, late_entry=True)
    bands = period_hazard_ratios(
        exit=data.exit,
        entry=data.entry,
        event=data.event,
        exposure=data.covariates[:, 0],
        covariates=None,
        cuts=[80, 160],
    )
    assert bands.refusal is None
    edges = [0, 80, 160, 10_000]
    for b in range(3):
        start = np.maximum(data.entry, edges[b])
        end = np.minimum(data.exit, edges[b + 1])
        kept = end > start
        alone = fit_cox(
            exit=end[kept],
            entry=start[kept],
            event=(data.event & (data.exit <= edges[b + 1]))[kept],
            covariates=data.covariates[kept],
        )
        assert bands.beta[b] == pytest.approx(alone.beta[0], rel=ROUNDING)
        assert bands.standard_error[b] == pytest.approx(alone.standard_error[0], rel=ROUNDING)
        assert bands.n_events[b] == alone.n_events
    assert bands.upper[-1] == np.inf


def test_period_hazard_ratios__a_period_without_events_is_refused() -> None:
    data = simulate_follow_up()
    bands = period_hazard_ratios(
        exit=data.exit, event=data.event, exposure=data.covariates[:, 0], covariates=None, cuts=[80, 100_000]
    )
    assert bands.refusal == "no events in period 3"
    assert bands.n_events.sum() == data.event.sum()


def test_split_follow_up__truth_table() -> None:
    row, start, end, event, period = split_follow_up(
        exit=[5, 10, 11, 25], event=[1, 1, 0, 1], entry=[0, 2, 10, 0], cuts=[10, 20]
    )
    assert row.tolist() == [0, 1, 2, 3, 3, 3]
    assert start.tolist() == [0, 2, 10, 0, 10, 20]
    assert end.tolist() == [5, 10, 11, 10, 20, 25]
    assert event.tolist() == [True, True, False, False, False, True]
    assert period.tolist() == [0, 0, 1, 0, 1, 2]


@pytest.mark.parametrize("cuts", [[], [0, 5], [10, 10], [20, 10]])
def test_split_follow_up__cuts_must_ascend(cuts: list[int]) -> None:
    with pytest.raises(EstimatorInputError, match="ascending"):
        split_follow_up(exit=[5], event=[1], entry=None, cuts=cuts)
