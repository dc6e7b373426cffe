"""Cox coefficients under many sets of case weights: each a few cheap steps from the fit of the unweighted data.

One Newton step from the full fit, then chord steps with the same information, whose score needs no p-dimensional
risk-set sums: U = sum_i (w_i d_i - c_i) x_i with c_i the events expected of row i. All sets of weights and all models
share the risk sets and one order of the rows; score and information are matrix products.

Rows with weight 0 are absent: they count neither as at risk nor as one of Efron's tied events.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numba import njit

from python_models.estimators.mediation.faults import FloatArray
from python_models.estimators.survival.cox import CoxFit, Ties, fit_cox
from python_models.estimators.survival.risk_sets import build_risk_sets, whole_times

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

# Chord steps converge linearly: step x (step / step before) is what is left. They stop at this share of a standard
# error, far below the resampling error of a thousand resamples (3 % of a standard error).
REMAINING_ERROR = 1e-3
MAX_CHORD_STEPS = 15
# Rows whose covariate products are held at once: 1,024 x 136 doubles fit a second-level cache.
ROWS_PER_BLOCK = 1024


@dataclass(frozen=True, slots=True)
class SharedRiskSets:
    """Rows ordered by the last event time they are at risk at; D event times, numbered upwards within strata.

    order (n,): position of the sorted rows in the input. last_group, entry_group, is_event (n,) in that order:
    see `survival.risk_sets`. group_start (S + 1,). exit, entry, stratum (n,): integers, in that order.
    """

    order: IntArray
    last_group: IntArray
    entry_group: IntArray
    is_event: BoolArray
    group_start: IntArray
    exit: IntArray
    entry: IntArray | None
    stratum: IntArray | None
    is_efron: bool
    ties: Ties


@dataclass(frozen=True, slots=True)
class FullFit:
    """One model on those rows: covariates (n, p) in their order, standardised by scale (p,), and its unweighted fit.

    beta, standard_error (p,): standardised. relative_hazard (n,): exp(x'beta).
    """

    covariates: FloatArray
    scale: FloatArray
    beta: FloatArray
    standard_error: FloatArray
    relative_hazard: FloatArray


def share_risk_sets(
    *,
    exit: npt.NDArray[np.number],
    is_event: BoolArray,
    entry: npt.NDArray[np.number] | None,
    strata: npt.NDArray[np.generic] | None,
    ties: Ties,
) -> SharedRiskSets:
    """Order the rows once for every model and every set of weights."""
    whole_exit, whole_entry, _ = whole_times(exit, entry)
    stratum = None if strata is None else np.unique(strata, return_inverse=True)[1].astype(np.int64)
    sets = build_risk_sets(whole_exit, is_event, whole_entry, stratum)
    order = np.argsort(sets.last_group, kind="stable")
    return SharedRiskSets(
        order=order,
        last_group=sets.last_group[order],
        entry_group=sets.entry_group[order],
        is_event=is_event[order],
        group_start=sets.group_start,
        exit=whole_exit[order],
        entry=None if whole_entry is None else whole_entry[order],
        stratum=None if stratum is None else stratum[order],
        is_efron=ties == "efron",
        ties=ties,
    )


def fit_full(sets: SharedRiskSets, covariates: FloatArray) -> FullFit | str:
    """Fit covariates (n, p), in the order of the input, without weights; or the reason why there is no fit."""
    scale = covariates.std(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        standardised = np.ascontiguousarray(((covariates - covariates.mean(axis=0)) / scale)[sets.order])
    fit = _fit(sets, covariates[sets.order], rows=None, weights=None)
    if fit.refusal is not None:
        return fit.refusal
    beta = fit.beta * scale
    return FullFit(standardised, scale, beta, fit.standard_error * scale, np.exp(standardised @ beta))


def _fit(sets: SharedRiskSets, covariates: FloatArray, *, rows: BoolArray | None, weights: FloatArray | None) -> CoxFit:
    keep: BoolArray | slice = slice(None) if rows is None else rows
    return fit_cox(
        exit=sets.exit[keep],
        event=sets.is_event[keep],
        covariates=covariates[keep],
        entry=None if sets.entry is None else sets.entry[keep],
        strata=None if sets.stratum is None else sets.stratum[keep],
        weights=None if weights is None else weights[keep],
        ties=sets.ties,
    )


@njit(cache=True, nogil=True)
def _expected_events(
    relative: FloatArray,
    weight: FloatArray,
    is_event: BoolArray,
    last_group: IntArray,
    entry_group: IntArray,
    group_start: IntArray,
    is_efron: bool,
    s0: FloatArray,
    d0: FloatArray,
    deaths: IntArray,
    death_weight: FloatArray,
    cumulative: FloatArray,
    tied: FloatArray,
    expected: FloatArray,
) -> None:
    """Risk-set sums per group (D,), then the events expected of each row (n,), under one set of weights.

    relative (n,): weight x relative hazard, 0 for absent rows. Notation as `survival.cox_kernels`.
    """
    s0[:] = 0.0
    d0[:] = 0.0
    deaths[:] = 0
    death_weight[:] = 0.0
    n = relative.shape[0]
    for i in range(n):
        last = last_group[i]
        first = entry_group[i]
        if last <= first:
            continue
        s0[last] += relative[i]
        if first >= 0:
            s0[first] -= relative[i]
        if is_event[i] and weight[i] > 0.0:
            d0[last] += relative[i]
            deaths[last] += 1
            death_weight[last] += weight[i]
    for s in range(group_start.shape[0] - 1):
        total = 0.0
        for g in range(group_start[s + 1] - 1, group_start[s] - 1, -1):
            total += s0[g]
            s0[g] = total
        running = 0.0
        for g in range(group_start[s], group_start[s + 1]):
            tied[g] = 0.0
            d = deaths[g]
            if is_efron and d > 1:
                m = death_weight[g] / d
                for k in range(d):
                    increment = m / (s0[g] - k / d * d0[g])
                    running += increment
                    tied[g] += k / d * increment
            elif d > 0:
                running += death_weight[g] / s0[g]
            cumulative[g] = running
    for i in range(n):
        last = last_group[i]
        first = entry_group[i]
        if last <= first:
            expected[i] = 0.0
            continue
        hazard = cumulative[last]
        if first >= 0:
            hazard -= cumulative[first]
        if is_event[i]:
            hazard -= tied[last]
        expected[i] = relative[i] * hazard


@njit(cache=True, nogil=True)
def _risk_set_means(
    covariates: FloatArray,
    relative: FloatArray,
    weight: FloatArray,
    is_event: BoolArray,
    last_group: IntArray,
    entry_group: IntArray,
    group_start: IntArray,
    is_efron: bool,
    s0: FloatArray,
    d0: FloatArray,
    deaths: IntArray,
    death_weight: FloatArray,
    means: FloatArray,
) -> int:
    """Risk-set means, one row per event present (Efron) or per group with events, times the root of their weight.

    s0, d0, deaths, death_weight as filled by `_expected_events`. Fills means (at most E, p), returns how many rows.
    """
    n, p = covariates.shape
    s1 = np.zeros((s0.shape[0], p))
    d1 = np.zeros((s0.shape[0], p))
    for i in range(n):
        last = last_group[i]
        first = entry_group[i]
        r = relative[i]
        if last <= first or r == 0.0:
            continue
        for j in range(p):
            s1[last, j] += r * covariates[i, j]
        if first >= 0:
            for j in range(p):
                s1[first, j] -= r * covariates[i, j]
        if is_event[i]:
            for j in range(p):
                d1[last, j] += r * covariates[i, j]
    row = 0
    total = np.zeros(p)
    for s in range(group_start.shape[0] - 1):
        total[:] = 0.0
        for g in range(group_start[s + 1] - 1, group_start[s] - 1, -1):
            for j in range(p):
                total[j] += s1[g, j]
            d = deaths[g]
            if d == 0:
                continue
            n_terms = d if is_efron else 1
            root = np.sqrt(death_weight[g] / n_terms)
            for k in range(n_terms):
                share = k / n_terms if is_efron else 0.0
                inverse = root / (s0[g] - share * d0[g])
                for j in range(p):
                    means[row, j] = inverse * (total[j] - share * d1[g, j])
                row += 1
    return row


def reweighted_coefficients(sets: SharedRiskSets, full: FullFit, weights: FloatArray) -> FloatArray:
    """Coefficients (B, p), original units, under weights (B, n) >= 0 in the order of the sets.

    A row of NaN where there is no finite estimate.
    """
    n_sets = weights.shape[0]
    n, p = full.covariates.shape
    n_groups = int(sets.group_start[-1])
    s0, d0, death_weight, cumulative, tied = (np.empty(n_groups) for _ in range(5))
    groups = (s0, d0, np.empty(n_groups, dtype=np.int64), death_weight)
    rows = (sets.is_event, sets.last_group, sets.entry_group, sets.group_start, sets.is_efron)
    means = np.empty((max(int(sets.is_event.sum()), 1), p))
    expected = np.empty((n_sets, n))
    of_means = np.empty((n_sets, p, p))

    for b in range(n_sets):
        relative = full.relative_hazard * weights[b]
        _expected_events(relative, weights[b], *rows, *groups, cumulative, tied, expected[b])
        count = _risk_set_means(full.covariates, relative, weights[b], *rows, *groups, means)
        of_means[b] = means[:count].T @ means[:count]
    observed = weights * sets.is_event
    gradient = (observed - expected) @ full.covariates
    inverse = _inverses(weighted_products(full.covariates, expected) - of_means)

    beta = np.tile(full.beta, (n_sets, 1))
    before = np.full(n_sets, np.inf)
    active = np.flatnonzero(np.isfinite(inverse[:, 0, 0]))
    failed = list(np.flatnonzero(~np.isfinite(inverse[:, 0, 0])))
    gradient = gradient[active]
    for _ in range(MAX_CHORD_STEPS):
        step = np.einsum("bjk,bk->bj", inverse[active], gradient)
        beta[active] += step
        size = np.max(np.abs(step) / full.standard_error, axis=1)
        # The Newton step itself has no step before it: its remaining error is taken as its size.
        remaining = size * np.where(np.isfinite(before[active]), size / before[active], 1.0)
        before[active] = size
        active = active[remaining > REMAINING_ERROR]
        if active.size == 0:
            break
        log_hazard = beta[active] @ full.covariates.T
        relatives = np.exp(log_hazard, out=log_hazard)
        for k, b in enumerate(active):
            relatives[k] *= weights[b]
            _expected_events(relatives[k], weights[b], *rows, *groups, cumulative, tied, expected[b])
        gradient = (observed[active] - expected[active]) @ full.covariates
    result = beta / full.scale
    for b in [*failed, *active]:
        result[b] = _refit(sets, full, weights[b])
    return result


def _inverses(information: FloatArray) -> FloatArray:
    """Inverses (B, p, p) of positive definite matrices, NaN for the others."""
    inverse = np.full_like(information, np.nan)
    for b in range(information.shape[0]):
        try:
            root = np.linalg.inv(np.linalg.cholesky(information[b]))
        except np.linalg.LinAlgError:
            continue
        inverse[b] = root.T @ root
    return inverse


def _refit(sets: SharedRiskSets, full: FullFit, weight: FloatArray) -> FloatArray:
    """The safe way, for the few sets of weights whose chord steps do not settle."""
    fit = _fit(sets, full.covariates, rows=weight > 0, weights=weight)
    return np.full(full.scale.shape[0], np.nan) if fit.refusal is not None else fit.beta / full.scale


def weighted_products(columns: FloatArray, weights: FloatArray) -> FloatArray:
    """Weighted Gram matrices (B, q, q): sum_i w_bi x_i x_i' for every set of weights (B, n), columns (n, q)."""
    n, q = columns.shape
    sums = np.zeros((weights.shape[0], q * (q + 1) // 2))
    products = np.empty((ROWS_PER_BLOCK, sums.shape[1]))
    for start in range(0, n, ROWS_PER_BLOCK):
        block = columns[start : start + ROWS_PER_BLOCK]
        size = block.shape[0]
        position = 0
        for j in range(q):
            np.multiply(block[:, j:], block[:, j : j + 1], out=products[:size, position : position + q - j])
            position += q - j
        sums += weights[:, start : start + size] @ products[:size]
    first, second = np.triu_indices(q)
    gram = np.empty((weights.shape[0], q, q))
    gram[:, first, second] = sums
    gram[:, second, first] = sums
    return gram
