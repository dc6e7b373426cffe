"""From the arguments of a Cox-type model to its partial likelihood, or to the reason why it is not fitted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import linalg

from python_models.estimators.survival.cox_input import (
    COLLINEAR_TOLERANCE,
    Ties,
    as_matrix,
    checked_arrays,
    collinear_columns,
    column_moments,
    refuse_times,
)
from python_models.estimators.survival.partial_likelihood import Carried, Derivatives, PartialLikelihood
from python_models.estimators.survival.risk_sets import RiskSets, build_risk_sets, whole_times

F8 = npt.NDArray[np.float64]
I8 = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class CoxData:
    """Checked arrays of n rows and p covariates.

    exit_time, entry_time (n,): whole numbers that keep order and ties; time_values: the times they stand for, or None.
    stratum (n,) codes into stratum_labels (S,); cluster (n,) codes. centre, scale (p,): mean and standard deviation.
    refusal, refused_names: as in `CoxFit`.
    """

    labels: tuple[str, ...]
    matrix: npt.NDArray[np.floating]
    exit_time: I8
    entry_time: I8 | None
    time_values: F8 | None
    is_event: npt.NDArray[np.bool_]
    weight: F8 | None
    offset: F8 | None
    stratum: I8 | None
    stratum_labels: npt.NDArray[np.generic]
    cluster: I8 | None
    centre: F8
    scale: F8
    n_events: int
    refusal: str | None
    refused_names: tuple[str, ...]

    def risk_sets(self) -> RiskSets:
        """Risk sets at the event times."""
        return build_risk_sets(self.exit_time, self.is_event, self.entry_time, self.stratum)

    def likelihood(self, ties: Ties, carried: Carried | None = None) -> PartialLikelihood:
        """Partial likelihood in standardised covariates."""
        return PartialLikelihood(
            covariates=self.matrix,
            risk_sets=self.risk_sets(),
            centre=self.centre,
            scale=self.scale,
            weights=self.weight,
            offset=self.offset,
            efron=ties == "efron",
            carried=carried,
        )

    def times(self, whole: F8) -> F8:
        """Times as the caller gave them."""
        return whole if self.time_values is None else self.time_values[whole.astype(np.int64)]


def prepare_cox(
    *,
    exit: npt.ArrayLike,
    event: npt.ArrayLike,
    covariates: npt.ArrayLike,
    entry: npt.ArrayLike | None,
    strata: npt.ArrayLike | None,
    weights: npt.ArrayLike | None,
    cluster: npt.ArrayLike | None,
    offset: npt.ArrayLike | None,
    ties: str,
    names: Sequence[str] | None,
    min_events_per_parameter: float,
) -> CoxData:
    """Check, code and centre; arguments as in `fit_cox`. A caller's faults raise; faults of the data are a refusal."""
    matrix = as_matrix(covariates)
    n, p = matrix.shape
    labels = tuple(names) if names is not None else tuple(f"x{j + 1}" for j in range(p))
    exit_time, entry_time, is_event, weight, shift = checked_arrays(
        exit=exit,
        event=event,
        n=n,
        p=p,
        entry=entry,
        strata=strata,
        weights=weights,
        cluster=cluster,
        offset=offset,
        ties=ties,
        labels=labels,
    )
    n_events = int(is_event.sum())
    centre, scale, faults = column_moments(matrix, labels)
    at_fault: list[str] = []
    reason: str | None = None
    if faults:
        at_fault = [name for name, _ in faults]
        reason = "missing or infinite values: " + "; ".join(f"{count} in {name}" for name, count in faults)
    if reason is None:
        reason = refuse_times(exit_time, entry_time, is_event, weight, shift)
    if reason is None and n_events == 0:
        reason = f"no events among {n} rows"
    if reason is None and p > 0 and n_events <= min_events_per_parameter * p:
        reason = f"too few events: {n_events} events for {p} parameters"
    if reason is None and np.any(scale == 0.0):
        at_fault = [labels[j] for j in np.flatnonzero(scale == 0.0)]
        reason = f"constant: {', '.join(at_fault)}"
    nowhere = np.zeros(n, dtype=np.int64)
    whole_exit, whole_entry, values = (
        (nowhere, None, None) if reason is not None else whole_times(exit_time, entry_time)
    )
    stratum_labels, stratum = (np.zeros(1), None) if strata is None else _codes(strata)
    return CoxData(
        labels=labels,
        matrix=matrix,
        exit_time=whole_exit,
        entry_time=whole_entry,
        time_values=values,
        is_event=is_event,
        weight=weight,
        offset=shift,
        stratum=stratum,
        stratum_labels=stratum_labels,
        cluster=None if cluster is None else _codes(cluster)[1],
        centre=centre,
        scale=scale,
        n_events=n_events,
        refusal=reason,
        refused_names=tuple(at_fault),
    )


def _codes(labels: npt.ArrayLike) -> tuple[npt.NDArray[np.generic], I8]:
    """Distinct labels, and each row's code among them."""
    distinct, code = np.unique(np.asarray(labels), return_inverse=True)
    return distinct, code.astype(np.int64)


def refuse_information(derivatives: Derivatives, data: CoxData) -> tuple[str | None, tuple[str, ...]]:
    """Reason and names where the information at the first beta says that a column adds nothing to the others."""
    collinear = collinear_columns(derivatives.information, data.n_events)
    if not collinear:
        return None, ()
    flat = np.diag(derivatives.information) <= COLLINEAR_TOLERANCE * data.n_events
    constant = tuple(data.labels[j] for j in collinear if flat[j])
    others = tuple(data.labels[j] for j in collinear if not flat[j])
    reasons = [f"constant among those at risk at every event: {', '.join(constant)}"] if constant else []
    reasons += [f"collinear with the covariates before it: {', '.join(others)}"] if others else []
    return "; ".join(reasons), constant + others


def inverse_information(information: F8) -> F8:
    """Inverse (p, p) of a positive definite information matrix, symmetric."""
    if information.shape[0] == 0:
        return information
    inverse = linalg.cho_solve(linalg.cho_factor(information), np.eye(information.shape[0]))
    return 0.5 * (inverse + inverse.T)
