"""Exact ties against a list of all subsets; Gray's test and Uno's concordance where they are something simpler."""

from itertools import combinations

import numpy as np
import pytest
from scipy import optimize

from python_models.estimators.survival.concordance import concordance
from python_models.estimators.survival.cox import fit_cox
from python_models.estimators.survival.cox_input import EstimatorInputError
from python_models.estimators.survival.exact_ties import fit_cox_exact
from python_models.estimators.survival.gray_test import gray_test
from python_models.estimators.survival.log_rank import log_rank_test
from tests.estimators.survival.follow_up import simulate_follow_up

RNG = np.random.default_rng(20260601)


def small(n: int = 14) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return RNG.integers(1, 5, n), RNG.random(n) < 0.7, RNG.normal(size=(n, 2))


def listed_loglik(beta: np.ndarray, days: np.ndarray, event: np.ndarray, z: np.ndarray) -> float:
    """The discrete partial likelihood by listing every subset."""
    value = 0.0
    for day in np.unique(days[event]):
        died, at_risk = np.flatnonzero(event & (days == day)), np.flatnonzero(days >= day)
        sums = [np.exp(z[list(subset)].sum(axis=0) @ beta) for subset in combinations(at_risk, len(died))]
        value += float(z[died].sum(axis=0) @ beta - np.log(np.sum(sums)))
    return value


def test_fit_cox_exact__is_the_maximum_over_all_subsets() -> None:
    days, event, z = small()
    fit = fit_cox_exact(exit=days, event=event, covariates=z)
    found = optimize.minimize(lambda beta: -listed_loglik(beta, days, event, z), np.zeros(2), tol=1e-12)
    np.testing.assert_allclose(fit.beta, found.x, atol=1e-5)
    assert fit.loglik == pytest.approx(listed_loglik(fit.beta, days, event, z), rel=1e-12)
    assert fit.loglik_null == pytest.approx(listed_loglik(np.zeros(2), days, event, z), rel=1e-12)


def test_fit_cox_exact__without_ties_is_the_cox_model() -> None:
    days, event, z = np.arange(1, 41), RNG.random(40) < 0.6, RNG.normal(size=(40, 3))
    strata, entry = RNG.integers(0, 2, 40), np.maximum(np.arange(1, 41) - RNG.integers(1, 30, 40), 0)
    exact = fit_cox_exact(exit=days, event=event, covariates=z, strata=strata, entry=entry)
    plain = fit_cox(exit=days, event=event, covariates=z, strata=strata, entry=entry)
    np.testing.assert_allclose(exact.beta, plain.beta, rtol=1e-8)
    np.testing.assert_allclose(exact.standard_error, plain.standard_error, rtol=1e-8)


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"event": np.zeros(14, dtype=bool)}, "no events among 14 rows"),
        ({"covariates": np.ones((14, 1))}, "constant: x1"),
        ({"exit": np.zeros(14)}, "follow-up is zero in 14 rows"),
    ],
)
def test_fit_cox_exact__refuses_by_name(change: dict[str, np.ndarray], refusal: str) -> None:
    days, event, z = small()
    fit = fit_cox_exact(**({"exit": days, "event": event, "covariates": z[:, :1]} | change))
    assert fit.refusal is not None
    assert fit.refusal.startswith(refusal)


def test_gray_test__without_competing_events_is_near_the_log_rank_test() -> None:
    data = simulate_follow_up(n=400, seed=3)
    group = (data.covariates[:, 0] > 0).astype(int)
    gray = gray_test(exit=data.exit, event=data.event.astype(int), group=group)
    rank = log_rank_test(exit=data.exit, event=data.event, group=group)
    # The same score; the variances are two estimates of one number.
    assert gray.chi_squared == pytest.approx(rank.chi_squared, rel=0.05)


def test_gray_test__does_not_depend_on_the_order_of_groups() -> None:
    n = 200
    days, event, group = RNG.integers(1, 60, n), RNG.integers(0, 3, n), RNG.integers(0, 3, n)
    one = gray_test(exit=days, event=event, group=group)
    other = gray_test(exit=days, event=event, group=(group + 1) % 3)
    assert one.degrees_of_freedom == 2
    assert one.chi_squared == pytest.approx(other.chi_squared, rel=1e-9)


def test_gray_test__refuses_by_name() -> None:
    days, group = np.arange(1, 11), np.repeat([0, 1], 5)
    assert gray_test(exit=days, event=np.full(10, 2), group=group).refusal == "no events of cause 1 among 10 rows"
    assert gray_test(exit=days, event=np.ones(10), group=np.zeros(10)).refusal is not None


def test_uno_concordance__without_censoring_is_harrells() -> None:
    days, score = RNG.permutation(80) + 1, RNG.normal(size=80)
    everyone = np.ones(80, dtype=bool)
    uno = concordance(exit=days, event=everyone, risk_score=score, weighting="uno")
    harrell = concordance(exit=days, event=everyone, risk_score=score)
    assert uno.concordance == pytest.approx(harrell.concordance, rel=1e-12)
    assert uno.standard_error == pytest.approx(harrell.standard_error, rel=1e-12)


def test_uno_concordance__is_the_weighted_share_of_all_pairs() -> None:
    n = 40
    days, event, score = RNG.integers(1, 20, n), RNG.random(n) < 0.5, RNG.normal(size=n)
    weight = np.ones(n)
    for i in range(n):
        survival = 1.0
        for day in np.unique(days[~event]):
            if day < days[i]:
                at_risk = np.sum(days >= day) - np.sum(event & (days == day))
                survival *= 1 - np.sum(~event & (days == day)) / at_risk
        weight[i] = 1 / survival**2
    agree = total = 0.0
    for i in np.flatnonzero(event):
        for j in range(n):
            if days[j] > days[i] or (days[j] == days[i] and not event[j]):
                total += weight[i]
                agree += weight[i] * (score[i] > score[j])
    found = concordance(exit=days, event=event, risk_score=score, weighting="uno")
    assert found.concordance == pytest.approx(agree / total, rel=1e-12)


def test_uno_concordance__refuses_delayed_entry_and_unknown_weights() -> None:
    days, event, score = np.arange(1, 6), np.ones(5, dtype=bool), np.arange(5.0)
    with pytest.raises(EstimatorInputError, match="delayed entry"):
        concordance(exit=days, event=event, risk_score=score, entry=np.zeros(5), weighting="uno")
    with pytest.raises(EstimatorInputError, match="harrell, uno"):
        concordance(exit=days, event=event, risk_score=score, weighting="una")  # type: ignore[arg-type]
