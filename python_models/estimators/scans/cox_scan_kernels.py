"""Compiled sweeps of the Cox scan: L biomarkers ("lanes") share one pass over rows sorted by risk set.

Order: event times are numbered as they are visited, from the last to the first within a stratum ("visits"); rows are
sorted by the visit at which they join the risk set, those with the event at it last. Risk-set sums are then running
sums. Lanes are the last axis everywhere, so that each inner loop is over biomarkers, lies in cache and vectorises. A
biomarker x is (value - centre) x weight. A missing value is NaN and has no weight in its lane; nothing is sorted again.
Sums of a visit's rows are of the type of their hazards, double or single; running sums over visits are double.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

Values = npt.NDArray[np.floating]
F8 = npt.NDArray[np.float64]
I8 = npt.NDArray[np.int64]

# exp(x) = 2^k exp(t), k = round(x / log 2): Cody & Waite's two-part log 2, and the shift that rounds to an integer.
_LOG2_E = 1.4426950408889634
_LN2_HIGH = 6.93147180369123816490e-01
_LN2_LOW = 1.90821492927058770002e-10
_ROUND = 6755399441055744.0
_LARGEST = 708.0
# The log of so many risk-set sums is taken at once, of their product: 8 of 1e37 are still in range.
_PER_LOG = 8
# Rows summed on their own before they join a running sum: more would round in single precision.
_PER_PART = 64
_LEAST_PER_PART = 8


@njit(cache=True, nogil=True, fastmath={"contract"})
def exponential(x: float) -> float:
    """exp(x) to about one unit in the last place, with no branch or call so that loops over it vectorise.

    |x| is cut at 708.
    """
    x = min(max(x, -_LARGEST), _LARGEST)
    shifted = x * _LOG2_E + _ROUND
    k = shifted - _ROUND
    t = (x - k * _LN2_HIGH) - k * _LN2_LOW
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
    p = p * t + 1.0
    bits = np.float64(p).view(np.int64) + (np.float64(shifted).view(np.int64) << 52)
    return np.int64(bits).view(np.float64)


@njit(cache=True, nogil=True, fastmath={"contract"})
def relative_hazards(values: Values, centre: F8, weight: F8, slope: F8, x: F8, hazard: F8) -> None:
    """Turn predictors z_i'beta_l in hazard (m, L) into exp(z_i'beta_l + x_il slope_l) in place, 0 where x is missing.

    values (m, L); centre, weight, slope (L,). Writes x (m, L).
    """
    m, n_lanes = values.shape
    for i in range(m):
        for lane in range(n_lanes):
            own = (np.float64(values[i, lane]) - centre[lane]) * weight[lane]
            x[i, lane] = own
            grown = exponential(hazard[i, lane] + (slope[lane] * own if own == own else 0.0))
            hazard[i, lane] = grown if own == own else 0.0


@njit(cache=True, nogil=True)
def same_hazards(values: Values, centre: F8, weight: F8, shared: F8, x: F8, hazard: F8) -> None:
    """hazard (m, L) = shared (m,) in every lane, 0 where values (m, L) are missing. Writes x (m, L)."""
    m, n_lanes = values.shape
    for i in range(m):
        for lane in range(n_lanes):
            own = (np.float64(values[i, lane]) - centre[lane]) * weight[lane]
            x[i, lane] = own
            hazard[i, lane] = shared[i] if own == own else 0.0


@njit(cache=True, nogil=True, fastmath={"contract"})
def add_rows(covariates: Values, x: Values, hazard: Values, start: int, stop: int, sum0: Values, sum1: Values) -> None:
    """Add rows start .. stop - 1 of covariates (m, p), x and hazard (m, L) to sum0 (L,), sum1 (p + 1, L)."""
    p = covariates.shape[1]
    n_lanes = sum0.shape[0]
    zero = sum0.dtype.type(0.0)
    # Four rows and three covariates at a time: a hazard is then loaded once for three products, a sum for four.
    fours = stop - (stop - start) % 4
    threes = p - p % 3
    for i in range(start, fours, 4):
        for lane in range(n_lanes):
            x0, x1, x2, x3 = x[i, lane], x[i + 1, lane], x[i + 2, lane], x[i + 3, lane]
            h0, h1, h2, h3 = hazard[i, lane], hazard[i + 1, lane], hazard[i + 2, lane], hazard[i + 3, lane]
            sum0[lane] += (h0 + h1) + (h2 + h3)
            sum1[p, lane] += (
                h0 * (x0 if x0 == x0 else zero)
                + h1 * (x1 if x1 == x1 else zero)
                + h2 * (x2 if x2 == x2 else zero)
                + h3 * (x3 if x3 == x3 else zero)
            )
        for j in range(0, threes, 3):
            a0, a1, a2, a3 = (covariates[i, j], covariates[i + 1, j], covariates[i + 2, j], covariates[i + 3, j])
            b0, b1, b2, b3 = (
                covariates[i, j + 1], covariates[i + 1, j + 1], covariates[i + 2, j + 1], covariates[i + 3, j + 1],
            )  # fmt: skip
            c0, c1, c2, c3 = (
                covariates[i, j + 2], covariates[i + 1, j + 2], covariates[i + 2, j + 2], covariates[i + 3, j + 2],
            )  # fmt: skip
            for lane in range(n_lanes):
                h0, h1, h2, h3 = hazard[i, lane], hazard[i + 1, lane], hazard[i + 2, lane], hazard[i + 3, lane]
                sum1[j, lane] += a0 * h0 + a1 * h1 + a2 * h2 + a3 * h3
                sum1[j + 1, lane] += b0 * h0 + b1 * h1 + b2 * h2 + b3 * h3
                sum1[j + 2, lane] += c0 * h0 + c1 * h1 + c2 * h2 + c3 * h3
        for j in range(threes, p):
            a0, a1, a2, a3 = (covariates[i, j], covariates[i + 1, j], covariates[i + 2, j], covariates[i + 3, j])
            for lane in range(n_lanes):
                sum1[j, lane] += (
                    a0 * hazard[i, lane]
                    + a1 * hazard[i + 1, lane]
                    + a2 * hazard[i + 2, lane]
                    + a3 * hazard[i + 3, lane]
                )
    for i in range(fours, stop):
        for lane in range(n_lanes):
            x0 = x[i, lane]
            sum0[lane] += hazard[i, lane]
            sum1[p, lane] += hazard[i, lane] * (x0 if x0 == x0 else zero)
        for j in range(p):
            a0 = covariates[i, j]
            for lane in range(n_lanes):
                sum1[j, lane] += a0 * hazard[i, lane]


@njit(cache=True, nogil=True, fastmath={"contract"})
def add_part(
    covariates: Values,
    x: Values,
    hazard: Values,
    start: int,
    stop: int,
    part0: Values,
    part1: Values,
    s0: F8,
    s1: F8,
) -> None:
    """Add rows start .. stop - 1 to running sums s0 (L,), s1 (p + 1, L), some rows at a time in part0, part1."""
    if stop - start < _LEAST_PER_PART:
        add_rows(covariates, x, hazard, start, stop, s0, s1)
        return
    n_lanes = s0.shape[0]
    for first in range(start, stop, _PER_PART):
        part0[:] = 0.0
        part1[:] = 0.0
        add_rows(covariates, x, hazard, first, min(first + _PER_PART, stop), part0, part1)
        for lane in range(n_lanes):
            s0[lane] += part0[lane]
        for j in range(s1.shape[0]):
            for lane in range(n_lanes):
                s1[j, lane] += part1[j, lane]


@njit(cache=True, nogil=True, fastmath={"contract"})
def visit_groups(
    covariates: Values,
    x: Values,
    hazard: Values,
    leaving_covariates: Values,
    leaving_x: Values,
    leaving_hazard: Values,
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
    inverse_denominator: F8,
) -> None:
    """Visit G groups from first_visit on: add who joins, take off who leaves, sum the risk-set means.

    covariates (m, p), x, hazard (m, L): rows that join; join_start[g] .. join_start[g + 1] - 1 join at the g-th of
    these visits, the last deaths[g] of them with the event. leaving_*: rows that leave before it, with their hazards
    negative, by leave_start. starts_stratum (G,): the running sums s0 (L,), s1 (p + 1, L), carried from call to call,
    begin again. Adds to mean_sum (p + 1, L), the biomarker last, and to moments (p + 1, p + 1, L), lower triangle of
    the sum over events of mean x mean', rows from first_moment on: p + 1 for none of it. With_steps it also fills
    hazard_steps, tied_steps (V, L) at these visits, sums over k of 1/S0_k and (k/d)/S0_k, and adds the sum of log S0_k
    to log_denominator (L,) but for a product of 1/S0_k that it leaves in inverse_denominator (V, L).

    The mean at the k-th of d tied events is (s1 - (k/d) d1)/S0_k, d1 being the dead's sum: sums over k are taken of the
    numbers beside s1 and d1, not of the means.
    """
    q = s1.shape[0]
    n_lanes = s0.shape[0]
    part0, part1 = np.empty(n_lanes, hazard.dtype), np.empty((q, n_lanes), hazard.dtype)
    d0, d1 = np.empty(n_lanes), np.empty((q, n_lanes))
    died, product, inverse = np.empty(n_lanes), np.empty(n_lanes), np.empty(n_lanes)
    # Sums over the tied events of 1/S0, share/S0 and of 1, share and share^2 over S0^2.
    once, shared = np.empty(n_lanes), np.empty(n_lanes)
    square, shared_square, twice_shared = np.empty(n_lanes), np.empty(n_lanes), np.empty(n_lanes)
    left, right = np.empty(n_lanes), np.empty(n_lanes)
    for g in range(deaths.shape[0]):
        if starts_stratum[g]:
            s0[:] = 0.0
            s1[:] = 0.0
        n_died = deaths[g]
        is_tied = efron and n_died > 1
        first_event = join_start[g + 1] - n_died
        d0[:] = 0.0
        died[:] = 0.0
        for i in range(first_event, join_start[g + 1]):
            for lane in range(n_lanes):
                died[lane] += 1.0 if x[i, lane] == x[i, lane] else 0.0
        if is_tied:
            d1[:] = 0.0
            add_part(covariates, x, hazard, join_start[g], first_event, part0, part1, s0, s1)
            add_part(covariates, x, hazard, first_event, join_start[g + 1], part0, part1, d0, d1)
            for lane in range(n_lanes):
                s0[lane] += d0[lane]
            for j in range(q):
                for lane in range(n_lanes):
                    s1[j, lane] += d1[j, lane]
        else:
            add_part(covariates, x, hazard, join_start[g], join_start[g + 1], part0, part1, s0, s1)
        add_part(
            leaving_covariates, leaving_x, leaving_hazard, leave_start[g], leave_start[g + 1], part0, part1, s0, s1
        )
        once[:] = 0.0
        shared[:] = 0.0
        square[:] = 0.0
        shared_square[:] = 0.0
        twice_shared[:] = 0.0
        product[:] = 1.0
        n_steps = n_died if efron else 1
        for k in range(n_steps):
            for lane in range(n_lanes):
                alive = died[lane] > k
                times = 1.0 if efron else died[lane]
                share = k / died[lane] if alive else 0.0
                own = 1.0 / (s0[lane] - share * d0[lane]) if alive else 0.0
                inverse[lane] = own
                once[lane] += times * own
                shared[lane] += times * share * own
                square[lane] += times * own * own
                shared_square[lane] += times * share * own * own
                twice_shared[lane] += times * share * share * own * own
            if with_steps and efron:
                for lane in range(n_lanes):
                    product[lane] *= inverse[lane] if inverse[lane] > 0.0 else 1.0
                if k % _PER_LOG == _PER_LOG - 1:
                    for lane in range(n_lanes):
                        log_denominator[lane] -= np.log(product[lane])
                        product[lane] = 1.0
            elif with_steps:
                for lane in range(n_lanes):
                    if inverse[lane] > 0.0:
                        log_denominator[lane] -= died[lane] * np.log(inverse[lane])
        if with_steps:
            for lane in range(n_lanes):
                hazard_steps[first_visit + g, lane] = once[lane]
                tied_steps[first_visit + g, lane] = shared[lane]
                inverse_denominator[first_visit + g, lane] = product[lane]
        for j in range(q):
            for lane in range(n_lanes):
                mean_sum[j, lane] += once[lane] * s1[j, lane]
        if is_tied:
            for j in range(q):
                for lane in range(n_lanes):
                    mean_sum[j, lane] -= shared[lane] * d1[j, lane]
        for j in range(first_moment, q):
            if is_tied:
                for lane in range(n_lanes):
                    left[lane] = square[lane] * s1[j, lane] - shared_square[lane] * d1[j, lane]
                    right[lane] = twice_shared[lane] * d1[j, lane] - shared_square[lane] * s1[j, lane]
                for h in range(j + 1):
                    for lane in range(n_lanes):
                        moments[j, h, lane] += left[lane] * s1[h, lane] + right[lane] * d1[h, lane]
            else:
                for lane in range(n_lanes):
                    left[lane] = square[lane] * s1[j, lane]
                for h in range(j + 1):
                    for lane in range(n_lanes):
                        moments[j, h, lane] += left[lane] * s1[h, lane]


@njit(cache=True, nogil=True, fastmath={"contract"})
def expected_events(
    x: F8,
    hazard: F8,
    join_visit: I8,
    leave_visit: I8,
    is_event: npt.NDArray[np.bool_],
    cumulative: F8,
    tied: F8,
    weighted_values: F8,
    squares: F8,
) -> None:
    """Turn hazards (m, L) into expected events c in place; c x into weighted_values (m, L); add c x^2 to squares (L,).

    cumulative (V + 1, L): cumulative hazard at each visit, last row 0. leave_visit (m,): visit before which a row
    leaves, V where it stays to the end. tied (V, L): what an event row is spared at its visit.
    """
    n_lanes = squares.shape[0]
    for i in range(hazard.shape[0]):
        join, leave = join_visit[i], leave_visit[i]
        spared = 1.0 if is_event[i] else 0.0
        for lane in range(n_lanes):
            kept = cumulative[join, lane] - cumulative[leave, lane] - spared * tied[join, lane]
            own = x[i, lane] if x[i, lane] == x[i, lane] else 0.0
            c = hazard[i, lane] * kept
            hazard[i, lane] = c
            weighted_values[i, lane] = c * own
            squares[lane] += c * own * own
