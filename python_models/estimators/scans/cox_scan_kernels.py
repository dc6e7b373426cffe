"""Compiled sweeps of the Cox scan: L biomarkers ("lanes") share one pass over rows sorted by risk set.

Order: event times are numbered as they are visited, from the last to the first within a stratum ("visits"); rows are
sorted by the visit at which they join the risk set, those with the event at it last. Risk-set sums are then running
sums. Lanes are the last axis everywhere, so that each inner loop is over biomarkers, lies in cache and vectorises. A
biomarker enters as (value - centre) x weight, formed in double precision where it is used. A missing value is NaN and
has no weight in its lane; nothing is sorted again.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

Values = npt.NDArray[np.floating]
F4 = npt.NDArray[np.float32]
F8 = npt.NDArray[np.float64]
I8 = npt.NDArray[np.int64]

# exp(x) = 2^k exp(t), k = round(x / log 2): Cody & Waite's two-part log 2, and the shift that rounds to an integer.
_LOG2_E = 1.4426950408889634
_LN2_HIGH = 6.93147180369123816490e-01
_LN2_LOW = 1.90821492927058770002e-10
_ROUND = 6755399441055744.0
_LARGEST = 708.0
# A missing value's predictor: exp of it vanishes beside any other and is still far from the slow denormal numbers.
_MISSING = -300.0


@njit(cache=True, nogil=True, fastmath={"contract"})
def exp_in_place(x: F8, shifted: F8) -> None:
    """exp of x (m,) in place, to about one unit in the last place, with no branch or call so that it vectorises.

    |x| is cut at 708. shifted (m,) is work space; short arrays stay in cache through the three passes.
    """
    for i in range(x.shape[0]):
        x[i] = min(max(x[i], -_LARGEST), _LARGEST)
        shifted[i] = x[i] * _LOG2_E + _ROUND
    bits = shifted.view(np.int64)
    for i in range(x.shape[0]):
        k = shifted[i] - _ROUND
        t = (x[i] - k * _LN2_HIGH) - k * _LN2_LOW
        # Taylor to degree 13 on |t| <= 0.35 leaves 1e-17.
        p = 1.6059043836821613e-10
        p = p * t + 2.08767569878681e-09
        p = p * t + 2.505210838544172e-08
        p = p * t + 2.755731922398589e-07
        p = p * t + 2.7557319223985893e-06
        p = p * t + 2.48015873015873e-05
        p = p * t + 1.984126984126984e-04
        p = p * t + 1.388888888888889e-03
        p = p * t + 8.333333333333333e-03
        p = p * t + 4.1666666666666664e-02
        p = p * t + 0.16666666666666666
        p = p * t + 0.5
        p = p * t + 1.0
        x[i] = p * t + 1.0
    result = x.view(np.int64)
    for i in range(x.shape[0]):
        result[i] += bits[i] << 52


@njit(cache=True, nogil=True, fastmath={"contract"})
def relative_hazards(values: Values, centre: F8, weight: F8, slope: F8, hazard: F8) -> None:
    """Turn predictors z_i'beta_l in hazard (m, L) into exp(z_i'beta_l + x_il slope_l) in place, 0 where x is missing.

    values (m, L); centre, weight, slope (L,).
    """
    m, n_lanes = values.shape
    shifted = np.empty(n_lanes)
    for i in range(m):
        for lane in range(n_lanes):
            x = (np.float64(values[i, lane]) - centre[lane]) * weight[lane]
            hazard[i, lane] = hazard[i, lane] + slope[lane] * x if x == x else _MISSING
        exp_in_place(hazard[i], shifted)


@njit(cache=True, nogil=True)
def same_hazards(values: Values, shared: F8, hazard: F8) -> None:
    """hazard (m, L) = shared (m,) in every lane, 0 where values (m, L) are missing."""
    m, n_lanes = values.shape
    for i in range(m):
        for lane in range(n_lanes):
            x = values[i, lane]
            hazard[i, lane] = shared[i] if x == x else 0.0


@njit(cache=True, nogil=True, fastmath={"contract"})
def add_rows(
    covariates: F8, values: Values, centre: F8, weight: F8, hazard: F8, start: int, stop: int, s0: F8, s1: F8
) -> None:
    """Add rows start .. stop - 1 of covariates (m, p), values and hazard (m, L) to sums s0 (L,), s1 (p + 1, L)."""
    p = covariates.shape[1]
    n_lanes = s0.shape[0]
    # Four rows at a time: a running sum is then loaded and stored once for four products.
    fours = stop - (stop - start) % 4
    for i in range(start, fours, 4):
        for lane in range(n_lanes):
            c, w = centre[lane], weight[lane]
            x0 = (np.float64(values[i, lane]) - c) * w
            x1 = (np.float64(values[i + 1, lane]) - c) * w
            x2 = (np.float64(values[i + 2, lane]) - c) * w
            x3 = (np.float64(values[i + 3, lane]) - c) * w
            h0, h1, h2, h3 = hazard[i, lane], hazard[i + 1, lane], hazard[i + 2, lane], hazard[i + 3, lane]
            s0[lane] += (h0 + h1) + (h2 + h3)
            s1[p, lane] += (
                h0 * (x0 if x0 == x0 else 0.0)
                + h1 * (x1 if x1 == x1 else 0.0)
                + h2 * (x2 if x2 == x2 else 0.0)
                + h3 * (x3 if x3 == x3 else 0.0)
            )
        for j in range(p):
            z0, z1 = covariates[i, j], covariates[i + 1, j]
            z2, z3 = covariates[i + 2, j], covariates[i + 3, j]
            for lane in range(n_lanes):
                s1[j, lane] += (
                    z0 * hazard[i, lane]
                    + z1 * hazard[i + 1, lane]
                    + z2 * hazard[i + 2, lane]
                    + z3 * hazard[i + 3, lane]
                )
    for i in range(fours, stop):
        for lane in range(n_lanes):
            x = (np.float64(values[i, lane]) - centre[lane]) * weight[lane]
            s0[lane] += hazard[i, lane]
            s1[p, lane] += hazard[i, lane] * (x if x == x else 0.0)
        for j in range(p):
            z0 = covariates[i, j]
            for lane in range(n_lanes):
                s1[j, lane] += z0 * hazard[i, lane]


@njit(cache=True, nogil=True, fastmath={"contract"})
def visit_groups(
    covariates: F8,
    values: Values,
    centre: F8,
    weight: F8,
    hazard: F8,
    leaving_covariates: F8,
    leaving_values: Values,
    leaving_hazard: F8,
    first_visit: int,
    join_start: I8,
    leave_start: I8,
    deaths: I8,
    starts_stratum: npt.NDArray[np.bool_],
    efron: bool,
    first_moment: int,
    with_steps: bool,
    s0: F8,
    s1: F8,
    mean_sum: F8,
    moments: F8,
    hazard_steps: F8,
    tied_steps: F8,
    log_denominator: F8,
) -> None:
    """Visit G groups from first_visit on: add who joins, take off who leaves, sum the risk-set means.

    covariates (m, p), values, hazard (m, L): rows that join; join_start[g] .. join_start[g + 1] - 1 join at the g-th
    of these visits, the last deaths[g] of them with the event. leaving_*: rows that leave before it, with their
    hazards negative, by leave_start. starts_stratum (G,): the running sums s0 (L,), s1 (p + 1, L), carried from call
    to call, begin again. Adds to mean_sum (p + 1, L), the biomarker last, and to moments (p + 1, p + 1, L), lower
    triangle of the sum over events of mean x mean', rows from first_moment on: p + 1 for none of it. With_steps it
    also adds to log_denominator (L,), the sum of log S0_k, and fills hazard_steps, tied_steps (V, L) at these visits:
    sums over k of 1/S0_k and (k/d)/S0_k.
    """
    q = s1.shape[0]
    n_lanes = s0.shape[0]
    d0 = np.empty(n_lanes)
    d1 = np.empty((q, n_lanes))
    died = np.empty(n_lanes)
    times = np.empty(n_lanes)
    inverse = np.empty(n_lanes)
    share = np.empty(n_lanes)
    mean = np.empty((q, n_lanes))
    for g in range(deaths.shape[0]):
        if starts_stratum[g]:
            for lane in range(n_lanes):
                s0[lane] = 0.0
            for j in range(q):
                for lane in range(n_lanes):
                    s1[j, lane] = 0.0
        n_died = deaths[g]
        row = join_start[g]
        first_event = join_start[g + 1] - n_died
        for lane in range(n_lanes):
            died[lane] = 0.0
            d0[lane] = 0.0
        for i in range(first_event, join_start[g + 1]):
            for lane in range(n_lanes):
                x = values[i, lane]
                died[lane] += 1.0 if x == x else 0.0
        if efron and n_died > 1:
            for j in range(q):
                for lane in range(n_lanes):
                    d1[j, lane] = 0.0
            add_rows(covariates, values, centre, weight, hazard, row, first_event, s0, s1)
            add_rows(covariates, values, centre, weight, hazard, first_event, join_start[g + 1], d0, d1)
            for lane in range(n_lanes):
                s0[lane] += d0[lane]
            for j in range(q):
                for lane in range(n_lanes):
                    s1[j, lane] += d1[j, lane]
        else:
            add_rows(covariates, values, centre, weight, hazard, row, join_start[g + 1], s0, s1)
        first, last = leave_start[g], leave_start[g + 1]
        if last > first:
            add_rows(leaving_covariates, leaving_values, centre, weight, leaving_hazard, first, last, s0, s1)
        if with_steps:
            for lane in range(n_lanes):
                hazard_steps[first_visit + g, lane] = 0.0
                tied_steps[first_visit + g, lane] = 0.0
        for k in range(n_died if efron else 1):
            for lane in range(n_lanes):
                alive = died[lane] > k
                times[lane] = 1.0 if efron else died[lane]
                share[lane] = k / died[lane] if alive else 0.0
                inverse[lane] = 1.0 / (s0[lane] - share[lane] * d0[lane]) if alive else 0.0
            for j in range(q):
                for lane in range(n_lanes):
                    mean[j, lane] = s1[j, lane] * inverse[lane]
            if k > 0:
                for j in range(q):
                    for lane in range(n_lanes):
                        mean[j, lane] -= share[lane] * d1[j, lane] * inverse[lane]
            for j in range(q):
                for lane in range(n_lanes):
                    mean_sum[j, lane] += times[lane] * mean[j, lane]
            if with_steps:
                for lane in range(n_lanes):
                    hazard_steps[first_visit + g, lane] += times[lane] * inverse[lane]
                    tied_steps[first_visit + g, lane] += times[lane] * share[lane] * inverse[lane]
                    if inverse[lane] > 0.0:
                        log_denominator[lane] -= times[lane] * np.log(inverse[lane])
            for j in range(first_moment, q):
                for h in range(j + 1):
                    for lane in range(n_lanes):
                        moments[j, h, lane] += times[lane] * mean[j, lane] * mean[h, lane]


@njit(cache=True, nogil=True, fastmath={"contract"})
def expected_events(
    values: Values,
    centre: F8,
    weight: F8,
    hazard: F8,
    join_visit: I8,
    leave_visit: I8,
    is_event: npt.NDArray[np.bool_],
    cumulative: F8,
    tied: F8,
    weighted_values: F8,
    squares: F8,
    alone: F8,
    difference: F4,
) -> None:
    """Turn hazards (m, L) into expected events c in place; c x into weighted_values (m, L); add c x^2 to squares (L,).

    difference (m, L), or (0, 0) where it is not asked for: c less `alone` (m,), in single precision.
    cumulative (V + 1, L): cumulative hazard at each visit, last row 0. leave_visit (m,): visit before which a row
    leaves, V where it stays to the end. tied (V, L): what an event row is spared at its visit.
    """
    n_lanes = squares.shape[0]
    stays = cumulative.shape[0] - 1
    for i in range(hazard.shape[0]):
        join, leave = join_visit[i], leave_visit[i]
        for lane in range(n_lanes):
            hazard[i, lane] *= cumulative[join, lane]
        if leave < stays or is_event[i]:
            spared = 1.0 if is_event[i] else 0.0
            for lane in range(n_lanes):
                whole = cumulative[join, lane]
                kept = whole - cumulative[leave, lane] - spared * tied[join, lane]
                hazard[i, lane] *= kept / whole if whole > 0.0 else 0.0
        for lane in range(n_lanes):
            x = (np.float64(values[i, lane]) - centre[lane]) * weight[lane]
            known = x if x == x else 0.0
            weighted = hazard[i, lane] * known
            weighted_values[i, lane] = weighted
            squares[lane] += weighted * known
        if difference.shape[0]:
            for lane in range(n_lanes):
                difference[i, lane] = hazard[i, lane] - alone[i]


@njit(cache=True, nogil=True)
def covariate_products(covariates: F8, products: Values) -> None:
    """Products z_j z_h, h <= j, of rows (m, p) into products (p (p + 1) / 2, m): long inner loops, which vectorise."""
    m, p = covariates.shape
    columns = np.ascontiguousarray(covariates.T)
    at = 0
    for j in range(p):
        for h in range(j + 1):
            for i in range(m):
                products[at, i] = columns[j, i] * columns[h, i]
            at += 1


@njit(cache=True, nogil=True)
def lanes_last(block: Values, position: I8, transposed: Values) -> None:
    """transposed (n, L) at row position[i] = block (L, n) at column i, in tiles that stay in cache."""
    n_lanes, n = block.shape
    for start in range(0, n, 64):
        stop = min(start + 64, n)
        for lane in range(n_lanes):
            for i in range(start, stop):
                transposed[position[i], lane] = block[lane, i]


@njit(cache=True, nogil=True, fastmath={"contract"})
def start_products(
    values: Values, centre: F8, weight: F8, expected: F8, total: F8, weighted_values: F8, squares: F8
) -> None:
    """With c = expected (m,), of the model without the biomarker, write c x to weighted_values (m, L).

    Adds c, where x is known, to total (L,) and c x^2 to squares (L,).
    """
    m, n_lanes = values.shape
    for i in range(m):
        c = expected[i]
        for lane in range(n_lanes):
            x = (np.float64(values[i, lane]) - centre[lane]) * weight[lane]
            known = x if x == x else 0.0
            total[lane] += c if x == x else 0.0
            weighted_values[i, lane] = c * known
            squares[lane] += c * known * known


@njit(cache=True, nogil=True)
def first_known(values: Values) -> F8:
    """First finite value (L,) of each biomarker of values (n, L); 0 where there is none."""
    n, n_lanes = values.shape
    first = np.zeros(n_lanes)
    for lane in range(n_lanes):
        for i in range(n):
            if np.isfinite(values[i, lane]):
                first[lane] = values[i, lane]
                break
    return first


@njit(cache=True, nogil=True)
def lane_moments(values: Values, about: F8, total: F8, square: F8, known: I8, infinite: I8) -> None:
    """Add, per biomarker of values (n, L), sums of (x - about) and of its square, values known, and infinite."""
    n, n_lanes = values.shape
    for i in range(n):
        for lane in range(n_lanes):
            distance = np.float64(values[i, lane]) - about[lane]
            is_finite = abs(distance) < np.inf
            known[lane] += 1 if is_finite else 0
            total[lane] += distance if is_finite else 0.0
            square[lane] += distance * distance if is_finite else 0.0
            infinite[lane] += 1 if abs(distance) == np.inf else 0
