"""P-values of a family: adjusted, and the number of independent tests the family amounts to.

A NaN p-value is no test: it stays NaN and is not counted.

References: Benjamini & Hochberg 1995, JRSS B 57:289; Benjamini & Yekutieli 2001, Ann Stat 29:1165, theorem 1.3;
Holm 1979, Scand J Stat 6:65; Storey & Tibshirani 2003, PNAS 100:9440 (pi0 and q-values); Li & Ji 2005, Heredity 95:221,
equation 5; Galwey 2009, Genet Epidemiol 33:559, equation 6.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
from scipy import linalg, optimize

F8 = npt.NDArray[np.float64]
Adjustment = Literal["bh", "by", "bonferroni", "holm"]
EffectiveTests = Literal["li_ji", "galwey"]

# Storey & Tibshirani's grid and the spline degrees of freedom of the qvalue package.
LAMBDA_GRID: F8 = np.arange(1, 20, dtype=np.float64) * 0.05
SPLINE_DF = 3.0


class MultiplicityError(ValueError):
    """P-values or correlations that are none, or an unknown method: every fault found, in one message."""


def adjust_p_values(p_values: npt.ArrayLike, method: Adjustment = "bh") -> F8:
    """Adjusted p-values (m,), in the order given; NaN stays NaN and is not counted.

    Raises
    ------
    MultiplicityError: unknown method, p-values outside 0 to 1.
    """
    if method not in get_args(Adjustment):
        raise MultiplicityError(f"method must be one of {', '.join(get_args(Adjustment))}; got {method!r}")
    p, known = _checked(p_values)
    adjusted = np.full(p.shape, np.nan)
    tested = p[known]
    m = tested.size
    if m == 0:
        return adjusted
    order = np.argsort(tested, kind="stable")
    rank = np.arange(1, m + 1)
    ascending = tested[order]
    if method == "bonferroni":
        values = ascending * m
    elif method == "holm":
        values = np.maximum.accumulate(ascending * (m + 1 - rank))
    else:
        penalty = float(np.sum(1.0 / rank)) if method == "by" else 1.0
        values = np.minimum.accumulate((ascending * penalty * m / rank)[::-1])[::-1]
    back = np.empty(m)
    back[order] = np.minimum(values, 1.0)
    adjusted[known] = back
    return adjusted


def storey_pi0(p_values: npt.ArrayLike) -> float:
    """Share of true null hypotheses, at most 1: natural smoothing spline of #{p >= l} / (m (1 - l)) taken at l = 0.95.

    The spline has three degrees of freedom, met exactly; R's smooth.spline meets them to about 1e-4, so qvalue may
    differ in the fourth decimal where pi0 is below 1.

    Raises
    ------
    MultiplicityError: p-values outside 0 to 1, none at all, or an estimate of 0 or less.
    """
    p, known = _checked(p_values)
    tested = np.sort(p[known])
    if tested.size == 0:
        raise MultiplicityError("no p-values to estimate pi0 from")
    # Grid points such as 0.15 are not exact; a p-value equal to one counts as at or above it.
    above = tested.size - np.searchsorted(tested, LAMBDA_GRID - 1e-12, side="left")
    raw = np.asarray(above / (tested.size * (1.0 - LAMBDA_GRID)), dtype=np.float64)
    pi0 = _smoothing_spline(LAMBDA_GRID, raw, SPLINE_DF)[-1]
    if pi0 <= 0.0:
        raise MultiplicityError("the estimated share of true nulls is 0 or less: the p-values are not uniform near 1")
    return float(min(pi0, 1.0))


def storey_q_values(p_values: npt.ArrayLike, pi0: float | None = None) -> F8:
    """Q-values (m,): Benjamini-Hochberg values times pi0, estimated by `storey_pi0` where not given.

    Raises
    ------
    MultiplicityError: as `storey_pi0`, or pi0 not in (0, 1].
    """
    share = storey_pi0(p_values) if pi0 is None else pi0
    if not 0.0 < share <= 1.0:
        raise MultiplicityError(f"pi0 must lie in (0, 1]; got {share}")
    p, known = _checked(p_values)
    q = np.full(p.shape, np.nan)
    tested = p[known]
    m = tested.size
    order = np.argsort(tested, kind="stable")
    ascending = np.minimum.accumulate((share * tested[order] * m / np.arange(1, m + 1))[::-1])[::-1]
    back = np.empty(m)
    back[order] = np.minimum(ascending, 1.0)
    q[known] = back
    return q


def effective_tests(correlation: npt.ArrayLike, method: EffectiveTests = "li_ji") -> float:
    """Effective number of independent tests among K with correlation matrix (K, K).

    li_ji: sum over eigenvalues of [1 if it is at least 1] + its fractional part. galwey: (sum sqrt)^2 / sum of the
    positive ones. Between 1 and K.

    Raises
    ------
    MultiplicityError: unknown method, matrix not square and finite with ones on its diagonal.
    """
    if method not in get_args(EffectiveTests):
        raise MultiplicityError(f"method must be one of {', '.join(get_args(EffectiveTests))}; got {method!r}")
    matrix = np.asarray(correlation, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not bool(np.all(np.isfinite(matrix))):
        raise MultiplicityError(f"correlation must be a finite square matrix; got shape {matrix.shape}")
    if not np.allclose(np.diag(matrix), 1.0, rtol=0.0, atol=1e-8):
        raise MultiplicityError("correlation must have ones on its diagonal")
    # Eigenvalues of exactly correlated blocks come out as 2.9999999999: rounding must not cost a whole test.
    eigenvalues = np.round(np.abs(linalg.eigvalsh(0.5 * (matrix + matrix.T), overwrite_a=True)), 10)
    if method == "li_ji":
        return float(np.sum((eigenvalues >= 1.0) + (eigenvalues - np.floor(eigenvalues))))
    return float(np.sum(np.sqrt(eigenvalues)) ** 2 / np.sum(eigenvalues))


def correlation_of_rows(values: npt.ArrayLike) -> F8:
    """Correlation matrix (K, K) of biomarkers (K, n), a missing value standing at its biomarker's mean.

    Filling means shrinks a correlation by about the share of pairs missing, so `effective_tests` errs upwards.

    Raises
    ------
    MultiplicityError: a biomarker constant or without values.
    """
    matrix = np.asarray(values)
    n_rows, n = matrix.shape
    total, square, count = np.zeros(n_rows), np.zeros(n_rows), np.zeros(n_rows)
    step = max(1, 2**22 // max(n_rows, 1))
    for start in range(0, n, step):
        block = matrix[:, start : start + step].astype(np.float64)
        count += np.isfinite(block).sum(axis=1)
        total += np.where(np.isfinite(block), block, 0.0).sum(axis=1)
    mean = total / np.maximum(count, 1)
    product = np.zeros((n_rows, n_rows))
    for start in range(0, n, step):
        block = matrix[:, start : start + step].astype(np.float64)
        centred = np.where(np.isfinite(block), block - mean[:, None], 0.0)
        product += centred @ centred.T
    square = np.diag(product).copy()
    if np.any(square <= 0.0):
        raise MultiplicityError(f"{int(np.sum(square <= 0.0))} biomarkers are constant or have no values")
    correlation = product / np.sqrt(np.outer(square, square))
    np.fill_diagonal(correlation, 1.0)
    return correlation


def _checked(p_values: npt.ArrayLike) -> tuple[F8, npt.NDArray[np.bool_]]:
    p = np.asarray(p_values, dtype=np.float64)
    known = ~np.isnan(p)
    outside = int(np.sum((p[known] < 0.0) | (p[known] > 1.0)))
    if p.ndim != 1 or outside:
        raise MultiplicityError(f"p-values must be one row of numbers in 0 to 1; {outside} lie outside")
    return p, known


def _smoothing_spline(x: F8, y: F8, degrees_of_freedom: float) -> F8:
    """Fitted values (k,) of the natural cubic smoothing spline whose smoother matrix has the given trace.

    The smoother is (I + a K)^-1, K = Q R^-1 Q' of Green & Silverman 1994, Nonparametric Regression, section 2.1.2; in
    the basis of K's eigenvectors the trace is sum 1 / (1 + a k_j), which falls from k to 2 in a.
    """
    h = np.diff(x)
    k = x.shape[0]
    q = np.zeros((k, k - 2))
    r = np.zeros((k - 2, k - 2))
    for j in range(k - 2):
        q[j, j], q[j + 1, j], q[j + 2, j] = 1.0 / h[j], -1.0 / h[j] - 1.0 / h[j + 1], 1.0 / h[j + 1]
        r[j, j] = (h[j] + h[j + 1]) / 3.0
        if j + 1 < k - 2:
            r[j, j + 1] = r[j + 1, j] = h[j + 1] / 6.0
    roughness, vectors = linalg.eigh(q @ np.linalg.solve(r, q.T))
    roughness = np.maximum(roughness, 0.0)

    def excess(log_a: float) -> float:
        return float(np.sum(1.0 / (1.0 + np.exp(log_a) * roughness))) - degrees_of_freedom

    log_a = optimize.brentq(excess, -60.0, 60.0, xtol=1e-13)
    return vectors @ ((vectors.T @ y) / (1.0 + np.exp(log_a) * roughness))
