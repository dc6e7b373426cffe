"""Restricted cubic splines after Harrell: knots, basis, tests of non-linearity and the curve with its limits.

With knots t_1 < ... < t_k the first column is x and the others, j = 1 .. k - 2, are 1 / (t_k - t_1)^2 times

    (x - t_j)+^3 - (x - t_{k-1})+^3 (t_k - t_j) / (t_k - t_{k-1}) + (x - t_k)+^3 (t_{k-1} - t_j) / (t_k - t_{k-1}),

linear beyond the outer knots and in the units of x (`norm = 2` of Hmisc's rcspline.eval).

References: Harrell 2015, Regression Modeling Strategies, 2nd ed, section 2.4.5-2.4.6 (equation 2.25, table 2.3);
Stone & Koo 1985, Proc Stat Comp Section ASA, 45.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from python_models.estimators.survival.cox import CoxFit, fit_cox
from python_models.estimators.survival.cox_input import EstimatorInputError, Ties

F8 = npt.NDArray[np.float64]

# Harrell 2015, table 2.3: quantiles at which k knots are put.
KNOT_QUANTILES: dict[int, tuple[float, ...]] = {
    3: (0.10, 0.50, 0.90),
    4: (0.05, 0.35, 0.65, 0.95),
    5: (0.05, 0.275, 0.50, 0.725, 0.95),
    6: (0.05, 0.23, 0.41, 0.59, 0.77, 0.95),
    7: (0.025, 0.1833, 0.3417, 0.50, 0.6583, 0.8167, 0.975),
}
# Below this many values the outer knots are the fifth smallest and fifth largest (Harrell 2015, p 27).
SMALL_SAMPLE = 100


def harrell_knots(values: npt.ArrayLike, n_knots: int = 4) -> F8:
    """Knots (k,) at Harrell's quantiles of the finite values (type 7); fewer than k where values are heaped.

    Raises
    ------
    EstimatorInputError: k outside 3 to 7, or no finite values.
    """
    if n_knots not in KNOT_QUANTILES:
        raise EstimatorInputError(f"n_knots must be one of {', '.join(map(str, KNOT_QUANTILES))}; got {n_knots}")
    x = np.asarray(values, dtype=np.float64)
    x = np.sort(x[np.isfinite(x)])
    if x.size == 0:
        raise EstimatorInputError("no finite values to place knots on")
    knots = np.quantile(x, KNOT_QUANTILES[n_knots])
    if 10 <= x.size < SMALL_SAMPLE:
        knots[0], knots[-1] = x[4], x[-5]
    return np.unique(knots)


def restricted_cubic_basis(values: npt.ArrayLike, knots: npt.ArrayLike) -> F8:
    """Basis (n, k - 1) of values (n,): x itself, then the k - 2 non-linear columns, in the units of x.

    Raises
    ------
    EstimatorInputError: fewer than three knots, or knots not ascending.
    """
    x = np.asarray(values, dtype=np.float64)
    t = np.asarray(knots, dtype=np.float64)
    if t.ndim != 1 or t.shape[0] < 3 or np.any(np.diff(t) <= 0.0):
        raise EstimatorInputError(f"a restricted cubic spline needs at least three ascending knots; got {t.shape[0]}")
    last, before = t[-1], t[-2]
    span = last - before

    def cube(knot: float) -> F8:
        return np.maximum(x - knot, 0.0) ** 3

    columns = [x]
    for knot in t[:-2]:
        bent = cube(knot) - cube(before) * (last - knot) / span + cube(last) * (before - knot) / span
        columns.append(bent / (last - t[0]) ** 2)
    return np.column_stack(columns)


@dataclass(frozen=True, slots=True)
class SplineFit:
    """A Cox model with a restricted cubic spline of one exposure.

    knots (k,). fit: the model, the k - 1 spline columns first.
    wald_*, likelihood_ratio_*: chi-squared that the exposure has no effect (overall, k - 1 degrees of freedom) and that
    its effect is linear (nonlinear, k - 2). p_overall, p_nonlinear: of the Wald tests.
    refusal: as in `CoxFit`, or that knots coincide.
    """

    knots: F8
    fit: CoxFit | None
    wald_overall: float | None
    wald_nonlinear: float | None
    likelihood_ratio_overall: float | None
    likelihood_ratio_nonlinear: float | None
    p_overall: float | None
    p_nonlinear: float | None
    p_nonlinear_likelihood_ratio: float | None
    refusal: str | None

    def curve(self, values: npt.ArrayLike, reference: float, level: float = 0.95) -> tuple[F8, F8, F8, F8]:
        """Log hazard ratio against `reference`, its standard error and Wald limits, at values (m,): four (m,)."""
        if self.fit is None or self.refusal is not None:
            raise EstimatorInputError(f"no curve: {self.refusal}")
        n_columns = self.knots.shape[0] - 1
        contrast = restricted_cubic_basis(values, self.knots) - restricted_cubic_basis([reference], self.knots)
        log_hazard_ratio = contrast @ self.fit.beta[:n_columns]
        covariance = self.fit.covariance[:n_columns, :n_columns]
        # A quadratic form that is zero at the reference may round below it.
        error = np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", contrast, covariance, contrast), 0.0))
        half = special.ndtri(0.5 + level / 2.0) * error
        return log_hazard_ratio, error, log_hazard_ratio - half, log_hazard_ratio + half


def fit_cox_spline(
    *,
    exit: npt.ArrayLike,
    event: npt.ArrayLike,
    exposure: npt.ArrayLike,
    covariates: npt.ArrayLike | None = None,
    entry: npt.ArrayLike | None = None,
    strata: npt.ArrayLike | None = None,
    knots: npt.ArrayLike | None = None,
    n_knots: int = 4,
    ties: Ties = "efron",
    names: Sequence[str] | None = None,
) -> SplineFit:
    """Cox model with a spline of exposure (n,) adjusted for covariates (n, p), and its tests.

    knots (k,): where given, in place of `n_knots` Harrell knots of the exposure. names: p names of the covariates.
    The likelihood-ratio tests refit without the spline and with x alone. Other arguments as in `fit_cox`.
    """
    x = np.asarray(exposure, dtype=np.float64)
    rest = np.empty((x.shape[0], 0)) if covariates is None else np.asarray(covariates, dtype=np.float64)
    t = harrell_knots(x, n_knots) if knots is None else np.asarray(knots, dtype=np.float64)
    reason: str | None
    if t.shape[0] < 3 or (knots is None and t.shape[0] < n_knots):
        reason = f"knots coincide: {t.shape[0]} distinct of {n_knots}; the exposure has too few distinct values"
        return SplineFit(t, None, None, None, None, None, None, None, None, reason)
    n_columns = t.shape[0] - 1
    basis = restricted_cubic_basis(x, t)
    rest_names = list(names) if names is not None else [f"x{j + 1}" for j in range(rest.shape[1])]

    def fitted(columns: F8, labels: list[str]) -> CoxFit:
        return fit_cox(
            exit=exit,
            event=event,
            entry=entry,
            strata=strata,
            ties=ties,
            covariates=np.column_stack([columns, rest]),
            names=labels + rest_names,
        )

    fit = fitted(basis, [f"spline {j + 1}" for j in range(n_columns)])
    without = fitted(basis[:, :0], [])
    linear = fitted(basis[:, :1], ["exposure"])
    reason = fit.refusal or without.refusal or linear.refusal
    if reason is not None or fit.loglik is None or without.loglik is None or linear.loglik is None:
        return SplineFit(t, fit, None, None, None, None, None, None, None, reason)
    wald_overall = fit.wald_test(range(n_columns))
    wald_nonlinear = fit.wald_test(range(1, n_columns))
    ratio_nonlinear = 2.0 * (fit.loglik - linear.loglik)
    return SplineFit(
        knots=t,
        fit=fit,
        wald_overall=wald_overall,
        wald_nonlinear=wald_nonlinear,
        likelihood_ratio_overall=2.0 * (fit.loglik - without.loglik),
        likelihood_ratio_nonlinear=ratio_nonlinear,
        p_overall=float(special.chdtrc(n_columns, wald_overall)),
        p_nonlinear=float(special.chdtrc(n_columns - 1, wald_nonlinear)),
        p_nonlinear_likelihood_ratio=float(special.chdtrc(n_columns - 1, ratio_nonlinear)),
        refusal=None,
    )
