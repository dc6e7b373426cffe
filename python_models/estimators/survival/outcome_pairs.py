"""Two outcomes of the same people: the joint covariance of two Cox fits, and how alike their effect patterns are.

Each fit's coefficients move with the score residuals of its rows, D_i = V L_i. People in both models link the fits:
Cov(b1, b2) = sum_i D1_i D2_i' over people i. The patterns are compared by the cosine of the two vectors of log hazard
ratios, by the slope of one on the other through the origin (both with error: total least squares), and by the Wald test
that they are equal.

References: Wei, Lin & Weissfeld 1989, JASA 84:1065 (marginal models of several outcomes); Lin & Wei 1989, JASA 84:1074.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from python_models.estimators.survival.cox_input import EstimatorInputError
from python_models.estimators.survival.cox_residuals import score_residuals
from python_models.estimators.survival.cox_setup import inverse_information, prepare_cox

F8 = npt.NDArray[np.float64]
I8 = npt.NDArray[np.int64]
# Draws for the intervals of cosine and slope.
N_DRAWS = 10_000


def coefficient_influences(
    *,
    exit: npt.ArrayLike,
    event: npt.ArrayLike,
    covariates: npt.ArrayLike,
    beta: F8,
    columns: Sequence[int],
    strata: npt.ArrayLike | None = None,
) -> F8:
    """How each row moves the coefficients of `columns`: (n, c), their outer products sum to the robust covariance.

    exit, event, strata (n,), covariates (n, p): as given to `fit_cox`; beta (p,): its maximum.

    Raises
    ------
    EstimatorInputError: data that `fit_cox` would refuse.
    """
    data = prepare_cox(
        exit=exit,
        event=event,
        covariates=covariates,
        entry=None,
        strata=strata,
        weights=None,
        cluster=None,
        offset=None,
        ties="efron",
        names=None,
        min_events_per_parameter=0.0,
    )
    if data.refusal is not None:
        raise EstimatorInputError(data.refusal)
    likelihood = data.likelihood("efron")
    likelihood.loglik(beta * data.scale)
    derivatives = likelihood.derivatives()
    wanted = list(columns)
    to_columns = inverse_information(derivatives.information)[:, wanted] / data.scale[wanted]
    influences = np.empty((data.matrix.shape[0], len(wanted)))
    for rows, residual in score_residuals(likelihood=likelihood, derivatives=derivatives):
        influences[rows] = residual @ to_columns
    return influences


def covariance_between(influences: tuple[F8, F8], people: tuple[I8, I8]) -> F8:
    """Covariance (c1, c2) of two fits' coefficients; people (n1,), (n2,): who each row is, once per fit."""
    first, second = people
    _, in_first, in_second = np.intersect1d(first, second, assume_unique=True, return_indices=True)
    return np.asarray(influences[0][in_first].T @ influences[1][in_second], dtype=np.float64)


@dataclass(frozen=True, slots=True)
class PatternSimilarity:
    """How alike two vectors of c log hazard ratios are.

    cosine: -1 to 1; 1 where one is a positive multiple of the other. slope: second per unit of the first, through the
    origin. same_sign: share of the c contrasts. *_lower, *_upper: 95 % limits. equality: Wald chi-squared on c degrees
    of freedom that both vectors are equal, with p value. refusal: None, or why there is no comparison.
    """

    n_contrasts: int
    cosine: float | None
    cosine_lower: float | None
    cosine_upper: float | None
    slope: float | None
    slope_lower: float | None
    slope_upper: float | None
    same_sign: float | None
    equality: float | None
    equality_p_value: float | None
    refusal: str | None


def _cosine(first: F8, second: F8) -> F8:
    product = np.sum(first * second, axis=-1)
    return np.asarray(product / np.sqrt(np.sum(first**2, axis=-1) * np.sum(second**2, axis=-1)))


def _slope(first: F8, second: F8) -> F8:
    """Total least squares through the origin: the major axis of the points and their mirror images."""
    xx, yy = np.sum(first**2, axis=-1), np.sum(second**2, axis=-1)
    xy = np.sum(first * second, axis=-1)
    return np.asarray(np.tan(0.5 * np.arctan2(2.0 * xy, xx - yy)))


def pattern_similarity(*, first: F8, second: F8, covariance: F8, rng: np.random.Generator) -> PatternSimilarity:
    """Compare two vectors (c,) with joint covariance (2c, 2c), the first's block before the second's.

    Limits are percentiles of `N_DRAWS` draws around the estimates; with noisy estimates they lean towards 0, as the
    cosine itself does, and never claim more likeness than there is.

    Raises
    ------
    EstimatorInputError: shapes differ, or the covariance is not positive definite.
    """
    c = len(first)
    if first.shape != second.shape or covariance.shape != (2 * c, 2 * c):
        raise EstimatorInputError(
            f"vectors of {first.shape} and {second.shape} need a covariance of ({2 * c}, {2 * c})"
        )
    if c < 2:
        nothing = (None, None, None)
        return PatternSimilarity(c, *nothing, *nothing, *nothing, f"a pattern needs two contrasts; there are {c}")
    try:
        factor = np.linalg.cholesky(covariance)
    except np.linalg.LinAlgError as error:
        raise EstimatorInputError("the joint covariance is not positive definite") from error
    drawn = np.concatenate([first, second]) + rng.standard_normal((N_DRAWS, 2 * c)) @ factor.T
    cosines, slopes = _cosine(drawn[:, :c], drawn[:, c:]), _slope(drawn[:, :c], drawn[:, c:])
    cosine_limits, slope_limits = np.percentile(cosines, [2.5, 97.5]), np.percentile(slopes, [2.5, 97.5])
    difference = first - second
    of_difference = covariance[:c, :c] + covariance[c:, c:] - covariance[:c, c:] - covariance[c:, :c]
    equality = float(difference @ np.linalg.solve(of_difference, difference))
    return PatternSimilarity(
        n_contrasts=c,
        cosine=float(_cosine(first, second)),
        cosine_lower=float(cosine_limits[0]),
        cosine_upper=float(cosine_limits[1]),
        slope=float(_slope(first, second)),
        slope_lower=float(slope_limits[0]),
        slope_upper=float(slope_limits[1]),
        same_sign=float(np.mean(np.sign(first) == np.sign(second))),
        equality=equality,
        equality_p_value=float(special.chdtrc(c, equality)),
        refusal=None,
    )
