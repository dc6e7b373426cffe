"""Several mediators at once: their joint indirect effect, which correlated single-mediator effects do not add up to.

M_k = b0_k + b1_k A + b2_k'C + e_k with cov(e) = S, log h = log h0 + t1 A + sum_k t2_k M_k + t4'C, no products of A and
M. Then the joint natural indirect effect is sum_k b1_k t2_k, whatever the order or causes among the mediators; the
single terms are paths only where no mediator causes another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from python_models.estimators.mediation.faults import FloatArray, column_faults, raise_if_any
from python_models.estimators.mediation.monte_carlo import DEFAULT_DRAWS
from python_models.estimators.mediation.natural_effects import Contrast
from python_models.estimators.mediation.regression_fits import design_matrix, triangular
from python_models.estimators.survival.cox import Ties, fit_cox


@dataclass(frozen=True, slots=True)
class JointEffects:
    """Effects of K mediators together, log ratios for the contrast.

    path (K,): b1_k t2_k x contrast, path_standard_error (K,). indirect, direct, total: estimate, standard_error,
    lower, upper (3,) in that order, delta method; draws_lower, draws_upper (3,): Monte-Carlo percentiles; draws (D, 3).
    """

    path: FloatArray
    path_standard_error: FloatArray
    estimate: FloatArray
    standard_error: FloatArray
    lower: FloatArray
    upper: FloatArray
    draws_lower: FloatArray
    draws_upper: FloatArray
    draws: FloatArray
    level: float


@dataclass(frozen=True, slots=True)
class JointMediation:
    """A fitted joint analysis.

    names (K). effects: None when refused. single_indirect (K,): each mediator alone, same people and covariates; their
    sum against effects.estimate[0] shows how much single shares over-count. residual_correlation (K, K) of the
    mediators given exposure and covariates. n rows, n_events. refusal: None, or why there is no estimate.
    """

    names: tuple[str, ...]
    effects: JointEffects | None
    exposure_to_mediator: FloatArray
    mediator_to_outcome: FloatArray
    single_indirect: FloatArray
    residual_correlation: FloatArray
    n: int
    n_events: int
    refusal: str | None


def joint_effects(
    *,
    exposure_to_mediator: FloatArray,
    mediator_covariance: FloatArray,
    exposure_to_outcome: float,
    mediator_to_outcome: FloatArray,
    outcome_covariance: FloatArray,
    contrast: Contrast,
    seed: int,
    n_draws: int = DEFAULT_DRAWS,
    level: float = 0.95,
) -> JointEffects:
    """Joint effects from coefficients: b1 (K,) with covariance (K, K); (t1, t2) with covariance (K + 1, K + 1).

    The mediator and outcome models are estimated independently.

    References: VanderWeele & Vansteelandt 2014, Epidemiol Methods 2:95-115, equations 5 to 8.
    """
    b1, t2 = exposure_to_mediator, mediator_to_outcome
    step = contrast.exposure_to - contrast.exposure_from
    k = b1.shape[0]
    assert mediator_covariance.shape == (k, k)
    assert outcome_covariance.shape == (k + 1, k + 1)
    path = step * b1 * t2
    path_variance = step**2 * (t2**2 * np.diag(mediator_covariance) + b1**2 * np.diag(outcome_covariance)[1:])
    estimate = np.array([path.sum(), step * exposure_to_outcome, path.sum() + step * exposure_to_outcome])
    # Gradients of (indirect, direct, total) in (b1, t1, t2).
    by_mediator = step * np.vstack([t2, np.zeros(k), t2])
    by_outcome = step * np.vstack([np.append(0.0, b1), np.eye(k + 1)[0], np.append(1.0, b1)])
    variance = np.einsum("ej,jk,ek->e", by_mediator, mediator_covariance, by_mediator)
    variance += np.einsum("ej,jk,ek->e", by_outcome, outcome_covariance, by_outcome)
    error = np.sqrt(variance)
    half_width = ndtri(0.5 + level / 2.0) * error

    rng = np.random.default_rng(seed)
    drawn_b1 = b1 + rng.standard_normal((n_draws, k)) @ np.linalg.cholesky(mediator_covariance).T
    drawn_t = np.append(exposure_to_outcome, t2)
    drawn_t = drawn_t + rng.standard_normal((n_draws, k + 1)) @ np.linalg.cholesky(outcome_covariance).T
    indirect = step * np.sum(drawn_b1 * drawn_t[:, 1:], axis=1)
    direct = step * drawn_t[:, 0]
    draws = np.column_stack([indirect, direct, indirect + direct])
    tail = 0.5 - level / 2.0
    draws_lower, draws_upper = np.quantile(draws, [tail, 1.0 - tail], axis=0)
    return JointEffects(
        path=path,
        path_standard_error=np.sqrt(path_variance),
        estimate=estimate,
        standard_error=error,
        lower=estimate - half_width,
        upper=estimate + half_width,
        draws_lower=draws_lower,
        draws_upper=draws_upper,
        draws=draws,
        level=level,
    )


def fit_joint_mediation(
    *,
    exposure: npt.ArrayLike,
    mediators: npt.ArrayLike,
    time: npt.ArrayLike,
    event: npt.ArrayLike,
    covariates: npt.ArrayLike | None = None,
    mediator_covariates: npt.ArrayLike | None = None,
    entry: npt.ArrayLike | None = None,
    strata: npt.ArrayLike | None = None,
    names: Sequence[str] | None = None,
    covariate_names: Sequence[str] | None = None,
    contrast: Contrast | None = None,
    ties: Ties = "efron",
    seed: int,
    n_draws: int = DEFAULT_DRAWS,
    level: float = 0.95,
) -> JointMediation:
    """Linear models of K mediators and one Cox model with all of them, on the same rows with the same covariates.

    exposure, time, event (n,), mediators (n, K), covariates (n, q), all finite; names: K mediator names,
    covariate_names: q, both used in refusals;
    mediator_covariates (n, r): of the mediator models alone, for what the outcome model holds as strata.
    K mediators selected from these same people make the joint effect too large: select in one half, estimate in the
    other.

    Raises MediationInputError for shapes and missing values. Collinear mediators and too few events are refusals by
    name.
    """
    a = np.asarray(exposure, dtype=np.float64)
    n = a.shape[0] if a.ndim == 1 else 0
    m = np.asarray(mediators, dtype=np.float64).reshape(n, -1) if n else np.empty((0, 0))
    c = np.empty((n, 0)) if covariates is None else np.asarray(covariates, dtype=np.float64).reshape(n, -1)
    extra = np.empty((n, 0)) if mediator_covariates is None else np.asarray(mediator_covariates, dtype=np.float64)
    k = m.shape[1]
    labels = tuple(names) if names is not None else tuple(f"mediator_{j + 1}" for j in range(k))
    t, d = np.asarray(time), np.asarray(event)
    faults = [] if n else ["exposure must be one column with at least one row"]
    given = (("exposure", a), ("mediators", m), ("covariates", c), ("mediator_covariates", extra))
    for name, values in (*given, ("time", t), ("event", d)):
        faults += column_faults(name=name, values=values, n=n)
    if k == 0 or len(labels) != k:
        faults.append(f"{k} mediators and {len(labels)} names: give at least one mediator and one name each")
    raise_if_any(faults)
    contrast = Contrast() if contrast is None else contrast
    n_events = int(np.count_nonzero(d == 1))

    def refuse(reason: str) -> JointMediation:
        none, square = np.empty(0), np.empty((0, 0))
        return JointMediation(labels, None, none, none, none, square, n, n_events, reason)

    design = design_matrix(exposure=a, others=np.column_stack([c, extra]))
    solved = triangular(design=design, responses=m)
    if isinstance(solved, str):
        return refuse(f"mediator models: {solved}")
    slopes = solved.beta[1]
    residual_covariance = solved.residual_factor.T @ solved.residual_factor / (n - design.shape[1])
    # The spread at hand beside the spread given: a flat residual is rounding.
    is_flat = np.sqrt(np.diag(residual_covariance)) <= 1e-10 * np.maximum(m.std(axis=0), np.finfo(float).tiny)
    if is_flat.any():
        flat = ", ".join(label for label, bad in zip(labels, is_flat, strict=True) if bad)
        return refuse(f"mediator models: constant, or a combination of exposure and covariates: {flat}")
    # Var(b1) = S x [(X'X)^-1] at the exposure; its root is the exposure's row of R^-1.
    mediator_covariance = residual_covariance * float(solved.root[1] @ solved.root[1])

    other_names = tuple(covariate_names or [f"covariate_{j + 1}" for j in range(c.shape[1])])
    model = {"exit": t, "event": d == 1, "entry": entry, "strata": strata, "ties": ties}
    fit = fit_cox(covariates=np.column_stack([a, m, c]), names=("exposure", *labels, *other_names), **model)
    if fit.refusal is not None:
        return refuse(f"outcome model: {fit.refusal}")
    single = (contrast.exposure_to - contrast.exposure_from) * slopes * fit.beta[1 : 1 + k]
    for j in range(k if k > 1 else 0):
        alone = fit_cox(
            covariates=np.column_stack([a, m[:, j], c]), names=("exposure", labels[j], *other_names), **model
        )
        if alone.refusal is not None:
            return refuse(f"outcome model with {labels[j]} alone: {alone.refusal}")
        single[j] = (contrast.exposure_to - contrast.exposure_from) * slopes[j] * alone.beta[1]
    effects = joint_effects(
        exposure_to_mediator=slopes,
        mediator_covariance=mediator_covariance,
        exposure_to_outcome=float(fit.beta[0]),
        mediator_to_outcome=fit.beta[1 : 1 + k],
        outcome_covariance=fit.covariance[: 1 + k, : 1 + k],
        contrast=contrast,
        seed=seed,
        n_draws=n_draws,
        level=level,
    )
    deviation = np.sqrt(np.diag(residual_covariance))
    return JointMediation(
        names=labels,
        effects=effects,
        exposure_to_mediator=slopes,
        mediator_to_outcome=fit.beta[1 : 1 + k],
        single_indirect=single,
        residual_correlation=residual_covariance / np.outer(deviation, deviation),
        n=n,
        n_events=n_events,
        refusal=None,
    )
