"""Proportional hazards from repeat visits: the event is known only to lie between two visits (interval-censored).

Pooled complementary log-log regression: person i, free of the condition at visit s and seen again at visit v, has it
then with probability p_i, log(-log(1 - p_i)) = a_sv + x_i'b + log(length_i). Under proportional hazards b is the log
hazard ratio of the underlying continuous time, whatever the baseline hazard within the interval.

References: Prentice & Gloeckler 1978, Biometrics 34:57; Allison 1982, Sociol Methodol 13:61; McCullagh & Nelder 1989,
section 4.3 (information of the complementary log-log link).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from python_models.estimators.survival.cox_input import (
    EstimatorInputError,
    as_matrix,
    collinear_columns,
    column_moments,
)
from python_models.estimators.survival.cox_setup import inverse_information
from python_models.estimators.survival.newton import NoMaximum, maximise

F8 = npt.NDArray[np.float64]
I8 = npt.NDArray[np.int64]

ROWS_PER_BLOCK = 8_192


@dataclass(frozen=True, slots=True)
class GroupedHazardsFit:
    """Log hazard ratios from grouped data.

    names, beta (p,), standard_error (p,), covariance (p, p): of the covariates; from the expected information, or the
    sandwich by cluster where clusters were given. interval_labels, intercept (J,): a_sv at the covariates' zero.
    loglik_null: intercepts only. refusal, refused_names: as in `CoxFit`.
    uninformative_intervals: labels without an event, or with nothing else, which are left out: their intercept is
    infinite and they say nothing about beta.
    """

    names: tuple[str, ...]
    beta: F8
    standard_error: F8
    covariance: F8
    interval_labels: tuple[str, ...]
    intercept: F8
    loglik_null: float | None
    loglik: float | None
    n_intervals: int
    n_events: int
    iterations: int
    uninformative_intervals: tuple[str, ...]
    refusal: str | None
    refused_names: tuple[str, ...]

    @property
    def p_value(self) -> F8:
        """Two-sided Wald p-values (p,)."""
        return 2.0 * special.ndtr(-np.abs(self.beta / self.standard_error))


def fit_grouped_hazards(
    *,
    event: npt.ArrayLike,
    interval: npt.ArrayLike,
    covariates: npt.ArrayLike,
    person: npt.ArrayLike | None = None,
    length: npt.ArrayLike | None = None,
    weights: npt.ArrayLike | None = None,
    cluster: npt.ArrayLike | None = None,
    names: Sequence[str] | None = None,
) -> GroupedHazardsFit:
    """Complementary log-log regression on m person-intervals.

    event (m,): 0/1. interval (m,): labels with an intercept each.
    covariates (n, p): row person[i] belongs to interval i (row i by default).
    length (m,): > 0, enters as an offset log(length). weights (m,): > 0, as inverse probabilities of attendance.
    cluster (m,): labels within which intervals depend; asks for the sandwich variance.

    Raises
    ------
    EstimatorInputError: shapes differ, events not 0/1, lengths or weights not positive.
    """
    matrix = as_matrix(covariates)
    y = np.asarray(event)
    m = y.shape[0]
    index = np.arange(m) if person is None else np.asarray(person, dtype=np.int64)
    labels = tuple(names) if names is not None else tuple(f"x{j + 1}" for j in range(matrix.shape[1]))
    _raise_on_faults(y, index, matrix, labels, interval, length, weights, cluster)
    kinds, code = np.unique(np.asarray(interval), return_inverse=True)
    w = np.ones(m) if weights is None else np.asarray(weights, dtype=np.float64)
    log_length = np.zeros(m) if length is None else np.log(np.asarray(length, dtype=np.float64))
    rows_with = np.bincount(code, minlength=kinds.shape[0])
    events_with = np.bincount(code, weights=y, minlength=kinds.shape[0])
    informative = (events_with > 0) & (events_with < rows_with)
    dropped = tuple(str(k) for k in kinds[~informative])
    kept = informative[code]
    code = (np.cumsum(informative) - 1)[code[kept]]
    n_kinds, p = int(informative.sum()), matrix.shape[1]
    n_events = int(y.sum())

    def refuse(reason: str, at_fault: tuple[str, ...] = (), iterations: int = 0) -> GroupedHazardsFit:
        nothing, empty = np.empty(0), np.empty((0, 0))
        return GroupedHazardsFit(
            labels, nothing, nothing, empty, (), nothing, None, None, m, n_events, iterations, dropped, reason, at_fault
        )

    if n_events == 0:
        return refuse(f"no events in {m} intervals")
    if n_kinds == 0:
        return refuse(f"no interval has both events and non-events ({n_events} events in {m} intervals)")
    if n_events <= p:
        return refuse(f"too few events: {n_events} events for {p} parameters")
    centre, scale, faults = column_moments(matrix[index[kept]], labels)
    if faults:
        listed = "; ".join(f"{count} in {name}" for name, count in faults)
        return refuse(f"missing or infinite values: {listed}", tuple(name for name, _ in faults))
    if np.any(scale == 0.0):
        constant = tuple(labels[j] for j in np.flatnonzero(scale == 0.0))
        return refuse(f"constant: {', '.join(constant)}", constant)

    likelihood = _GroupedLikelihood(
        event=y[kept].astype(np.float64),
        code=code,
        n_kinds=n_kinds,
        matrix=matrix,
        person=index[kept],
        centre=centre,
        scale=scale,
        offset=log_length[kept],
        weight=w[kept],
    )
    loglik_null = likelihood.loglik(np.zeros(n_kinds + p))
    null = likelihood.derivatives()
    collinear = collinear_columns(null.information, n_events)
    if collinear:
        at_fault = tuple(labels[j - n_kinds] for j in collinear if j >= n_kinds)
        return refuse(f"collinear with the others: {', '.join(at_fault)}", at_fault)
    maximum = maximise(likelihood=likelihood, loglik_null=loglik_null, null=null)
    if isinstance(maximum, NoMaximum):
        at_fault = tuple(labels[j - n_kinds] for j in maximum.columns if j >= n_kinds)
        return refuse(f"monotone likelihood, no finite estimate: {', '.join(at_fault)}", at_fault, maximum.iterations)
    covariance = inverse_information(maximum.derivatives.information)
    if cluster is not None:
        group = np.unique(np.asarray(cluster)[kept], return_inverse=True)[1]
        covariance = covariance @ likelihood.meat(group) @ covariance
    beta = maximum.beta[n_kinds:] / scale
    covariance = covariance[n_kinds:, n_kinds:] / np.outer(scale, scale)
    return GroupedHazardsFit(
        names=labels,
        beta=beta,
        standard_error=np.sqrt(np.diag(covariance)),
        covariance=covariance,
        interval_labels=tuple(str(k) for k in kinds[informative]),
        intercept=likelihood.start + maximum.beta[:n_kinds] - centre @ beta,
        loglik_null=loglik_null,
        loglik=maximum.loglik,
        n_intervals=m,
        n_events=n_events,
        iterations=maximum.iterations,
        uninformative_intervals=dropped,
        refusal=None,
        refused_names=(),
    )


@dataclass(frozen=True, slots=True)
class _Derivatives:
    score: F8
    information: F8


class _GroupedLikelihood:
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
            step = np.bincount(self.code, weights=self.weight * slope, minlength=self.n_kinds) / np.bincount(
                self.code, weights=self.weight * curvature, minlength=self.n_kinds
            )
            # Fisher scoring from far away can overshoot by many units; one unit of a log hazard at a time is safe.
            self.start = self.start + np.clip(step, -1.0, 1.0)
            if np.max(np.abs(step)) < 1e-13:
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

    def derivatives(self) -> _Derivatives:
        score = np.zeros(self.p)
        information = np.zeros((self.p, self.p))
        for rows, block in self._blocks():
            slope, curvature = _derivatives_by_predictor(self.event[rows], self.hazard[rows])
            score += (self.weight[rows] * slope) @ block
            information += (block * (self.weight[rows] * curvature)[:, None]).T @ block
        return _Derivatives(score=score, information=0.5 * (information + information.T))

    def meat(self, cluster: I8) -> F8:
        """Sum over clusters of outer products of summed scores (p, p)."""
        summed = np.zeros((int(cluster.max()) + 1, self.p))
        for rows, block in self._blocks():
            slope, _ = _derivatives_by_predictor(self.event[rows], self.hazard[rows])
            np.add.at(summed, cluster[rows], block * (self.weight[rows] * slope)[:, None])
        return summed.T @ summed


def _derivatives_by_predictor(event: F8, hazard: F8) -> tuple[F8, F8]:
    """Derivative of a row's log likelihood by its linear predictor, and its expected information."""
    # H / (exp(H) - 1) tends to 1 as H tends to 0, which expm1 keeps to rounding, and to 0 where exp(H) overflows: a
    # step that overshoots may pass both.
    bounded = np.clip(hazard, np.finfo(np.float64).tiny, 700.0)
    ratio = np.where(hazard > 700.0, 0.0, bounded / np.expm1(bounded))
    return np.where(event > 0.0, ratio, -hazard), bounded * ratio


