"""Kernels of the Cox scan in single precision, for what needs no more: steps towards the maximum, and small parts.

Hazards are those of the model without the biomarker times exp(u), u = z'(beta - beta_0) + x slope. u is small, so that
exp(u) - 1 keeps its digits: what is rounded is how far a lane has moved, not the whole.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

F4 = npt.NDArray[np.float32]
F8 = npt.NDArray[np.float64]
I8 = npt.NDArray[np.int64]

_F = np.float32
# As in `cox_scan_kernels`: log 2 in two parts, the shift that rounds to an integer, and what 2^k can be.
_LOG2_E, _LN2_HIGH, _LN2_LOW, _ROUND = _F(1.44269504), _F(0.693359375), _F(-2.12194440e-4), _F(12582912.0)
_LARGEST, _ONE, _ZERO = _F(60.0), _F(1.0), _F(0.0)
# 1 / k!, k from 7 down to 2: the next term is below 6e-9 on |t| <= 0.35.
_C7, _C6, _C5, _C4, _C3, _C2 = _F(1 / 5040), _F(1 / 720), _F(1 / 120), _F(1 / 24), _F(1 / 6), _F(0.5)


@njit(cache=True, nogil=True, fastmath={"contract"})
def growth(u: np.float32) -> np.float32:
    """exp(u) - 1 to about one unit in the last place of single precision; |u| is cut at 60."""
    u = min(max(u, -_LARGEST), _LARGEST)
    shifted = u * _LOG2_E + _ROUND
    k = shifted - _ROUND
    t = (u - k * _LN2_HIGH) - k * _LN2_LOW
    p = _C7 * t + _C6
    p = p * t + _C5
    p = p * t + _C4
    p = p * t + _C3
    p = p * t + _C2
    p = p * t * t + t
    scale = np.int32(np.float32(_ONE).view(np.int32) + (np.float32(shifted).view(np.int32) << np.int32(23))).view(
        np.float32
    )
    return scale * p + (scale - _ONE)


@njit(cache=True, nogil=True, fastmath={"contract"})
def relative_hazards(x: F4, slope: F4, base: F4, hazard: F4) -> None:
    """Turn z_i'(beta - beta_0) in hazard (m, L) into base_i exp(it + x_il slope_l) in place, 0 where x is missing."""
    m, n_lanes = x.shape
    for i in range(m):
        own = base[i]
        for lane in range(n_lanes):
            grown = own * growth(hazard[i, lane] + slope[lane] * x[i, lane]) + own
            hazard[i, lane] = grown if x[i, lane] == x[i, lane] else _ZERO


@njit(cache=True, nogil=True)
def same_hazards(x: F4, base: F4, hazard: F4) -> None:
    """hazard (m, L) = base (m,) in every lane, 0 where x (m, L) is missing."""
    m, n_lanes = x.shape
    for i in range(m):
        own = base[i]
        for lane in range(n_lanes):
            hazard[i, lane] = own if x[i, lane] == x[i, lane] else _ZERO


@njit(cache=True, nogil=True, fastmath={"contract"})
def expected_differences(
    x: F4,
    slope: F4,
    base: F8,
    alone: F8,
    rise: F4,
    join_visit: I8,
    leave_visit: I8,
    is_event: npt.NDArray[np.bool_],
    cumulative: F8,
    tied: F8,
    difference: F4,
    weighted_values: F4,
    squares: F8,
) -> None:
    """Turn z_i'(beta - beta_0) in difference (m, L) into d, expected events less `alone` (m,), in place.

    d x goes to weighted_values (m, L) and is 0 where x is missing; adds d x^2 to squares (L,). base (m,): hazards
    without the biomarker. rise (V, L): share by which the cumulative hazard exceeds the one behind `alone`.
    join_visit, leave_visit, is_event, cumulative, tied: as in `cox_scan_kernels.expected_events`.
    """
    m, n_lanes = x.shape
    stays = cumulative.shape[0] - 1
    for i in range(m):
        join, leave = join_visit[i], leave_visit[i]
        own, before = base[i], alone[i]
        if leave < stays or is_event[i]:
            spared = 1.0 if is_event[i] else 0.0
            for lane in range(n_lanes):
                kept = own * (cumulative[join, lane] - cumulative[leave, lane] - spared * tied[join, lane])
                grown = np.float64(growth(difference[i, lane] + slope[lane] * x[i, lane]))
                difference[i, lane] = kept * grown + (kept - before)
        else:
            single = np.float32(before)
            for lane in range(n_lanes):
                grown = growth(difference[i, lane] + slope[lane] * x[i, lane])
                difference[i, lane] = single * (grown + rise[join, lane] + grown * rise[join, lane])
        for lane in range(n_lanes):
            value = x[i, lane]
            d = difference[i, lane] if value == value else -np.float32(before)
            known = value if value == value else _ZERO
            difference[i, lane] = d
            weighted_values[i, lane] = d * known
            squares[lane] += np.float64(d) * np.float64(known) * np.float64(known)
