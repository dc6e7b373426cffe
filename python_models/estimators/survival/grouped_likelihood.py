"""The likelihood of grouped hazards, read in blocks of rows: score, observed and expected information.

References: Prentice & Gloeckler 1978, Biometrics 34:57; McCullagh & Nelder 1989, section 4.3.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from python_models.estimators.survival.newton import DECREMENT_TOLERANCE

F8 = npt.NDArray[np.float64]
I8 = npt.NDArray[np.int64]

ROWS_PER_BLOCK = 8_192
# Below this hazard 1 - exp(-H) has lost digits that the next factor needs, and three terms of the series have them all.
SMALL_HAZARD = 1e-3
# Above this one exp(H) nears the largest double; the quantities below are 0 long before.
LARGE_HAZARD = 700.0


@dataclass(frozen=True, slots=True)
class Derivatives:
    score: F8
    information: F8


class GroupedLikelihood:
    """Binomial log likelihood, H = exp(start + a + z'b + offset), p = 1 - exp(-H); zero is the intercepts-only fit."""

    def __init__(
        self,
        *,
        event: F8,
        code: I8,
        n_kinds: int,
        matrix: npt.NDArray[np.floating],
        person: I8,
        centre: F8,
        scale: F8,
        offset: F8,
        weight: F8,
    ) -> None:
        self.event, self.code, self.n_kinds = event, code, n_kinds
        self.matrix, self.person, self.centre, self.scale = matrix, person, centre, scale
        self.offset, self.weight = offset, weight
        self.p = n_kinds + matrix.shape[1]
        self.start = np.zeros(n_kinds)
        self.ridge = np.zeros(self.p)
        self.hazard = np.empty(event.shape[0])
        self._fit_intercepts()

    def _fit_intercepts(self) -> None:
        """Intercepts of the null model, one scalar Newton per interval, all at once."""
        events = np.bincount(self.code, weights=self.weight * self.event, minlength=self.n_kinds)
        exposure = np.bincount(self.code, weights=self.weight * np.exp(self.offset), minlength=self.n_kinds)
        self.start = np.log(events / exposure)
        for _ in range(100):
            hazard = np.exp(self.start[self.code] + self.offset)
            slope, curvature = _derivatives_by_predictor(self.event, hazard)
            score = np.bincount(self.code, weights=self.weight * slope, minlength=self.n_kinds)
            information = np.bincount(self.code, weights=self.weight * curvature, minlength=self.n_kinds)
            step = score / information
            # Newton from far away can overshoot by many units; one unit of a log hazard at a time is safe.
            self.start = self.start + np.clip(step, -1.0, 1.0)
            # Steps a billion times smaller than the standard error: less is rounding of the sums.
            if np.max(step * score) < DECREMENT_TOLERANCE**2:
                break

    def _blocks(self) -> Iterator[tuple[slice, F8]]:
        for first in range(0, self.event.shape[0], ROWS_PER_BLOCK):
            rows = slice(first, min(first + ROWS_PER_BLOCK, self.event.shape[0]))
            block = np.zeros((rows.stop - rows.start, self.p))
            block[np.arange(block.shape[0]), self.code[rows]] = 1.0
            block[:, self.n_kinds :] = (self.matrix[self.person[rows]] - self.centre) / self.scale
            yield rows, block

    def loglik(self, beta: F8) -> float:
        total = 0.0
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            for rows, block in self._blocks():
                predictor = block @ beta + self.start[self.code[rows]] + self.offset[rows]
                hazard = np.exp(predictor)
                self.hazard[rows] = hazard
                terms = np.where(self.event[rows] > 0.0, np.log(-np.expm1(-hazard)), -hazard)
                total += float(self.weight[rows] @ terms)
        return total if np.isfinite(total) else -np.inf

    def derivatives(self) -> Derivatives:
        """Score and observed information, with the ridge, at the last beta."""
        score = np.zeros(self.p)
        information = np.zeros((self.p, self.p))
        for rows, block in self._blocks():
            slope, curvature = _derivatives_by_predictor(self.event[rows], self.hazard[rows])
            score += (self.weight[rows] * slope) @ block
            information += (block * (self.weight[rows] * curvature)[:, None]).T @ block
        information = 0.5 * (information + information.T) + np.diag(self.ridge)
        return Derivatives(score=score, information=information)

    def expected_information(self) -> F8:
        """Fisher's information (p, p) at the last beta."""
        information = np.zeros((self.p, self.p))
        for rows, block in self._blocks():
            curvature = _expected_curvature(self.hazard[rows])
            information += (block * (self.weight[rows] * curvature)[:, None]).T @ block
        return 0.5 * (information + information.T)

    def meat(self, cluster: I8) -> F8:
        """Sum over clusters of outer products of summed scores (p, p)."""
        summed = np.zeros((int(cluster.max()) + 1, self.p))
        for rows, block in self._blocks():
            slope, _ = _derivatives_by_predictor(self.event[rows], self.hazard[rows])
            np.add.at(summed, cluster[rows], block * (self.weight[rows] * slope)[:, None])
        return summed.T @ summed


def _ratio(hazard: F8) -> F8:
    """H / (exp(H) - 1): 1 as H tends to 0, which expm1 keeps to rounding, and 0 where exp(H) overflows."""
    bounded = np.clip(hazard, np.finfo(np.float64).tiny, LARGE_HAZARD)
    return np.where(hazard > LARGE_HAZARD, 0.0, bounded / np.expm1(bounded))


def _derivatives_by_predictor(event: F8, hazard: F8) -> tuple[F8, F8]:
    """First derivative of a row's log likelihood by its linear predictor, and the second with its sign changed.

    With r = H / (exp(H) - 1): r and r (H / (1 - exp(-H)) - 1) of an event, -H and H of none; no curvature is negative.
    """
    ratio = _ratio(hazard)
    bounded = np.clip(hazard, np.finfo(np.float64).tiny, LARGE_HAZARD)
    exact = bounded / -np.expm1(-bounded) - 1.0
    excess = np.where(bounded < SMALL_HAZARD, bounded * (0.5 + bounded / 12.0), exact)
    is_event = event > 0.0
    return np.where(is_event, ratio, -hazard), np.where(is_event, ratio * excess, hazard)


def _expected_curvature(hazard: F8) -> F8:
    """Expectation of the second derivative's size: H^2 / (exp(H) - 1)."""
    return np.clip(hazard, np.finfo(np.float64).tiny, LARGE_HAZARD) * _ratio(hazard)
