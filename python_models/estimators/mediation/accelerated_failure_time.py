"""Maximum likelihood for the exponential and Weibull accelerated failure time models with right censoring.

log T = x'b + s W with W a standard minimum extreme value (Gumbel) variable; s = 1 for the exponential model.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy import linalg

from python_models.estimators.mediation.faults import FloatArray
from python_models.estimators.mediation.regression_fits import RegressionFit, design_refusal, refused
from python_models.estimators.mediation.survreg import fit_as_survreg

AftDistribution = Literal["exponential", "weibull"]
AftStop = Literal["maximum", "survreg"]

MAX_ITERATIONS = 60
MAX_HALVINGS = 30
# Newton stops when no row's z would move by more than this. A coefficient on its way to infinity moves by about 1 each
# time.
STEP_TOLERANCE = 1e-9
# Smallest pivot of the information's Cholesky factor, as a share of the largest, that still says where the maximum is.
FLAT_SHARE = 1e-6
NO_MAXIMUM = "the log likelihood has no finite maximum: a group may have no events"


def fit_aft(
    *,
    time: FloatArray,
    event: FloatArray,
    design: FloatArray,
    distribution: AftDistribution = "weibull",
    stop: AftStop = "maximum",
) -> RegressionFit:
    """Coefficients of log survival time (positive = longer), by Newton's method with step-halving.

    time (n,) > 0; event (n,) 0/1; design (n, p) with its intercept; stop: "survreg" stops where R does, up
    to 3e-8 of a coefficient from the maximum. beta and covariance of the result have p elements
    (exponential) or p + 1, the last the log scale (Weibull).

    Works in g = b/s and r = 1/s: z = r log t - x'g is linear in them, so sum d (z + log r) - exp(z) is concave and
    Newton needs no good start; the information at the maximum is carried over to (b, log s) by the Jacobian.

    References: Kalbfleisch & Prentice 2002, The Statistical Analysis of Failure Time Data, section 3.6.
    """
    reason = design_refusal(design)
    if reason is not None:
        return refused(reason)
    n, p = design.shape
    if np.any(time <= 0):
        return refused(f"{int(np.count_nonzero(time <= 0))} survival times are not positive")
    is_weibull = distribution == "weibull"
    size = p + is_weibull
    n_events = float(event.sum())
    if n_events <= size:
        return refused(f"{n_events:.0f} events for {size} coefficients")

    log_time = np.log(time)
    # Column scaling keeps the information well conditioned; undone at the end.
    length = np.sqrt(np.mean(design * design, axis=0))
    columns = np.column_stack([-design / length, log_time]) if is_weibull else -design / length
    shift = np.zeros(n) if is_weibull else log_time
    theta = np.zeros(size)
    theta[:p] = linalg.lstsq(design / length, log_time)[0]
    if is_weibull:
        theta[p] = 1.0

    def loglik_at(point: FloatArray) -> tuple[float, FloatArray]:
        """Log likelihood of log T, and the hazard exp(z) of each row; -inf outside r > 0."""
        rate = point[p] if is_weibull else 1.0
        with np.errstate(over="ignore", invalid="ignore"):
            z = shift + columns @ point
            hazard = np.exp(z)
            value = float(event @ z - hazard.sum() + n_events * np.log(rate)) if rate > 0 else -np.inf
        return (value if np.isfinite(value) else -np.inf), hazard

    loglik, hazard = loglik_at(theta)
    for _ in range(MAX_ITERATIONS):
        gradient = columns.T @ (event - hazard)
        information = (columns * hazard[:, None]).T @ columns
        if is_weibull:
            gradient[p] += n_events / theta[p]
            information[p, p] += n_events / theta[p] ** 2
        try:
            factor, lower = linalg.cho_factor(information)
        except linalg.LinAlgError:
            return refused(NO_MAXIMUM)
        pivots = np.diag(factor)
        if pivots.min() < FLAT_SHARE * pivots.max():
            return refused(NO_MAXIMUM)
        step = linalg.cho_solve((factor, lower), gradient)
        if np.max(np.abs(columns @ step)) <= STEP_TOLERANCE:
            if stop == "survreg":
                stopped = fit_as_survreg(log_time=log_time, event=event, design=design, has_scale=is_weibull)
                if stopped is None:
                    return refused(NO_MAXIMUM)
                return RegressionFit(*stopped, 0.0, n - size, loglik, None)
            beta, covariance = _natural_scale(theta=theta + step, information=information, length=length, p=p)
            return RegressionFit(beta, covariance, 0.0, n - size, loglik, None)
        for _ in range(MAX_HALVINGS):
            trial, trial_hazard = loglik_at(theta + step)
            if trial >= loglik - 1e-12 * abs(loglik):
                break
            step = 0.5 * step
        else:
            return refused(NO_MAXIMUM)
        theta, loglik, hazard = theta + step, trial, trial_hazard
    return refused(NO_MAXIMUM)


def _natural_scale(
    *, theta: FloatArray, information: FloatArray, length: FloatArray, p: int
) -> tuple[FloatArray, FloatArray]:
    """(b, log s) and their covariance from the fitted (g, r) and their information."""
    covariance = linalg.inv(information)
    jacobian = np.eye(theta.shape[0])
    beta = theta.copy()
    if theta.shape[0] > p:
        rate = theta[p]
        beta[:p] /= rate
        beta[p] = -np.log(rate)
        jacobian[:p, :p] /= rate
        jacobian[:p, p] = -beta[:p] / rate
        jacobian[p, p] = -1.0 / rate
    jacobian[:p] /= length[:, None]
    beta[:p] /= length
    covariance = jacobian @ covariance @ jacobian.T
    return beta, 0.5 * (covariance + covariance.T)
