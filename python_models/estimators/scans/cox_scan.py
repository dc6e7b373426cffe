"""One Cox model per biomarker of a panel, all with the same outcome and covariates, fitted many at a time.

Each biomarker's model is the one `fit_cox` would fit to the rows where it is known: (covariates, biomarker), Efron or
Breslow ties, strata, delayed entry. What biomarkers share is done once: rows sorted by risk set, covariate products,
matrix products over 64 biomarkers. Newton's steps start from the model without the biomarker; their matrix is the
information there, corrected after each step by the change of score (BFGS), and the last step and the standard error use
the exact information. A biomarker the shared steps do not settle goes to `fit_cox` alone, so that its estimate or its
refusal is the same as there.

References: Cox 1972, JRSS B 34:187; Efron 1977, JASA 72:557; Nocedal & Wright 2006, Numerical Optimization, 6.1.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from python_models.estimators.scans import cox_scan_kernels as kernels
from python_models.estimators.scans.sorted_rows import SortedRows
from python_models.estimators.survival.cox import CoxFit, fit_cox
from python_models.estimators.survival.cox_input import COLLINEAR_TOLERANCE, EstimatorInputError, Ties, as_matrix
from python_models.estimators.survival.cox_setup import CoxData, prepare_cox

Values = npt.NDArray[np.floating]
F8 = npt.NDArray[np.float64]
I8 = npt.NDArray[np.int64]

# Biomarkers fitted together: eight cache lines of doubles, and enough columns for an efficient matrix product.
LANES = 64
# The shared steps end when a Newton step is below this share of a standard error; the exact last step then squares it.
STEP_TOLERANCE = 1e-7
# Exact and approximate information may differ; above this the exact step is not the last and the biomarker is refitted.
LAST_STEP_TOLERANCE = 1e-5
# Moments cost a third more than a sweep without; below this step the next sweep is likely the last and takes them.
LIKELY_LAST = 1e-4
MAX_SWEEPS = 16
# Finished biomarkers are carried along until fewer than this share is left: copying the rest costs part of a sweep.
COMPRESS_BELOW = 0.6


@dataclass(frozen=True, slots=True)
class CoxScan:
    """K biomarkers' log hazard ratios, adjusted; all (K,).

    beta: log hazard ratio per unit of the biomarker, standard_error. loglik: of the fitted model.
    mean, standard_deviation (n - 1) of the known values: beta x standard_deviation is per standard deviation.
    n: rows, n_events: events, with the biomarker known. iterations: sweeps.
    refusals: None, or why there is no estimate; beta, standard_error and loglik are then NaN and must leave as NULL.
    """

    beta: F8
    standard_error: F8
    loglik: F8
    mean: F8
    standard_deviation: F8
    n: I8
    n_events: I8
    iterations: I8
    refusals: tuple[str | None, ...]

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
    ) -> None:
        self.exit, self.event = np.asarray(exit), np.asarray(event)
        self.entry = None if entry is None else np.asarray(entry)
        self.strata = None if strata is None else np.asarray(strata)
        self.covariates = as_matrix(covariates)
        self.ties: Ties = ties
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
        n, p = self.rows.shape
        # Where each given row goes: those ever at risk in visiting order, the others behind them.
        is_at_risk = np.zeros(self.covariates.shape[0], dtype=bool)
        is_at_risk[self.rows.order] = True
        self.position[self.rows.order] = np.arange(n)
        self.position[~is_at_risk] = np.arange(n, self.covariates.shape[0])
        self.start_beta = self.without.beta * self.data.scale
        self.start_information = self.without.information / np.outer(self.data.scale, self.data.scale)
        one, nothing = np.ones(1), np.zeros((n, 1), dtype=np.float32)
        alone = self.rows.sweep(
            values=nothing, centre=0 * one, weight=one, beta=self.start_beta[:, None], slope=0 * one, with_moments=True
        )
        cumulative = self.rows.cumulative(alone.hazard_steps)
        self.start_hazard = np.exp(self.rows.covariates @ self.start_beta)
        exposure = cumulative[self.rows.join_visit, 0] - cumulative[self.rows.leave_visit, 0]
        exposure -= np.where(self.rows.is_event, alone.tied_steps[self.rows.join_visit, 0], 0.0)
        self.start_expected = self.start_hazard * exposure
        self.lower = np.tril_indices(p)

    def scan(self, biomarkers: npt.ArrayLike) -> CoxScan:
        """Scan biomarkers (K, n), one row each, NaN where missing; best float32 and in blocks of a multiple of 64.

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
        return _joined(parts)

    def _scan_lanes(self, block: Values) -> _Filling:
        """Scan at most LANES biomarkers (L, n)."""
        n_lanes = block.shape[0]
        result = _Filling(n_lanes)
        reasons = result.refusals
        values = np.empty((block.shape[1], n_lanes), dtype=block.dtype)
        kernels.lanes_last(block, self.position, values)
        # Sums about the first known value keep the variance of a biomarker far from 0.
        about = kernels.first_known(values)
        total, square = np.zeros(n_lanes), np.zeros(n_lanes)
        known, infinite = np.zeros(n_lanes, dtype=np.int64), np.zeros(n_lanes, dtype=np.int64)
        kernels.lane_moments(values, about, total, square, known, infinite)
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
        return None

    def _fit_together(self, given: Values, fit: I8, result: _Filling) -> I8:
        """Fit lanes `fit` of given (n, L), rows sorted, together; fill result, return those that did not settle."""
        rows = self.rows
        p = self.covariates.shape[1]
        q = p + 1
        at_risk = given[: rows.shape[0]]
        values = at_risk if fit.shape[0] == given.shape[1] else np.ascontiguousarray(at_risk[:, fit])
        centre = result.mean[fit].copy()
        weight = 1.0 / result.standard_deviation[fit]
        at_events = (values[rows.event_rows].astype(np.float64) - centre) * weight
        known = np.isfinite(at_events)
        event_sum = np.vstack(
            [rows.covariates[rows.event_rows].T @ known.astype(np.float64), np.where(known, at_events, 0.0).sum(axis=0)]
        )

        theta = np.vstack([np.repeat(self.start_beta[:, None], fit.shape[0], axis=1), np.zeros(fit.shape[0])])
        steps = np.zeros((rows.n_visits, fit.shape[0]))
        tied, loglik = np.zeros_like(steps), np.zeros(fit.shape[0])
        score, mean_products = np.zeros((q, fit.shape[0])), np.zeros((q, q, fit.shape[0]))
        is_settled = np.zeros(fit.shape[0], dtype=bool)
        sweeps = np.zeros(fit.shape[0], dtype=np.int64)

        lanes = np.arange(fit.shape[0])
        current = values
        inverse = np.empty((fit.shape[0], q, q))
        previous_score, previous_step = np.zeros((0, q)), np.zeros((0, q))
        with_moments = True
        for count in range(1, MAX_SWEEPS + 1):
            swept = rows.sweep(
                values=current,
                centre=centre[lanes],
                weight=weight[lanes],
                beta=np.ascontiguousarray(theta[:p, lanes]),
                slope=theta[p, lanes],
                with_moments=with_moments,
                shared=self.start_hazard if count == 1 else None,
            )
            now = (event_sum[:, lanes] - swept.mean_sum).T
            if count == 1:
                inverse = self._start_inverse(
                    values=values, centre=centre, weight=weight, moments=swept.moments, n_events=known.sum(axis=0)
                )
            else:
                inverse = _updated_inverse(inverse, previous_step, previous_score - now)
            step = np.einsum("kij,kj->ki", inverse, now)
            size = np.sqrt(np.abs(np.einsum("ki,ki->k", step, now)))
            is_small = size <= STEP_TOLERANCE
            done = is_small & with_moments
            if with_moments:
                ended = lanes[done]
                steps[:, ended], tied[:, ended] = swept.hazard_steps[:, done], swept.tied_steps[:, done]
                score[:, ended], mean_products[:, :, ended] = now[done].T, swept.moments[:, :, done]
                loglik[ended] = np.sum(event_sum[:, ended] * theta[:, ended], axis=0) - swept.log_denominator[done]
                is_settled[ended] = True
            # A lane that is done, or small but without moments, stays where it is; one that overflowed is given up.
            open_lanes = ~is_small & np.isfinite(size)
            sweeps[lanes[open_lanes | (is_small & ~is_settled[lanes]) | done]] = count
            step = np.where(open_lanes[:, None], step, 0.0)
            theta[:, lanes] += step.T
            waiting = is_small & ~is_settled[lanes]
            stay = open_lanes | waiting
            if not stay.any():
                break
            # One slow lane must not keep the others from ending.
            with_moments = bool(waiting.any()) or bool(np.median(size[open_lanes]) < LIKELY_LAST)
            previous_score, previous_step = now, step
            if stay.sum() < COMPRESS_BELOW * lanes.shape[0]:
                lanes, inverse = lanes[stay], inverse[stay]
                previous_score, previous_step = previous_score[stay], previous_step[stay]
                current = np.ascontiguousarray(values[:, lanes])

        settled = np.flatnonzero(is_settled)
        if settled.size:
            ok = self._finish(
                values=values if settled.size == fit.size else np.ascontiguousarray(values[:, settled]),
                centre=centre[settled],
                weight=weight[settled],
                theta=theta[:, settled],
                score=score[:, settled],
                mean_products=mean_products[:, :, settled],
                steps=steps[:, settled],
                tied=tied[:, settled],
                target=fit[settled],
                result=result,
            )
            result.loglik[fit[settled]] = loglik[settled]
            result.iterations[fit[settled]] = sweeps[settled]
            is_settled[settled[~ok]] = False
        return fit[~is_settled]

    def _start_inverse(self, *, values: Values, centre: F8, weight: F8, moments: F8, n_events: I8) -> F8:
        """Inverse information (L, q, q) at the start; approximate where values are missing."""
        p = self.covariates.shape[1]
        total, of_values = self.rows.start_products(
            values=values, centre=centre, weight=weight, expected=self.start_expected
        )
        share = n_events / self.without.n_events
        information = np.empty((centre.shape[0], p + 1, p + 1))
        information[:, :p, :p] = self.start_information * share[:, None, None]
        biomarker = of_values * (n_events / total) - moments[p]
        information[:, p, :] = biomarker.T
        information[:, :, p] = biomarker.T
        return _inverses(information)

    def _finish(
        self,
        *,
        values: Values,
        centre: F8,
        weight: F8,
        theta: F8,
        score: F8,
        mean_products: F8,
        steps: F8,
        tied: F8,
        target: I8,
        result: _Filling,
    ) -> npt.NDArray[np.bool_]:
        """Exact information, last Newton step and standard error of settled lanes; True where they could be had."""
        p = self.covariates.shape[1]
        of_covariates, of_values = self.rows.products(
            values=values,
            centre=centre,
            weight=weight,
            beta=np.ascontiguousarray(theta[:p]),
            slope=theta[p],
            cumulative=self.rows.cumulative(steps),
            tied=tied,
        )
        n_lanes = centre.shape[0]
        information = np.zeros((n_lanes, p + 1, p + 1))
        information[:, self.lower[0], self.lower[1]] = of_covariates.T
        information[:, p, :] = of_values.T
        information -= np.moveaxis(mean_products, 2, 0)
        below = np.tril_indices(p + 1, -1)
        information[:, below[1], below[0]] = information[:, below[0], below[1]]
        inverse = _inverses(information)
        step = np.einsum("kij,jk->ki", inverse, score)
        size = np.sqrt(np.abs(np.einsum("ki,ik->k", step, score)))
        variance = inverse[:, p, p]
        # Variance inflation: a column collinear with the others is left to `fit_cox`, which names it.
        inflation = np.einsum("kii->ki", inverse) * np.einsum("kii->ki", information)
        is_regular = np.all((inflation > 0.0) & (inflation * COLLINEAR_TOLERANCE < 1.0), axis=1)
        ok = (size <= LAST_STEP_TOLERANCE) & (variance > 0.0) & is_regular
        kept = target[ok]
        result.beta[kept] = ((theta[p] + step[:, p]) * weight)[ok]
        result.standard_error[kept] = (np.sqrt(np.maximum(variance, 0.0)) * weight)[ok]
        return ok


