"""One Cox model per biomarker of a panel, all with the same outcome and covariates, fitted many at a time.

Each biomarker's model is the one `fit_cox` would fit to the rows where it is known: (covariates, biomarker), Efron or
Breslow ties, strata, delayed entry. What biomarkers share is done once: rows sorted by risk set, covariate products,
matrix products over 128 biomarkers (`joint_newton`). A biomarker the shared steps do not settle goes to `fit_cox`
alone, so that its estimate or its refusal is the same as there. A level of a covariate that has no event where a
biomarker is known has no finite estimate there: it joins the reference for that biomarker, and the scan says so.

References: Cox 1972, JRSS B 34:187; Efron 1977, JASA 72:557.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from python_models.estimators.scans import lane_kernels as kernels
from python_models.estimators.scans.joint_newton import fit_lanes, start_of
from python_models.estimators.scans.sorted_rows import SortedRows
from python_models.estimators.survival.cox import CoxFit, fit_cox
from python_models.estimators.survival.cox_input import EstimatorInputError, Ties, as_matrix
from python_models.estimators.survival.cox_setup import CoxData, prepare_cox

Values = npt.NDArray[np.floating]
F8 = npt.NDArray[np.float64]
I8 = npt.NDArray[np.int64]

# Biomarkers fitted together: inner loops long enough for their overhead, and strips of rows that stay in cache.
LANES = 128
# Scanners without some levels that are kept ready: each holds its own sorted covariates.
REDUCED_SCANNERS = 4


@dataclass(frozen=True, slots=True)
class CoxScan:
    """K biomarkers' log hazard ratios, adjusted; all (K,).

    beta: log hazard ratio per unit of the biomarker, standard_error. loglik: of the fitted model.
    mean, standard_deviation (n - 1) of the known values: beta x standard_deviation is per standard deviation.
    n: rows, n_events: events, with the biomarker known. iterations: sweeps.
    first_beta, first_variance, first_covariance (K, E): of the first E covariates in each biomarker's model, and their
    covariance with the biomarker's coefficient; E as asked of the scanner.
    refusals: None, or why there is no estimate; the estimates are then NaN and must leave as NULL.
    joined: names of the levels that joined their reference because no event is left at them, mostly none.
    """

    beta: F8
    standard_error: F8
    loglik: F8
    mean: F8
    standard_deviation: F8
    n: I8
    n_events: I8
    iterations: I8
    first_beta: F8
    first_variance: F8
    first_covariance: F8
    refusals: tuple[str | None, ...]
    joined: tuple[tuple[str, ...], ...]

    @property
    def z(self) -> F8:
        """Wald statistics (K,)."""
        return self.beta / self.standard_error

    @property
    def p_value(self) -> F8:
        """Two-sided Wald p-values (K,)."""
        return 2.0 * special.ndtr(-np.abs(self.z))


class CoxScanner:
    """Prepared once per outcome and covariates; `scan` takes biomarkers block by block, which bounds the memory.

    exit, event, entry, strata (n,), covariates (n, p), ties: as in `fit_cox`; covariates complete.
    n_first: of so many covariates, the first, the coefficients are kept beside each biomarker's.
    is_level (p,): indicators of a category's levels that may join their reference, none by default; not the first.

    Raises
    ------
    EstimatorInputError: as `fit_cox`.
    """

    def __init__(
        self,
        *,
        exit: npt.ArrayLike,
        event: npt.ArrayLike,
        covariates: npt.ArrayLike,
        entry: npt.ArrayLike | None = None,
        strata: npt.ArrayLike | None = None,
        ties: Ties = "efron",
        names: Sequence[str] | None = None,
        min_events_per_parameter: float = 1.0,
        n_first: int = 0,
        is_level: npt.ArrayLike | None = None,
    ) -> None:
        self.n_first = n_first
        self.exit, self.event = np.asarray(exit), np.asarray(event)
        self.entry = None if entry is None else np.asarray(entry)
        self.strata = None if strata is None else np.asarray(strata)
        self.covariates = as_matrix(covariates)
        self.ties: Ties = ties
        self.level_columns: I8 = np.flatnonzero(np.zeros(0) if is_level is None else np.asarray(is_level))
        self._reduced: dict[tuple[int, ...], CoxScanner] = {}
        self.min_events_per_parameter = min_events_per_parameter
        self.data: CoxData = prepare_cox(
            exit=exit,
            event=event,
            covariates=self.covariates,
            entry=entry,
            strata=strata,
            weights=None,
            cluster=None,
            offset=None,
            ties=ties,
            names=names,
            min_events_per_parameter=min_events_per_parameter,
        )
        self.position: I8 = np.arange(self.covariates.shape[0])
        self.without: CoxFit = self._fit(self.covariates, self.data.labels, slice(None))
        if self.without.refusal is not None:
            return
        standardised = (self.covariates - self.data.centre) / self.data.scale
        self.rows = SortedRows(
            risk_sets=self.data.risk_sets(), covariates=standardised.astype(np.float64), efron=ties == "efron"
        )
        n = self.rows.shape[0]
        # Where each given row goes: those ever at risk in visiting order, the others behind them.
        is_at_risk = np.zeros(self.covariates.shape[0], dtype=bool)
        is_at_risk[self.rows.order] = True
        self.position[self.rows.order] = np.arange(n)
        self.position[~is_at_risk] = np.arange(n, self.covariates.shape[0])
        self.start = start_of(
            rows=self.rows,
            beta=self.without.beta * self.data.scale,
            information=self.without.information / np.outer(self.data.scale, self.data.scale),
            n_events=self.without.n_events,
        )

    def scan(self, biomarkers: npt.ArrayLike) -> CoxScan:
        """Scan biomarkers (K, n), one row each, NaN where missing; best float32 and in blocks of a multiple of 128.

        Single precision is computed with as it is (in double); any other type is taken as double.

        Raises
        ------
        EstimatorInputError: not K rows of n values.
        """
        block = np.asarray(biomarkers)
        if block.dtype != np.float32:
            block = block.astype(np.float64)
        n = self.covariates.shape[0]
        if block.ndim != 2 or block.shape[1] != n:
            raise EstimatorInputError(f"biomarkers must be (K, {n}), one biomarker a row; got {block.shape}")
        parts = [self._scan_lanes(np.ascontiguousarray(block[k : k + LANES])) for k in range(0, block.shape[0], LANES)]
        return _joined(parts or [_Filling(0, self.n_first)])

    def _scan_lanes(self, block: Values) -> _Filling:
        """Scan at most LANES biomarkers (L, n)."""
        n_lanes = block.shape[0]
        result = _Filling(n_lanes, self.n_first)
        reasons = result.refusals
        values = np.empty((block.shape[1], n_lanes), dtype=block.dtype)
        kernels.lanes_last(block, self.position, values)
        # Sums about the first known value keep the variance of a biomarker far from 0.
        about = kernels.first_known(block)
        total, square = np.zeros(n_lanes), np.zeros(n_lanes)
        known, infinite = np.zeros(n_lanes, dtype=np.int64), np.zeros(n_lanes, dtype=np.int64)
        kernels.lane_moments(block, about, total, square, known, infinite)
        result.mean[:] = about + total / np.maximum(known, 1)
        variance = (square - total**2 / np.maximum(known, 1)) / np.maximum(known - 1, 1)
        result.standard_deviation[:] = np.sqrt(np.maximum(variance, 0.0))
        result.n[:] = known
        result.n_events[:] = np.sum(np.isfinite(values[self.position[self.data.is_event]]), axis=0)
        q = self.covariates.shape[1] + 1
        for k in range(n_lanes):
            reasons[k] = self._refusal(
                q, int(known[k]), int(infinite[k]), bool(square[k] > 0.0), int(result.n_events[k])
            )
        fit = np.array([k for k in range(n_lanes) if reasons[k] is None], dtype=np.int64)
        for columns, lanes in self._levels_without_events(values, fit).items():
            part = self._without_levels(columns)._scan_lanes(np.ascontiguousarray(block[lanes]))
            result.take(part, lanes, tuple(self.data.labels[j] for j in columns))
            fit = np.setdiff1d(fit, lanes)
        left = fit
        if fit.size:
            left = self._fit_together(values, fit, result)
        for k in left:
            reasons[k] = self._fit_alone(block[k], int(k), result)
        return result

    def _refusal(self, q: int, n_known: int, n_infinite: int, varies: bool, n_events: int) -> str | None:
        """Why one biomarker is not fitted, from its counts, or None."""
        if self.without.refusal is not None:
            return f"without the biomarker: {self.without.refusal}"
        if n_infinite:
            return f"{n_infinite} infinite values"
        if n_known == 0:
            return "no values: the biomarker is missing in every row"
        if not varies:
            return f"constant in all {n_known} rows where it is known"
        if n_events <= self.min_events_per_parameter * q:
            return f"too few events: {n_events} events for {q} parameters"
        return None

    def _levels_without_events(self, values: Values, fit: I8) -> dict[tuple[int, ...], I8]:
        """Lanes of `fit` by the columns that no event, or every event, has where the lane is known; values (n, L)."""
        if not fit.size or not self.level_columns.size:
            return {}
        is_event = self.data.is_event
        known = np.isfinite(values[self.position[is_event]][:, fit]).astype(np.float64)
        at_level = (self.covariates[is_event][:, self.level_columns] != 0.0).astype(np.float64).T @ known
        is_idle = (at_level == 0.0) | (at_level == known.sum(axis=0))
        groups: dict[tuple[int, ...], list[int]] = {}
        for place in np.flatnonzero(is_idle.any(axis=0)):
            columns = tuple(int(j) for j in self.level_columns[is_idle[:, place]])
            groups.setdefault(columns, []).append(int(fit[place]))
        return {columns: np.array(lanes, dtype=np.int64) for columns, lanes in groups.items()}

    def _without_levels(self, columns: tuple[int, ...]) -> CoxScanner:
        """The scanner without some columns, of the last few asked for."""
        if columns not in self._reduced:
            while len(self._reduced) >= REDUCED_SCANNERS:
                self._reduced.pop(next(iter(self._reduced)))
            stay = np.setdiff1d(np.arange(self.covariates.shape[1]), columns)
            self._reduced[columns] = CoxScanner(
                exit=self.exit,
                event=self.event,
                covariates=self.covariates[:, stay],
                entry=self.entry,
                strata=self.strata,
                ties=self.ties,
                names=[self.data.labels[j] for j in stay],
                min_events_per_parameter=self.min_events_per_parameter,
                n_first=self.n_first,
            )
        return self._reduced[columns]

    def _fit(self, covariates: npt.NDArray[np.floating], labels: Sequence[str], rows: slice | I8) -> CoxFit:
        """The plain fit of the scan's model to some rows."""
        return fit_cox(
            exit=self.exit[rows],
            event=self.event[rows],
            entry=None if self.entry is None else self.entry[rows],
            strata=None if self.strata is None else self.strata[rows],
            covariates=covariates[rows],
            ties=self.ties,
            names=labels,
            min_events_per_parameter=self.min_events_per_parameter,
        )

    def _fit_alone(self, values: Values, k: int, result: _Filling) -> str | None:
        """Fit one biomarker by `fit_cox` on the rows where it is known; returns its refusal."""
        rows = np.flatnonzero(np.isfinite(values))
        matrix = np.column_stack([self.covariates, values.astype(np.float64)])
        fit = self._fit(matrix, (*self.data.labels, "biomarker"), rows)
        if fit.refusal is not None or fit.loglik is None:
            return fit.refusal
        result.beta[k], result.standard_error[k] = fit.beta[-1], fit.standard_error[-1]
        result.loglik[k], result.iterations[k] = fit.loglik, fit.iterations
        e = self.n_first
        result.first_beta[k], result.first_variance[k] = fit.beta[:e], np.diag(fit.covariance)[:e]
        result.first_covariance[k] = fit.covariance[:e, -1]
        return None

    def _fit_together(self, given: Values, fit: I8, result: _Filling) -> I8:
        """Fit lanes `fit` of given (n, L), rows sorted, together; fill result, return those that did not settle."""
        at_risk = given[: self.rows.shape[0]]
        values = at_risk if fit.shape[0] == given.shape[1] else np.ascontiguousarray(at_risk[:, fit])
        weight = 1.0 / result.standard_deviation[fit]
        found = fit_lanes(
            rows=self.rows, start=self.start, values=values, centre=result.mean[fit].copy(), weight=weight
        )
        ok, e = found.is_settled, self.n_first
        kept, weight, scale = fit[ok], weight[ok], self.data.scale[:e]
        covariance = found.covariance[ok]
        result.beta[kept] = found.estimate[ok, -1] * weight
        result.standard_error[kept] = np.sqrt(covariance[:, -1, -1]) * weight
        result.loglik[kept], result.iterations[kept] = found.loglik[ok], found.sweeps[ok]
        result.first_beta[kept] = found.estimate[ok, :e] / scale
        result.first_variance[kept] = np.einsum("kee->ke", covariance[:, :e, :e]) / scale**2
        result.first_covariance[kept] = covariance[:, :e, -1] * weight[:, None] / scale
        return fit[~ok]


