"""Tail of a weighted sum of chi-squares with one degree of freedom, Q = sum lambda_j chi^2_1, to full precision.

P(Q > q) = (1 / 2 pi i) integral exp(K(s) - s q) / s ds with K(s) = -1/2 sum log(1 - 2 lambda_j s), along any path that
passes between the pole at 0 and the branch point at 1 / (2 max lambda) and ends right of it. Imhof (1961) takes the
imaginary axis and loses every digit of a P below 1e-15. The path here starts at the saddle point of the integrand,
where it is largest, and leans to the right, where exp(-s q) dies: nothing cancels, and the trapezoidal rule converges
geometrically.
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq

from python_models.estimators.genetics.errors import FloatArray, GeneticsInputError

STEP = 0.08  # of u, where t = sinh(u); the nearest singularity lies 0.7 away in u: error exp(-2 pi 0.7 / 0.08)
LEAN = 0.5  # of the path to the right: from 0.25 it decays too slowly, from 1 the many small weights make it grow
NODES_PER_ROUND = 40
NEGLIGIBLE = 1e-17  # of the sum so far: end of the path
LARGEST_U = 90.0  # exp(-u / 2) falls below the last digit here even for one eigenvalue and q near 0


def log_tail_probability(*, q: float, eigenvalues: ArrayLike) -> float:
    """Natural log of P(sum lambda_j chi^2_1 > q).

    q : statistic, >= 0.
    eigenvalues : (m,) lambda, >= 0 up to rounding, at least one positive.

    Raises
    ------
    GeneticsInputError
        If q is negative or not finite, or no eigenvalue is positive.

    References
    ----------
    Imhof 1961, Biometrika 48:419-426; Rice 1980, SIAM J. Sci. Stat. Comput. 1:438-448 (path through the saddle).
    """
    weights = np.asarray(eigenvalues, dtype=np.float64)
    faults = []
    if not (np.isfinite(q) and q >= 0):
        faults.append(f"the statistic is {q}: a sum of squares is finite and not negative")
    if not np.isfinite(weights).all() or not (weights > 0).any():
        faults.append("eigenvalues must be finite and at least one positive")
    if faults:
        raise GeneticsInputError(faults)
    if q == 0:
        return 0.0
    largest = float(weights.max())
    weights = weights[weights > 0] / largest
    return _log_tail(q / largest, weights)


def _log_tail(q: float, weights: FloatArray) -> float:
    """The same with the largest weight 1: the branch point lies at 1/2."""
    is_upper = q >= weights.sum()
    log_integral = _log_path_integral(q, weights, side=1.0 if is_upper else -1.0)
    return min(log_integral, 0.0) if is_upper else float(np.log1p(-np.exp(log_integral)))


def _log_path_integral(q: float, weights: FloatArray, *, side: float) -> float:
    """log of (1 / 2 pi i) integral exp(K(s) - s q) / (side s) ds through the saddle point right or left of the pole.

    side : 1 gives P(Q > q), for q above the mean; -1 gives P(Q < q), for q below it.
    """

    def slope(s: float) -> float:
        return float((weights / (1 - 2 * weights * s)).sum()) - q - 1 / s

    # The slope of K(s) - s q - log(side s) rises from -inf to inf between the pole and the branch point, and from -q to
    # inf left of the pole: one root each.
    if side > 0:
        low, high = 1 / (q + weights.sum() + 4), 0.5 * (1 - 1 / (q + 6))
        while slope(low) > 0:
            low /= 2
        while slope(high) < 0:
            high = 0.5 - (0.5 - high) / 2
    else:
        low, high = -1.0, -1.0
        while slope(low) > 0:
            low *= 2
        while slope(high) < 0:
            high /= 2
    saddle = float(brentq(slope, low, high, xtol=1e-300, rtol=1e-12)) if low < high else low
    shrunk = weights / (1 - 2 * weights * saddle)
    second = 2 * float((shrunk**2).sum()) + 1 / saddle**2
    width = 1 / np.sqrt(second)

    def exponent(s: FloatArray) -> FloatArray:
        return -0.5 * np.log1p(-2 * weights[:, np.newaxis] * s).sum(axis=0) - s * q - np.log(side * s)

    peak = float(exponent(np.array([saddle + 0j]))[0].real)
    total, start = 0.0, 0
    while start * STEP < LARGEST_U:
        u = STEP * np.arange(start, start + NODES_PER_ROUND)
        s = saddle + width * (1j * np.sinh(u) + LEAN * (np.cosh(u) - 1))
        ds = width * (1j * np.cosh(u) + LEAN * np.sinh(u))
        terms = (np.exp(exponent(s) - peak) * ds).imag
        if start == 0:
            terms[0] /= 2
        total += float(terms.sum())
        if np.abs(terms[-4:]).max() < NEGLIGIBLE * abs(total):
            break
        start += NODES_PER_ROUND
    return peak + float(np.log(total * STEP / np.pi))
