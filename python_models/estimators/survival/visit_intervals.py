"""From repeat visits to the intervals in which a condition appeared: the rows of `grouped_hazards`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from python_models.estimators.survival.cox_input import EstimatorInputError

I8 = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class VisitIntervals:
    """Intervals between consecutive informative visits, up to the first visit with the condition; all (m,).

    person: row of the visit table. start_visit, stop_visit: visit numbers. length: days between them.
    event: the condition is there at stop_visit.
    """

    person: I8
    start_visit: I8
    stop_visit: I8
    length: I8
    event: npt.NDArray[np.bool_]


def visit_intervals(*, visit_day: npt.ArrayLike, status: npt.ArrayLike) -> VisitIntervals:
    """Person-intervals from visits (n, K): visit_day since time zero; status 1, 0, or -1 where unknown.

    A visit with unknown status is passed over: the interval then spans it. People with the condition at their first
    informative visit, or seen only once, give no interval.

    Raises
    ------
    EstimatorInputError: shapes differ, status not -1, 0, 1, or days of informative visits not increasing.
    """
    day = np.asarray(visit_day)
    state = np.asarray(status)
    if day.ndim != 2 or day.shape != state.shape or not bool(np.all(np.isin(state, (-1, 0, 1)))):
        raise EstimatorInputError("visit_day and status must both be (n, K), status one of -1, 0, 1")
    n, n_visits = day.shape
    at = np.full(n, -1, dtype=np.int64)
    free = np.zeros(n, dtype=bool)
    pieces: list[tuple[I8, I8, I8, I8, npt.NDArray[np.bool_]]] = []
    for visit in range(n_visits):
        known = state[:, visit] >= 0
        rows = np.flatnonzero(known & free)
        length = (day[rows, visit] - day[rows, at[rows]]).astype(np.int64)
        if np.any(length <= 0):
            count = int(np.sum(length <= 0))
            raise EstimatorInputError(f"{count} people have visit {visit} on or before an earlier visit")
        has_it = state[rows, visit] == 1
        pieces.append((rows, at[rows].copy(), np.full(rows.shape[0], visit), length, has_it))
        first = known & (at < 0)
        free = np.where(first, state[:, visit] == 0, free)
        free[rows[has_it]] = False
        at[known] = visit
    person, start, stop, length, event = (np.concatenate(column) for column in zip(*pieces, strict=True))
    return VisitIntervals(person=person, start_visit=start, stop_visit=stop, length=length, event=event.astype(bool))
