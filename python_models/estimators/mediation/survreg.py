"""Exponential and Weibull models as R's survreg fits them, to where it stops: for comparisons, not for estimates.

survreg stops where the log likelihood changes by 1e-9 of itself, which may be 3e-8 of a coefficient from the maximum.
What it gives there depends on its start and its steps, so they are repeated here: location and scale alone from
moments, then one weighted least-squares step to the coefficients, then Newton on (b, log s), or on b.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from python_models.estimators.mediation.faults import FloatArray

RELATIVE_TOLERANCE = 1e-9
MAX_ITERATIONS = 30
# Variance of the minimum extreme value distribution, rounded as there.
VARIANCE = 1.64
Parts = tuple[float, FloatArray, FloatArray]


def fit_as_survreg(
    *, log_time: FloatArray, event: FloatArray, design: FloatArray, has_scale: bool
) -> tuple[FloatArray, FloatArray] | None:
    """(b, log s) (p + 1,), or b (p,) without scale, and their covariance where survreg stops; None where it would not.

    log_time, event (n,), design (n, p) with its intercept; has_scale: Weibull, else exponential (s = 1).

    References: Therneau, survival 3.5 (R/survreg.fit.R, src/survreg6.c).
    """

    def fitted(columns: FloatArray, log_scale: float) -> tuple[FloatArray, FloatArray] | None:
        location = _weighted_step(log_time, event, columns, log_scale)
        if not has_scale:
            return _newton(
                lambda theta: _without_scale(_parts(log_time, event, columns, np.append(theta, 0.0))), location
            )
        return _newton(lambda theta: _parts(log_time, event, columns, theta), np.append(location, log_scale))

    log_scale = 0.0
    if has_scale:
        spread = float(np.mean((log_time - log_time.mean()) ** 2)) / VARIANCE
        # Twice the scale of the moments: a small one may leave a surface that is not concave.
        without = fitted(np.ones((log_time.size, 1)), 0.5 * float(np.log(4.0 * spread)))
        if without is None:
            return None
        log_scale = float(without[0][-1])
    found = fitted(design, log_scale)
    return None if found is None else (found[0], np.asarray(np.linalg.inv(found[1]), dtype=np.float64))


def _without_scale(parts: Parts) -> Parts:
    value, gradient, information = parts
    return value, gradient[:-1], information[:-1, :-1]


def _weighted_step(log_time: FloatArray, event: FloatArray, design: FloatArray, log_scale: float) -> FloatArray:
    """Coefficients after one step from a fit of every row by itself (z = 0)."""
    scale = np.exp(log_scale)
    weight = 1.0 / scale**2
    slope = (1.0 - event) / scale
    gram = weight * design.T @ design
    return np.asarray(np.linalg.solve(gram, design.T @ (weight * log_time + slope)), dtype=np.float64)


def _parts(log_time: FloatArray, event: FloatArray, design: FloatArray, theta: FloatArray) -> Parts:
    """Log likelihood of log T, its gradient (p + 1,) and observed information in (b, log s)."""
    p = design.shape[1]
    scale = np.exp(theta[p])
    with np.errstate(over="ignore", invalid="ignore"):
        z = (log_time - design @ theta[:p]) / scale
        hazard = np.exp(z)
        value = float(np.sum(event * (z - theta[p]) - hazard))
        gradient = np.append(design.T @ ((hazard - event) / scale), np.sum(hazard * z - event * (1.0 + z)))
        information = np.empty((p + 1, p + 1))
        information[:p, :p] = (design * (hazard / scale**2)[:, None]).T @ design
        information[:p, p] = information[p, :p] = design.T @ ((hazard * (z + 1.0) - event) / scale)
        information[p, p] = np.sum(hazard * z * (z + 1.0) - event * z)
    return value, gradient, information


def _newton(parts: Callable[[FloatArray], Parts], start: FloatArray) -> tuple[FloatArray, FloatArray] | None:
    """The first iterate whose log likelihood is within the tolerance of the one before, with its information."""
    theta = start
    value, gradient, information = parts(theta)
    for _ in range(MAX_ITERATIONS):
        try:
            trial = theta + np.linalg.solve(information, gradient)
        except np.linalg.LinAlgError:
            return None
        at_trial = parts(trial)
        is_close = bool(abs(1.0 - value / at_trial[0]) <= RELATIVE_TOLERANCE)
        while not (is_close or at_trial[0] >= value):
            trial = 0.5 * (trial + theta)
            if np.array_equal(trial, theta):
                return None
            at_trial = parts(trial)
        theta, (value, gradient, information) = trial, at_trial
        if is_close:
            return theta, information
    return None
