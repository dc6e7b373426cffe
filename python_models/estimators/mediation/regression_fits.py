"""Least squares and logistic regression: mediator models, and outcome models where the outcome is not a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg

from python_models.estimators.mediation.faults import FloatArray

# A column whose part orthogonal to the earlier columns is below this share of its length is collinear with them.
COLLINEAR_TOLERANCE = 1e-9
# Change of deviance, relative to the deviance, at which the logistic iteration stops: the maximum to rounding.
DEVIANCE_TOLERANCE = 1e-13
MAX_ITERATIONS = 50
# Fitted log odds beyond this are 0 or 1 in double precision: the groups are separated and there is no finite maximum.
SEPARATION_LOG_ODDS = 30.0


@dataclass(frozen=True, slots=True)
class RegressionFit:
    """A fitted regression, or the reason there is none.

    beta (p,), covariance (p, p) of beta; residual_variance: s2 = RSS / (n - p) (least squares), 0 otherwise;
    degrees_of_freedom n - p; loglik at beta (None for least squares).
    refusal: None, or why there is no estimate: arrays are then empty.
    """

    beta: FloatArray
    covariance: FloatArray
    residual_variance: float
    degrees_of_freedom: int
    loglik: float | None
    refusal: str | None


def refused(reason: str) -> RegressionFit:
    """A fit that does not exist."""
    return RegressionFit(np.empty(0), np.empty((0, 0)), 0.0, 0, None, reason)


def design_matrix(*, exposure: FloatArray, others: FloatArray) -> FloatArray:
    """Columns 1, exposure (n,), others (n, q)."""
    return np.column_stack([np.ones(exposure.shape[0]), exposure, others])


def design_refusal(design: FloatArray) -> str | None:
    """Why no regression on this design (n, p) has one answer, or None."""
    found = triangular(design=design, responses=np.empty((design.shape[0], 0)))
    return found if isinstance(found, str) else None


@dataclass(frozen=True, slots=True)
class Triangular:
    """Least squares of k responses on p columns, from the triangular factor alone.

    beta (p, k); root (p, p): beta's covariance is root root' times the residual variance; residual_factor (k, k): upper
    triangular, its cross product is that of the residuals.
    """

    beta: FloatArray
    root: FloatArray
    residual_factor: FloatArray


def triangular(*, design: FloatArray, responses: FloatArray) -> Triangular | str:
    """Solve for responses (n, k) on design (n, p), or say why there is no one answer.

    One QR of both side by side, of which only R is formed: half the work of one with Q, and as stable.

    References: Golub & Van Loan 2013, Matrix Computations, section 5.3.3.
    """
    n, p = design.shape
    if n <= p:
        return f"{n} rows for {p} coefficients"
    length = np.linalg.norm(design, axis=0)
    if np.any(length == 0):
        return f"{int(np.count_nonzero(length == 0))} columns of the design are zero"
    wide = np.empty((n, p + responses.shape[1]), order="F")
    np.divide(design, length, out=wide[:, :p])
    wide[:, p:] = responses
    factor = linalg.qr(wide, mode="r", overwrite_a=True, check_finite=False)[0][: wide.shape[1]]
    n_collinear = int(np.count_nonzero(np.abs(np.diag(factor)[:p]) < COLLINEAR_TOLERANCE))
    if n_collinear:
        return f"{n_collinear} columns of the design are constant or collinear with the others"
    beta = linalg.solve_triangular(factor[:p, :p], factor[:p, p:]) / length[:, None]
    root = linalg.solve_triangular(factor[:p, :p], np.eye(p)) / length[:, None]
    return Triangular(beta, root, factor[p:, p:])


def fit_least_squares(*, design: FloatArray, response: FloatArray) -> RegressionFit:
    """Ordinary least squares of response (n,) on design (n, p), intercept included by the caller."""
    n, p = design.shape
    solved = triangular(design=design, responses=response[:, None])
    if isinstance(solved, str):
        return refused(solved)
    variance = float(solved.residual_factor[0, 0] ** 2) / (n - p)
    spread = float(np.var(response))
    if variance <= 1e-20 * max(spread, np.finfo(float).tiny) or spread == 0.0:
        return refused("the response is constant or an exact combination of the design")
    return RegressionFit(solved.beta[:, 0], variance * (solved.root @ solved.root.T), variance, n - p, None, None)


def fit_logistic(
    *, design: FloatArray, response: FloatArray, deviance_tolerance: float = DEVIANCE_TOLERANCE
) -> RegressionFit:
    """Logistic regression of response (n,) in {0, 1} on design (n, p) by iteratively reweighted least squares.

    deviance_tolerance : relative change of deviance at which to stop; 1e-8 stops where R's `glm` does, and then the
    covariance (of the last weights used) is R's as well.

    References: McCullagh & Nelder 1989, Generalized Linear Models, section 2.5.
    """
    reason = design_refusal(design)
    if reason is not None:
        return refused(reason)
    n, p = design.shape
    n_ones = int(np.count_nonzero(response == 1))
    if n_ones == 0 or n_ones == n or n_ones + np.count_nonzero(response == 0) != n:
        return refused(f"the response must be 0 or 1 with both present; {n_ones} of {n} rows are 1")
    # The start of McCullagh & Nelder: fitted values half way between the response and one half.
    log_odds = np.log((response + 0.5) / (1.5 - response))
    deviance = np.inf
    for _ in range(MAX_ITERATIONS):
        fitted = 1.0 / (1.0 + np.exp(-log_odds))
        weight = fitted * (1.0 - fitted)
        root = np.sqrt(weight)
        if not np.all(weight > 0):
            return refused("fitted probabilities reached 0 or 1: the response is separated by the design")
        q, r = np.linalg.qr(design * root[:, None])
        if np.min(np.abs(np.diag(r))) == 0:
            return refused("fitted probabilities reached 0 or 1: the response is separated by the design")
        beta = linalg.solve_triangular(r, q.T @ (root * (log_odds + (response - fitted) / weight)))
        log_odds = design @ beta
        loglik = float(response @ log_odds - np.logaddexp(0.0, log_odds).sum())
        previous, deviance = deviance, -2.0 * loglik
        if abs(deviance - previous) <= deviance_tolerance * (abs(deviance) + 0.1):
            if np.abs(log_odds).max() > SEPARATION_LOG_ODDS:
                return refused("fitted probabilities reached 0 or 1: the response is separated by the design")
            inverse = linalg.solve_triangular(r, np.eye(p))
            return RegressionFit(beta, inverse @ inverse.T, 0.0, n - p, loglik, None)
    return refused(f"no convergence in {MAX_ITERATIONS} iterations: the response may be separated by the design")
