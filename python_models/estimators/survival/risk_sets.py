"""Who is at risk at each distinct event time, without sorting the covariates.

Event times are numbered upwards within a stratum ("groups"). A row is at risk at `entry_group + 1 .. last_group`, so
every risk-set sum is a table filled by one pass over the rows in any order and summed backwards over the groups.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

# Float times closer than this (absolute, or relative to the mean absolute time) are one time: 0.1 + 0.2 is 0.3 here.
# The square root of the double's machine epsilon, R's rule ("timefix", survival vignette "Roundoff error").
FLOAT_TIME_TOLERANCE = float(np.sqrt(np.finfo(np.float64).eps))

# A direct table from (stratum, day) to group is used up to this many cells (512 MB of int64 would be 2**26).
MAX_LOOKUP_CELLS = 2**23


@dataclass(frozen=True, slots=True)
class RiskSets:
    """Group numbers of n rows over D distinct event times in S strata.

    last_group (n,) int64: last group whose time is <= exit, or -1 when there is none.
    entry_group (n,) int64: last group whose time is <= entry, or -1 (at risk from the first group of the stratum).
    event_rows (E,) int64: rows with an event, in ascending order.
    group_stratum (D,) int64, group_time (D,) float64, group_start (S + 1,) int64: the groups of stratum s are
    group_start[s] .. group_start[s + 1] - 1.
    deaths (D,) int64: events per group.
    """

    last_group: npt.NDArray[np.int64]
    entry_group: npt.NDArray[np.int64]
    event_rows: npt.NDArray[np.int64]
    group_stratum: npt.NDArray[np.int64]
    group_time: npt.NDArray[np.float64]
    group_start: npt.NDArray[np.int64]
    deaths: npt.NDArray[np.int64]


def whole_times(
    exit_time: npt.ArrayLike, entry_time: npt.ArrayLike | None
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64] | None, npt.NDArray[np.float64] | None]:
    """Times as integers that keep order and ties; whole days pass unchanged.

    Fractional times (attained age in years) become ranks, once times that differ by rounding have been made equal.
    Returns (exit, entry, values), `values` mapping a rank back to its time, or None where times were whole already.
    """
    exits = np.asarray(exit_time)
    entries = None if entry_time is None else np.asarray(entry_time)
    if np.issubdtype(exits.dtype, np.integer) and (entries is None or np.issubdtype(entries.dtype, np.integer)):
        return exits.astype(np.int64), None if entries is None else entries.astype(np.int64), None
    exits = exits.astype(np.float64, copy=False)
    together = exits if entries is None else np.concatenate([exits, entries.astype(np.float64, copy=False)])
    if np.all(together == np.rint(together)):
        return exits.astype(np.int64), None if entries is None else entries.astype(np.int64), None
    values, rank = np.unique(together, return_inverse=True)
    gap = np.diff(values)
    scale = max(1.0, float(np.mean(np.abs(values))))
    is_new = np.concatenate([[True], gap > FLOAT_TIME_TOLERANCE * scale])
    code = np.cumsum(is_new) - 1
    ranks = code[rank].astype(np.int64)
    n = exits.shape[0]
    return ranks[:n], None if entries is None else ranks[n:], values[is_new]


def build_risk_sets(
    exit_time: npt.NDArray[np.int64],
    is_event: npt.NDArray[np.bool_],
    entry_time: npt.NDArray[np.int64] | None = None,
    stratum: npt.NDArray[np.int64] | None = None,
) -> RiskSets:
    """Number the event times within strata and place every row among them.

    exit_time, entry_time (n,) integers, at risk on (entry, exit]; is_event (n,); stratum (n,) codes 0 .. S-1.
    """
    event_rows = np.flatnonzero(is_event)
    n_strata = 1 if stratum is None else int(stratum.max(initial=0)) + 1
    lowest = int(exit_time.min(initial=0))
    highest = int(exit_time.max(initial=0))
    if entry_time is not None:
        lowest = min(lowest, int(entry_time.min(initial=0)))
        highest = max(highest, int(entry_time.max(initial=0)))
    span = highest - lowest + 1
    shifted_exit = exit_time - lowest
    key = shifted_exit if stratum is None else stratum * span + shifted_exit
    group_key, deaths = np.unique(key[event_rows], return_counts=True)
    group_stratum = group_key // span
    group_start = np.searchsorted(group_stratum, np.arange(n_strata + 1))

    if n_strata * span <= MAX_LOOKUP_CELLS:
        marks = np.zeros(n_strata * span, dtype=np.int64)
        marks[group_key] = 1
        lookup = np.cumsum(marks) - 1
        last_group = lookup[key]
    else:
        lookup = None
        last_group = np.searchsorted(group_key, key, side="right") - 1
    first_of_row = 0 if stratum is None else group_start[stratum]
    last_group = np.where(last_group >= first_of_row, last_group, -1)

    if entry_time is None:
        entry_group = np.full(exit_time.shape[0], -1, dtype=np.int64)
    else:
        entry_key = entry_time - lowest if stratum is None else stratum * span + (entry_time - lowest)
        if lookup is not None:
            entry_group = lookup[entry_key]
        else:
            entry_group = np.searchsorted(group_key, entry_key, side="right") - 1
        entry_group = np.where(entry_group >= first_of_row, entry_group, -1)
    return RiskSets(
        last_group=last_group,
        entry_group=entry_group,
        event_rows=event_rows,
        group_stratum=group_stratum,
        group_time=(group_key % span + lowest).astype(np.float64),
        group_start=group_start.astype(np.int64),
        deaths=deaths.astype(np.int64),
    )
