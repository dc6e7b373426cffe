"""Do estimates centre on the truth and their intervals hold it: small studies over seeded cohorts."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from python_models.estimators.survival.cox import fit_cox
from python_models.estimators.survival.fine_gray import fit_fine_gray
from python_models.estimators.survival.grouped_hazards import fit_grouped_hazards
from tests.estimators.survival.follow_up import simulate_follow_up

pytestmark = pytest.mark.recovery

COHORTS = 400
# 95 % coverage over 400 cohorts has a standard error of 1.1 %; three of them either way.
LEAST_COVERAGE, MOST_COVERAGE = 0.917, 0.983


def check(estimates: np.ndarray, errors: np.ndarray, truth: np.ndarray) -> None:
    """Bias within three Monte-Carlo errors (and 2 % for the small-sample bias of a ratio), coverage, calibration."""
    monte_carlo = estimates.std(axis=0, ddof=1) / np.sqrt(len(estimates))
    assert np.all(np.abs(estimates.mean(axis=0) - truth) < 3 * monte_carlo + 0.02 * np.abs(truth))
    half = stats.norm.ppf(0.975) * errors
    coverage = np.mean(np.abs(estimates - truth) <= half, axis=0)
    assert np.all((coverage >= LEAST_COVERAGE) & (coverage <= MOST_COVERAGE)), coverage


@pytest.mark.parametrize("late_entry", [False, True])
@pytest.mark.parametrize("robust", [False, True])
def test_fit_cox__recovers_what_was_planted(late_entry: bool, robust: bool) -> None:
    estimates, errors = [], []
    for seed in range(COHORTS):
        data = simulate_follow_up(n=500, days=2000, late_entry=late_entry, seed=seed)
        fit = fit_cox(
            exit=data.exit,
            event=data.event,
            covariates=data.covariates,
            entry=data.entry if late_entry else None,
            robust=robust,
        )
        estimates.append(fit.beta)
        errors.append(fit.standard_error)
    check(np.array(estimates), np.array(errors), data.beta)


def test_fit_cox__null_covariate_has_uniform_p_values() -> None:
    p_values = []
    for seed in range(COHORTS):
        data = simulate_follow_up(n=300, seed=seed)
        noise = np.random.default_rng(10_000 + seed).normal(size=300)
        fit = fit_cox(exit=data.exit, event=data.event, covariates=np.column_stack([data.covariates, noise]))
        p_values.append(fit.p_value[-1])
    assert stats.kstest(p_values, "uniform").pvalue > 0.01


def test_fit_fine_gray__recovers_a_subdistribution_hazard() -> None:
    # Fine & Gray 1999, section 4: F1(t | x) = 1 - (1 - p (1 - exp(-t)))^exp(b x), cause 2 exponential otherwise.
    truth, p = 0.5, 0.4
    estimates, errors = [], []
    for seed in range(COHORTS):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=500)
        ever = 1 - (1 - p) ** np.exp(truth * x)
        cause = np.where(rng.random(500) < ever, 1, 2)
        u = rng.random(500) * ever
        first = -np.log(1 - (1 - (1 - u) ** np.exp(-truth * x)) / p)
        time = np.where(cause == 1, first, rng.exponential(1.0, 500))
        lost = rng.uniform(0.3, 2.5, 500)
        exit = np.ceil(1000 * np.minimum(time, lost)).astype(int)
        fit = fit_fine_gray(exit=exit, event=np.where(time <= lost, cause, 0), covariates=x)
        estimates.append(fit.beta)
        errors.append(fit.standard_error)
    check(np.array(estimates), np.array(errors), np.array([truth]))


def test_fit_grouped_hazards__recovers_the_hazard_ratio_of_continuous_time() -> None:
    truth = np.array([0.6, -0.4])
    estimates, errors = [], []
    for seed in range(COHORTS):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(600, 2))
        time = (rng.exponential(1.0, 600) * np.exp(-x @ truth)) ** 0.7 * 4000
        visits = np.array([0, 1500, 3000, 4500])
        person, interval, event = [], [], []
        for k in range(3):
            at_risk = np.flatnonzero(time > visits[k])
            person.append(at_risk)
            interval.append(np.full(at_risk.size, k))
            event.append(time[at_risk] <= visits[k + 1])
        fit = fit_grouped_hazards(
            event=np.concatenate(event), interval=np.concatenate(interval), covariates=x, person=np.concatenate(person)
        )
        estimates.append(fit.beta)
        errors.append(fit.standard_error)
    check(np.array(estimates), np.array(errors), truth)
