"""Monte-Carlo intervals: draw the coefficients from their normal sampling distribution, take percentiles of the
effects.

The default interval: unlike the delta method it is not symmetric, as products and ratios are not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from python_models.estimators.mediation.faults import FloatArray, raise_if_any
from python_models.estimators.mediation.mediated_share import share_values
from python_models.estimators.mediation.natural_effects import (
    EFFECTS,
    PATHS,
    Contrast,
    MediatorModel,
    OutcomeScale,
    effect_values,
)

DEFAULT_DRAWS = 1_000
# Effects of this many (mediator, draw) pairs are held at once: 8 columns of doubles, 16 MB.
BLOCK_PAIRS = 250_000
# A pivot this far below zero, relative to the diagonal, is not rounding: the matrix is no covariance.
NEGATIVE_PIVOT = -1e-8


@dataclass(frozen=True, slots=True)
class MonteCarloEffects:
    """Percentile intervals of m mediators.

    lower, upper (m, 7), columns as EFFECTS. log_share_lower, log_share_upper (m,): of tnie / te, the log-scale share.
    """

    lower: FloatArray
    upper: FloatArray
    log_share_lower: FloatArray
    log_share_upper: FloatArray
    level: float
    n_draws: int


def semidefinite_cholesky(covariance: FloatArray) -> FloatArray:
    """Lower factors L (..., P, P) with L L' = covariance, columns of zero variance left zero.

    Raises MediationInputError when a matrix has a negative direction.
    """
    size = covariance.shape[-1]
    rest = covariance.copy()
    factor = np.zeros_like(covariance)
    scale = np.maximum(np.diagonal(covariance, axis1=-2, axis2=-1), np.finfo(float).tiny)
    for j in range(size):
        pivot = rest[..., j, j]
        n_negative = int(np.count_nonzero(pivot < NEGATIVE_PIVOT * scale[..., j]))
        raise_if_any([f"covariance is not positive semidefinite for {n_negative} mediators"] if n_negative else [])
        is_live = pivot > 1e-14 * scale[..., j]
        root = np.sqrt(np.where(is_live, pivot, 1.0))
        column = np.where(is_live[..., None], rest[..., :, j] / root[..., None], 0.0)
        column[..., :j] = 0.0
        factor[..., :, j] = column
        rest = rest - column[..., :, None] * column[..., None, :]
    return factor


def standard_draws(*, n_draws: int, seed: int) -> FloatArray:
    """Standard normal draws (n_draws, 6), the same for every mediator, stratified in each column (Latin hypercube).

    Sharing them makes a mediator's interval independent of its place and company in the panel. Shared draws would also
    share their error, so each column has one draw in each of n_draws equally likely slices: 1,000 draws then give the
    percentiles of a coefficient to 0.5 % of its standard error, where independent draws give them to 8 %.

    References: McKay, Beckman & Conover 1979, Technometrics 21:239-245.
    """
    rng = np.random.default_rng(seed)
    slices = rng.permuted(np.tile(np.arange(n_draws, dtype=np.float64)[:, None], (1, len(PATHS))), axis=0)
    return ndtri((slices + rng.random(slices.shape)) / n_draws)


def monte_carlo_effects(
    paths: FloatArray,
    covariance: FloatArray,
    *,
    contrast: Contrast,
    seed: int,
    mediator_model: MediatorModel = "linear",
    outcome_scale: OutcomeScale = "log_ratio",
    n_draws: int = DEFAULT_DRAWS,
    level: float = 0.95,
) -> MonteCarloEffects:
    """Percentile intervals for m mediators at once.

    paths (m, 6), covariance (m, 6, 6) as in `natural_effects`; n_draws >= 100.
    The covariance of a logistic or interaction-free model has zero rows; those coefficients are not drawn.

    Raises MediationInputError for shapes, non-finite values, matrices that are no covariance, too few draws.

    References: MacKinnon, Lockwood & Williams 2004, Multivariate Behav Res 39:99; Preacher & Selig 2012, Commun Methods
    Meas 6:77.
    """
    paths = np.atleast_2d(np.asarray(paths, dtype=np.float64))
    covariance = np.asarray(covariance, dtype=np.float64).reshape(-1, len(PATHS), len(PATHS))
    faults = []
    if paths.shape[1:] != (len(PATHS),) or covariance.shape[0] != paths.shape[0]:
        faults.append(f"paths must be (m, 6) and covariance (m, 6, 6), not {paths.shape} and {covariance.shape}")
    elif not (np.isfinite(paths).all() and np.isfinite(covariance).all()):
        faults.append("paths and covariance must be finite")
    if n_draws < 100:
        faults.append(f"n_draws must be at least 100 for a percentile interval, not {n_draws}")
    raise_if_any(faults)
    m = paths.shape[0]
    factor = semidefinite_cholesky(covariance)
    normals = standard_draws(n_draws=n_draws, seed=seed)
    # Without interaction the effects collapse to three: percentiles, the costly part, are taken once each.
    has_interaction = bool(paths[:, 5].any() or covariance[:, 5, 5].any())
    is_simple = not has_interaction and mediator_model == "linear"
    wanted = [EFFECTS.index(e) for e in ("pnde", "tnie", "te", "pm")] if is_simple else list(range(len(EFFECTS)))
    bounds = np.empty((2, m, len(wanted) + 1))
    tail = 0.5 - level / 2.0
    per_block = max(1, BLOCK_PAIRS // n_draws)
    for start in range(0, m, per_block):
        block = slice(start, start + per_block)
        drawn = paths[block, None, :] + np.einsum("bk,mjk->mbj", normals, factor[block], optimize=True)
        effects = effect_values(drawn, contrast=contrast, mediator_model=mediator_model, outcome_scale=outcome_scale)
        columns = [np.ascontiguousarray(effects[..., j]) for j in wanted]
        tnie, te = effects[..., EFFECTS.index("tnie")], effects[..., EFFECTS.index("te")]
        columns.append(share_values(definition="log_scale", total=te, direct=te - tnie, indirect=tnie))
        for k, values in enumerate(columns):
            # Hazen's definition puts the k-th smallest draw at (k - 1/2) / draws, the middle of its slice.
            bounds[:, block, k] = np.quantile(values, [tail, 1.0 - tail], axis=1, overwrite_input=True, method="hazen")
    effect_bounds = bounds[:, :, :-1]
    if is_simple:
        pnde, tnie, te, pm = (effect_bounds[:, :, k] for k in range(4))
        effect_bounds = np.stack([pnde, pnde, tnie, pnde, tnie, te, pm], axis=-1)
    return MonteCarloEffects(
        lower=effect_bounds[0],
        upper=effect_bounds[1],
        log_share_lower=bounds[0, :, -1],
        log_share_upper=bounds[1, :, -1],
        level=level,
        n_draws=n_draws,
    )
