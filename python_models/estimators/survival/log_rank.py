"""Log-rank test of survival curves in K groups, with strata and delayed entry.

At each event time with d events among n at risk, n_k of them in group k: expected d n_k / n, and covariance
d (n - d) / (n - 1) (n_k / n) ([k = l] - n_l / n), the hypergeometric one. Summed over times and strata.

References: Mantel 1966, Cancer Chemother Rep 50:163; Peto & Peto 1972, JRSS A 135:185.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from python_models.estimators.survival.cox_input import checked_arrays, refuse_times
from python_models.estimators.survival.risk_sets import build_risk_sets, whole_times

F8 = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LogRankTest:
    """groups (K,) labels; observed, expected (K,) events; chi_squared on K - 1 degrees of freedom; refusal or None."""

    groups: npt.NDArray[np.generic]
    observed: F8
    expected: F8
    chi_squared: float | None
    degrees_of_freedom: int
    p_value: float | None
    refusal: str | None


def log_rank_test(
    *,
    exit: npt.ArrayLike,
    event: npt.ArrayLike,
    group: npt.ArrayLike,
    entry: npt.ArrayLike | None = None,
    strata: npt.ArrayLike | None = None,
) -> LogRankTest:
    """Test that K groups share one survival curve (within each stratum).

    exit, entry (n,): at risk on (entry, exit], whole days or fractions compared up to rounding; event (n,): 0/1;
    group, strata (n,): labels.
    """
    labels, code = np.unique(np.asarray(group), return_inverse=True)
    n, n_groups = code.shape[0], labels.shape[0]
    exit_time, entry_time, is_event, _, _ = checked_arrays(
        exit=exit,
        event=event,
        n=n,
        p=0,
        entry=entry,
        strata=strata,
        weights=None,
        cluster=None,
        offset=None,
        ties="efron",
        labels=(),
    )
    reason = refuse_times(exit_time, entry_time, is_event, None, None)
    if reason is None and not is_event.any():
        reason = f"no events among {n} rows"
    if reason is None and n_groups < 2:
        reason = "fewer than two groups"
    if reason is not None:
        return LogRankTest(labels, np.empty(0), np.empty(0), None, n_groups - 1, None, reason)
    whole_exit, whole_entry, _ = whole_times(exit_time, entry_time)
    stratum = None if strata is None else np.unique(np.asarray(strata), return_inverse=True)[1].astype(np.int64)
    sets = build_risk_sets(whole_exit, is_event, whole_entry, stratum)
    n_times = sets.deaths.shape[0]
    change = np.zeros((n_times, n_groups))
    at_risk = sets.last_group > sets.entry_group
    np.add.at(change, (sets.last_group[at_risk], code[at_risk]), 1.0)
    late = at_risk & (sets.entry_group >= 0)
    np.add.at(change, (sets.entry_group[late], code[late]), -1.0)
    members = np.empty_like(change)
    for first, last in zip(sets.group_start[:-1], sets.group_start[1:], strict=True):
        members[first:last] = np.cumsum(change[first:last][::-1], axis=0)[::-1]
    total = members.sum(axis=1)
    share = members / total[:, None]
    died = sets.deaths.astype(np.float64)
    expected = (died[:, None] * share).sum(axis=0)
    observed = np.bincount(code[is_event], minlength=n_groups).astype(np.float64)
    # One person at risk has no variance; the factor is then 0 / 0.
    factor = np.divide(died * (total - died), total - 1.0, out=np.zeros(n_times), where=total > 1.0)
    covariance = np.diag(factor @ share) - (share * factor[:, None]).T @ share
    difference = observed - expected
    # The K differences sum to 0: one group is redundant, and the generalised inverse does not care which.
    chi_squared = float(difference @ np.linalg.pinv(covariance, hermitian=True) @ difference)
    return LogRankTest(
        groups=labels,
        observed=observed,
        expected=expected,
        chi_squared=chi_squared,
        degrees_of_freedom=n_groups - 1,
        p_value=float(special.chdtrc(n_groups - 1, chi_squared)),
        refusal=None,
    )
