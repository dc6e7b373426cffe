"""Concordance of a risk score with survival, Harrell's and Uno's, with an infinitesimal-jackknife standard error.

A pair is comparable when one has the event while the other, in the same stratum, is at risk and stays so longer
(someone censored on the day of the event counts as staying longer). It is concordant when the one with the event has
the higher score, and half so when the scores are equal. Two events on one day are not compared.

    C = (concordant + tied / 2) / comparable,     dC/dw_i = (a_i - C p_i) / comparable,

with a_i, p_i the concordant and comparable pairs that row i is in; the variance is the sum of squares.

Uno's concordance weighs each event's pairs by 1 / G(t-)^2, G the Kaplan-Meier curve of the censoring time (a censoring
tied with an event comes after it), so that its limit does not depend on the censoring. The weights are taken as known.

References: Uno, Cai, Pencina, D'Agostino & Wei 2011, Stat Med 30:1105, equation 6;
Harrell, Lee & Mark 1996, Stat Med 15:361; Therneau & Watson 2015, Mayo Clinic technical report 85.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
from numba import njit

from python_models.estimators.survival.cox_input import EstimatorInputError, checked_arrays, refuse_times
from python_models.estimators.survival.risk_sets import whole_times

F8 = npt.NDArray[np.float64]
I8 = npt.NDArray[np.int64]
Weighting = Literal["harrell", "uno"]


@dataclass(frozen=True, slots=True)
class Concordance:
    """concordance in 0 to 1 with standard_error; pairs concordant, discordant, tied in score; refusal or None."""

    concordance: float | None
    standard_error: float | None
    n_concordant: float
    n_discordant: float
    n_tied: float
    refusal: str | None


def concordance(
    *,
    exit: npt.ArrayLike,
    event: npt.ArrayLike,
    risk_score: npt.ArrayLike,
    entry: npt.ArrayLike | None = None,
    strata: npt.ArrayLike | None = None,
    cluster: npt.ArrayLike | None = None,
    weighting: Weighting = "harrell",
) -> Concordance:
    """Concordance of risk_score (n,), higher for earlier events, with follow-up (entry, exit] and event (n,).

    strata (n,): pairs are compared within labels. cluster (n,): rows of one person; the variance is then by person.
    weighting: "uno" weighs events by the inverse squared chance of being uncensored; R's `timewt = "n/G2"`. The counts
    of pairs are then weighted. Not with delayed entry, whose censoring curve would need the entry times too.

    Raises
    ------
    EstimatorInputError: lengths differ, a score that is not finite, unknown weighting, Uno's with delayed entry.
    """
    if weighting not in get_args(Weighting):
        raise EstimatorInputError(f"weighting must be one of {', '.join(get_args(Weighting))}; got {weighting!r}")
    if weighting == "uno" and entry is not None:
        raise EstimatorInputError("Uno's concordance is not defined here with delayed entry")
    score = np.asarray(risk_score, dtype=np.float64)
    n = score.shape[0]
    exit_time, entry_time, is_event, _, _ = checked_arrays(
        exit=exit,
        event=event,
        n=n,
        p=0,
        entry=entry,
        strata=strata,
        weights=None,
        cluster=cluster,
        offset=None,
        ties="efron",
        labels=(),
    )
    if not bool(np.all(np.isfinite(score))):
        raise EstimatorInputError(f"risk_score is missing or infinite in {int(np.sum(~np.isfinite(score)))} rows")
    reason = refuse_times(exit_time, entry_time, is_event, None, None)
    if reason is not None:
        return Concordance(None, None, 0.0, 0.0, 0.0, reason)
    ends, starts, _ = whole_times(exit_time, entry_time)
    codes = np.zeros(n, dtype=np.int64) if strata is None else np.unique(np.asarray(strata), return_inverse=True)[1]
    event_weight = np.ones(n) if weighting == "harrell" else _inverse_squared_censoring(ends, is_event)
    lower, equal, comparable = np.zeros(n), np.zeros(n), np.zeros(n)
    for s in range(int(codes.max()) + 1):
        rows = np.flatnonzero(codes == s)
        rank = np.unique(score[rows], return_inverse=True)[1].astype(np.int64)
        begin = np.full(rows.shape[0], np.iinfo(np.int64).min) if starts is None else starts[rows]
        agree, tie, pairs = _pairs(ends[rows], begin, is_event[rows], rank, event_weight[rows])
        lower[rows], equal[rows], comparable[rows] = agree, tie, pairs
    # Every pair was counted by both its members.
    total, agreeing, tied = comparable.sum() / 2.0, lower.sum() / 2.0, equal.sum() / 2.0
    if total == 0.0:
        return Concordance(None, None, 0.0, 0.0, 0.0, "no comparable pairs")
    value = (agreeing + tied / 2.0) / total
    influence = (lower + equal / 2.0 - value * comparable) / total
    if cluster is not None:
        influence = np.bincount(np.unique(np.asarray(cluster), return_inverse=True)[1], weights=influence)
    return Concordance(
        concordance=float(value),
        standard_error=float(np.sqrt(np.sum(influence**2))),
        n_concordant=float(agreeing),
        n_discordant=float(total - agreeing - tied),
        n_tied=float(tied),
        refusal=None,
    )


def _inverse_squared_censoring(ends: I8, is_event: npt.NDArray[np.bool_]) -> F8:
    """1 / G(t-)^2 at each row's exit (n,): G drops at censorings, whose risk sets are without the events of the day."""
    times, n_censored = np.unique(ends[~is_event], return_counts=True)
    at_risk = ends.shape[0] - np.searchsorted(np.sort(ends), times, side="left")
    event_times = np.sort(ends[is_event])
    n_events = np.searchsorted(event_times, times, side="right") - np.searchsorted(event_times, times, side="left")
    survival = np.concatenate([[1.0], np.cumprod(1.0 - n_censored / np.maximum(at_risk - n_events, 1))])
    before = survival[np.searchsorted(times, ends, side="left")]
    # Where nobody is left uncensored no event can follow.
    return np.where(is_event, 1.0 / np.where(before > 0, before, 1.0) ** 2, 0.0)


