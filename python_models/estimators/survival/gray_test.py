"""Gray's test that groups have the same cumulative incidence of one cause, with others competing.

Score of group k: sum over event times of d1_k - d1 R_k / R, where R_k = n_k (1 - F1_k(t-)) / S_k(t-) counts those at
risk as if those with a competing event had stayed, and R is the sum over groups. The variance is Gray's for ties: with
the pooled F0 and t1_k = n_k / S_k(t-), each cause-1 and competing event moves the score through a and through c, the
integral of a against the pooled subdistribution hazard.

Reference: Gray 1988, Ann Stat 16:1141 (statistic with rho = 0, variance in the appendix); R's `cmprsk::cuminc`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from python_models.estimators.survival.cox_input import checked_arrays, refuse_times
from python_models.estimators.survival.risk_sets import whole_times

F8 = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class GrayTest:
    """chi_squared on degrees_of_freedom (groups - 1) with p_value; refusal: None, or why there is no test."""

    chi_squared: float | None
    degrees_of_freedom: int
    p_value: float | None
    refusal: str | None


def gray_test(*, exit: npt.ArrayLike, event: npt.ArrayLike, group: npt.ArrayLike, cause: int = 1) -> GrayTest:
    """Compare the cumulative incidence of `cause` between groups.

    exit (n,): end of follow-up; event (n,): 0 censored, `cause`, other codes compete; group (n,): labels.

    Raises
    ------
    EstimatorInputError: lengths differ.
    """
    codes = np.asarray(event)
    labels, own = np.unique(np.asarray(group), return_inverse=True)
    exit_time, _, is_event, _, _ = checked_arrays(
        exit=exit,
        event=codes != 0,
        n=codes.shape[0],
        p=0,
        entry=None,
        strata=own,
        weights=None,
        cluster=None,
        offset=None,
        ties="efron",
        labels=(),
    )
    n_groups = len(labels)
    reason = refuse_times(exit_time, None, is_event, None, None)
    if reason is None and n_groups < 2:
        reason = "one group: there is nothing to compare"
    if reason is None and not bool(np.any(codes == cause)):
        reason = f"no events of cause {cause} among {codes.shape[0]} rows"
    if reason is not None:
        return GrayTest(None, max(n_groups - 1, 0), None, reason)
    times, _, _ = whole_times(exit_time, None)
    kind = np.where(codes == 0, 0, np.where(codes == cause, 1, 2))
    distinct, at = np.unique(times, return_inverse=True)
    counts = np.zeros((len(distinct), n_groups, 3))
    np.add.at(counts, (at, own, kind), 1.0)
    score, variance = _score_and_variance(counts)
    kept = slice(0, n_groups - 1)
    value = float(score[kept] @ np.linalg.solve(variance[kept, kept], score[kept]))
    return GrayTest(value, n_groups - 1, float(special.chdtrc(n_groups - 1, value)), None)


def _score_and_variance(counts: F8) -> tuple[F8, F8]:
    """Score (K,) and its variance (K, K); counts (T, K, 3): censored, cause, competing, by time and group."""
    n_groups = counts.shape[1]
    at_risk = counts.sum(axis=(0, 2))
    incidence, survival = np.zeros(n_groups), np.ones(n_groups)  # of each group, just before the time
    pooled = 0.0
    score, variance = np.zeros(n_groups), np.zeros((n_groups, n_groups))
    c = np.zeros((n_groups, n_groups))
    v2, v3 = np.zeros((n_groups, n_groups)), np.zeros(n_groups)
    for of_time in counts:
        d1, d2 = of_time[:, 1], of_time[:, 2]
        n1, n2 = d1.sum(), d2.sum()
        if n1 + n2 > 0:
            live = (at_risk > 0) & (survival > 0)
            t1 = np.where(live, at_risk / np.where(live, survival, 1.0), 0.0)
            after = np.where(live, survival * (1.0 - (d1 + d2) / np.where(live, at_risk, 1.0)), survival)
            incidence_after = incidence + np.where(live, survival * d1 / np.where(live, at_risk, 1.0), 0.0)
            total = t1.sum()
            pooled_after = pooled + n1 / total
            weighted = t1 * (1.0 - incidence)
            score += d1 - n1 * weighted / weighted.sum()
            a = np.diag(t1) - np.outer(t1, t1) / total
            c = c + a * n1 / (total * (1.0 - pooled))
            if n1 > 0:
                alive = live & (after > 0)
                t4 = np.where(alive, 1.0 - (1.0 - pooled_after) / np.where(alive, after, 1.0), 1.0)
                t5 = 1.0 - (n1 - 1.0) / (total * survival - 1.0) if n1 > 1 else np.ones(n_groups)
                t3 = np.where(live, t5 * survival * n1 / (total * np.where(live, at_risk, 1.0)), 0.0)
                v3 += t4**2 * t3
                moved = a - t4 * c
                v2 += moved * t4 * t3
                variance += (moved * t3) @ moved.T
            competing = (after > 0) & (d2 > 0)
            if competing.any():
                t4 = np.where(competing, (1.0 - pooled_after) / np.where(competing, after, 1.0), 0.0)
                t5 = np.where(d2 > 1, 1.0 - (d2 - 1.0) / np.maximum(at_risk - 1.0, 1.0), 1.0)
                t3 = np.where(competing, t5 * survival**2 * d2 / np.maximum(at_risk, 1.0) ** 2, 0.0)
                v3 += t4**2 * t3
                moved = t4 * c
                v2 -= moved * t4 * t3
                variance += (moved * t3) @ moved.T
            pooled, incidence, survival = pooled_after, incidence_after, after
        at_risk = at_risk - of_time.sum(axis=1)
    variance += (c * v3) @ c.T + c @ v2.T + v2 @ c.T
    return score, variance
