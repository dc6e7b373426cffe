"""Proportional hazards from repeat visits: the event is known only to lie between two visits (interval-censored).

Pooled complementary log-log regression: person i, free of the condition at visit s and seen again at visit v, has it
then with probability p_i, log(-log(1 - p_i)) = a_sv + x_i'b + log(length_i). Under proportional hazards b is the log
hazard ratio of the underlying continuous time, whatever the baseline hazard within the interval.

The log likelihood is concave (Burridge 1981, J R Stat Soc B 43:41, for this link), so Newton's method by the observed
information climbs to its one maximum. Fisher scoring, as in R's glm, does not wherever a covariate with long tails
predicts hazards that the data do not show: observed and expected information then differ by a multiple, and the steps
overshoot for ever. The reported errors are by the expected information at the maximum, as in R.

References: Prentice & Gloeckler 1978, Biometrics 34:57; Allison 1982, Sociol Methodol 13:61; McCullagh & Nelder 1989,
section 4.3 (information of the complementary log-log link).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import linalg, special

from python_models.estimators.survival.cox_input import (
    EstimatorInputError,
    as_matrix,
    collinear_columns,
    column_moments,
)
from python_models.estimators.survival.cox_setup import inverse_information
from python_models.estimators.survival.grouped_likelihood import GroupedLikelihood
from python_models.estimators.survival.newton import NoMaximum, maximise

F8 = npt.NDArray[np.float64]
I8 = npt.NDArray[np.int64]

# Share of the null information added to the matrix of Newton's steps, not to the likelihood: where the data lose all
# information the step stays one uphill, elsewhere it is the same to ten digits.
RIDGE = 1e-10
# A direction that keeps less than this share of information has lost it: one case missing from ten million would keep a
# thousandth, a level of cases only keeps 1e-12 where Newton stops.
LOST_INFORMATION = 1e-9


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

    likelihood = GroupedLikelihood(
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
    likelihood.ridge = RIDGE * np.diag(null.information)
    maximum = maximise(likelihood=likelihood, loglik=loglik_null, derivatives=null)
    if isinstance(maximum, NoMaximum):
        at_fault = tuple(labels[j - n_kinds] for j in maximum.columns if j >= n_kinds)
        reason = f"monotone likelihood, no finite estimate: {', '.join(at_fault)}"
        if not at_fault:
            reason = f"no maximum found in {maximum.iterations} steps"
        return refuse(reason, at_fault, maximum.iterations)
    information = likelihood.expected_information()
    endless = _without_information(information, null.information)
    if endless:
        at_fault = tuple(labels[j - n_kinds] for j in endless if j >= n_kinds)
        return refuse(f"monotone likelihood, no finite estimate: {', '.join(at_fault)}", at_fault, maximum.iterations)
    covariance = inverse_information(information)
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


def _without_information(information: F8, null: F8) -> tuple[int, ...]:
    """Columns of which the data say nothing any more at the end of the climb: their maximum is at infinity.

    A level of which everyone is a case gains less and less as its hazard grows, like exp(-H), until nothing is left to
    gain and Newton stops. information, null (p, p): at the end, and at the intercepts alone.
    """
    values, vectors = linalg.eigh(information, null)
    lost = vectors[:, values < LOST_INFORMATION * values[-1]] * np.sqrt(np.diag(null))[:, None]
    share = (lost / np.linalg.norm(lost, axis=0)) ** 2
    return tuple(int(j) for j in np.flatnonzero(share.sum(axis=1) > 0.1))


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
