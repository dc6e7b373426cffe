"""Rows of a Cox model sorted once by risk set, cut into strips, and swept for many biomarkers at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from python_models.estimators.scans import cox_scan_kernels as kernels
from python_models.estimators.scans import lane_kernels, single_precision_kernels
from python_models.estimators.scans.lane_hazards import Doubles, Singles
from python_models.estimators.survival.risk_sets import RiskSets

F4 = npt.NDArray[np.float32]
F8 = npt.NDArray[np.float64]
I8 = npt.NDArray[np.int64]
Values = npt.NDArray[np.floating]

# Rows of a strip: 512 rows x 64 lanes of double are a quarter of a megabyte, so that hazards and values of a strip stay
# in the second-level cache of one core.
STRIP_ROWS = 512
MomentsOf = Literal["all", "biomarker", "none"]


@dataclass(frozen=True, slots=True)
class _Strip:
    """Rows that join at visits first_visit .. first_visit + G - 1; G = 0: rows of a visit still to come.

    covariates (m, p) and in single precision; join_start (G + 1,): within these rows; leavers: rows that leave, by
    leave_start (G + 1,); deaths, starts_stratum (G,), as in `cox_scan_kernels.visit_groups`.
    """

    rows: slice
    first_visit: int
    begins_stratum: bool
    covariates: F8
    single_covariates: F4
    join_start: I8
    leave_start: I8
    leavers: I8
    deaths: I8
    starts_stratum: npt.NDArray[np.bool_]


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
        self.single_covariates = self.covariates.astype(np.float32)
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
        self.longest_strip = max((strip.covariates.shape[0] for strip in self.strips), default=0)

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
                strips.append(self._strip(row, stop, visit, visit, begins=begins))
                row, begins = stop, False
            last = int(np.searchsorted(self.join_start, row + STRIP_ROWS, side="right")) - 1
            last = min(max(last, visit + 1), self.n_visits)
            strips.append(self._strip(row, int(self.join_start[last]), visit, last, begins=begins))
            visit = last
        return strips

    def _strip(self, first_row: int, last_row: int, first_visit: int, last_visit: int, *, begins: bool) -> _Strip:
        """Rows first_row .. last_row - 1, visits first_visit .. last_visit - 1."""
        rows, edges = slice(first_row, last_row), slice(first_visit, last_visit + 1)
        join, leave = self.join_start[edges] - first_row, self.leave_start[edges]
        # Rows of the first visit that earlier strips have added are not added again.
        join[0] = 0
        starts = self.starts_stratum[first_visit:last_visit].copy()
        starts[:1] = False
        return _Strip(
            rows=rows,
            first_visit=first_visit,
            begins_stratum=begins,
            covariates=self.covariates[rows],
            single_covariates=self.single_covariates[rows],
            join_start=join,
            leave_start=leave - leave[0],
            leavers=self.leavers[leave[0] : leave[-1]],
            deaths=self.deaths[first_visit:last_visit],
            starts_stratum=starts,
        )

    def sweep(self, lanes: Doubles | Singles, *, moments_of: MomentsOf) -> Sweep:
        """Risk-set sums of every lane at the hazards of `lanes`.

        moments_of: all, with hazards and likelihood; biomarker: its row alone, which a first step needs; or none.
        """
        q, n_lanes, is_double = self.covariates.shape[1] + 1, lanes.n_lanes, lanes.kind == np.float64
        s0, s1, mean_sum = np.zeros(n_lanes), np.zeros((q, n_lanes)), np.zeros((q, n_lanes))
        part0, part1 = np.empty(n_lanes, lanes.kind), np.empty((q, n_lanes), lanes.kind)
        is_whole = moments_of == "all"
        first_moment = {"all": 0, "biomarker": q - 1, "none": q}[moments_of]
        moments = np.zeros((0, 0, 0) if moments_of == "none" else (q, q, n_lanes))
        steps = np.zeros((self.n_visits, n_lanes) if is_whole else (0, 0))
        tied, log_denominator = np.zeros_like(steps), np.zeros(n_lanes if is_whole else 0)
        inverse_denominator = np.ones_like(steps)
        for strip in self.strips:
            covariates = strip.covariates if is_double else strip.single_covariates
            x, hazard = lanes.at_strip(strip.rows, covariates)
            if strip.begins_stratum:
                s0[:], s1[:] = 0.0, 0.0
            if not strip.deaths.size:
                kernels.add_part(covariates, x, hazard, 0, hazard.shape[0], part0, part1, s0, s1)
                continue
            leaving = covariates[:0], x[:0], hazard[:0]
            if strip.leavers.size:
                of_leavers = (self.covariates if is_double else self.single_covariates)[strip.leavers]
                leaving_x, leaving_hazard = lanes.at_rows(strip.leavers, of_leavers)
                leaving = of_leavers, leaving_x, np.negative(leaving_hazard, out=leaving_hazard)
            kernels.visit_groups(
                covariates,
                x,
                hazard,
                *leaving,
                strip.first_visit,
                strip.join_start,
                strip.leave_start,
                strip.deaths,
                strip.starts_stratum,
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
                inverse_denominator,
            )
        log_denominator -= np.log(inverse_denominator, out=inverse_denominator).sum(axis=0)[: log_denominator.shape[0]]
        return Sweep(mean_sum, moments, steps, tied, log_denominator)

    def cumulative(self, steps: F8) -> F8:
        """Cumulative hazard at each visit (V + 1, L) from steps (V, L): of this and later visits of the stratum."""
        out = np.zeros((self.n_visits + 1, steps.shape[1]))
        for first, last in zip(self.visit_start[:-1], self.visit_start[1:], strict=True):
            out[first:last] = np.cumsum(steps[first:last][::-1], axis=0)[::-1]
        return out

    def products(self, lanes: Doubles, *, cumulative: F8, tied: F8) -> tuple[F8, F8]:
        """Sum over rows of c x products: (p (p + 1) / 2, L) of the covariates, (p + 1, L) of the biomarker with all."""
        p, n_lanes = self.covariates.shape[1], lanes.n_lanes
        of_covariates = np.zeros((p * (p + 1) // 2, n_lanes))
        of_values, squares = np.zeros((p + 1, n_lanes)), np.zeros(n_lanes)
        product_buffer = np.empty(self.longest_strip * of_covariates.shape[0])
        weighted_buffer = np.empty((self.longest_strip, n_lanes))
        for strip in self.strips:
            covariates = strip.covariates
            x, hazard = lanes.at_strip(strip.rows, covariates)
            m = hazard.shape[0]
            weighted = weighted_buffer[:m]
            kernels.expected_events(
                x, hazard, self.join_visit[strip.rows], self.leave_visit[strip.rows], self.is_event[strip.rows],
                cumulative, tied, weighted, squares,
            )  # fmt: skip
            products = product_buffer[: m * of_covariates.shape[0]].reshape(-1, m)
            lane_kernels.covariate_products(covariates, products)
            of_covariates += products @ hazard
            of_values[:p] += covariates.T @ weighted
        of_values[p] = squares
        return of_covariates, of_values

    def product_differences(
        self, lanes: Singles, *, alone: F8, alone_cumulative: F8, cumulative: F8, tied: F8
    ) -> tuple[F8, F8]:
        """`products` less what they are with `alone` (n,) for c where a lane is known, in single precision.

        Of the covariates `alone` counts in every row. The rounding is that of how far the lanes are from it.
        alone_cumulative (V + 1,): cumulative hazard behind `alone`.
        """
        p, n_lanes = self.covariates.shape[1], lanes.n_lanes
        of_covariates = np.zeros((p * (p + 1) // 2, n_lanes))
        of_values, squares = np.zeros((p + 1, n_lanes)), np.zeros(n_lanes)
        product_buffer = np.empty(self.longest_strip * of_covariates.shape[0], np.float32)
        difference_buffer, weighted_buffer = np.empty((2, self.longest_strip, n_lanes), np.float32)
        rise = (cumulative[:-1] / alone_cumulative[:-1, None] - 1.0).astype(np.float32)
        for strip in self.strips:
            rows, covariates = strip.rows, strip.single_covariates
            m = covariates.shape[0]
            difference, weighted = difference_buffer[:m], weighted_buffer[:m]
            np.matmul(covariates, lanes.beta, out=difference)
            single_precision_kernels.expected_differences(
                lanes.x[rows], lanes.slope, lanes.base_double[rows], alone[rows], rise, self.join_visit[rows],
                self.leave_visit[rows], self.is_event[rows], cumulative, tied, difference, weighted, squares,
            )  # fmt: skip
            products = product_buffer[: m * of_covariates.shape[0]].reshape(-1, m)
            lane_kernels.covariate_products(covariates, products)
            of_covariates += products @ difference
            of_values[:p] += covariates.T @ weighted
        of_values[p] = squares
        return of_covariates, of_values

    def shared_products(self, expected: F8) -> F8:
        """Sum over rows of expected (n,) x products of the covariates: (p (p + 1) / 2,)."""
        p = self.covariates.shape[1]
        total = np.zeros(p * (p + 1) // 2)
        for first in range(0, expected.shape[0], STRIP_ROWS):
            part = self.covariates[first : first + STRIP_ROWS]
            products = np.empty((total.shape[0], part.shape[0]))
            lane_kernels.covariate_products(part, products)
            total += products @ expected[first : first + STRIP_ROWS]
        return total

    def start_products(
        self, *, values: Values, centre: F8, weight: F8, expected: F8, with_single: bool
    ) -> tuple[F8, F8, F4]:
        """Sum of expected (n,) where a lane is known (L,); biomarker `products` (p + 1, L) with c = expected.

        With_single also (values - centre) x weight (n, L) in single precision, else (0, 0).
        """
        p, n_lanes = self.covariates.shape[1], centre.shape[0]
        of_values = np.zeros((p + 1, n_lanes))
        total, squares = np.zeros(n_lanes), np.zeros(n_lanes)
        buffer = np.empty((STRIP_ROWS, n_lanes))
        single = np.empty(values.shape if with_single else (0, 0), np.float32)
        for first in range(0, values.shape[0], STRIP_ROWS):
            rows = slice(first, min(first + STRIP_ROWS, values.shape[0]))
            weighted = buffer[: rows.stop - first]
            lane_kernels.start_products(
                values[rows], centre, weight, expected[rows], total, weighted, squares, single[rows]
            )
            of_values[:p] += self.covariates[rows].T @ weighted
        of_values[p] = squares
        return total, of_values, single
