"""Rubin's rules: one estimate, variance and degrees of freedom from m completed data sets.

Qbar = mean Q, W = mean U, B = var Q, T = W + (1 + 1/m) B, r = (1 + 1/m) B / W, lambda = (1 + 1/m) B / T;
nu_old = (m - 1) / lambda^2; with nu_com complete-data degrees of freedom, nu_obs = (nu_com + 1) / (nu_com + 3) nu_com
(1 - lambda) and 1/nu = 1/nu_old + 1/nu_obs.

References: Rubin 1987, Multiple Imputation for Nonresponse, section 3.3; Barnard & Rubin 1999, Biometrika 86:948;
Li, Raghunathan & Rubin 1991, JASA 86:1065 (the joint test).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from python_models.estimators.survival.cox_input import EstimatorInputError

F8 = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PooledEstimates:
    """p estimates pooled over m data sets; all (p,).

    degrees_of_freedom: Barnard-Rubin, infinite where imputations agree and the complete data are large.
    relative_increase: r. fraction_missing: (r + 2 / (nu + 3)) / (r + 1). p_value: two-sided, t on nu.
    """

    estimate: F8
    standard_error: F8
    degrees_of_freedom: F8
    p_value: F8
    relative_increase: F8
    fraction_missing: F8
    n_imputations: int

    def interval(self, level: float = 0.95) -> tuple[F8, F8]:
        """Limits (p,), (p,) from t on the pooled degrees of freedom."""
        half = stats.t.ppf(0.5 + level / 2.0, self.degrees_of_freedom) * self.standard_error
        return self.estimate - half, self.estimate + half


def pool_estimates(
    *, estimates: npt.ArrayLike, standard_errors: npt.ArrayLike, complete_degrees_of_freedom: float = np.inf
) -> PooledEstimates:
    """Pool estimates (m, p) with standard errors (m, p).

    complete_degrees_of_freedom: of the analysis without missing data (Cox: events - p).

    Raises
    ------
    EstimatorInputError: fewer than two imputations, shapes differ, standard errors not positive.
    """
    q = np.asarray(estimates, dtype=np.float64)
    u = np.asarray(standard_errors, dtype=np.float64)
    if q.ndim != 2 or q.shape != u.shape or q.shape[0] < 2:
        raise EstimatorInputError(f"estimates {q.shape} and standard_errors {u.shape} must both be (m, p) with m >= 2")
    if not (bool(np.all(np.isfinite(q))) and bool(np.all(np.isfinite(u) & (u > 0.0)))):
        raise EstimatorInputError("every imputation needs a finite estimate and a positive standard error")
    m = q.shape[0]
    within = np.mean(u**2, axis=0)
    between = (1.0 + 1.0 / m) * np.var(q, axis=0, ddof=1)
    total = within + between
    share = between / total
    with np.errstate(divide="ignore"):
        nu = np.where(share > 0.0, (m - 1) / share**2, np.inf)
    if np.isfinite(complete_degrees_of_freedom):
        complete = float(complete_degrees_of_freedom)
        observed = (complete + 1.0) / (complete + 3.0) * complete * (1.0 - share)
        nu = 1.0 / (1.0 / nu + 1.0 / observed)
    increase = between / within
    estimate = q.mean(axis=0)
    error = np.sqrt(total)
    return PooledEstimates(
        estimate=estimate,
        standard_error=error,
        degrees_of_freedom=nu,
        p_value=2.0 * stats.t.sf(np.abs(estimate / error), nu),
        relative_increase=increase,
        fraction_missing=(increase + 2.0 / (nu + 3.0)) / (increase + 1.0),
        n_imputations=m,
    )


@dataclass(frozen=True, slots=True)
class PooledWaldTest:
    """F statistic of a joint hypothesis, its two degrees of freedom and p-value."""

    statistic: float
    numerator_df: int
    denominator_df: float
    p_value: float


def pool_wald_test(*, estimates: npt.ArrayLike, covariances: npt.ArrayLike) -> PooledWaldTest:
    """Joint test that k coefficients are 0: estimates (m, k), covariances (m, k, k); D1 of Li, Raghunathan & Rubin.

    Raises
    ------
    EstimatorInputError: shapes differ or fewer than two imputations.
    """
    q = np.asarray(estimates, dtype=np.float64)
    u = np.asarray(covariances, dtype=np.float64)
    if q.ndim != 2 or q.shape[0] < 2 or u.shape != (*q.shape, q.shape[1]):
        raise EstimatorInputError(f"estimates {q.shape} must be (m, k) with m >= 2 and covariances {u.shape} (m, k, k)")
    m, k = q.shape
    mean = q.mean(axis=0)
    within = u.mean(axis=0)
    between = np.atleast_2d(np.cov(q, rowvar=False))
    increase = (1.0 + 1.0 / m) * float(np.trace(np.linalg.solve(within, between))) / k
    statistic = float(mean @ np.linalg.solve(within, mean)) / (k * (1.0 + increase))
    t = k * (m - 1)
    if increase == 0.0:
        nu = np.inf
    elif t > 4:
        nu = 4.0 + (t - 4.0) * (1.0 + (1.0 - 2.0 / t) / increase) ** 2
    else:
        nu = t * (1.0 + 1.0 / k) * (1.0 + 1.0 / increase) ** 2 / 2.0
    # An F with infinitely many denominator degrees of freedom is chi-squared / k.
    p_value = stats.chi2.sf(k * statistic, k) if np.isinf(nu) else stats.f.sf(statistic, k, nu)
    return PooledWaldTest(statistic=statistic, numerator_df=k, denominator_df=float(nu), p_value=float(p_value))
