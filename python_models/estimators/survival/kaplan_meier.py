"""Kaplan-Meier survival and Nelson-Aalen cumulative hazard, with delayed entry and case weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
from scipy import special

from python_models.estimators.survival.cox_input import EstimatorInputError, checked_arrays, refuse_times

F8 = npt.NDArray[np.float64]
I8 = npt.NDArray[np.int64]
IntervalScale = Literal["log", "log-log", "plain"]


@dataclass(frozen=True, slots=True)
class SurvivalCurve:
    """Step functions at the T distinct event times, right-continuous.

    time (T,); n_at_risk, n_events (T,): weighted where weights were given.
    survival, standard_error (T,): product limit, Greenwood.
    cumulative_hazard (T,): Nelson-Aalen. refusal: None, or why there is no curve (arrays empty).
    """

    time: F8
    n_at_risk: F8
    n_events: F8
    survival: F8
    standard_error: F8
    cumulative_hazard: F8
    n: int
    refusal: str | None

    def at(self, times: npt.ArrayLike) -> tuple[F8, F8]:
        """Survival and its standard error at any times (k,): 1 and 0 before the first event."""
        index = np.searchsorted(self.time, np.asarray(times, dtype=np.float64), side="right")
        return np.concatenate([[1.0], self.survival])[index], np.concatenate([[0.0], self.standard_error])[index]

    def interval(self, level: float = 0.95, scale: IntervalScale = "log") -> tuple[F8, F8]:
        """Pointwise limits (T,), (T,) built on the stated scale, within 0 and 1; both equal S where S is 0."""
        if scale not in get_args(IntervalScale):
            raise EstimatorInputError(f"scale must be one of {', '.join(get_args(IntervalScale))}; got {scale!r}")
        z = float(special.ndtri(0.5 + level / 2.0))
        s, se = self.survival, self.standard_error
        inside = (s > 0.0) & (s < 1.0)
        low, high = s.copy(), s.copy()
        if scale == "plain":
            low, high = s - z * se, s + z * se
        elif scale == "log":
            low[inside] = s[inside] * np.exp(-z * se[inside] / s[inside])
            high[inside] = s[inside] * np.exp(z * se[inside] / s[inside])
        else:
            log_s = np.log(s[inside])
            width = z * se[inside] / (s[inside] * log_s)
            low[inside] = np.exp(log_s * np.exp(-width))
            high[inside] = np.exp(log_s * np.exp(width))
        return np.clip(low, 0.0, 1.0), np.clip(high, 0.0, 1.0)


def kaplan_meier(
    *,
    exit: npt.ArrayLike,
    event: npt.ArrayLike,
    entry: npt.ArrayLike | None = None,
    weights: npt.ArrayLike | None = None,
) -> SurvivalCurve:
    """Product-limit estimate S(t) = prod (1 - d/n), Var S = S^2 sum d / (n (n - d)).

    exit, entry (n,): at risk on (entry, exit], one time unit; event (n,): 0/1; weights (n,) > 0.
    A censoring tied with an event stays at risk for it.

    References
    ----------
    Kaplan & Meier 1958, JASA 53:457; Greenwood 1926.
    """
    n = np.asarray(exit).shape[0]
    exit_time, entry_time, is_event, weight, _ = checked_arrays(
        exit=exit,
        event=event,
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
        nothing = np.empty(0)
        return SurvivalCurve(nothing, nothing, nothing, nothing, nothing, nothing, n, reason)
    w = np.ones(n) if weight is None else weight
    time, index = np.unique(exit_time[is_event], return_inverse=True)
    died = np.bincount(index, weights=w[is_event]).astype(np.float64)
    at_risk = weight_at_or_after(exit_time, w, time)
    if entry_time is not None:
        at_risk = at_risk - weight_at_or_after(entry_time, w, time)
    # Weighted sums that should be equal differ by rounding; a curve must reach 0, not 1e-17.
    left = np.where(np.isclose(died, at_risk, rtol=1e-12, atol=0.0), 0.0, at_risk - died)
    survival = np.asarray(np.cumprod(left / at_risk), dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        greenwood = np.cumsum(died / (at_risk * left))
        standard_error = np.where(survival > 0.0, survival * np.sqrt(greenwood), 0.0)
    return SurvivalCurve(
        time=time.astype(np.float64),
        n_at_risk=at_risk,
        n_events=died,
        survival=survival,
        standard_error=standard_error,
        cumulative_hazard=np.cumsum(died / at_risk),
        n=n,
        refusal=None,
    )


def weight_at_or_after(times: npt.NDArray[np.number], weight: F8, at: npt.NDArray[np.number]) -> F8:
    """Summed weight (k,) of the rows whose time is at or after each of `at` (k,)."""
    order = np.argsort(times, kind="stable")
    below = np.concatenate([[0.0], np.cumsum(weight[order])])
    return below[-1] - below[np.searchsorted(times[order], at, side="left")]