def _pairs(ends: I8, starts: I8, is_event: npt.NDArray[np.bool_], rank: I8, event_weight: F8) -> tuple[F8, F8, F8]:
    """Concordant, score-tied and comparable pairs of each row of one stratum, weighted by event, (m,) each."""
    # Order of what happens on one day: events look at those at risk, who leave or enter only after it.
    n = ends.shape[0]
    agree, tie, pairs = np.zeros(n), np.zeros(n), np.zeros(n)
    # As the one with the event: backwards in time, who is at risk and not an event of the same day.
    by_end = np.argsort(-ends, kind="stable")
    by_start = np.argsort(-starts, kind="stable")
    _count_at_risk(ends, starts, is_event, rank, event_weight, by_end, by_start, agree, tie, pairs)
    # As the one who stays: forwards in time, the events before leaving less those before entering.
    forwards, begun = by_end[::-1].copy(), by_start[::-1].copy()
    _count_events(ends, starts, is_event, rank, event_weight, forwards, begun, agree, tie, pairs)
    return agree, tie, pairs


@njit(cache=True, nogil=True)
def _add(tree: F8, rank: int, amount: float) -> None:
    """Fenwick tree: add amount at rank."""
    i = rank + 1
    while i < tree.shape[0]:
        tree[i] += amount
        i += i & -i


@njit(cache=True, nogil=True)
def _below(tree: F8, rank: int) -> float:
    """Fenwick tree: sum at ranks below rank."""
    total = 0.0
    i = rank
    while i > 0:
        total += tree[i]
        i -= i & -i
    return total


@njit(cache=True, nogil=True)
def _count_at_risk(
    ends: I8,
    starts: I8,
    is_event: npt.NDArray[np.bool_],
    rank: I8,
    event_weight: F8,
    by_end: I8,
    by_start: I8,
    agree: F8,
    tie: F8,
    pairs: F8,
) -> None:
    """For each event: who outlasts it with a lower, an equal, and any score. by_end, by_start: latest first."""
    n = ends.shape[0]
    tree = np.zeros(n + 2)
    present = 0.0
    i = 0
    left = 0
    while i < n:
        time = ends[by_end[i]]
        stop = i
        while stop < n and ends[by_end[stop]] == time:
            stop += 1
        while left < n and starts[by_start[left]] >= time:
            # Whoever starts at or after this time was added (their end is later) and is not at risk yet.
            _add(tree, rank[by_start[left]], -1.0)
            present -= 1.0
            left += 1
        for h in range(i, stop):
            if not is_event[by_end[h]]:
                _add(tree, rank[by_end[h]], 1.0)
                present += 1.0
        for h in range(i, stop):
            row = by_end[h]
            if is_event[row]:
                lower = _below(tree, rank[row])
                agree[row] += event_weight[row] * lower
                tie[row] += event_weight[row] * (_below(tree, rank[row] + 1) - lower)
                pairs[row] += event_weight[row] * present
        for h in range(i, stop):
            if is_event[by_end[h]]:
                _add(tree, rank[by_end[h]], 1.0)
                present += 1.0
        i = stop


@njit(cache=True, nogil=True)
def _count_events(
    ends: I8,
    starts: I8,
    is_event: npt.NDArray[np.bool_],
    rank: I8,
    event_weight: F8,
    by_end: I8,
    by_start: I8,
    agree: F8,
    tie: F8,
    pairs: F8,
) -> None:
    """For each row: events it outlasts with a higher, an equal, and any score. by_end, by_start: earliest first."""
    n = ends.shape[0]
    tree = np.zeros(n + 2)
    happened = 0.0
    i = 0
    begun = 0
    while i < n:
        time = ends[by_end[i]]
        stop = i
        while stop < n and ends[by_end[stop]] == time:
            stop += 1
        while begun < n and starts[by_start[begun]] < time:
            # Events up to the start, which is before this time: none of them is this row's to outlast.
            row = by_start[begun]
            through = _below(tree, rank[row] + 1)
            agree[row] -= happened - through
            tie[row] -= through - _below(tree, rank[row])
            pairs[row] -= happened
            begun += 1
        for h in range(i, stop):
            row = by_end[h]
            if is_event[row]:
                through = _below(tree, rank[row] + 1)
                agree[row] += happened - through
                tie[row] += through - _below(tree, rank[row])
                pairs[row] += happened
        for h in range(i, stop):
            if is_event[by_end[h]]:
                _add(tree, rank[by_end[h]], event_weight[by_end[h]])
                happened += event_weight[by_end[h]]
        for h in range(i, stop):
            row = by_end[h]
            if not is_event[row]:
                through = _below(tree, rank[row] + 1)
                agree[row] += happened - through
                tie[row] += through - _below(tree, rank[row])
                pairs[row] += happened
        i = stop
