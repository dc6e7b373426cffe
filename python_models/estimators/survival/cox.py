"""Cox proportional-hazards regression: Efron or Breslow ties, strata, delayed entry, weights, robust variance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import linalg, special

from python_models.estimators.survival.cox_input import (
    EstimatorInputError,
    Ties,
    as_matrix,
    checked_arrays,
    collinear_columns,
    column_moments,
    refuse_times,
)
from python_models.estimators.survival.cox_residuals import sandwich
from python_models.estimators.survival.partial_likelihood import Derivatives, PartialLikelihood
from python_models.estimators.survival.risk_sets import build_risk_sets, whole_times

__all__ = ["CoxFit", "EstimatorInputError", "Ties", "fit_cox"]

F8 = npt.NDArray[np.float64]
Stop = Literal["maximum", "coxph"]

# At "maximum" Newton stops when no coefficient would move by more than this, per standard deviation of its covariate.
STEP_TOLERANCE = 1e-10
# At "coxph" it stops when the log likelihood has changed by less than this share, R's `coxph.control(eps)`.
COXPH_EPS = 1e-9
# Below this predicted gain in log likelihood a Newton step must shrink quadratically; else the maximum is at infinity.
FLAT_GAIN = 1e-4
MAX_ITERATIONS = 60
MAX_HALVINGS = 40


@dataclass(frozen=True, slots=True)
class CoxFit:
    """A fitted Cox model, or the reason there is none.

    names: p covariate names. beta (p,): log hazard ratio per unit of the covariate.
    covariance (p, p), standard_error (p,): robust where asked for. naive_covariance (p, p): inverse information.
    loglik_null, loglik: log partial likelihood at 0 and at beta. score (p,), information (p, p): at beta.
    score_test: U(0)' I(0)^-1 U(0), chi-squared on p degrees of freedom (the log-rank test of all covariates).
    n: rows; n_events: events. refusal: None, or why no estimate is given; refused_names: the covariates at fault.
    When refused, arrays are empty and the log likelihoods None.
    """

    names: tuple[str, ...]
    beta: F8
    standard_error: F8
    covariance: F8
    naive_covariance: F8
    loglik_null: float | None
    loglik: float | None
    score: F8
    information: F8
    score_test: float | None
    iterations: int
    n: int
    n_events: int
    ties: Ties
    is_robust: bool
    refusal: str | None
    refused_names: tuple[str, ...]

    @property
    def z(self) -> F8:
        """Wald statistics (p,)."""
        return self.beta / self.standard_error

    @property
    def p_value(self) -> F8:
        """Two-sided Wald p-values (p,)."""
        return 2.0 * special.ndtr(-np.abs(self.z))

    @property
    def likelihood_ratio(self) -> float | None:
        """2 (loglik - loglik_null), chi-squared on p degrees of freedom."""
        return None if self.loglik is None or self.loglik_null is None else 2.0 * (self.loglik - self.loglik_null)

    def interval(self, level: float = 0.95) -> tuple[F8, F8]:
        """Wald interval of beta, (p,) and (p,), on the log hazard scale."""
        half = special.ndtri(0.5 + level / 2.0) * self.standard_error
        return self.beta - half, self.beta + half


def fit_cox(
    *,
    exit: npt.ArrayLike,
    event: npt.ArrayLike,
    covariates: npt.ArrayLike,
    entry: npt.ArrayLike | None = None,
    strata: npt.ArrayLike | None = None,
    weights: npt.ArrayLike | None = None,
    cluster: npt.ArrayLike | None = None,
    offset: npt.ArrayLike | None = None,
    ties: Ties = "efron",
    robust: bool = False,
    names: Sequence[str] | None = None,
    min_events_per_parameter: float = 1.0,
    start: npt.ArrayLike | None = None,
    stop: Stop = "maximum",
) -> CoxFit:
    """Maximise the Cox partial likelihood by Newton's method with step-halving.

    exit (n,): end of follow-up, whole days (fractional times are compared up to rounding).
    entry (n,): start, same unit; a row is at risk on (entry, exit]. Without it rows are at risk from 0.
    event (n,): 0/1 or boolean. covariates (n, p): any float type, centred and scaled inside.
    strata (n,): labels with a baseline hazard each. weights (n,): case weights, > 0.
    offset (n,): added to the linear predictor.
    robust: Lin-Wei sandwich variance by row. cluster (n,): labels within which rows depend; sandwich by cluster.
    names: p names, used in refusals. start (p,): first guess of beta.
    min_events_per_parameter: with at most p times this many events the fit is refused.
    stop: "maximum" goes on to the maximum; "coxph" stops where R does (log likelihood changed by less than 1e-9
    of itself), which can be 1e-6 of a coefficient short of it, to compare with R digit by digit.

    Raises
    ------
    EstimatorInputError: lengths differ, ties unknown, events not 0/1, weights not positive, names not p.

    References
    ----------
    Cox 1972, JRSS B 34:187; Efron 1977, JASA 72:557; Lin & Wei 1989, JASA 84:1074;
    Therneau & Grambsch 2000, Modeling Survival Data, chapters 3 and 7.
    """
    matrix = as_matrix(covariates)
    n, p = matrix.shape
    labels = tuple(names) if names is not None else tuple(f"x{j + 1}" for j in range(p))
    exit_time, entry_time, is_event, weight, shift = checked_arrays(
        exit=exit,
        event=event,
        n=n,
        p=p,
        entry=entry,
        strata=strata,
        weights=weights,
        cluster=cluster,
        offset=offset,
        ties=ties,
        labels=labels,
        start=start,
    )
    is_robust = robust or cluster is not None
    n_events = int(is_event.sum())

    def refuse(reason: str, at_fault: Sequence[str] = (), iterations: int = 0) -> CoxFit:
        nothing, empty = np.empty(0), np.empty((0, 0))
        return CoxFit(
            names=labels,
            beta=nothing,
            standard_error=nothing,
            covariance=empty,
            naive_covariance=empty,
            loglik_null=None,
            loglik=None,
            score=nothing,
            information=empty,
            score_test=None,
            iterations=iterations,
            n=n,
            n_events=n_events,
            ties=ties,
            is_robust=is_robust,
            refusal=reason,
            refused_names=tuple(at_fault),
        )

    centre, scale, faults = column_moments(matrix, labels)
    if faults:
        listed = "; ".join(f"{count} in {name}" for name, count in faults)
        return refuse(f"missing or infinite values: {listed}", [name for name, _ in faults])
    reason = refuse_times(exit_time, entry_time, is_event, weight, shift)
    if reason is None and n_events == 0:
        reason = f"no events among {n} rows"
    if reason is None and p > 0 and n_events <= min_events_per_parameter * p:
        reason = f"too few events: {n_events} events for {p} parameters"
    if reason is not None:
        return refuse(reason)
    constant = [labels[j] for j in np.flatnonzero(scale == 0.0)]
    if constant:
        return refuse(f"constant: {', '.join(constant)}", constant)

    whole_exit, whole_entry, _ = whole_times(exit_time, entry_time)
    stratum = None if strata is None else np.unique(np.asarray(strata), return_inverse=True)[1].astype(np.int64)
    sets = build_risk_sets(whole_exit, is_event, whole_entry, stratum)
    likelihood = PartialLikelihood(
        covariates=matrix,
        risk_sets=sets,
        centre=centre,
        scale=scale,
        weights=weight,
        offset=shift,
        efron=ties == "efron",
    )

    beta = np.zeros(p)
    loglik_null = likelihood.loglik(beta)
    if not np.isfinite(loglik_null):
        return refuse("log likelihood is not finite at beta = 0: an offset is too large")
    null = likelihood.derivatives()
    collinear = collinear_columns(null.information, n_events)
    if collinear:
        at_fault = [labels[j] for j in collinear]
        return refuse(f"collinear with the others among those at risk at the events: {', '.join(at_fault)}", at_fault)
    score_test = float(null.score @ linalg.cho_solve(linalg.cho_factor(null.information), null.score)) if p else 0.0

    guess = None if start is None else np.asarray(start, dtype=np.float64) * scale
    maximum = _maximise(likelihood=likelihood, loglik_null=loglik_null, null=null, start=guess, stop=stop)
    if isinstance(maximum, _NoMaximum):
        at_fault = [labels[j] for j in maximum.columns]
        if at_fault:
            reason = f"monotone likelihood, no finite estimate: {', '.join(at_fault)} ({n_events} events)"
        else:
            reason = f"no convergence in {maximum.iterations} iterations"
        return refuse(reason, at_fault, maximum.iterations)

    information = maximum.derivatives.information
    naive = linalg.cho_solve(linalg.cho_factor(information), np.eye(p)) if p else np.empty((0, 0))
    naive = 0.5 * (naive + naive.T)
    covariance = naive
    if is_robust and p:
        clusters = None if cluster is None else np.unique(np.asarray(cluster), return_inverse=True)[1].astype(np.int64)
        covariance = sandwich(likelihood=likelihood, derivatives=maximum.derivatives, naive=naive, cluster=clusters)
    rescale = np.outer(scale, scale)
    covariance = covariance / rescale
    return CoxFit(
        names=labels,
        beta=maximum.beta / scale,
        standard_error=np.sqrt(np.diag(covariance)),
        covariance=covariance,
        naive_covariance=naive / rescale,
        loglik_null=loglik_null,
        loglik=maximum.loglik,
        score=maximum.derivatives.score * scale,
        information=information * rescale,
        score_test=score_test,
        iterations=maximum.iterations,
        n=n,
        n_events=n_events,
        ties=ties,
        is_robust=is_robust,
        refusal=None,
        refused_names=(),
    )


@dataclass(frozen=True, slots=True)
class _Maximum:
    beta: F8
    loglik: float
    derivatives: Derivatives
    iterations: int


@dataclass(frozen=True, slots=True)
class _NoMaximum:
    columns: tuple[int, ...]
    iterations: int


def _maximise(
    *, likelihood: PartialLikelihood, loglik_null: float, null: Derivatives, start: F8 | None, stop: Stop
) -> _Maximum | _NoMaximum:
    """Newton from zero (or `start`), halving back towards the last good point while the log likelihood falls."""
    p = likelihood.p
    beta, loglik, current = np.zeros(p), loglik_null, null
    if p == 0:
        return _Maximum(beta, loglik, current, 0)
    if start is not None:
        trial = likelihood.loglik(start)
        if trial > loglik_null:
            beta, loglik, current = start, trial, likelihood.derivatives()
    previous_step = np.full(p, np.inf)
    stalled = 0
    for iteration in range(1, MAX_ITERATIONS + 1):
        try:
            step = linalg.cho_solve(linalg.cho_factor(current.information), current.score)
        except linalg.LinAlgError:
            return _NoMaximum(_runaway(beta, previous_step), iteration)
        if np.max(np.abs(step)) <= STEP_TOLERANCE:
            return _Maximum(beta + step, loglik, current, iteration - 1)
        gain = 0.5 * float(step @ current.score)
        stalled = stalled + 1 if gain < FLAT_GAIN and np.max(np.abs(step)) > 0.5 * np.max(np.abs(previous_step)) else 0
        if stalled >= 3 and np.max(np.abs(beta)) > 1.0:
            return _NoMaximum(_runaway(beta, step), iteration)
        size = 1.0
        for _ in range(MAX_HALVINGS):
            trial = likelihood.loglik(beta + size * step)
            # Rounding of a sum over many events; a fall below it is not one.
            if trial >= loglik - 1e-12 * abs(loglik):
                break
            size *= 0.5
        else:
            return _NoMaximum((), iteration)
        change = abs(1.0 - loglik / trial) if trial != 0.0 else 0.0
        beta, loglik, current = beta + size * step, trial, likelihood.derivatives()
        previous_step = step
        if stop == "coxph" and change <= COXPH_EPS and size == 1.0:
            return _Maximum(beta, loglik, current, iteration)
    return _NoMaximum(_runaway(beta, previous_step), MAX_ITERATIONS)


def _runaway(beta: F8, step: F8) -> tuple[int, ...]:
    """Columns still moving outwards: step of the sign of beta and not small beside the largest step."""
    outward = (np.abs(step) > 0.05 * np.max(np.abs(step))) & (np.sign(step) == np.sign(beta))
    return tuple(int(j) for j in np.flatnonzero(outward))
