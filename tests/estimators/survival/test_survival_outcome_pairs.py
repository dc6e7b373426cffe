"""Two outcomes of the same people: the joint covariance, and how alike two patterns are."""

import numpy as np
import pytest

from python_models.estimators.survival.cox import fit_cox
from python_models.estimators.survival.cox_input import EstimatorInputError
from python_models.estimators.survival.outcome_pairs import (
    coefficient_influences,
    covariance_between,
    pattern_similarity,
)
from tests.estimators.survival.follow_up import simulate_follow_up


def test_influences__their_outer_products_are_the_robust_covariance() -> None:
    data = simulate_follow_up(n=500, seed=4)
    fit = fit_cox(exit=data.exit, event=data.event, covariates=data.covariates, robust=True)
    moved = coefficient_influences(
        exit=data.exit, event=data.event, covariates=data.covariates, beta=fit.beta, columns=[0, 2]
    )
    np.testing.assert_allclose(moved.T @ moved, fit.covariance[np.ix_([0, 2], [0, 2])], rtol=1e-8)
    np.testing.assert_allclose(moved.sum(axis=0), 0.0, atol=1e-8)


def test_covariance_between__an_outcome_with_itself_is_its_robust_covariance() -> None:
    data = simulate_follow_up(n=400, seed=5)
    fit = fit_cox(exit=data.exit, event=data.event, covariates=data.covariates, robust=True)
    moved = coefficient_influences(
        exit=data.exit, event=data.event, covariates=data.covariates, beta=fit.beta, columns=[0, 1, 2]
    )
    people = np.arange(400)
    np.testing.assert_allclose(covariance_between((moved, moved), (people, people)), fit.covariance, rtol=1e-8)
    assert np.abs(covariance_between((moved, moved), (people, people + 400))).max() == 0.0


def test_covariance_between__is_the_covariance_over_cohorts() -> None:
    estimates, found = [], []
    for seed in range(150):
        rng = np.random.default_rng([11, seed])
        x, frailty = rng.normal(size=(300, 1)), rng.gamma(1.0, size=300)
        pairs = []
        for _ in range(2):
            days = np.ceil(rng.exponential(1_000 / (frailty * np.exp(0.3 * x[:, 0]))))
            event, days = days <= 900, np.minimum(days, 900)
            fit = fit_cox(exit=days, event=event, covariates=x)
            moved = coefficient_influences(exit=days, event=event, covariates=x, beta=fit.beta, columns=[0])
            pairs.append((fit.beta[0], moved))
        estimates.append([pairs[0][0], pairs[1][0]])
        people = np.arange(300)
        found.append(covariance_between((pairs[0][1], pairs[1][1]), (people, people))[0, 0])
    across = np.cov(np.array(estimates), rowvar=False)[0, 1]
    assert across > 0
    assert np.mean(found) == pytest.approx(across, rel=0.5)


def similarity(first: list[float], second: list[float], variance: float = 1e-6):
    return pattern_similarity(
        first=np.array(first),
        second=np.array(second),
        covariance=variance * np.eye(2 * len(first)),
        rng=np.random.default_rng(1),
    )


def test_pattern_similarity__by_hand() -> None:
    same = similarity([0.1, 0.2, -0.3], [0.2, 0.4, -0.6])
    assert same.cosine == pytest.approx(1.0)
    assert same.slope == pytest.approx(2.0)
    assert same.same_sign == 1.0
    assert same.equality == pytest.approx((0.01 + 0.04 + 0.09) / 2e-6)
    opposite = similarity([0.1, 0.2], [-0.1, -0.2])
    assert opposite.cosine == pytest.approx(-1.0)
    assert opposite.same_sign == 0.0
    unrelated = similarity([1.0, 0.0], [0.0, 1.0])
    assert unrelated.cosine == pytest.approx(0.0, abs=1e-12)


def test_pattern_similarity__noise_widens_the_interval() -> None:
    sharp, blurred = similarity([0.5, -0.5], [0.4, -0.6], 1e-4), similarity([0.5, -0.5], [0.4, -0.6], 0.1)
    assert sharp.cosine_lower is not None
    assert blurred.cosine_lower is not None
    assert blurred.cosine_lower < sharp.cosine_lower


def test_pattern_similarity__refuses_one_contrast_and_a_covariance_of_another_size() -> None:
    assert similarity([0.1], [0.2]).refusal == "a pattern needs two contrasts; there are 1"
    with pytest.raises(EstimatorInputError, match="need a covariance"):
        pattern_similarity(first=np.ones(2), second=np.ones(2), covariance=np.eye(2), rng=np.random.default_rng(1))
