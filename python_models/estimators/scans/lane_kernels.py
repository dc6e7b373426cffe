"""Compiled passes of the Cox scan that prepare biomarkers and sum over rows; lanes last, as in the sweeps."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

Values = npt.NDArray[np.floating]
F4 = npt.NDArray[np.float32]
F8 = npt.NDArray[np.float64]
I8 = npt.NDArray[np.int64]

# Rows of a tile: 64 rows x 64 lanes lie in the first-level cache, read along rows of one side and of the other.
_TILE = 64


@njit(cache=True, nogil=True)
def lanes_last(block: Values, position: I8, transposed: Values) -> None:
    """transposed (n, L) at row position[i] = block (L, n) at column i, in tiles that stay in cache."""
    n_lanes, n = block.shape
    eights = n_lanes - n_lanes % 8
    for start in range(0, n, _TILE):
        stop = min(start + _TILE, n)
        # Eight lanes written side by side: a scattered row is then touched once for eight values.
        for lane in range(0, eights, 8):
            for i in range(start, stop):
                row = position[i]
                transposed[row, lane] = block[lane, i]
                transposed[row, lane + 1] = block[lane + 1, i]
                transposed[row, lane + 2] = block[lane + 2, i]
                transposed[row, lane + 3] = block[lane + 3, i]
                transposed[row, lane + 4] = block[lane + 4, i]
                transposed[row, lane + 5] = block[lane + 5, i]
                transposed[row, lane + 6] = block[lane + 6, i]
                transposed[row, lane + 7] = block[lane + 7, i]
        for lane in range(eights, n_lanes):
            for i in range(start, stop):
                transposed[position[i], lane] = block[lane, i]


@njit(cache=True, nogil=True)
def first_known(block: Values) -> F8:
    """First finite value (L,) of each biomarker of block (L, n); 0 where there is none."""
    n_lanes, n = block.shape
    first = np.zeros(n_lanes)
    for lane in range(n_lanes):
        for i in range(n):
            if np.isfinite(block[lane, i]):
                first[lane] = block[lane, i]
                break
    return first


@njit(cache=True, nogil=True, fastmath={"contract", "reassoc"})
def lane_moments(block: Values, about: F8, total: F8, square: F8, known: I8, infinite: I8) -> None:
    """Per biomarker of block (L, n) sums of (x - about) and of its square, values known, and infinite."""
    n_lanes, n = block.shape
    for lane in range(n_lanes):
        first, second, n_known, n_infinite = 0.0, 0.0, 0, 0
        for i in range(n):
            distance = np.float64(block[lane, i]) - about[lane]
            size = abs(distance)
            finite = distance if size < np.inf else 0.0
            first += finite
            second += finite * finite
            n_known += 1 if size < np.inf else 0
            n_infinite += 1 if size == np.inf else 0
        total[lane], square[lane], known[lane], infinite[lane] = first, second, n_known, n_infinite


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


@njit(cache=True, nogil=True, fastmath={"contract"})
def start_products(
    values: Values,
    centre: F8,
    weight: F8,
    expected: F8,
    total: F8,
    weighted_values: F8,
    squares: F8,
    single: F4,
) -> None:
    """With c = expected (m,), of the model without the biomarker, write c x to weighted_values (m, L).

    Adds c, where x is known, to total (L,) and c x^2 to squares (L,). single: x (m, L) in single precision, NaN where
    it is missing; (0, 0) where it is not asked for.
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
        if single.shape[0]:
            for lane in range(n_lanes):
                single[i, lane] = (np.float64(values[i, lane]) - centre[lane]) * weight[lane]
