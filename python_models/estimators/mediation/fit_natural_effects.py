"""From people to natural effects: both models fitted on the same rows, then the closed forms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from python_models.estimators.mediation.accelerated_failure_time import AftStop, fit_aft
from python_models.estimators.mediation.faults import FloatArray, choice_fault, column_faults, raise_if_any
from python_models.estimators.mediation.natural_effects import (
    PATHS,
    Contrast,
    MediatorModel,
    NaturalEffects,
    OutcomeScale,
    natural_effects,
    path_covariance,
)
from python_models.estimators.mediation.regression_fits import (
    RegressionFit,
    design_matrix,
    fit_least_squares,
    fit_logistic,
)
from python_models.estimators.survival.cox import Stop, Ties, fit_cox

OutcomeModel = Literal["cox", "aft_exponential", "aft_weibull", "logistic", "linear"]
TERMS = ("exposure", "mediator", "interaction")
TIME_MODELS = ("cox", "aft_exponential", "aft_weibull")
# Where R's `glm` stops; see `fit_logistic`.
GLM_DEVIANCE_TOLERANCE = 1e-8


@dataclass(frozen=True, slots=True)
class MediationFit:
    """Natural effects of one exposure through one mediator, with the two models behind them.

    paths (6,), covariance (6, 6): see `natural_effects.PATHS`. n rows; n_events: events, or ones of a logistic outcome.
    outcome_beta: coefficients of a Cox outcome model, (exposure, mediator, interaction if any, covariates).
    refusal: None, or which model has no estimate and why; `effects` is then None and the arrays are empty.
    """

    effects: NaturalEffects | None
    paths: FloatArray
    covariance: FloatArray
    outcome_scale: OutcomeScale
    mediator_fit: RegressionFit
    n: int
    n_events: int
    outcome_beta: FloatArray
    refusal: str | None


def outcome_scale_of(outcome_model: OutcomeModel) -> OutcomeScale:
    """Scale on which the outcome model's natural effects add up."""
    return "difference" if outcome_model == "linear" else "log_ratio"