class _Filling:
    """The arrays of a `CoxScan` of L biomarkers while they are filled in."""

    def __init__(self, n_lanes: int, n_first: int) -> None:
        self.beta, self.standard_error, self.loglik = (np.full(n_lanes, np.nan) for _ in range(3))
        self.mean, self.standard_deviation = np.zeros(n_lanes), np.zeros(n_lanes)
        self.n, self.n_events, self.iterations = (np.zeros(n_lanes, dtype=np.int64) for _ in range(3))
        shape = (n_lanes, n_first)
        self.first_beta, self.first_variance, self.first_covariance = (np.full(shape, np.nan) for _ in range(3))
        self.refusals: list[str | None] = [None] * n_lanes
        self.joined: list[tuple[str, ...]] = [()] * n_lanes

    def take(self, part: _Filling, lanes: I8, joined: tuple[str, ...]) -> None:
        """Put the biomarkers of `part` at `lanes`; joined: the levels it did without."""
        for name, column in vars(self).items():
            if isinstance(column, np.ndarray):
                column[lanes] = getattr(part, name)
        for k, reason in zip(lanes, part.refusals, strict=True):
            self.refusals[k], self.joined[k] = reason, joined


def _joined(parts: list[_Filling]) -> CoxScan:
    """One scan of the biomarkers of all parts, in order."""
    columns = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in CoxScan.__dataclass_fields__
        if name not in ("refusals", "joined")
    }
    return CoxScan(
        **columns,
        refusals=tuple(reason for part in parts for reason in part.refusals),
        joined=tuple(names for part in parts for names in part.joined),
    )


def scan_cox(
    *,
    exit: npt.ArrayLike,
    event: npt.ArrayLike,
    biomarkers: npt.ArrayLike,
    covariates: npt.ArrayLike,
    entry: npt.ArrayLike | None = None,
    strata: npt.ArrayLike | None = None,
    ties: Ties = "efron",
    names: Sequence[str] | None = None,
    min_events_per_parameter: float = 1.0,
) -> CoxScan:
    """Cox model of every biomarker (K, n); for panels that do not fit in memory use `CoxScanner` block by block.

    Arguments as in `CoxScanner`; covariates (n, p), p may be 0.
    """
    scanner = CoxScanner(
        exit=exit,
        event=event,
        covariates=covariates,
        entry=entry,
        strata=strata,
        ties=ties,
        names=names,
        min_events_per_parameter=min_events_per_parameter,
    )
    return scanner.scan(biomarkers)
