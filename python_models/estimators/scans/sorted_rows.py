"""Rows of a Cox model sorted once by risk set, cut into strips, and swept for many biomarkers at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from python_models.estimators.scans import cox_scan_kernels as kernels
from python_models.estimators.survival.risk_sets import RiskSets

Values = npt.NDArray[np.floating]
F8 = npt.NDArray[np.float64]
I8 = npt.NDArray[np.int64]

# Rows of a strip: 1,024 rows x 64 lanes of double is half a megabyte, the second-level cache of one core.
STRIP_ROWS = 1_024
MomentsOf = Literal["all", "biomarker", "none"]


@dataclass(frozen=True, slots=True)
class _Strip:
    """Rows first_row .. last_row - 1, visits first_visit .. last_visit - 1; none: rows of a visit still to come."""

    first_row: int
    last_row: int
    first_visit: int
    last_visit: int
    begins_stratum: bool


@dataclass(frozen=True, slots=True)
class Sweep:
    """Sums at one beta for L lanes, as in `cox_scan_kernels.visit_groups`; what was not asked for is empty."""

    mean_sum: F8
    moments: F8
    hazard_steps: F8
    tied_steps: F8
    log_denominator: F8


class SortedRows:
    """Rows in visiting order: covariates (n, p), order (n,) into the caller's rows, visits they join and leave."""

    def __init__(self, *, risk_sets: RiskSets, covariates: F8, efron: bool) -> None:
        start = risk_sets.group_start
        self.efron = efron
        self.n_visits = risk_sets.deaths.shape[0]
        first_of_group = start[risk_sets.group_stratum]
        past_of_group = start[risk_sets.group_stratum + 1]
        visit = first_of_group + (past_of_group - 1 - np.arange(self.n_visits))
        at_risk = np.flatnonzero(risk_sets.last_group > risk_sets.entry_group)
        is_event = np.zeros(risk_sets.last_group.shape[0], dtype=bool)
        is_event[risk_sets.event_rows] = True
        join = visit[risk_sets.last_group[at_risk]]
        sequence = np.argsort(2 * join + is_event[at_risk], kind="stable")
        self.order = at_risk[sequence]
        self.join_visit = join[sequence]
        entry = risk_sets.entry_group[self.order]
        self.leave_visit = np.where(entry >= 0, visit[np.maximum(entry, 0)], self.n_visits)
        self.is_event = is_event[self.order]
        self.covariates = np.ascontiguousarray(covariates[self.order])
        self.deaths = np.empty(self.n_visits, dtype=np.int64)
        self.deaths[visit] = risk_sets.deaths
        self.visit_start = start
        self.starts_stratum = np.zeros(self.n_visits, dtype=bool)
        self.starts_stratum[start[:-1][np.diff(start) > 0]] = True
        self.join_start = np.searchsorted(self.join_visit, np.arange(self.n_visits + 1))
        leavers = np.flatnonzero(self.leave_visit < self.n_visits)
        self.leavers = leavers[np.argsort(self.leave_visit[leavers], kind="stable")]
        self.leave_start = np.searchsorted(self.leave_visit[self.leavers], np.arange(self.n_visits + 1))
        self.event_rows = np.flatnonzero(self.is_event)
        self.strips = self._cut()

    @property
    def shape(self) -> tuple[int, int]:
        """Rows at risk at any event, and covariates."""
        return self.covariates.shape[0], self.covariates.shape[1]

    def _cut(self) -> list[_Strip]:
        """Strips of about STRIP_ROWS rows; a visit joined by more gives up its first rows to strips of their own."""
        strips: list[_Strip] = []
        visit = 0
        while visit < self.n_visits:
            row = int(self.join_start[visit])
            begins = bool(self.starts_stratum[visit])
            censored = int(self.join_start[visit + 1] - self.deaths[visit])
            while int(self.join_start[visit + 1]) - row > STRIP_ROWS and censored - row > 0:
                stop = min(row + STRIP_ROWS, censored)
                strips.append(_Strip(row, stop, visit, visit, begins))
                row, begins = stop, False
            last = int(np.searchsorted(self.join_start, row + STRIP_ROWS, side="right")) - 1
            last = min(max(last, visit + 1), self.n_visits)
            strips.append(_Strip(row, int(self.join_start[last]), visit, last, begins))
            visit = last
        return strips

    def _hazards(
        self, *, values: Values, centre: F8, weight: F8, beta: F8, slope: F8, shared: F8 | None = None
    ) -> Iterator[tuple[_Strip, slice, F8]]:
        """Relative hazards (m, L) by strip, in a buffer that the next strip overwrites; or `shared` (n,) in all."""
        longest = max(strip.last_row - strip.first_row for strip in self.strips)
        buffer = np.empty((longest, slope.shape[0]))
        for strip in self.strips:
            rows = slice(strip.first_row, strip.last_row)
            hazard = buffer[: strip.last_row - strip.first_row]
            if shared is None:
                np.matmul(self.covariates[rows], beta, out=hazard)
                kernels.relative_hazards(values[rows], centre, weight, slope, hazard)
            else:
                kernels.same_hazards(values[rows], shared[rows], hazard)
            yield strip, rows, hazard

    def sweep(
        self,
        *,
        values: Values,
        centre: F8,
        weight: F8,
        beta: F8,
        slope: F8,
        moments_of: MomentsOf,
        shared: F8 | None = None,
    ) -> Sweep:
        """Risk-set sums of every lane: values (n, L) in visiting order, beta (p, L), slope (L,).

        moments_of: all, with hazards and likelihood; biomarker: its row alone, which a first step needs; or none.
        shared (n,): relative hazards that every lane has, where the caller knows them (slope 0).
        """
        p, n_lanes = self.covariates.shape[1], slope.shape[0]
        q = p + 1
        s0, s1, mean_sum = np.zeros(n_lanes), np.zeros((q, n_lanes)), np.zeros((q, n_lanes))
        is_whole = moments_of == "all"
        first_moment = {"all": 0, "biomarker": p, "none": q}[moments_of]
        moments = np.zeros((0, 0, 0) if moments_of == "none" else (q, q, n_lanes))
        steps = np.zeros((self.n_visits, n_lanes) if is_whole else (0, 0))
        tied, log_denominator = np.zeros_like(steps), np.zeros(n_lanes if is_whole else 0)
        for strip, rows, hazard in self._hazards(
            values=values, centre=centre, weight=weight, beta=beta, slope=slope, shared=shared
        ):
            if strip.begins_stratum:
                s0[:], s1[:] = 0.0, 0.0
            if strip.first_visit == strip.last_visit:
                kernels.add_rows(
                    self.covariates[rows], values[rows], centre, weight, hazard, 0, hazard.shape[0], s0, s1
                )
                continue
            visits = slice(strip.first_visit, strip.last_visit)
            edges = slice(strip.first_visit, strip.last_visit + 1)
            join = self.join_start[edges] - strip.first_row
            # Rows of the first visit that earlier strips have added are not added again.
            join[0] = 0
            begins = self.starts_stratum[visits].copy()
            begins[0] = False
            leave = self.leave_start[edges]
            leavers = self.leavers[leave[0] : leave[-1]]
            leaving_values = values[leavers]
            leaving_hazard = self.covariates[leavers] @ beta
            if leavers.size:
                kernels.relative_hazards(leaving_values, centre, weight, slope, leaving_hazard)
                np.negative(leaving_hazard, out=leaving_hazard)
            kernels.visit_groups(
                self.covariates[rows],
                values[rows],
                centre,
                weight,
                hazard,
                self.covariates[leavers],
                leaving_values,
                leaving_hazard,
                strip.first_visit,
                join,
                leave - leave[0],
                self.deaths[visits],
                begins,
                self.efron,
                first_moment,
                is_whole,
                s0,
                s1,
                mean_sum,
                moments,
                steps,
                tied,
                log_denominator,
            )
        return Sweep(mean_sum, moments, steps, tied, log_denominator)

    def cumulative(self, steps: F8) -> F8:
        """Cumulative hazard at each visit (V + 1, L) from steps (V, L): of this and later visits of the stratum."""
        out = np.zeros((self.n_visits + 1, steps.shape[1]))
        for first, last in zip(self.visit_start[:-1], self.visit_start[1:], strict=True):
            out[first:last] = np.cumsum(steps[first:last][::-1], axis=0)[::-1]
        return out

    def products(
        self,
        *,
        values: Values,
        centre: F8,
        weight: F8,
        beta: F8,
        slope: F8,
        cumulative: F8,
        tied: F8,
        alone: tuple[F8, F8] | None = None,
    ) -> tuple[F8, F8]:
        """Sum over rows of c x products: (p (p + 1) / 2, L) of the covariates, (p + 1, L) of the biomarker with all.

        alone: expected events (n,) near every lane's, and their products of the covariates (p (p + 1) / 2,). Only what
        lanes differ from them is then summed, in single precision: its rounding is that of a small part of the whole.
        """
        p, n_lanes = self.covariates.shape[1], slope.shape[0]
        of_covariates = np.zeros((p * (p + 1) // 2, n_lanes))
        of_values = np.zeros((p + 1, n_lanes))
        squares = np.zeros(n_lanes)
        longest = max(strip.last_row - strip.first_row for strip in self.strips)
        kind = np.float64 if alone is None else np.float32
        product_buffer = np.empty(longest * of_covariates.shape[0], dtype=kind)
        weighted_buffer = np.empty((longest, n_lanes))
        difference_buffer = np.empty((0 if alone is None else longest, n_lanes), dtype=np.float32)
        for _, rows, hazard in self._hazards(values=values, centre=centre, weight=weight, beta=beta, slope=slope):
            weighted = weighted_buffer[: hazard.shape[0]]
            difference = difference_buffer[: hazard.shape[0]]
            kernels.expected_events(
                values[rows],
                centre,
                weight,
                hazard,
                self.join_visit[rows],
                self.leave_visit[rows],
                self.is_event[rows],
                cumulative,
                tied,
                weighted,
                squares,
                np.empty(0) if alone is None else alone[0][rows],
                difference,
            )
            m = hazard.shape[0]
            products = product_buffer[: m * of_covariates.shape[0]].reshape(-1, m)
            kernels.covariate_products(self.covariates[rows], products)
            of_covariates += products @ (hazard if alone is None else difference)
            of_values[:p] += self.covariates[rows].T @ weighted
        of_values[p] = squares
        if alone is not None:
            of_covariates += alone[1][:, None]
        return of_covariates, of_values

    def shared_products(self, expected: F8) -> F8:
        """Sum over rows of expected (n,) x products of the covariates: (p (p + 1) / 2,)."""
        p = self.covariates.shape[1]
        total = np.zeros(p * (p + 1) // 2)
        for first in range(0, expected.shape[0], STRIP_ROWS):
            part = self.covariates[first : first + STRIP_ROWS]
            products = np.empty((total.shape[0], part.shape[0]))
            kernels.covariate_products(part, products)
            total += products @ expected[first : first + STRIP_ROWS]
        return total

    def start_products(self, *, values: Values, centre: F8, weight: F8, expected: F8) -> tuple[F8, F8]:
        """Sum of expected (n,) where a lane is known (L,); biomarker `products` (p + 1, L) with c = expected."""
        p, n_lanes = self.covariates.shape[1], centre.shape[0]
        of_values = np.zeros((p + 1, n_lanes))
        total, squares = np.zeros(n_lanes), np.zeros(n_lanes)
        buffer = np.empty((STRIP_ROWS, n_lanes))
        for first in range(0, values.shape[0], STRIP_ROWS):
            rows = slice(first, min(first + STRIP_ROWS, values.shape[0]))
            weighted = buffer[: rows.stop - first]
            kernels.start_products(values[rows], centre, weight, expected[rows], total, weighted, squares)
            of_values[:p] += self.covariates[rows].T @ weighted
        of_values[p] = squares
        return total, of_values
