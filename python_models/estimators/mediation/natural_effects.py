"""Controlled direct, natural direct and natural indirect effects from fitted coefficients, with their delta variance.

Models. Mediator: M = b0 + b1 A + b2'C + e, var(e) = s2 (linear), or logit P(M = 1) = b0 + b1 A + b2'C (logistic).
Outcome: g = t1 A + t2 M + t3 A M + t4'C, g the log hazard (Cox), the log survival time (accelerated failure time), the
log odds (logistic) or the mean (linear). Effects compare exposure a1 with a0 at covariates c.

Not valid as measures where the outcome is common and g is a log hazard or log odds: then a natural effect on this
scale is a test of the null, not a size (VanderWeele 2011, Epidemiology 22:582-585). `sensitivity.mediation_warnings`
says when.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from python_models.estimators.mediation.delta_method import delta_standard_error
from python_models.estimators.mediation.faults import FloatArray, choice_fault, raise_if_any

# Columns of a `paths` array. mediator_mean is b0 + b2'c: the mediator's mean (or log odds) at exposure 0 and
# covariates c.
PATHS = (
    "mediator_mean",
    "exposure_to_mediator",
    "mediator_variance",
    "exposure_to_outcome",
    "mediator_to_outcome",
    "interaction",
)
# Effects in the order of every `estimate` array; names and order of regmedint 1.0.2.
EFFECTS = ("cde", "pnde", "tnie", "tnde", "pnie", "te", "pm")

MediatorModel = Literal["linear", "logistic"]
# log_ratio: Cox, accelerated failure time and logistic outcomes; difference: linear outcome.
OutcomeScale = Literal["log_ratio", "difference"]


@dataclass(frozen=True, slots=True)
class Contrast:
    """Exposure a1 = exposure_to against a0 = exposure_from; mediator_level is the m at which cde is controlled."""

    exposure_from: float = 0.0
    exposure_to: float = 1.0
    mediator_level: float = 0.0


@dataclass(frozen=True, slots=True)
class NaturalEffects:
    """Effects on the outcome model's linear scale (log ratios, or differences), columns as EFFECTS.

    estimate, standard_error, lower, upper, p_value (..., 7); level is the interval's coverage. `pm` is VanderWeele's
    proportion mediated as regmedint gives it, whether or not it has a meaning: report shares through `mediated_share`.
    """

    estimate: FloatArray
    standard_error: FloatArray
    lower: FloatArray
    upper: FloatArray
    p_value: FloatArray
    level: float

    def column(self, effect: str) -> int:
        """Position of an effect in the last axis."""
        raise_if_any(choice_fault(name="effect", value=effect, allowed=EFFECTS))
        return EFFECTS.index(effect)


def softplus(value: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """log(1 + exp(value)) without overflow, real or complex."""
    is_positive = value.real > 0
    small = np.where(is_positive, -value, value)
    return np.where(is_positive, value, 0.0) + np.log1p(np.exp(small))


def expit(value: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """1 / (1 + exp(-value)) without overflow, real or complex."""
    is_positive = value.real > 0
    shrunk = np.exp(np.where(is_positive, -value, value))
    return np.where(is_positive, 1.0, shrunk) / (1.0 + shrunk)


def effect_values(
    paths: npt.NDArray[Any],
    *,
    contrast: Contrast,
    mediator_model: MediatorModel = "linear",
    outcome_scale: OutcomeScale = "log_ratio",
) -> npt.NDArray[Any]:
    """The seven effects (..., 7), columns as EFFECTS, of paths (..., 6), columns as PATHS; real or complex.

    Linear mediator: VanderWeele & Vansteelandt 2009, Stat Interface 2:457, Propositions 2.3 and 2.4 (difference);
    2010, Am J Epidemiol 172:1339, appendix, and VanderWeele 2011, Epidemiology 22:582, appendix (log ratio). Logistic
    mediator: Valeri & VanderWeele 2013, Psychol Methods 18:137, appendix. Proportion mediated: VanderWeele 2015,
    Explanation in Causal Inference, section 2.13.
    """
    a0, a1, level = contrast.exposure_from, contrast.exposure_to, contrast.mediator_level
    step = a1 - a0
    h, b1, s2, t1, t2, t3 = (paths[..., j] for j in range(len(PATHS)))
    cde = (t1 + t3 * level) * step
    if mediator_model == "linear":
        tilt = 0.5 * s2 * t3 * (2.0 * t2 + t3 * (a1 + a0)) if outcome_scale == "log_ratio" else 0.0
        pnde = (t1 + t3 * (h + b1 * a0) + tilt) * step
        tnde = (t1 + t3 * (h + b1 * a1) + tilt) * step
        tnie = (t2 + t3 * a1) * b1 * step
        pnie = (t2 + t3 * a0) * b1 * step
    else:
        odds0, odds1 = h + b1 * a0, h + b1 * a1
        if outcome_scale == "log_ratio":
            pnde = t1 * step + softplus(t2 + t3 * a1 + odds0) - softplus(t2 + t3 * a0 + odds0)
            tnde = t1 * step + softplus(t2 + t3 * a1 + odds1) - softplus(t2 + t3 * a0 + odds1)
            base = softplus(odds0) - softplus(odds1)
            tnie = base + softplus(t2 + t3 * a1 + odds1) - softplus(t2 + t3 * a1 + odds0)
            pnie = base + softplus(t2 + t3 * a0 + odds1) - softplus(t2 + t3 * a0 + odds0)
        else:
            pnde = (t1 + t3 * expit(odds0)) * step
            tnde = (t1 + t3 * expit(odds1)) * step
            risk_difference = expit(odds1) - expit(odds0)
            tnie = (t2 + t3 * a1) * risk_difference
            pnie = (t2 + t3 * a0) * risk_difference
    te = pnde + tnie
    with np.errstate(divide="ignore", invalid="ignore"):
        pm = np.exp(pnde) * np.expm1(tnie) / np.expm1(te) if outcome_scale == "log_ratio" else tnie / te
    return np.stack([cde, pnde, tnie, tnde, pnie, te, pm], axis=-1)


def natural_effects(
    paths: FloatArray,
    covariance: FloatArray,
    *,
    contrast: Contrast,
    mediator_model: MediatorModel = "linear",
    outcome_scale: OutcomeScale = "log_ratio",
    level: float = 0.95,
) -> NaturalEffects:
    """Effects with delta-method standard errors and normal intervals, for one mediator or many at once.

    paths (..., 6), columns as PATHS; covariance (..., 6, 6) of the estimated paths, see `path_covariance`;
    level : coverage of the interval, between 0 and 1.
    Raises MediationInputError for unknown options, wrong shapes or coefficients that are not finite.
    """
    paths = np.asarray(paths, dtype=np.float64)
    covariance = np.asarray(covariance, dtype=np.float64)
    faults = choice_fault(name="mediator_model", value=mediator_model, allowed=get_args(MediatorModel))
    faults += choice_fault(name="outcome_scale", value=outcome_scale, allowed=get_args(OutcomeScale))
    if paths.shape[-1:] != (len(PATHS),) or covariance.shape != (*paths.shape, len(PATHS)):
        faults.append(f"paths must be (..., 6) and covariance (..., 6, 6), not {paths.shape} and {covariance.shape}")
    elif not (np.isfinite(paths).all() and np.isfinite(covariance).all()):
        faults.append("paths and covariance must be finite")
    if not 0.0 < level < 1.0:
        faults.append(f"level must lie between 0 and 1, not {level}")
    if contrast.exposure_from == contrast.exposure_to:
        faults.append("exposure_from and exposure_to are equal: there is no contrast")
    raise_if_any(faults)

    def function(point: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return effect_values(point, contrast=contrast, mediator_model=mediator_model, outcome_scale=outcome_scale)

    estimate = function(paths)
    with np.errstate(divide="ignore", invalid="ignore"):
        standard_error = delta_standard_error(function, paths, covariance)
        p_value = 2.0 * ndtr(-np.abs(estimate / standard_error))
    half_width = ndtri(0.5 + level / 2.0) * standard_error
    return NaturalEffects(
        estimate=estimate,
        standard_error=standard_error,
        lower=estimate - half_width,
        upper=estimate + half_width,
        p_value=p_value,
        level=level,
    )


def path_covariance(
    *,
    mediator_covariance: FloatArray,
    mediator_variance: npt.ArrayLike,
    residual_degrees_of_freedom: npt.ArrayLike | None,
    outcome_covariance: FloatArray,
) -> FloatArray:
    """Covariance (..., 6, 6) of the paths: the mediator and outcome models are estimated independently.

    mediator_covariance (..., 2, 2) of (mediator_mean, exposure_to_mediator); mediator_variance (...) s2 of a linear
    mediator; residual_degrees_of_freedom (...) n - p of that model, var(s2) = 2 s2^2 / (n - p); None for a logistic
    mediator; outcome_covariance (..., 3, 3) of (exposure, mediator, interaction), its last row and column zero without
    interaction.
    """
    shape = np.broadcast_shapes(mediator_covariance.shape[:-2], outcome_covariance.shape[:-2])
    covariance = np.zeros((*shape, len(PATHS), len(PATHS)))
    covariance[..., 0:2, 0:2] = mediator_covariance
    if residual_degrees_of_freedom is not None:
        s2 = np.asarray(mediator_variance, dtype=np.float64)
        covariance[..., 2, 2] = 2.0 * s2 * s2 / np.asarray(residual_degrees_of_freedom, dtype=np.float64)
    covariance[..., 3:6, 3:6] = outcome_covariance
    return covariance
