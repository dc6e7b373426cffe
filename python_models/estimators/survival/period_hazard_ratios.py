"""Hazard ratios of an exposure by period of follow-up: the size of a departure from proportional hazards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from python_models.estimators.survival.cox import CoxFit, fit_cox
from python_models.estimators.survival.cox_input import EstimatorInputError, Ties

F8 = npt.NDArray[np.float64]
I8 = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class PeriodHazardRatios:
    """Log hazard ratios of an exposure in B periods of follow-up, from one model.

    lower, upper (B,): period bounds in days, upper of the last infinite. beta, standard_error (B,), covariance (B, B).
    n_events (B,). equality: Wald chi-squared that the B log hazard ratios are equal, on B - 1 degrees of freedom.
    fit: the whole model, exposure columns first. refusal: as in `CoxFit`.
    """

    lower: F8
    upper: F8
    beta: F8
    standard_error: F8
    covariance: F8
    n_events: I8
    equality: float | None
    equality_p_value: float | None
    fit: CoxFit
    refusal: str | None


def period_hazard_ratios(
    *,
    exit: npt.ArrayLike,
    event: npt.ArrayLike,
    exposure: npt.ArrayLike,
    covariates: npt.ArrayLike | None,
    cuts: Sequence[int],
    entry: npt.ArrayLike | None = None,
    strata: npt.ArrayLike | None = None,
    ties: Ties = "efron",
) -> PeriodHazardRatios:
    """Hazard ratio of one exposure within each period of follow-up, other covariates with one effect throughout.

    exposure (n,), covariates (n, p) or None; cuts: days after time zero at which periods end (1826 and 3652 give 0-5,
    5-10 and beyond 10 years). Each row is split at the cuts and the exposure enters once per period.
    """
    x = np.asarray(exposure, dtype=np.float64)
    rest = np.empty((x.shape[0], 0)) if covariates is None else np.asarray(covariates)
    row, start, end, is_event, period = split_follow_up(exit=exit, event=event, entry=entry, cuts=cuts)
    n_periods = len(cuts) + 1
    by_period = np.zeros((row.shape[0], n_periods))
    by_period[np.arange(row.shape[0]), period] = x[row]
    fit = fit_cox(
        exit=end,
        entry=start,
        event=is_event,
        covariates=np.column_stack([by_period, rest[row]]),
        strata=None if strata is None else np.asarray(strata)[row],
        ties=ties,
        names=[f"exposure in period {b + 1}" for b in range(n_periods)] + [f"x{j + 1}" for j in range(rest.shape[1])],
    )
    bounds = np.concatenate([[0.0], np.asarray(cuts, dtype=np.float64), [np.inf]])
    n_events = np.bincount(period[is_event], minlength=n_periods)
    empty = np.flatnonzero(n_events == 0)
    reason = f"no events in period {', '.join(str(b + 1) for b in empty)}" if empty.size else fit.refusal
    if reason is not None:
        nothing = np.empty(0)
        return PeriodHazardRatios(
            bounds[:-1], bounds[1:], nothing, nothing, np.empty((0, 0)), n_events, None, None, fit, reason
        )
    beta = fit.beta[:n_periods]
    covariance = fit.covariance[:n_periods, :n_periods]
    contrast = np.diff(np.eye(n_periods), axis=0)
    difference = contrast @ beta
    equality = float(difference @ np.linalg.solve(contrast @ covariance @ contrast.T, difference))
    return PeriodHazardRatios(
        lower=bounds[:-1],
        upper=bounds[1:],
        beta=beta,
        standard_error=fit.standard_error[:n_periods],
        covariance=covariance,
        n_events=n_events,
        equality=equality,
        equality_p_value=float(special.chdtrc(n_periods - 1, equality)),
        fit=fit,
        refusal=None,
    )


def split_follow_up(
    *, exit: npt.ArrayLike, event: npt.ArrayLike, entry: npt.ArrayLike | None, cuts: Sequence[int]
) -> tuple[I8, I8, I8, npt.NDArray[np.bool_], I8]:
    """Cut each row's (entry, exit] at the cuts: row number, start, end, event, period, all (m,), by row then time.

    Raises
    ------
    EstimatorInputError: cuts not ascending and positive.
    """
    edges = np.asarray(cuts, dtype=np.int64)
    if edges.ndim != 1 or edges.size == 0 or np.any(np.diff(np.concatenate([[0], edges])) <= 0):
        raise EstimatorInputError("cuts must be positive, whole and ascending")
    end_of_row = np.asarray(exit, dtype=np.int64)
    start_of_row = np.zeros_like(end_of_row) if entry is None else np.asarray(entry, dtype=np.int64)
    had_event = np.asarray(event).astype(bool)
    bounds = np.concatenate([[np.iinfo(np.int64).min], edges, [np.iinfo(np.int64).max]])
    start = np.maximum(start_of_row[:, None], bounds[None, :-1])
    end = np.minimum(end_of_row[:, None], bounds[None, 1:])
    row, period = np.nonzero((end > start) | (end_of_row <= start_of_row)[:, None] & (np.arange(len(edges) + 1) == 0))
    end_of_piece = end[row, period]
    is_event = had_event[row] & (end_of_piece == end_of_row[row])
    return row, start[row, period], end_of_piece, is_event, period
