"""Newton's method on a log likelihood, with step-halving, and what a maximum at infinity looks like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Literal, Protocol, TypeVar

import numpy as np
import numpy.typing as npt
from scipy import linalg

F8 = npt.NDArray[np.float64]
Stop = Literal["maximum", "coxph"]

# At "maximum" Newton stops when no sum of coefficients would move by more than this share of its standard error.
DECREMENT_TOLERANCE = 1e-9
# At "coxph" it stops when the log likelihood has changed by less than this share, R's `coxph.control(eps)`.
COXPH_EPS = 1e-9
# Below this predicted gain in log likelihood Newton's steps shrink quadratically, unless the maximum is at infinity:
# then the gain falls by a constant factor and the steps stay as they are. Below the second value steps are rounding.
FLAT_GAIN = 1e-4
ROUNDING_GAIN = 1e-12
# That many such steps in a row name the likelihood monotone.
SLOW_STEPS = 3
# Rounding of the log likelihood, as a share of it: a fall smaller than this is no fall.
LOGLIK_ROUNDING = 1e-12
MAX_ITERATIONS = 60
MAX_HALVINGS = 40


class HasDerivatives(Protocol):
    """Score (p,) and information (p, p)."""

    @property
    def score(self) -> F8: ...
    @property
    def information(self) -> F8: ...


D = TypeVar("D", bound=HasDerivatives)
D_co = TypeVar("D_co", bound=HasDerivatives, covariant=True)


class LogLikelihood(Protocol[D_co]):
    """Log likelihood of p parameters, each in units of about one standard deviation; derivatives at the last beta."""

    p: int

    def loglik(self, beta: F8) -> float: ...
    def derivatives(self) -> D_co: ...


@dataclass(frozen=True, slots=True)
class Maximum(Generic[D]):
    """beta (p,) in standardised units, log likelihood there, derivatives there, Newton steps taken."""

    beta: F8
    loglik: float
    derivatives: D
    iterations: int


@dataclass(frozen=True, slots=True)
class NoMaximum:
    """columns: coefficients that run to infinity (empty where Newton merely failed); steps taken."""

    columns: tuple[int, ...]
    iterations: int


def maximise(
    *,
    likelihood: LogLikelihood[D],
    loglik: float,
    derivatives: D,
    beta: F8 | None = None,
    stop: Stop = "maximum",
) -> Maximum[D] | NoMaximum:
    """Newton from beta (p,), zero by default; halved towards the last good point after a fall.

    loglik, derivatives: at beta, the last that `likelihood` was asked for.
    """
    p = likelihood.p
    beta = np.zeros(p) if beta is None else beta
    current = derivatives
    if p == 0:
        return Maximum(beta, loglik, current, 0)
    previous_step = np.full(p, np.inf)
    slow = 0
    for iteration in range(1, MAX_ITERATIONS + 1):
        try:
            step = linalg.cho_solve(linalg.cho_factor(current.information), current.score)
        except linalg.LinAlgError:
            return NoMaximum(_runaway(beta, previous_step), iteration)
        largest = float(np.max(np.abs(step)))
        gain = 0.5 * float(step @ current.score)
        if 2.0 * gain <= DECREMENT_TOLERANCE**2:
            return Maximum(beta + step, loglik, current, iteration - 1)
        is_slow = ROUNDING_GAIN < gain < FLAT_GAIN and largest > 0.5 * float(np.max(np.abs(previous_step)))
        slow = slow + 1 if is_slow else 0
        if slow >= SLOW_STEPS:
            return NoMaximum(_runaway(beta, step), iteration)
        size = 1.0
        for _ in range(MAX_HALVINGS):
            trial = likelihood.loglik(beta + size * step)
            if trial >= loglik - LOGLIK_ROUNDING * abs(loglik):
                break
            size *= 0.5
        else:
            if gain <= LOGLIK_ROUNDING * abs(loglik):
                return Maximum(beta, loglik, current, iteration)
            return NoMaximum((), iteration)
        change = abs(1.0 - loglik / trial) if trial != 0.0 else 0.0
        beta, loglik, current = beta + size * step, trial, likelihood.derivatives()
        previous_step = step
        if stop == "coxph" and change <= COXPH_EPS and size == 1.0:
            return Maximum(beta, loglik, current, iteration)
    return NoMaximum(_runaway(beta, previous_step), MAX_ITERATIONS)


def _runaway(beta: F8, step: F8) -> tuple[int, ...]:
    """Columns still moving outwards: step of beta's sign and not small beside the largest step."""
    outward = (np.abs(step) > 0.05 * np.max(np.abs(step))) & (np.sign(step) == np.sign(beta))
    return tuple(int(j) for j in np.flatnonzero(outward))
