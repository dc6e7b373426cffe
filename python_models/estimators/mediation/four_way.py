"""The total effect in four parts: neither, interaction only, both, mediation only (VanderWeele 2014)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from python_models.estimators.mediation.delta_method import delta_standard_error
from python_models.estimators.mediation.faults import FloatArray
from python_models.estimators.mediation.natural_effects import (
    EFFECTS,
    PATHS,
    Contrast,
    MediatorModel,
    OutcomeScale,
    effect_values,
    expit,
    softplus,
)

# Excess relative risks (log_ratio) or differences: controlled direct, reference interaction, mediated interaction,
# pure indirect, and their sum the total; then the shares of the total by part and by how they add up.
COMPONENTS = ("cde", "intref", "intmed", "pnie", "te")
SHARES = ("cde", "intref", "intmed", "pnie", "mediated", "interaction", "eliminated")


@dataclass(frozen=True, slots=True)
class FourWay:
    """component (..., 5), columns as COMPONENTS: excess relative risks on the log_ratio scale; share (..., 7) as
    SHARES.

    Normal intervals from the delta method at `level`. Shares have the meaning of a share only where `mediated_share`
    would give one.
    """

    component: FloatArray
    component_standard_error: FloatArray
    component_lower: FloatArray
    component_upper: FloatArray
    share: FloatArray
    share_standard_error: FloatArray
    level: float


def component_values(
    paths: npt.NDArray[Any],
    *,
    contrast: Contrast,
    mediator_model: MediatorModel = "linear",
    outcome_scale: OutcomeScale = "log_ratio",
) -> npt.NDArray[Any]:
    """The five components (..., 5), columns as COMPONENTS, of paths (..., 6), columns as PATHS; real or complex.

    References: VanderWeele 2014, Epidemiology 25:749-761, Proposition 1 and appendix (linear and logistic mediators).
    """
    a0, a1, level = contrast.exposure_from, contrast.exposure_to, contrast.mediator_level
    h, b1, s2, _, t2, t3 = (paths[..., j] for j in range(len(PATHS)))
    effects = effect_values(paths, contrast=contrast, mediator_model=mediator_model, outcome_scale=outcome_scale)
    log_cde, pnde, tnie, _, pnie, te, _ = (effects[..., j] for j in range(len(EFFECTS)))
    if outcome_scale == "difference":
        mean_at_reference = h + b1 * a0 if mediator_model == "linear" else expit(h + b1 * a0)
        intref = t3 * (mean_at_reference - level) * (a1 - a0)
        return np.stack([log_cde, intref, tnie - pnie, pnie, te], axis=-1)
    # Log of E[Y(a0, m)] / E[Y(a0)]: how the controlled mediator level compares with the mediator left alone at a0.
    slope = t2 + t3 * a0
    if mediator_model == "linear":
        log_level_ratio = slope * (level - (h + b1 * a0)) - 0.5 * slope * slope * s2
    else:
        log_level_ratio = slope * level + softplus(h + b1 * a0) - softplus(h + b1 * a0 + slope)
    cde = np.expm1(log_cde) * np.exp(log_level_ratio)
    intref = np.expm1(pnde) - cde
    intmed = np.exp(te) - np.exp(pnde) - np.expm1(pnie)
    return np.stack([cde, intref, intmed, np.expm1(pnie), np.expm1(te)], axis=-1)


def share_of_components(component: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Shares (..., 7), columns as SHARES, of components (..., 5)."""
    cde, intref, intmed, pnie, te = (component[..., j] for j in range(len(COMPONENTS)))
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = [cde, intref, intmed, pnie, intmed + pnie, intref + intmed, te - cde]
        return np.stack([part / te for part in parts], axis=-1)


def four_way(
    paths: FloatArray,
    covariance: FloatArray,
    *,
    contrast: Contrast,
    mediator_model: MediatorModel = "linear",
    outcome_scale: OutcomeScale = "log_ratio",
    level: float = 0.95,
) -> FourWay:
    """The four-way decomposition with delta-method errors; arguments as `natural_effects.natural_effects`.

    contrast.mediator_level must be a level that occurs: the first two parts depend on it, their sum does not.
    """

    def components(point: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return component_values(point, contrast=contrast, mediator_model=mediator_model, outcome_scale=outcome_scale)

    def shares(point: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return share_of_components(components(point))

    component = components(paths)
    error = delta_standard_error(components, paths, covariance)
    half_width = ndtri(0.5 + level / 2.0) * error
    with np.errstate(divide="ignore", invalid="ignore"):
        share_error = delta_standard_error(shares, paths, covariance)
    return FourWay(
        component=component,
        component_standard_error=error,
        component_lower=component - half_width,
        component_upper=component + half_width,
        share=shares(paths),
        share_standard_error=share_error,
        level=level,
    )
