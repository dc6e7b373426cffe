"""Compiled passes of the Cox partial likelihood over rows and over risk-set groups.

Loops are spelled out: a broadcast assignment costs the compiler seconds.
Order: rows in any order; groups numbered upwards by (stratum, event time), as in `risk_sets.py`.
Covariates are centred and scaled. Notation (Therneau & Grambsch 2000, sections 3.1 to 3.3): r_i = w_i exp(z_i'b),
S0(g) = sum of r_i over the risk set, S1(g) = sum of r_i z_i; D0, D1 the same over those who have the event in g.
Efron's k-th of d tied events uses S0 - (k/d) D0, and every event of the group carries the mean case weight.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

F8 = npt.NDArray[np.float64]
I8 = npt.NDArray[np.int64]


@njit(cache=True, nogil=True)
def add_column_sums(
    matrix: npt.NDArray[np.floating], centre: F8, total: F8, square: F8, missing: I8, varies: npt.NDArray[np.bool_]
) -> None:
    """Per column of matrix (n, p): sum and sum of squares about centre, non-finite values, and whether it varies."""
    n, p = matrix.shape
    for i in range(n):
        for j in range(p):
            distance = np.float64(matrix[i, j]) - centre[j]
            total[j] += distance
            square[j] += distance * distance
            varies[j] |= distance != 0.0
    for j in range(p):
        # A sum is finite only where every term is; the second pass is paid by faulty columns alone.
        if not np.isfinite(square[j]):
            for i in range(n):
                if not np.isfinite(matrix[i, j]):
                    missing[j] += 1


@njit(cache=True, nogil=True)
def add_rows_to_groups(
    standardised: F8,
    relative_hazard: F8,
    last_group: I8,
    entry_group: I8,
    s0: F8,
    s1: F8,
) -> None:
    """Add a block of rows, (m, p), to the per-group increments s0 (D,) and s1 (D, p): plus at exit, minus at entry."""
    n_rows, p = standardised.shape
    for i in range(n_rows):
        last = last_group[i]
        first = entry_group[i]
        if last <= first:
            continue
        r = relative_hazard[i]
        s0[last] += r
        for j in range(p):
            s1[last, j] += r * standardised[i, j]
        if first >= 0:
            s0[first] -= r
            for j in range(p):
                s1[first, j] -= r * standardised[i, j]


@njit(cache=True, nogil=True)
def add_events_to_groups(standardised: F8, relative_hazard: F8, group: I8, d0: F8, d1: F8) -> None:
    """Add the event rows, (E, p), to d0 (D,) and d1 (D, p)."""
    n_events, p = standardised.shape
    for e in range(n_events):
        g = group[e]
        r = relative_hazard[e]
        d0[g] += r
        for j in range(p):
            d1[g, j] += r * standardised[e, j]


@njit(cache=True, nogil=True)
def sum_backwards(s0: F8, s1: F8, group_start: I8) -> None:
    """Turn increments into risk-set sums in place, latest group first, with Neumaier compensation.

    Delayed entry adds and then removes the same person; compensation keeps the difference exact to rounding.
    """
    p = s1.shape[1]
    total1 = np.zeros(p)
    lost1 = np.zeros(p)
    for s in range(group_start.shape[0] - 1):
        total = 0.0
        lost = 0.0
        for j in range(p):
            total1[j] = 0.0
            lost1[j] = 0.0
        for g in range(group_start[s + 1] - 1, group_start[s] - 1, -1):
            term = s0[g]
            new = total + term
            lost += (total - new) + term if abs(total) >= abs(term) else (term - new) + total
            total = new
            s0[g] = total + lost
            for j in range(p):
                term = s1[g, j]
                new = total1[j] + term
                lost1[j] += (total1[j] - new) + term if abs(total1[j]) >= abs(term) else (term - new) + total1[j]
                total1[j] = new
                s1[g, j] = new + lost1[j]


@njit(cache=True, nogil=True)
def sum_forwards(increments: F8, factor: F8, group_start: I8) -> None:
    """Turn increments (D, q), times factor (D,), into sums from the first group of the stratum, in place."""
    q = increments.shape[1]
    for s in range(group_start.shape[0] - 1):
        for g in range(group_start[s], group_start[s + 1]):
            for j in range(q):
                increments[g, j] *= factor[g]
                if g > group_start[s]:
                    increments[g, j] += increments[g - 1, j]


@njit(cache=True, nogil=True)
def log_denominators(s0: F8, d0: F8, deaths: I8, weight: F8, efron: bool) -> float:
    """Sum over events of (mean case weight) x log(denominator); weight (D,) is the summed case weight of the events."""
    total = 0.0
    for g in range(s0.shape[0]):
        d = deaths[g]
        if efron and d > 1:
            for k in range(d):
                total += weight[g] / d * np.log(s0[g] - k / d * d0[g])
        else:
            total += weight[g] * np.log(s0[g])
    return total


@njit(cache=True, nogil=True)
def group_terms(
    s0: F8,
    s1: F8,
    d0: F8,
    d1: F8,
    deaths: I8,
    weight: F8,
    group_start: I8,
    multiplier: F8,
    efron: bool,
    cumulative: F8,
    tied: F8,
    means: F8,
) -> None:
    """Hazard increments and risk-set means per group.

    Fills cumulative (D,): sum within the stratum of a m/S0_k (with multiplier a = 1 the baseline cumulative hazard);
    tied (D,): sum over k of (k/d) a m/S0_k, what an event row is spared under Efron;
    means (E or D, p): sqrt(m) S1_k/S0_k, one row per event (Efron) or per group (Breslow).
    multiplier (D,): a, weights event times, as the proportional-hazards test needs.
    """
    p = s1.shape[1]
    row = 0
    for s in range(group_start.shape[0] - 1):
        running = 0.0
        for g in range(group_start[s], group_start[s + 1]):
            d = deaths[g]
            tied[g] = 0.0
            if efron and d > 1:
                m = weight[g] / d
                for k in range(d):
                    share = k / d
                    inverse = 1.0 / (s0[g] - share * d0[g])
                    running += multiplier[g] * m * inverse
                    tied[g] += multiplier[g] * m * share * inverse
                    scale = np.sqrt(m) * inverse
                    for j in range(p):
                        means[row, j] = scale * (s1[g, j] - share * d1[g, j])
                    row += 1
            else:
                inverse = 1.0 / s0[g]
                running += multiplier[g] * weight[g] * inverse
                scale = np.sqrt(weight[g]) * inverse
                for j in range(p):
                    means[row, j] = scale * s1[g, j]
                row += 1
            cumulative[g] = running


@njit(cache=True, nogil=True)
def expected_events(relative_hazard: F8, last_group: I8, entry_group: I8, cumulative: F8, expected: F8) -> None:
    """Expected events per row: r_i times the cumulative hazard over (entry_i, exit_i]; ties not yet spared."""
    for i in range(relative_hazard.shape[0]):
        last = last_group[i]
        first = entry_group[i]
        if last <= first:
            expected[i] = 0.0
        elif first >= 0:
            expected[i] = relative_hazard[i] * (cumulative[last] - cumulative[first])
        else:
            expected[i] = relative_hazard[i] * cumulative[last]


@njit(cache=True, nogil=True)
def mean_terms(
    s0: F8,
    d0: F8,
    means: F8,
    deaths: I8,
    weight: F8,
    group_start: I8,
    efron: bool,
    cumulative_mean: F8,
    tied_mean: F8,
    average_mean: F8,
) -> None:
    """Risk-set means as the score residuals need them, each (D, p).

    cumulative_mean: sum within the stratum of m zbar_k/S0_k; tied_mean: sum over k of (k/d) m zbar_k/S0_k;
    average_mean: mean over k of zbar_k. means as filled by `group_terms`.
    """
    p = means.shape[1]
    running = np.zeros(p)
    row = 0
    for s in range(group_start.shape[0] - 1):
        for j in range(p):
            running[j] = 0.0
        for g in range(group_start[s], group_start[s + 1]):
            d = deaths[g] if efron else 1
            root = np.sqrt(weight[g] / d)
            for j in range(p):
                tied_mean[g, j] = 0.0
                average_mean[g, j] = 0.0
            for k in range(d):
                share = k / d
                inverse = 1.0 / (s0[g] - share * d0[g])
                for j in range(p):
                    term = root * inverse * means[row, j]
                    running[j] += term
                    tied_mean[g, j] += share * term
                    average_mean[g, j] += means[row, j] / (root * d)
                row += 1
            for j in range(p):
                cumulative_mean[g, j] = running[j]


@njit(cache=True, nogil=True)
def censored_score_residuals(
    standardised: F8,
    relative_hazard: F8,
    expected: F8,
    last_group: I8,
    entry_group: I8,
    cumulative_mean: F8,
    residual: F8,
) -> None:
    """The part of the score residuals every row has, (m, p): r_i (integral of zbar dL) - c_i z_i."""
    p = standardised.shape[1]
    for i in range(standardised.shape[0]):
        last = last_group[i]
        first = entry_group[i]
        for j in range(p):
            integral = 0.0
            if last > first:
                integral = cumulative_mean[last, j]
                if first >= 0:
                    integral -= cumulative_mean[first, j]
            residual[i, j] = relative_hazard[i] * integral - expected[i] * standardised[i, j]
