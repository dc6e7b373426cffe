"""The Cox log partial likelihood with its score and information, in standardised covariates.

The information is written as one weighted Gram matrix less the outer products of the risk-set means,

    I(b) = sum_i c_i z_i z_i' - sum_e m_e zbar_e zbar_e',      U(b) = sum_i (w_i d_i - c_i) z_i,

where c_i is row i's expected number of events (relative hazard x cumulative baseline hazard while at risk). This is the
usual sum over event times of S2/S0 - (S1/S0)(S1/S0)' with the two sums exchanged, so no p x p work is done per risk
set: O(n p) in compiled passes, the rest in matrix products over blocks of rows.

References: Cox 1975, Biometrika 62:269; Efron 1977, JASA 72:557; Therneau & Grambsch 2000, sections 3.1 to 3.3.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.linalg import blas

from python_models.estimators.survival import cox_kernels
from python_models.estimators.survival.risk_sets import RiskSets

F8 = npt.NDArray[np.float64]

# Standardised covariates are stored up to this size; beyond it each pass standardises block by block again.
MAX_STORED_BYTES = 96 * 2**20
# A block of this many values stays in the second-level cache through its four uses.
BLOCK_VALUES = 65_536
MIN_BLOCK_ROWS = 512


@dataclass(frozen=True, slots=True)
class Derivatives:
    """Score (p,) and information (p, p) in standardised units, with the group tables they came from.

    cumulative, tied (D,), means (E or D, p) as in `cox_kernels.group_terms`; expected (n,) events expected per row.
    """

    score: F8
    information: F8
    cumulative: F8
    tied: F8
    means: F8
    expected: F8


@dataclass(frozen=True, slots=True)
class Carried:
    """Rows that stay in the risk sets after their exit with a falling weight, as Fine-Gray's competing events do.

    rows (k,): their numbers. first_group, end_group (k,): groups first_group .. end_group are reached after exit.
    share (k,): 1/G(exit). group_factor (D,): G at each event time; row i weighs share_i x group_factor_g there.
    """

    rows: npt.NDArray[np.int64]
    first_group: npt.NDArray[np.int64]
    end_group: npt.NDArray[np.int64]
    share: F8
    group_factor: F8


class PartialLikelihood:
    """Efron or Breslow partial likelihood of n rows; call `loglik(beta)`, then `derivatives()` at the same beta."""

    def __init__(
        self,
        *,
        covariates: npt.NDArray[np.floating],
        risk_sets: RiskSets,
        centre: F8,
        scale: F8,
        weights: F8 | None,
        offset: F8 | None,
        efron: bool,
        carried: Carried | None = None,
    ) -> None:
        self.covariates = covariates
        self.n, self.p = covariates.shape
        self.risk_sets = risk_sets
        self.centre = centre
        self.scale = scale
        self.weights = weights
        self.offset = offset
        self.efron = efron
        self.carried = carried
        self.rows_per_block = max(MIN_BLOCK_ROWS, BLOCK_VALUES // max(1, self.p))
        rows = risk_sets.event_rows
        self.event_group = risk_sets.last_group[rows]
        self.event_covariates = self._standardise(covariates[rows])
        self.event_weight = np.ones(rows.shape[0]) if weights is None else weights[rows]
        self.n_groups = risk_sets.deaths.shape[0]
        self.group_weight = np.bincount(self.event_group, weights=self.event_weight, minlength=self.n_groups)
        groups = np.arange(self.n_groups)
        self.mean_row_group = np.repeat(groups, risk_sets.deaths) if efron else groups
        self.carried_covariates = None if carried is None else self._standardise(covariates[carried.rows])
        self._stored = self._standardise(covariates) if self.n * self.p * 8 <= MAX_STORED_BYTES else None
        self.relative_hazard = np.empty(self.n)

    def _standardise(self, rows: npt.NDArray[np.floating]) -> F8:
        out = np.array(rows, dtype=np.float64, order="C")
        out -= self.centre
        out /= self.scale
        return out

    def blocks(self) -> Iterator[tuple[slice, F8]]:
        """Standardised covariates by blocks of rows."""
        for start in range(0, self.n, self.rows_per_block):
            rows = slice(start, min(start + self.rows_per_block, self.n))
            yield rows, self._stored[rows] if self._stored is not None else self._standardise(self.covariates[rows])

    def loglik(self, beta: F8) -> float:
        """Log partial likelihood at beta (p,), standardised units; -inf where it overflows."""
        sets = self.risk_sets
        s0 = np.zeros(self.n_groups)
        s1 = np.zeros((self.n_groups, self.p))
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            for rows, block in self.blocks():
                predictor = block @ beta
                if self.offset is not None:
                    predictor += self.offset[rows]
                relative = np.exp(predictor, out=self.relative_hazard[rows])
                if self.weights is not None:
                    relative *= self.weights[rows]
                cox_kernels.add_rows_to_groups(block, relative, sets.last_group[rows], sets.entry_group[rows], s0, s1)
            cox_kernels.sum_backwards(s0, s1, sets.group_start)
            self._add_carried(s0, s1)
            d0 = np.zeros(self.n_groups)
            d1 = np.zeros((self.n_groups, self.p))
            event_relative = self.relative_hazard[sets.event_rows]
            cox_kernels.add_events_to_groups(self.event_covariates, event_relative, self.event_group, d0, d1)
            event_predictor = self.event_covariates @ beta
            if self.offset is not None:
                event_predictor += self.offset[sets.event_rows]
            value = float(self.event_weight @ event_predictor) - cox_kernels.log_denominators(
                s0, d0, sets.deaths, self.group_weight, self.efron
            )
        self.tables = (s0, s1, d0, d1)
        return value if np.isfinite(value) else -np.inf

    def _add_carried(self, s0: F8, s1: F8) -> None:
        """Add to the risk-set sums the rows carried past their exit."""
        if self.carried is None or self.carried_covariates is None:
            return
        k0, k1 = np.zeros(self.n_groups), np.zeros((self.n_groups, self.p))
        relative = self.relative_hazard[self.carried.rows] * self.carried.share
        cox_kernels.add_events_to_groups(self.carried_covariates, relative, self.carried.first_group, k0, k1)
        cox_kernels.sum_forwards(k1, np.ones(self.n_groups), self.risk_sets.group_start)
        counted = k0[:, None]
        cox_kernels.sum_forwards(counted, np.ones(self.n_groups), self.risk_sets.group_start)
        s0 += self.carried.group_factor * counted[:, 0]
        s1 += self.carried.group_factor[:, None] * k1

    def carried_integral(self, cumulative: F8) -> F8:
        """Integral (k, q) of share x G dC over the time a row is carried, for cumulative C (D, q)."""
        assert self.carried is not None
        start = self.risk_sets.group_start
        increments = np.diff(cumulative, axis=0, prepend=0.0)
        first = start[:-1][np.diff(start) > 0]
        increments[first] = cumulative[first]
        cox_kernels.sum_forwards(increments, self.carried.group_factor, start)
        before = np.where(
            np.isin(self.carried.first_group, first)[:, None], 0.0, increments[self.carried.first_group - 1]
        )
        return self.carried.share[:, None] * (increments[self.carried.end_group] - before)

    def derivatives(self, time_weight: F8 | None = None) -> Derivatives:
        """Score and information at the beta of the last `loglik` call.

        time_weight (D,): each event time's terms multiplied by a number, a_t: sum_t a_t U_t and sum_t a_t I_t.
        """
        sets = self.risk_sets
        s0, s1, d0, d1 = self.tables
        multiplier = np.ones(self.n_groups) if time_weight is None else time_weight
        cumulative = np.empty(self.n_groups)
        tied = np.empty(self.n_groups)
        means = np.empty((self.mean_row_group.shape[0], self.p))
        cox_kernels.group_terms(
            s0,
            s1,
            d0,
            d1,
            sets.deaths,
            self.group_weight,
            sets.group_start,
            multiplier,
            self.efron,
            cumulative,
            tied,
            means,
        )
        expected = np.empty(self.n)
        cox_kernels.expected_events(self.relative_hazard, sets.last_group, sets.entry_group, cumulative, expected)
        expected[sets.event_rows] -= self.relative_hazard[sets.event_rows] * tied[self.event_group]
        if self.carried is not None:
            relative = self.relative_hazard[self.carried.rows]
            expected[self.carried.rows] += relative * self.carried_integral(cumulative[:, None])[:, 0]
        information = np.zeros((self.p, self.p))
        score = self.event_covariates.T @ (self.event_weight * multiplier[self.event_group])
        for rows, block in self.blocks():
            if time_weight is None:
                # Expected events are not negative: a product with itself takes half the work.
                half = block * np.sqrt(np.maximum(expected[rows], 0.0))[:, None]
                information += _upper_product(half)
            else:
                information += np.triu((block * expected[rows, None]).T @ block)
            score -= expected[rows] @ block
        information -= np.triu((means * multiplier[self.mean_row_group, None]).T @ means)
        information = information + np.triu(information, 1).T
        return Derivatives(
            score=score, information=information, cumulative=cumulative, tied=tied, means=means, expected=expected
        )


def _upper_product(half: F8) -> F8:
    """Upper triangle of half' half (p, p), zero below; half (m, p) in row order."""
    if half.shape[0] == 0 or half.shape[1] == 0:
        return np.zeros((half.shape[1], half.shape[1]))
    return np.asarray(blas.dsyrk(1.0, half.T, lower=0), dtype=np.float64)
