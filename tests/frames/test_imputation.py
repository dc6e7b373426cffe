"""Imputation: observed values stay, gaps are filled from people alike, and a truth missing at random comes back."""

import numpy as np
import pytest

from python_models.estimators.survival.rubin import pool_estimates
from python_models.frames.columns import MISSING, Categories
from python_models.frames.survival.imputation import impute_covariates

LEVELS = ("high", "low", "middle", "unknown")


def cohort(
    rng: np.random.Generator, n: int = 1_500
) -> tuple[dict[str, Categories | np.ndarray], np.ndarray, np.ndarray]:
    """A covariate x, a factor that follows it, y of both; the factor misses where y is high (at random given y)."""
    x = rng.normal(size=n)
    factor = np.digitize(x + rng.normal(size=n), [-0.5, 0.7])  # 0 low, 1 middle, 2 high
    y = 0.5 * x + np.array([0.0, 0.6, 1.2])[factor] + rng.normal(size=n)
    hidden = rng.random(n) < 1 / (1 + np.exp(-(y - 1.0)))
    codes = np.where(hidden, LEVELS.index("unknown"), np.array([1, 2, 0])[factor]).astype(np.int32)
    gaps = rng.random(n) < 0.1
    columns: dict[str, Categories | np.ndarray] = {
        "factor": Categories(codes, LEVELS),
        "x": np.where(gaps, np.nan, x),
    }
    return columns, y, factor


def test_observed_values_stay_and_no_gap_is_left() -> None:
    rng = np.random.default_rng(1)
    columns, y, _ = cohort(rng)
    filled = impute_covariates(columns=columns, covariates=["factor", "x"], predictors=y[:, None], rng=rng)
    before, after = columns["factor"], filled["factor"]
    assert isinstance(before, Categories)
    assert isinstance(after, Categories)
    known = before.codes != LEVELS.index("unknown")
    np.testing.assert_array_equal(after.codes[known], before.codes[known])
    assert LEVELS.index("unknown") not in after.codes
    assert MISSING not in after.codes
    x = filled["x"]
    assert isinstance(x, np.ndarray)
    assert np.isfinite(x).all()
    assert set(x[np.isnan(np.asarray(columns["x"]))]) <= set(np.asarray(columns["x"]))


def test_the_same_seed_gives_the_same_values() -> None:
    columns, y, _ = cohort(np.random.default_rng(2))
    one, other = (
        impute_covariates(
            columns=columns, covariates=["factor", "x"], predictors=y[:, None], rng=np.random.default_rng(5)
        )["x"]
        for _ in range(2)
    )
    np.testing.assert_array_equal(one, other)


def test_a_covariate_nobody_has_is_named() -> None:
    columns = {"x": np.full(20, np.nan)}
    with pytest.raises(ValueError, match="nobody has x"):
        impute_covariates(columns=columns, covariates=["x"], predictors=np.ones((20, 1)), rng=np.random.default_rng(1))


def regression(columns: dict[str, Categories | np.ndarray], y: np.ndarray, rows: np.ndarray) -> tuple[float, float]:
    """Coefficient and error of level high against low, given x."""
    factor, x = columns["factor"], columns["x"]
    assert isinstance(factor, Categories)
    design = np.column_stack([np.ones(len(y)), factor.codes == 0, factor.codes == 2, np.asarray(x)])[rows].astype(float)
    beta, residuals, _, _ = np.linalg.lstsq(design, y[rows], rcond=None)
    variance = residuals[0] / (len(design) - 4) * np.linalg.inv(design.T @ design)
    return float(beta[1]), float(np.sqrt(variance[1, 1]))


def test_the_truth_comes_back_where_complete_cases_miss_it() -> None:
    pooled, complete, errors = [], [], []
    for seed in range(40):
        rng = np.random.default_rng([7, seed])
        columns, y, _ = cohort(rng)
        factor, x = columns["factor"], np.asarray(columns["x"])
        assert isinstance(factor, Categories)
        rows = (factor.codes != LEVELS.index("unknown")) & np.isfinite(x)
        complete.append(regression(columns, y, rows)[0])
        found = [
            regression(
                impute_covariates(columns=columns, covariates=["factor", "x"], predictors=y[:, None], rng=rng),  # type: ignore[arg-type]
                y,
                np.ones(len(y), dtype=bool),
            )
            for _ in range(5)
        ]
        result = pool_estimates(
            estimates=[[beta] for beta, _ in found], standard_errors=[[error] for _, error in found]
        )
        pooled.append(result.estimate[0])
        errors.append(result.standard_error[0])
    truth = 1.2
    bias, bias_complete = abs(np.mean(pooled) - truth), abs(np.mean(complete) - truth)
    # Complete cases condition on the outcome and are biased; matching on few donors leaves a small part of it.
    assert bias_complete > 0.1
    assert bias < 0.4 * bias_complete
    assert 0.8 < np.mean(errors) / np.std(pooled, ddof=1) < 1.4
