"""Bootstrap of the whole chain: both models on the same resampled people, by multiplicity weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from python_models.estimators.mediation.faults import FloatArray, column_faults, raise_if_any
from python_models.estimators.mediation.fit_natural_effects import fit_natural_effects
from python_models.estimators.mediation.natural_effects import EFFECTS, PATHS, Contrast, effect_values
from python_models.estimators.mediation.reweighted_cox import (
    fit_full,
    reweighted_coefficients,
    share_risk_sets,
    weighted_products,
)
from python_models.estimators.survival.cox import Ties

DEFAULT_BOOTSTRAPS = 1_000
# Resamples worked on together: their (B, n) tables at n = 50,000 are 20 MB each.
RESAMPLES_PER_BLOCK = 50
# A bootstrap interval is refused when more than this share of the resamples has no estimate.
LARGEST_FAILED_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class BootstrapEffects:
    """Percentile intervals of one mediator's natural effects.

    estimate, standard_error, lower, upper (7,), columns as EFFECTS; draws (B, 7) of the resamples with an estimate.
    total_without_mediator: log hazard ratio of the contrast in the model without the mediator, and its draws (B,): with
    draws of cde they give the excess-relative-risk share.
    refusal: None, or why there is no interval; arrays are then empty.
    """

    estimate: FloatArray
    standard_error: FloatArray
    lower: FloatArray
    upper: FloatArray
    draws: FloatArray
    total_without_mediator: float
    total_without_mediator_draws: FloatArray
    level: float
    n_failed: int
    refusal: str | None


def resampling_weights(*, n: int, n_sets: int, rng: np.random.Generator) -> FloatArray:
    """How often each of n people is drawn in each of n_sets resamples with replacement, (n_sets, n)."""
    weights = np.empty((n_sets, n))
    for b in range(n_sets):
        weights[b] = np.bincount(rng.integers(n, size=n), minlength=n)
    return weights


def bootstrap_natural_effects(
    *,
    exposure: npt.ArrayLike,
    mediator: npt.ArrayLike,
    time: npt.ArrayLike,
    event: npt.ArrayLike,
    covariates: npt.ArrayLike | None = None,
    mediator_covariates: npt.ArrayLike | None = None,
    entry: npt.ArrayLike | None = None,
    strata: npt.ArrayLike | None = None,
    has_interaction: bool = False,
    contrast: Contrast | None = None,
    ties: Ties = "efron",
    n_bootstraps: int = DEFAULT_BOOTSTRAPS,
    seed: int,
    level: float = 0.95,
) -> BootstrapEffects:
    """Linear mediator, Cox outcome: arguments as `fit_natural_effects`; effects at the covariate means of all people.

    Raises MediationInputError as `fit_natural_effects`, and for fewer than 100 resamples.

    References: Efron & Tibshirani 1993, An Introduction to the Bootstrap, chapters 13 and 14 (percentile interval).
    """
    raise_if_any([f"n_bootstraps must be at least 100, not {n_bootstraps}"] if n_bootstraps < 100 else [])
    contrast = Contrast() if contrast is None else contrast
    full = fit_natural_effects(
        exposure=exposure,
        mediator=mediator,
        outcome=time,
        event=event,
        covariates=covariates,
        mediator_covariates=mediator_covariates,
        entry=entry,
        strata=strata,
        has_interaction=has_interaction,
        contrast=contrast,
        ties=ties,
        level=level,
    )
    if full.effects is None:
        return _refused(str(full.refusal), level)
    a, m = np.asarray(exposure, dtype=np.float64), np.asarray(mediator, dtype=np.float64)
    n = a.shape[0]
    c = np.empty((n, 0)) if covariates is None else np.asarray(covariates, dtype=np.float64).reshape(n, -1)
    extra = np.empty((n, 0)) if mediator_covariates is None else np.asarray(mediator_covariates, dtype=np.float64)
    entries = None if entry is None else np.asarray(entry)
    raise_if_any([] if entries is None else column_faults(name="entry", values=entries, n=n))
    terms = np.column_stack([a, m, a * m] if has_interaction else [a, m])
    sets = share_risk_sets(
        exit=np.asarray(time),
        is_event=np.asarray(event) == 1,
        entry=entries,
        strata=None if strata is None else np.asarray(strata),
        ties=ties,
    )
    with_mediator = fit_full(sets, np.column_stack([terms, c]))
    without_mediator = fit_full(sets, np.column_stack([a, c]))
    if isinstance(with_mediator, str):
        return _refused(f"outcome model: {with_mediator}", level)
    if isinstance(without_mediator, str):
        return _refused(f"outcome model without the mediator: {without_mediator}", level)

    # Centred for precision, and so that the intercept is the mediator's mean at mean exposure and covariates.
    centre, mediator_centre = float(a.mean()), float(m.mean())
    others = np.column_stack([c, extra])
    columns = np.column_stack([np.ones(n), a - centre, others - others.mean(axis=0), m - mediator_centre])[sets.order]
    rng = np.random.default_rng(seed)
    paths = np.zeros((n_bootstraps, len(PATHS)))
    total = np.empty(n_bootstraps)
    k = terms.shape[1]
    for start in range(0, n_bootstraps, RESAMPLES_PER_BLOCK):
        block = slice(start, min(start + RESAMPLES_PER_BLOCK, n_bootstraps))
        weights = resampling_weights(n=n, n_sets=block.stop - block.start, rng=rng)
        paths[block, :3] = _mediator_paths(weighted_products(columns, weights), centre=centre, n=n)
        paths[block, 3 : 3 + k] = reweighted_coefficients(sets, with_mediator, weights)[:, :k]
        total[block] = reweighted_coefficients(sets, without_mediator, weights)[:, 0]

    paths[:, 0] += mediator_centre
    total *= contrast.exposure_to - contrast.exposure_from
    is_given = np.isfinite(paths).all(axis=1) & np.isfinite(total)
    n_failed = int(n_bootstraps - is_given.sum())
    if n_failed > LARGEST_FAILED_SHARE * n_bootstraps:
        return _refused(f"{n_failed} of {n_bootstraps} resamples have no estimate", level, n_failed)
    draws = effect_values(paths[is_given], contrast=contrast)
    tail = 0.5 - level / 2.0
    lower, upper = np.quantile(draws, [tail, 1.0 - tail], axis=0)
    step = contrast.exposure_to - contrast.exposure_from
    return BootstrapEffects(
        estimate=full.effects.estimate,
        standard_error=draws.std(axis=0, ddof=1),
        lower=lower,
        upper=upper,
        draws=draws,
        total_without_mediator=float(without_mediator.beta[0] / without_mediator.scale[0] * step),
        total_without_mediator_draws=total[is_given],
        level=level,
        n_failed=n_failed,
        refusal=None,
    )


def _mediator_paths(products: FloatArray, *, centre: float, n: int) -> FloatArray:
    """(B, 3) mediator mean at exposure 0, slope, residual variance; Gram matrices (B, q + 1, q + 1), response last."""
    gram, moment, square = products[:, :-1, :-1], products[:, :-1, -1], products[:, -1, -1]
    paths = np.full((products.shape[0], 3), np.nan)
    for b in range(products.shape[0]):
        try:
            beta = np.linalg.solve(gram[b], moment[b])
        except np.linalg.LinAlgError:
            continue
        residual = square[b] - beta @ moment[b]
        paths[b] = beta[0] - centre * beta[1], beta[1], residual / (n - gram.shape[1])
    return paths


def _refused(reason: str, level: float, n_failed: int = 0) -> BootstrapEffects:
    none = np.empty(0)
    return BootstrapEffects(
        estimate=none,
        standard_error=none,
        lower=none,
        upper=none,
        draws=np.empty((0, len(EFFECTS))),
        total_without_mediator=np.nan,
        total_without_mediator_draws=none,
        level=level,
        n_failed=n_failed,
        refusal=reason,
    )
