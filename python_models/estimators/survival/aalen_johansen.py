"""Cumulative incidence of competing events (Aalen-Johansen), with an infinitesimal-jackknife variance.

F_k(t) = sum_{s <= t} S(s-) d_k(s) / n(s), S the Kaplan-Meier curve of any event. Ties are exact: no time is jittered.
The variance is the sum of squared influences of the rows, R's `survfit` for multi-state data:

    U_i(t) = -int_0^t q_i(s-) dF_k(s) + int_0^t S(s-) (dN_ki - Y_i dL_k) / Y,
    q_i(s) = int_0^s (dN_i - Y_i dL) / (Y (1 - dL)),

L_k and L the cumulative hazards of cause k and of any cause. Rows with equal entry, exit and cause share one influence.

References: Aalen & Johansen 1978, Scand J Stat 5:141; Andersen et al 1993, Statistical Models Based on Counting
Processes, IV.4; Therneau, Crowson & Atkinson, survival vignette "Multi-state models", section on the variance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from python_models.estimators.survival.cox_input import checked_arrays, refuse_times
from python_models.estimators.survival.kaplan_meier import weight_at_or_after

F8 = npt.NDArray[np.float64]
I8 = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class CumulativeIncidence:
    """Step functions at T times for K causes.

    time (T,), causes (K,): event codes. incidence (K, T), standard_error (K, T), event_free (T,): S.
    refusal: None, or why there is no curve (arrays empty).
    """

    time: F8
    causes: I8
    incidence: F8
    standard_error: F8
    event_free: F8
    n: int
    refusal: str | None

    def interval(self, level: float = 0.95) -> tuple[F8, F8]:
        """Limits (K, T), (K, T) on the log scale, F exp(+-z se/F), at most 1; (0, 0) where F is 0."""
        z = float(special.ndtri(0.5 + level / 2.0))
        relative = np.divide(
            self.standard_error, self.incidence, out=np.zeros_like(self.incidence), where=self.incidence > 0
        )
        return self.incidence * np.exp(-z * relative), np.minimum(self.incidence * np.exp(z * relative), 1.0)


def aalen_johansen(
    *,
    exit: npt.ArrayLike,
    event: npt.ArrayLike,
    entry: npt.ArrayLike | None = None,
    weights: npt.ArrayLike | None = None,
    times: npt.ArrayLike | None = None,
) -> CumulativeIncidence:
    """Cumulative incidence of every cause.

    exit, entry (n,): at risk on (entry, exit], one time unit; event (n,): 0 censored, 1, 2, ... causes.
    weights (n,): > 0.
    times (T,): where to evaluate, ascending; every event time by default.
    """
    codes = np.asarray(event)
    n = codes.shape[0]
    exit_time, entry_time, is_event, weight, _ = checked_arrays(
        exit=exit,
        event=codes != 0,
        n=n,
        p=0,
        entry=entry,
        strata=None,
        weights=weights,
        cluster=None,
        offset=None,
        ties="efron",
        labels=(),
    )
    reason = refuse_times(exit_time, entry_time, is_event, weight, None)
    if reason is None and not is_event.any():
        reason = f"no events among {n} rows"
    if reason is not None:
        nothing, empty = np.empty(0), np.empty((0, 0))
        return CumulativeIncidence(nothing, np.empty(0, dtype=np.int64), empty, empty, nothing, n, reason)
    w = np.ones(n) if weight is None else weight
    causes = np.unique(codes[is_event]).astype(np.int64)
    event_time = np.unique(exit_time[is_event])
    n_times = event_time.shape[0]
    at_risk = weight_at_or_after(exit_time, w, event_time)
    if entry_time is not None:
        at_risk = at_risk - weight_at_or_after(entry_time, w, event_time)
    position = np.searchsorted(event_time, exit_time[is_event])
    died = np.stack(
        [np.bincount(position, weights=w[is_event] * (codes[is_event] == k), minlength=n_times) for k in causes]
    )
    hazard = died.sum(axis=0) / at_risk
    # A last risk set that dies out must leave exactly nothing.
    survivors = np.where(hazard > 1.0 - 1e-12, 0.0, 1.0 - hazard)
    survival = np.cumprod(survivors)
    before = np.concatenate([[1.0], survival[:-1]])
    incidence = np.cumsum(before * died / at_risk, axis=1)

    wanted = event_time.astype(np.float64) if times is None else np.asarray(times, dtype=np.float64)
    last = np.searchsorted(event_time, wanted, side="right") - 1
    standard_error = np.stack(
        [
            np.sqrt(
                _influence_variance(
                    cause=int(k),
                    codes=codes,
                    last_index=np.searchsorted(event_time, exit_time, side="right") - 1,
                    first_index=np.full(n, -1)
                    if entry_time is None
                    else np.searchsorted(event_time, entry_time, side="right") - 1,
                    weight=w,
                    at_risk=at_risk,
                    hazard=hazard,
                    survivors=survivors,
                    before=before,
                    jump=before * died[j] / at_risk,
                    at=last,
                )
            )
            for j, k in enumerate(causes)
        ]
    )
    return CumulativeIncidence(
        time=wanted,
        causes=causes,
        incidence=np.concatenate([np.zeros((causes.shape[0], 1)), incidence], axis=1)[:, last + 1],
        standard_error=standard_error,
        event_free=np.concatenate([[1.0], survival])[last + 1],
        n=n,
        refusal=None,
    )


def _influence_variance(
    *,
    cause: int,
    codes: npt.NDArray[np.number],
    last_index: I8,
    first_index: I8,
    weight: F8,
    at_risk: F8,
    hazard: F8,
    survivors: F8,
    before: F8,
    jump: F8,
    at: I8,
) -> F8:
    """Sum of w_i^2 U_i(t)^2 (T,); jump (D,) = S(s-) dL_k(s), last_index, first_index (n,) into the D event times."""
    kind = np.where(codes == 0, 0, np.where(codes == cause, 1, 2))
    # Influence is per unit weight; equal rows are taken once with their summed squared weights.
    distinct, row = np.unique(np.stack([first_index, last_index, kind]), axis=1, return_inverse=True)
    squared_weight = np.bincount(row.ravel(), weights=weight**2, minlength=distinct.shape[1])
    first, last, kind = distinct
    alive = survivors > 0.0
    own = np.divide(1.0, at_risk * survivors, out=np.zeros_like(at_risk), where=alive)
    compensator = _from_zero(hazard * own)
    reached = _from_zero(jump)
    reached_weighted = _from_zero(jump * compensator[:-1])
    direct = _from_zero(jump / at_risk)
    dies = kind > 0
    after_exit = np.where(dies, own[last], 0.0) - (compensator[last + 1] - compensator[first + 1])
    variance = np.empty(at.shape[0])
    for j, index in enumerate(at):
        end = np.minimum(last, index)
        start = np.minimum(first, index)
        # q_i(s-) is -(A(s-) - A(entry)) while at risk, then constant.
        during = -(reached_weighted[end + 1] - reached_weighted[start + 1]) + compensator[first + 1] * (
            reached[end + 1] - reached[start + 1]
        )
        after = np.where(index > last, after_exit * (reached[index + 1] - reached[end + 1]), 0.0)
        died_of_cause = np.where((kind == 1) & (last <= index), (before / at_risk)[last], 0.0)
        influence = -(during + after) + died_of_cause - (direct[end + 1] - direct[start + 1])
        variance[j] = float(squared_weight @ influence**2)
    return variance


def _from_zero(increments: F8) -> F8:
    """Cumulative sums (D + 1,) that start at 0."""
    return np.concatenate([[0.0], np.cumsum(increments)])
