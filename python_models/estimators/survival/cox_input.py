"""What is asked of the arrays before a Cox model is fitted: faults of the caller, and refusals by name and count."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from python_models.estimators.survival import cox_kernels

F8 = npt.NDArray[np.float64]
Ties = Literal["efron", "breslow"]

# A covariate whose information given the ones before it is below this share of its own is collinear.
# Spline bases, the most collinear columns one means to fit, come down to 1e-7.
COLLINEAR_TOLERANCE = 1e-10


class EstimatorInputError(ValueError):
    """Arguments that do not describe a data set: every fault found, in one message."""


def collinear_columns(information: F8, n_events: int) -> list[int]:
    """Columns with no information left after the ones before them (Cholesky in the given order); information (p, p)."""
    p = information.shape[0]
    residual = information.copy()
    without: list[int] = []
    for j in range(p):
        own = information[j, j]
        if own <= COLLINEAR_TOLERANCE * n_events or residual[j, j] <= COLLINEAR_TOLERANCE * own:
            without.append(j)
            continue
        rest = slice(j + 1, p)
        residual[rest, rest] -= np.outer(residual[rest, j], residual[j, rest]) / residual[j, j]
    return without


def as_matrix(covariates: npt.ArrayLike) -> npt.NDArray[np.floating]:
    matrix = np.asarray(covariates)
    if matrix.ndim == 1:
        matrix = matrix[:, None]
    if matrix.ndim != 2:
        raise EstimatorInputError(f"covariates must be (n, p); got {matrix.ndim} dimensions")
    return matrix if np.issubdtype(matrix.dtype, np.floating) else matrix.astype(np.float64)


def checked_arrays(
    *,
    exit: npt.ArrayLike,
    event: npt.ArrayLike,
    n: int,
    p: int,
    entry: npt.ArrayLike | None,
    strata: npt.ArrayLike | None,
    weights: npt.ArrayLike | None,
    cluster: npt.ArrayLike | None,
    offset: npt.ArrayLike | None,
    ties: str,
    labels: tuple[str, ...],
) -> tuple[npt.NDArray[np.number], npt.NDArray[np.number] | None, npt.NDArray[np.bool_], F8 | None, F8 | None]:
    """Arguments as arrays; every shape or coding fault in one error."""
    faults: list[str] = []
    given = {
        "exit": exit,
        "event": event,
        "entry": entry,
        "strata": strata,
        "weights": weights,
        "cluster": cluster,
        "offset": offset,
    }
    arrays = {name: np.asarray(value) for name, value in given.items() if value is not None}
    faults += [f"{name} has shape {a.shape}, expected ({n},)" for name, a in arrays.items() if a.shape != (n,)]
    if ties not in get_args(Ties):
        faults.append(f"ties must be one of {', '.join(get_args(Ties))}; got {ties!r}")
    if len(labels) != p:
        faults.append(f"{len(labels)} names for {p} covariates")
    events = arrays["event"]
    if not bool(np.all((events == 0) | (events == 1))):
        faults.append("event must be 0 or 1")
    weight = arrays["weights"].astype(np.float64) if "weights" in arrays else None
    if weight is not None and not bool(np.all(weight > 0)):
        faults.append(f"weights must be positive; {int(np.sum(~(weight > 0)))} are not")
    if faults:
        raise EstimatorInputError("; ".join(faults))
    shift = arrays["offset"].astype(np.float64) if "offset" in arrays else None
    return arrays["exit"], arrays.get("entry"), events.astype(bool), weight, shift


def column_moments(matrix: npt.NDArray[np.floating], labels: tuple[str, ...]) -> tuple[F8, F8, list[tuple[str, int]]]:
    """Mean and standard deviation per column (0 where constant); columns with non-finite values, and how many."""
    n, p = matrix.shape
    centre = matrix[0].astype(np.float64) if n else np.zeros(p)
    total, square, missing = np.zeros(p), np.zeros(p), np.zeros(p, dtype=np.int64)
    varies = np.zeros(p, dtype=np.bool_)
    cox_kernels.add_column_sums(np.ascontiguousarray(matrix), centre, total, square, missing, varies)
    faults = [(labels[j], int(missing[j])) for j in np.flatnonzero(missing)]
    if faults:
        return centre, np.zeros(p), faults
    mean = total / max(n, 1)
    spread = np.sqrt(np.maximum(square / max(n, 1) - mean**2, 0.0))
    return centre + mean, np.where(varies, np.where(spread > 0.0, spread, 1.0), 0.0), faults


def refuse_times(
    exit_time: npt.NDArray[np.number],
    entry_time: npt.NDArray[np.number] | None,
    is_event: npt.NDArray[np.bool_],
    weight: F8 | None,
    shift: F8 | None,
) -> str | None:
    """Why the times cannot be used, with counts, or None."""
    columns = {"exit": exit_time, "entry": entry_time, "weights": weight, "offset": shift}
    unusable = {name: int(np.sum(~np.isfinite(a))) for name, a in columns.items() if a is not None}
    if any(unusable.values()):
        return "missing or infinite values: " + "; ".join(f"{k} in {name}" for name, k in unusable.items() if k)
    beginning = 0 if entry_time is None else entry_time
    length = np.sign(exit_time.astype(np.float64) - beginning)
    if np.all(length > 0):
        return None
    zero, negative, early = int(np.sum(length == 0)), int(np.sum(length < 0)), int(np.sum((length <= 0) & is_event))
    return (
        f"follow-up is zero in {zero} rows and negative in {negative}; "
        f"{early} of these have the event at or before entry"
    )
