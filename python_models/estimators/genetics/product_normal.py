"""Tail of the product of two correlated standard normals, on a log scale, fast enough for every SNP of a genome.

The product t of two standard normals with correlation r has density
    f(t) = K0(|t| / (1 - r^2)) exp(r t / (1 - r^2)) / (pi sqrt(1 - r^2)),
whose factors under- and overflow long before their product does. With K0(w) = integral_0^inf exp(-w cosh u) du the
two-sided tail G(x) = P(|t| > x) becomes
    G(x) = sqrt(1 - r^2) / pi  sum over a = r, -r of  integral_0^inf exp(-y (cosh u - a)) / (cosh u - a) du,
y = x / (1 - r^2), whose exponential factor exp(-y (1 - |r|)) = exp(-x / (1 + |r|)) comes out of the integral. The
trapezoidal rule converges geometrically on what is left (no cancellation, no overflow, any x). log G(x) + x / (1 + |r|)
is smooth in log x and is tabulated there with its exact slope, for cubic Hermite interpolation.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit
from scipy.special import kve

from python_models.estimators.genetics.errors import FloatArray, GeneticsInputError

LARGEST_CORRELATION = 0.99
SMALLEST_X = 1e-12  # below it G differs from 1 by less than 3e-11
LARGEST_X = 1e6  # beyond |z| = 1,000 in both traits
STEP_OF_LOG_X = 0.01  # interpolation error below 1e-10 in log G, relative error of P the same
LARGEST_U = 45.0  # exp(-45) is below the last digit of a double
LARGEST_V = 6.5  # exp(-6.5^2) too
SWITCH = 1.0  # y (1 - a) from which exp(-v^2) is the narrower kernel


@dataclass(frozen=True, slots=True)
class ProductTail:
    """Tabulated tail for one correlation.

    correlation : r.
    log_tail_plus_decay : (k,) log G(x) + decay x on an even grid of log x.
    slope : (k,) its derivative in log x.
    decay : 1 / (1 + |r|).
    """

    correlation: float
    log_tail_plus_decay: FloatArray
    slope: FloatArray
    decay: float

    def log_tail(self, x: FloatArray) -> FloatArray:
        """(n,) natural log of P(|t| > x) for x >= 0."""
        flat = np.ascontiguousarray(x, dtype=np.float64).reshape(-1)
        return _interpolated(flat, self.log_tail_plus_decay, self.slope, self.decay).reshape(np.shape(x))


def product_tail(correlation: float = 0.0) -> ProductTail:
    """Tail table of the product of two standard normals with this correlation.

    Raises
    ------
    GeneticsInputError
        If |correlation| exceeds 0.99: the two traits are one.
    """
    if not abs(correlation) <= LARGEST_CORRELATION:
        raise GeneticsInputError([f"correlation of the Z scores is {correlation:.3g}: beyond {LARGEST_CORRELATION}"])
    r = abs(correlation)  # both tails are summed: the sign cancels
    n_steps = int(np.ceil(np.log(LARGEST_X / SMALLEST_X) / STEP_OF_LOG_X))
    x = SMALLEST_X * np.exp(STEP_OF_LOG_X * np.arange(n_steps + 1))
    y, decay = x / (1 - r * r), 1 / (1 + r)
    far_side = np.exp(-2 * r * y)  # exponential factor of a = -r relative to that of a = r
    scaled_tail = np.sqrt(1 - r * r) / np.pi * (_scaled_integral(y, a=r) + far_side * _scaled_integral(y, a=-r))
    scaled_density = kve(0, y) * (1 + far_side) / (np.pi * np.sqrt(1 - r * r))
    return ProductTail(
        correlation=correlation,
        log_tail_plus_decay=np.log(scaled_tail),
        slope=x * (decay - scaled_density / scaled_tail),
        decay=decay,
    )


def _scaled_integral(y: FloatArray, *, a: float) -> FloatArray:
    """(k,) exp(y (1 - a)) integral_y^inf K0(w) exp(a w) dw by the trapezoidal rule."""
    is_far = y * (1 - a) >= SWITCH
    result = np.empty_like(y)
    # Near: in u itself. The pole at u = i acos(a) sets the step (error exp(-2 pi acos(a) / step)).
    step = min(0.1, np.arccos(a) / 6)
    u = step * np.arange(int(LARGEST_U / step) + 1)
    weight = np.where(u == 0, step / 2, step)
    excess = 2 * np.sinh(np.minimum(u, LARGEST_U) / 2) ** 2  # cosh(u) - 1 without cancellation
    near = y[~is_far, np.newaxis]
    result[~is_far] = np.exp(-near * excess) @ (weight / (excess + 1 - a))
    # Far: v = sqrt(2 y) sinh(u / 2), so that y (cosh(u) - 1) = v^2. Poles at |v| >= 1.
    step = 0.15
    v = step * np.arange(int(LARGEST_V / step) + 1)
    weight = np.where(v == 0, step / 2, step) * np.exp(-(v**2))
    far = y[is_far, np.newaxis]
    kernel = np.sqrt(2 / far) / ((1 - a + v**2 / far) * np.sqrt(1 + v**2 / (2 * far)))
    result[is_far] = kernel @ weight
    return result


@njit(cache=True, nogil=True)
def interpolate_log_tail(log_x: float, x: float, table: FloatArray, slope: FloatArray, decay: float) -> float:
    """log G at one x: cubic Hermite in log x, minus the decay."""
    position = (log_x - np.log(SMALLEST_X)) / STEP_OF_LOG_X
    if not position > 0.0:
        return 0.0
    k = int(min(position, table.size - 2.0))
    u = position - k
    w = 1.0 - u
    value = w * w * ((1.0 + 2.0 * u) * table[k] + u * STEP_OF_LOG_X * slope[k])
    value += u * u * ((1.0 + 2.0 * w) * table[k + 1] - w * STEP_OF_LOG_X * slope[k + 1])
    return value - decay * x


@njit(cache=True, nogil=True)
def _interpolated(x: FloatArray, table: FloatArray, slope: FloatArray, decay: float) -> FloatArray:
    result = np.empty(x.size)
    for j in range(x.size):
        result[j] = interpolate_log_tail(np.log(x[j]), x[j], table, slope, decay)
    return result