def _raise_on_faults(
    y: npt.NDArray[np.generic],
    index: I8,
    matrix: npt.NDArray[np.floating],
    labels: tuple[str, ...],
    interval: npt.ArrayLike,
    length: npt.ArrayLike | None,
    weights: npt.ArrayLike | None,
    cluster: npt.ArrayLike | None,
) -> None:
    m = y.shape[0]
    given = {"interval": interval, "length": length, "weights": weights, "cluster": cluster, "person": index}
    shapes = {k: np.shape(v) for k, v in given.items() if v is not None}
    faults = [f"{k} has shape {shape}, expected ({m},)" for k, shape in shapes.items() if shape != (m,)]
    if index.size and (index.min() < 0 or index.max() >= matrix.shape[0]):
        faults.append(f"person numbers must lie in 0 to {matrix.shape[0] - 1}")
    if not bool(np.all((y == 0) | (y == 1))):
        faults.append("event must be 0 or 1")
    if len(labels) != matrix.shape[1]:
        faults.append(f"{len(labels)} names for {matrix.shape[1]} covariates")
    for name, values in (("length", length), ("weights", weights)):
        if values is not None and not bool(np.all(np.asarray(values) > 0)):
            faults.append(f"{name} must be positive; {int(np.sum(~(np.asarray(values) > 0)))} are not")
    if faults:
        raise EstimatorInputError("; ".join(faults))