def fit_natural_effects(
    *,
    exposure: npt.ArrayLike,
    mediator: npt.ArrayLike,
    outcome: npt.ArrayLike,
    covariates: npt.ArrayLike | None = None,
    mediator_covariates: npt.ArrayLike | None = None,
    event: npt.ArrayLike | None = None,
    entry: npt.ArrayLike | None = None,
    strata: npt.ArrayLike | None = None,
    outcome_model: OutcomeModel = "cox",
    mediator_model: MediatorModel = "linear",
    has_interaction: bool = False,
    is_case_control: bool = False,
    contrast: Contrast | None = None,
    covariate_levels: npt.ArrayLike | None = None,
    ties: Ties = "efron",
    stop: Stop = "maximum",
    outcome_start: npt.ArrayLike | None = None,
    covariate_names: Sequence[str] | None = None,
    level: float = 0.95,
) -> MediationFit:
    """Fit both models on the same rows with the same covariates and give cde, pnde, tnie, tnde, pnie, te and pm.

    exposure, mediator (n,); outcome (n,): follow-up time for a model of times, else the response; covariates (n, q);
    mediator_covariates (n, r): of the mediator model alone, for what the outcome model holds as strata, at their means;
    event (n,) 0/1 and, for Cox, entry (n,) and strata (n,); is_case_control: the mediator model is fitted in those
    without the event, as the cases are over-sampled; contrast: exposure 0 to 1 unless given; covariate_levels (q,):
    where the effects are evaluated, their means unless given; stop: "coxph" stops every iterated fit where R does;
    outcome_start: where a Cox fit begins, (exposure, mediator, interaction if any, covariates); covariate_names (q,):
    used in refusals.

    Raises MediationInputError for shapes, codings and unknown options, all at once.

    References: Valeri & VanderWeele 2013, Psychol Methods 18:137-150; 2015, Epidemiology 26:e23-e24.
    """
    a = np.asarray(exposure, dtype=np.float64)
    m = np.asarray(mediator, dtype=np.float64)
    y = np.asarray(outcome, dtype=np.float64)
    n = a.shape[0] if a.ndim == 1 else 0
    c = np.empty((n, 0)) if covariates is None else np.asarray(covariates, dtype=np.float64)
    c = c[:, None] if c.ndim == 1 else c
    extra = np.empty((n, 0)) if mediator_covariates is None else np.asarray(mediator_covariates, dtype=np.float64)
    is_time = outcome_model in TIME_MODELS
    faults = choice_fault(name="outcome_model", value=outcome_model, allowed=get_args(OutcomeModel))
    faults += choice_fault(name="mediator_model", value=mediator_model, allowed=get_args(MediatorModel))
    faults += [] if n else ["exposure must be one column with at least one row"]
    given = (("exposure", a), ("mediator", m), ("outcome", y), ("covariates", c), ("mediator_covariates", extra))
    for name, values in given:
        faults += column_faults(name=name, values=values, n=n)
    d = y if event is None else np.asarray(event, dtype=np.float64)
    if is_time and event is None:
        faults.append("event is needed beside the times of a survival outcome")
    if is_time or outcome_model == "logistic":
        faults += column_faults(name="event", values=d, n=n)
        if not np.isin(d, (0.0, 1.0)).all():
            faults.append("event, or the response of a logistic outcome, must be 0 or 1")
    if outcome_model != "cox" and (entry is not None or strata is not None):
        faults.append("entry and strata are for outcome_model cox")
    if is_case_control and outcome_model == "linear":
        faults.append("is_case_control needs an event or a logistic outcome")
    levels = c.mean(axis=0) if covariate_levels is None and n else np.asarray(covariate_levels, dtype=np.float64)
    if n and levels.shape != (c.shape[1],):
        faults.append(
            f"covariate_levels has shape {levels.shape}, expected one value for each of {c.shape[1]} covariates"
        )
    raise_if_any(faults)
    contrast = Contrast() if contrast is None else contrast
    scale = outcome_scale_of(outcome_model)
    n_events = int(d.sum()) if outcome_model != "linear" else n

    def refuse(reason: str) -> MediationFit:
        return MediationFit(None, np.empty(0), np.empty((0, 0)), scale, mediator_fit, n, n_events, np.empty(0), reason)

    rows = d == 0 if is_case_control else np.ones(n, dtype=np.bool_)
    design = design_matrix(exposure=a, others=np.column_stack([c, extra]))
    tolerance = {"deviance_tolerance": GLM_DEVIANCE_TOLERANCE} if stop == "coxph" else {}
    if mediator_model == "linear":
        mediator_fit = fit_least_squares(design=design[rows], response=m[rows])
    else:
        mediator_fit = fit_logistic(design=design[rows], response=m[rows], **tolerance)
    if mediator_fit.refusal is not None:
        return refuse(f"mediator model: {mediator_fit.refusal}")

    terms = np.column_stack([a, m, a * m] if has_interaction else [a, m])
    if outcome_model == "cox":
        cox = fit_cox(
            exit=y,
            event=d == 1,
            covariates=np.column_stack([terms, c]),
            entry=entry,
            strata=strata,
            ties=ties,
            stop=stop,
            start=outcome_start,
            names=[
                *("exposure", "mediator", "interaction")[: terms.shape[1]],
                *(covariate_names or [f"covariate_{j + 1}" for j in range(c.shape[1])]),
            ],
        )
        beta, outcome_covariance, reason = cox.beta, cox.covariance, cox.refusal
    else:
        wide = np.column_stack([terms, np.ones(n), c])
        as_in_r: AftStop = "survreg" if stop == "coxph" else "maximum"
        if outcome_model == "linear":
            fit = fit_least_squares(design=wide, response=y)
        elif outcome_model == "logistic":
            fit = fit_logistic(design=wide, response=y, **tolerance)
        elif outcome_model == "aft_exponential":
            fit = fit_aft(time=y, event=d, design=wide, distribution="exponential", stop=as_in_r)
        else:
            fit = fit_aft(time=y, event=d, design=wide, distribution="weibull", stop=as_in_r)
        beta, outcome_covariance, reason = fit.beta, fit.covariance, fit.refusal
    if reason is not None:
        return refuse(f"outcome model: {reason}")

    k = terms.shape[1]
    at_levels = np.zeros((2, design.shape[1]))
    at_levels[0, 0], at_levels[1, 1] = 1.0, 1.0
    at_levels[0, 2:] = np.concatenate([levels, extra.mean(axis=0)])
    paths = np.zeros(len(PATHS))
    paths[:2] = at_levels @ mediator_fit.beta
    paths[2] = mediator_fit.residual_variance
    paths[3 : 3 + k] = beta[:k]
    of_terms = np.zeros((3, 3))
    of_terms[:k, :k] = outcome_covariance[:k, :k]
    covariance = path_covariance(
        mediator_covariance=at_levels @ mediator_fit.covariance @ at_levels.T,
        mediator_variance=mediator_fit.residual_variance,
        residual_degrees_of_freedom=mediator_fit.degrees_of_freedom if mediator_model == "linear" else None,
        outcome_covariance=of_terms,
    )
    effects = natural_effects(
        paths, covariance, contrast=contrast, mediator_model=mediator_model, outcome_scale=scale, level=level
    )
    return MediationFit(effects, paths, covariance, scale, mediator_fit, n, n_events, beta, None)
