"""Fine-Gray regression of the subdistribution hazard: competing events stay at risk, weighted down by censoring.

Row i with a competing event at T_i weighs w_i(t) = G(t-)/G(T_i-) at later event times t of the cause, G being the
Kaplan-Meier curve of the censoring time, in which a censoring tied with an event comes after it. The weight is a share
of the row times a function of time, so the risk-set sums need no expanded rows. The variance is the sandwich by row, G
taken as known: R's `finegray()` followed by `coxph(..., weights = fgwt, cluster = id)`.

References: Fine & Gray 1999, JASA 94:496, sections 3 and 5; Geskus 2011, Biometrics 67:39 (weights as a product).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from python_models.estimators.survival.cox import CoxFit, fit_likelihood
from python_models.estimators.survival.cox_input import EstimatorInputError, Ties
from python_models.estimators.survival.cox_setup import CoxData, prepare_cox
from python_models.estimators.survival.newton import Stop
from python_models.estimators.survival.partial_likelihood import Carried

F8 = npt.NDArray[np.float64]
I8 = npt.NDArray[np.int64]


def fit_fine_gray(
    *,
    exit: npt.ArrayLike,
    event: npt.ArrayLike,
    covariates: npt.ArrayLike,
    cause: int = 1,
    strata: npt.ArrayLike | None = None,
    cluster: npt.ArrayLike | None = None,
    censoring_exit: npt.ArrayLike | None = None,
    censoring_event: npt.ArrayLike | None = None,
    ties: Ties = "efron",
    names: Sequence[str] | None = None,
    min_events_per_parameter: float = 1.0,
    stop: Stop = "maximum",
) -> CoxFit:
    """Log subdistribution hazard ratios with a robust covariance.

    exit (n,): end of follow-up from a common origin, whole days.
    event (n,): 0 censored, `cause`, or any other code for a competing event. covariates (n, p).
    strata (n,): labels with baseline hazards and censoring curves of their own.
    cluster (n,): labels within which rows depend; each row its own by default.
    censoring_exit, censoring_event (m,): follow-up the censoring curve is estimated from, in place of the rows; as
    where rows with a missing covariate are left out of the model but not of the curve. Not with strata.
    Other arguments and the result as in `fit_cox`. Delayed entry is not covered: the weights would need the entry
    distribution too.

    Raises
    ------
    EstimatorInputError: lengths differ, unknown ties, names not p, a censoring curve given together with strata.
    """
    codes = np.asarray(event)
    if codes.ndim != 1 or not np.issubdtype(codes.dtype, np.number) or cause == 0:
        raise EstimatorInputError("event must be (n,) numeric codes, 0 for censored, and cause one of the other codes")
    if (censoring_exit is None) != (censoring_event is None) or (censoring_exit is not None and strata is not None):
        raise EstimatorInputError("censoring_exit and censoring_event are given together, and not with strata")
    data = prepare_cox(
        exit=exit,
        event=codes == cause,
        covariates=covariates,
        entry=None,
        strata=strata,
        weights=None,
        cluster=cluster,
        offset=None,
        ties=ties,
        names=names,
        min_events_per_parameter=min_events_per_parameter,
    )
    likelihood = None
    if data.refusal is None:
        if data.time_values is not None:
            raise EstimatorInputError("Fine-Gray times must be whole days")
        curve = None
        if censoring_exit is not None and censoring_event is not None:
            curve = _censoring_curve(np.asarray(censoring_exit, dtype=np.int64), np.asarray(censoring_event) == 0)
        likelihood = data.likelihood(ties, carried=_carried(data, is_censored=codes == 0, curve=curve))
    return fit_likelihood(data=data, likelihood=likelihood, ties=ties, is_robust=True, stop=stop)


def _carried(data: CoxData, is_censored: npt.NDArray[np.bool_], curve: tuple[I8, F8] | None) -> Carried:
    """Rows with a competing event that later event times of their stratum still reach, with their shares of G."""
    sets = data.risk_sets()
    n = data.exit_time.shape[0]
    stratum = np.zeros(n, dtype=np.int64) if data.stratum is None else data.stratum
    before_exit = np.ones(n)
    group_factor = np.ones(sets.deaths.shape[0])
    for s in range(sets.group_start.shape[0] - 1):
        rows = np.flatnonzero(stratum == s)
        times, survival = curve or _censoring_curve(data.exit_time[rows], is_censored[rows])
        before_exit[rows] = survival[np.searchsorted(times, data.exit_time[rows], side="left")]
        groups = slice(sets.group_start[s], sets.group_start[s + 1])
        group_factor[groups] = survival[np.searchsorted(times, sets.group_time[groups], side="left")]
    end = sets.group_start[stratum + 1] - 1
    first = np.where(sets.last_group >= 0, sets.last_group + 1, sets.group_start[stratum])
    rows = np.flatnonzero(~is_censored & ~data.is_event & (first <= end))
    return Carried(
        rows=rows,
        first_group=first[rows],
        end_group=end[rows],
        share=1.0 / before_exit[rows],
        group_factor=group_factor,
    )


def _censoring_curve(exit_time: I8, is_censored: npt.NDArray[np.bool_]) -> tuple[I8, F8]:
    """Censoring times (C,) and G (C + 1,): entry j is the chance of being uncensored through the first j of them."""
    times, n_censored = np.unique(exit_time[is_censored], return_counts=True)
    at_risk = exit_time.shape[0] - np.searchsorted(np.sort(exit_time), times, side="left")
    event_times = np.sort(exit_time[~is_censored])
    n_events = np.searchsorted(event_times, times, side="right") - np.searchsorted(event_times, times, side="left")
    return times, np.concatenate([[1.0], np.cumprod(1.0 - n_censored / (at_risk - n_events))])