class _Filling:
    """The arrays of a `CoxScan` of L biomarkers while they are filled in."""

    def __init__(self, n_lanes: int) -> None:
        self.beta, self.standard_error, self.loglik = (np.full(n_lanes, np.nan) for _ in range(3))
        self.mean, self.standard_deviation = np.zeros(n_lanes), np.zeros(n_lanes)
        self.n, self.n_events, self.iterations = (np.zeros(n_lanes, dtype=np.int64) for _ in range(3))
        self.refusals: list[str | None] = [None] * n_lanes


def _joined(parts: list[_Filling]) -> CoxScan:
    """One scan of the biomarkers of all parts, in order."""
    parts = parts or [_Filling(0)]
    return CoxScan(
        beta=np.concatenate([part.beta for part in parts]),
        standard_error=np.concatenate([part.standard_error for part in parts]),
        loglik=np.concatenate([part.loglik for part in parts]),
        mean=np.concatenate([part.mean for part in parts]),
        standard_deviation=np.concatenate([part.standard_deviation for part in parts]),
        n=np.concatenate([part.n for part in parts]),
        n_events=np.concatenate([part.n_events for part in parts]),
        iterations=np.concatenate([part.iterations for part in parts]),
        refusals=tuple(reason for part in parts for reason in part.refusals),
    )


def _inverses(information: F8) -> F8:
    """Inverses (L, q, q); NaN where a matrix is exactly singular."""
    try:
        return np.asarray(np.linalg.inv(information), dtype=np.float64)
    except np.linalg.LinAlgError:
        out = np.full_like(information, np.nan)
        for k in range(information.shape[0]):
            with contextlib.suppress(np.linalg.LinAlgError):
                out[k] = np.linalg.inv(information[k])
        return out


def _updated_inverse(inverse: F8, step: F8, fall: F8) -> F8:
    """BFGS update of inverse information (L, q, q) after steps (L, q) by which the score fell (L, q)."""
    curvature = np.einsum("ki,ki->k", step, fall)
    usable = curvature > 0.0
    rho = np.divide(1.0, curvature, out=np.zeros_like(curvature), where=usable)
    left = np.eye(step.shape[1]) - rho[:, None, None] * step[:, :, None] * fall[:, None, :]
    updated = left @ inverse @ np.swapaxes(left, 1, 2) + rho[:, None, None] * step[:, :, None] * step[:, None, :]
    return np.where(usable[:, None, None], updated, inverse)


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
