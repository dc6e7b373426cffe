"""Huber's M-estimates of one line and of group locations, as MASS::rlm computes them by default.

Iterated weighted least squares from the least-squares fit; psi is Huber's with k = 1.345, the scale the median absolute
residual / 0.6745 anew at each step; ends when residuals move by less than 1e-4 of their size, after 20 steps at most.

References: Huber 1981, Robust Statistics, 7.8; Venables & Ripley 2002, Modern Applied Statistics with S, 6.5 (rlm).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

F8 = npt.NDArray[np.float64]
I8 = npt.NDArray[np.int64]

HUBER_K = 1.345
# Median of |z| for z standard normal.
NORMAL_MAD = 0.6745
TOLERANCE = 1e-4
MAX_STEPS = 20


@njit(cache=True, nogil=True)
def _weights(residual: F8, weight: F8) -> bool:
    """Huber weights (n,) of residuals (n,); False where they have no spread left."""
    scale = np.median(np.abs(residual)) / NORMAL_MAD
    if scale <= 0.0:
        return False
    for i in range(residual.shape[0]):
        size = abs(residual[i])
        weight[i] = 1.0 if size <= HUBER_K * scale else HUBER_K * scale / size
    return True


@njit(cache=True, nogil=True)
def _moved_little(old: F8, new: F8) -> bool:
    change, size = 0.0, 0.0
    for i in range(old.shape[0]):
        change += (old[i] - new[i]) ** 2
        size += old[i] ** 2
    return bool(np.sqrt(change / max(1e-20, size)) <= TOLERANCE)


@njit(cache=True, nogil=True)
def _locations(values: F8, group: I8, weight: F8, location: F8) -> None:
    total = np.zeros(location.shape[0])
    location[:] = 0.0
    for i in range(values.shape[0]):
        total[group[i]] += weight[i]
        location[group[i]] += weight[i] * values[i]
    for g in range(location.shape[0]):
        location[g] = location[g] / total[g] if total[g] > 0.0 else 0.0


@njit(cache=True, nogil=True)
def group_locations(values: F8, group: I8, n_groups: int) -> F8:
    """Location (n_groups,) of each group of values (n,), finite, one scale for all; 0 for a group without values.

    group (n,): 0 .. n_groups - 1. The fit of rlm(values ~ factor(group)); one group: rlm(values ~ 1).
    """
    n = values.shape[0]
    location, weight = np.zeros(n_groups), np.ones(n)
    _locations(values, group, weight, location)
    residual = values - location[group]
    for _ in range(MAX_STEPS):
        if n == 0 or not _weights(residual, weight):
            break
        _locations(values, group, weight, location)
        new = values - location[group]
        done = _moved_little(residual, new)
        residual = new
        if done:
            break
    return location


@njit(cache=True, nogil=True)
def line(values: F8, x: F8) -> tuple[float, float]:
    """Intercept and slope of values (n,) on x (n,), both finite; slope 0 where x does not vary.

    The fit of rlm(values ~ x).
    """
    n = values.shape[0]
    intercept, slope = 0.0, 0.0
    weight, residual = np.ones(n), values.copy()
    for step in range(MAX_STEPS + 1):
        if n == 0 or (step > 0 and not _weights(residual, weight)):
            break
        total, sum_x, sum_y = 0.0, 0.0, 0.0
        for i in range(n):
            total += weight[i]
            sum_x += weight[i] * x[i]
            sum_y += weight[i] * values[i]
        mean_x, mean_y = sum_x / total, sum_y / total
        square, product = 0.0, 0.0
        for i in range(n):
            square += weight[i] * (x[i] - mean_x) ** 2
            product += weight[i] * (x[i] - mean_x) * (values[i] - mean_y)
        slope = product / square if square > 1e-12 * total else 0.0
        intercept = mean_y - slope * mean_x
        new = values - intercept - slope * x
        done = step > 0 and _moved_little(residual, new)
        residual = new
        if done:
            break
    return intercept, slope
