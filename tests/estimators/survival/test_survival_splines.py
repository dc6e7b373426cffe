"""Restricted cubic splines: shape of the basis, knots, tests and curve."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from python_models.estimators.survival.cox import EstimatorInputError, fit_cox
from python_models.estimators.survival.splines import fit_cox_spline, harrell_knots, restricted_cubic_basis
from tests.estimators.survival.follow_up import simulate_follow_up

ROUNDING = 1e-9


def test_restricted_cubic_basis__by_hand() -> None:
    # Knots 0, 1, 2: the bent column is x^3 / 4 up to 1, then x^3 / 4 - (x - 1)^3 / 2, and a line from 2 on.
    basis = restricted_cubic_basis([-1.0, 0.5, 1.5, 2.0, 3.0], [0.0, 1.0, 2.0])
    bent = [0.0, 0.125 / 4, (3.375 - 2 * 0.125) / 4, (8 - 2) / 4, (27 - 2 * 8 + 1) / 4]
    np.testing.assert_allclose(basis[:, 1], bent, rtol=1e-14)
    np.testing.assert_allclose(basis[:, 0], [-1.0, 0.5, 1.5, 2.0, 3.0])


@pytest.mark.parametrize("n_knots", [3, 4, 5, 6, 7])
def test_restricted_cubic_basis__is_smooth_and_linear_in_the_tails(n_knots: int) -> None:
    knots = np.arange(n_knots) + 0.3 * np.random.default_rng(n_knots).random(n_knots)
    width = knots[-1] - knots[0]
    beyond = knots[-1] + width * np.linspace(0, 2, 9)
    below = knots[0] - width * np.linspace(0, 2, 9)
    for tail in (beyond, below):
        np.testing.assert_allclose(np.diff(restricted_cubic_basis(tail, knots), n=2, axis=0), 0.0, atol=1e-12 * width)
    # Second differences may not jump by more than a step at a knot: the second derivative is continuous.
    step = 1e-3
    for knot in knots:
        around = restricted_cubic_basis(knot + step * np.arange(-2, 3), knots)
        assert np.max(np.abs(np.diff(around, n=3, axis=0))) < 20 * step**3


def test_harrell_knots__quantiles_and_small_samples() -> None:
    x = np.arange(1001.0)
    assert harrell_knots(x, 3).tolist() == [100, 500, 900]
    assert harrell_knots(np.append(x, np.nan), 5).tolist() == [50, 275, 500, 725, 950]
    assert harrell_knots(np.arange(50.0), 4)[[0, -1]].tolist() == [4, 45]
    with pytest.raises(EstimatorInputError, match="3, 4, 5, 6, 7"):
        harrell_knots(x, 8)


def test_fit_cox_spline__linear_truth_gives_uniform_p_and_curved_truth_is_found() -> None:
    p_values = []
    for seed in range(60):
        data = simulate_follow_up(n=250, p=2, seed=seed)
        spline = fit_cox_spline(
            exit=data.exit,
            event=data.event,
            exposure=data.covariates[:, 0],
            covariates=data.covariates[:, 1:],
            n_knots=3,
        )
        p_values.append(spline.p_nonlinear)
    assert stats.kstest(p_values, "uniform").pvalue > 0.01
    rng = np.random.default_rng(1)
    x = rng.normal(size=1500)
    exit = np.ceil(rng.exponential(200 * np.exp(-0.5 * x**2))).astype(int)
    spline = fit_cox_spline(exit=np.minimum(exit, 200), event=exit <= 200, exposure=x, n_knots=5)
    assert spline.p_nonlinear_likelihood_ratio is not None
    assert spline.p_nonlinear_likelihood_ratio < 1e-8
    log_ratio, error, low, high = spline.curve([-1.0, 0.0, 1.0], reference=0.0)
    assert log_ratio[1] == error[1] == low[1] == high[1] == 0.0
    assert np.all((low <= log_ratio) & (log_ratio <= high))
    np.testing.assert_allclose(log_ratio[[0, 2]], 0.5, atol=0.2)


def test_fit_cox_spline__one_bend_of_no_size_is_the_linear_model() -> None:
    data = simulate_follow_up()
    spline = fit_cox_spline(exit=data.exit, event=data.event, exposure=data.covariates[:, 0], n_knots=3)
    linear = fit_cox(exit=data.exit, event=data.event, covariates=data.covariates[:, :1])
    assert spline.fit is not None
    assert spline.fit.loglik is not None
    assert linear.loglik is not None
    assert spline.likelihood_ratio_nonlinear == pytest.approx(2 * (spline.fit.loglik - linear.loglik), abs=ROUNDING)
    assert spline.likelihood_ratio_overall == pytest.approx(spline.fit.likelihood_ratio, rel=ROUNDING)


def test_fit_cox_spline__too_few_distinct_values_is_a_refusal() -> None:
    data = simulate_follow_up()
    spline = fit_cox_spline(exit=data.exit, event=data.event, exposure=data.covariates[:, -1])
    assert spline.refusal is not None
    assert "knots coincide" in spline.refusal
    with pytest.raises(EstimatorInputError, match="no curve"):
        spline.curve([0.0], 0.0)
