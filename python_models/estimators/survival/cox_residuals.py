"""Score residuals of a Cox fit and the sandwich variance they give.

Row i's score residual, with zbar_k, S0_k at the k-th of d tied events (Efron) and m the mean case weight of the events:

    L_i = w_i d_i (z_i - mean_k zbar_k) - sum_{t at risk} sum_k r_i h_ik (z_i - zbar_k) m / S0_k,

h_ik = 1 - k/d where i has the event at t, else 1; the rows sum to the score. The variance is V (sum_c L_c L_c') V with
L_c summed over cluster c and V the inverse information.

References: Lin & Wei 1989, JASA 84:1074; Therneau & Grambsch 2000, sections 4.6 and 7.1.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from python_models.estimators.survival import cox_kernels
from python_models.estimators.survival.partial_likelihood import Derivatives, PartialLikelihood

F8 = npt.NDArray[np.float64]


def score_residuals(*, likelihood: PartialLikelihood, derivatives: Derivatives) -> Iterator[tuple[slice, F8]]:
    """Weighted score residuals (m, p) by blocks of rows, in standardised units."""
    sets = likelihood.risk_sets
    s0, _, d0, _ = likelihood.tables
    shape = (likelihood.n_groups, likelihood.p)
    cumulative_mean, tied_mean, average_mean = np.empty(shape), np.empty(shape), np.empty(shape)
    cox_kernels.mean_terms(
        s0,
        d0,
        derivatives.means,
        sets.deaths,
        likelihood.group_weight,
        sets.group_start,
        likelihood.efron,
        cumulative_mean,
        tied_mean,
        average_mean,
    )
    group = likelihood.event_group
    of_events = likelihood.event_weight[:, None] * (likelihood.event_covariates - average_mean[group])
    of_events -= likelihood.relative_hazard[sets.event_rows, None] * tied_mean[group]
    carried = likelihood.carried
    of_carried = np.empty((0, likelihood.p)) if carried is None else likelihood.carried_integral(cumulative_mean)
    for rows, block in likelihood.blocks():
        residual = np.empty(block.shape)
        cox_kernels.censored_score_residuals(
            block,
            likelihood.relative_hazard[rows],
            derivatives.expected[rows],
            sets.last_group[rows],
            sets.entry_group[rows],
            cumulative_mean,
            residual,
        )
        if carried is not None:
            low, high = np.searchsorted(carried.rows, [rows.start, rows.stop])
            relative = likelihood.relative_hazard[carried.rows[low:high], None]
            residual[carried.rows[low:high] - rows.start] += relative * of_carried[low:high]
        first, last = np.searchsorted(sets.event_rows, [rows.start, rows.stop])
        residual[sets.event_rows[first:last] - rows.start] += of_events[first:last]
        yield rows, residual


def sandwich(
    *, likelihood: PartialLikelihood, derivatives: Derivatives, naive: F8, cluster: npt.NDArray[np.int64] | None
) -> F8:
    """Robust covariance (p, p) in standardised units; cluster (n,) codes 0 .. C-1, or None for one cluster per row."""
    p = likelihood.p
    meat = np.zeros((p, p))
    if cluster is None:
        for _, residual in score_residuals(likelihood=likelihood, derivatives=derivatives):
            meat += residual.T @ residual
    else:
        summed = np.zeros((int(cluster.max()) + 1, p))
        for rows, residual in score_residuals(likelihood=likelihood, derivatives=derivatives):
            for j in range(p):
                summed[:, j] += np.bincount(cluster[rows], weights=residual[:, j], minlength=summed.shape[0])
        meat = summed.T @ summed
    return naive @ meat @ naive
