"""Cox proportional-hazards regression: Efron or Breslow ties, strata, delayed entry, weights, robust variance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from python_models.estimators.survival.cox_input import EstimatorInputError, Ties
from python_models.estimators.survival.cox_residuals import sandwich
from python_models.estimators.survival.cox_setup import CoxData, inverse_information, prepare_cox, refuse_information
from python_models.estimators.survival.newton import NoMaximum, Stop, maximise
from python_models.estimators.survival.partial_likelihood import PartialLikelihood

__all__ = ["CoxFit", "EstimatorInputError", "Ties", "fit_cox", "fit_likelihood"]

F8 = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class CoxFit:
    """A fitted Cox model, or the reason there is none.

    names: p covariate names. beta (p,): log hazard ratio per unit of the covariate.
    covariance (p, p), standard_error (p,): robust where asked for. naive_covariance (p, p): inverse information.
    loglik_null, loglik: log partial likelihood at 0 and at beta. score (p,), information (p, p): at beta.
    score_test: U(0)' I(0)^-1 U(0), chi-squared on p degrees of freedom (the log-rank test of all covariates); None
    where it was not asked for.
    baseline_time (D,), baseline_stratum (D,), baseline_cumulative_hazard (D,): at the covariate_means (p,), after each
    event time; Efron's increments where ties are Efron's.
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
    covariate_means: F8
    baseline_time: F8
    baseline_stratum: npt.NDArray[np.generic]
    baseline_cumulative_hazard: F8
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

    def wald_test(self, columns: Sequence[int] | None = None) -> float:
        """beta_S' Cov_SS^-1 beta_S of the columns S (all by default), chi-squared on their number."""
        chosen = np.arange(self.beta.shape[0]) if columns is None else np.asarray(columns)
        beta = self.beta[chosen]
        return float(beta @ np.linalg.solve(self.covariance[np.ix_(chosen, chosen)], beta))


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
    with_score_test: bool = True,
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
    with_score_test: without it, and with a start better than 0, no derivatives are taken at 0: a fifth of the work.
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
    data = prepare_cox(
        exit=exit,
        event=event,
        covariates=covariates,
        entry=entry,
        strata=strata,
        weights=weights,
        cluster=cluster,
        offset=offset,
        ties=ties,
        names=names,
        min_events_per_parameter=min_events_per_parameter,
    )
    guess = None if start is None else np.asarray(start, dtype=np.float64)
    if guess is not None and guess.shape != (len(data.labels),):
        raise EstimatorInputError(f"start has shape {guess.shape}, expected ({len(data.labels)},)")
    likelihood = None if data.refusal is not None else data.likelihood(ties)
    return fit_likelihood(
        data=data,
        likelihood=likelihood,
        ties=ties,
        is_robust=robust or cluster is not None,
        start=guess,
        with_score_test=with_score_test,
        stop=stop,
    )


def fit_likelihood(
    *,
    data: CoxData,
    likelihood: PartialLikelihood | None,
    ties: Ties,
    is_robust: bool,
    start: F8 | None = None,
    with_score_test: bool = True,
    stop: Stop = "maximum",
) -> CoxFit:
    """Maximise a prepared likelihood (None where the data are refused); what `fit_cox` and `fit_fine_gray` share."""

    def refuse(reason: str, at_fault: Sequence[str] = (), iterations: int = 0) -> CoxFit:
        nothing, empty = np.empty(0), np.empty((0, 0))
        return CoxFit(
            names=data.labels,
            beta=nothing,
            standard_error=nothing,
            covariance=empty,
            naive_covariance=empty,
            loglik_null=None,
            loglik=None,
            score=nothing,
            information=empty,
            score_test=None,
            covariate_means=nothing,
            baseline_time=nothing,
            baseline_stratum=nothing,
            baseline_cumulative_hazard=nothing,
            iterations=iterations,
            n=data.matrix.shape[0],
            n_events=data.n_events,
            ties=ties,
            is_robust=is_robust,
            refusal=reason,
            refused_names=tuple(at_fault),
        )

    if likelihood is None or data.refusal is not None:
        return refuse(data.refusal or "no likelihood", data.refused_names)
    loglik_null = likelihood.loglik(np.zeros(likelihood.p))
    if not np.isfinite(loglik_null):
        return refuse("log likelihood is not finite at beta = 0: an offset is too large")
    beta, loglik, score_test = np.zeros(likelihood.p), loglik_null, None
    # Derivatives at zero are for the score test; without it they are taken where Newton begins, once.
    null = likelihood.derivatives() if with_score_test else None
    if start is not None:
        loglik_start = likelihood.loglik(start * data.scale)
        if loglik_start > loglik_null:
            beta, loglik = start * data.scale, loglik_start
        elif null is None:
            likelihood.loglik(beta)
    first = null if null is not None and loglik == loglik_null else likelihood.derivatives()
    reason, at_fault = refuse_information(first if null is None else null, data)
    if reason is not None:
        return refuse(reason, at_fault)
    if null is not None:
        score_test = float(null.score @ inverse_information(null.information) @ null.score)

    maximum = maximise(likelihood=likelihood, loglik=loglik, derivatives=first, beta=beta, stop=stop)
    if isinstance(maximum, NoMaximum):
        at_fault = tuple(data.labels[j] for j in maximum.columns)
        if at_fault:
            reason = f"monotone likelihood, no finite estimate: {', '.join(at_fault)} ({data.n_events} events)"
        else:
            reason = f"no convergence in {maximum.iterations} iterations"
        return refuse(reason, at_fault, maximum.iterations)

    naive = inverse_information(maximum.derivatives.information)
    covariance = naive
    if is_robust and likelihood.p:
        covariance = sandwich(likelihood=likelihood, derivatives=maximum.derivatives, naive=naive, cluster=data.cluster)
    rescale = np.outer(data.scale, data.scale)
    covariance = covariance / rescale
    sets = likelihood.risk_sets
    return CoxFit(
        names=data.labels,
        beta=maximum.beta / data.scale,
        standard_error=np.sqrt(np.diag(covariance)),
        covariance=covariance,
        naive_covariance=naive / rescale,
        loglik_null=loglik_null,
        loglik=maximum.loglik,
        score=maximum.derivatives.score * data.scale,
        information=maximum.derivatives.information * rescale,
        score_test=score_test,
        covariate_means=data.centre,
        baseline_time=data.times(sets.group_time),
        baseline_stratum=data.stratum_labels[sets.group_stratum],
        baseline_cumulative_hazard=maximum.derivatives.cumulative,
        iterations=maximum.iterations,
        n=data.matrix.shape[0],
        n_events=data.n_events,
        ties=ties,
        is_robust=is_robust,
        refusal=None,
        refused_names=(),
    )
