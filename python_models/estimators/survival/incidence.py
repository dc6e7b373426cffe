"""Incidence rates per 1,000 person-years with exact Poisson limits.

For d events in T person-years the limits of d are chi2(alpha/2; 2d) / 2 and chi2(1 - alpha/2; 2d + 2) / 2.

References: Garwood 1936, Biometrika 28:437; Ulm 1990, Am J Epidemiol 131:373.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from python_models.estimators.survival.cox_input import EstimatorInputError

F8 = npt.NDArray[np.float64]

PER_PERSON_YEARS = 1_000.0
# The year of the study, in days: as ages at baseline are computed.
DAYS_PER_YEAR = 365.25


@dataclass(frozen=True, slots=True)
class IncidenceRates:
    """Rates of k groups with their limits, per 1,000 person-years; all (k,).

    refusals: None, or why a group has no rate (its rate and limits are then 0).
    """

    n_events: F8
    person_years: F8
    rate: F8
    lower: F8
    upper: F8
    refusals: tuple[str | None, ...]


def incidence_rates(*, n_events: npt.ArrayLike, person_years: npt.ArrayLike, level: float = 0.95) -> IncidenceRates:
    """Rates and exact limits of event counts (k,) over person-years (k,).

    Raises
    ------
    EstimatorInputError: negative or fractional counts, negative person-years, or lengths differ.
    """
    d = np.atleast_1d(np.asarray(n_events, dtype=np.float64))
    time = np.atleast_1d(np.asarray(person_years, dtype=np.float64))
    if d.shape != time.shape or np.any(d < 0) or np.any(d != np.rint(d)) or np.any(~(time >= 0)):
        raise EstimatorInputError("n_events must be whole counts and person_years non-negative, of one length")
    alpha = 1.0 - level
    followed = time > 0.0
    per = np.divide(PER_PERSON_YEARS, time, out=np.zeros_like(time), where=followed)
    # chi2(q; 2d) / 2 is the q-quantile of a Gamma(d, 1).
    low = np.where(d > 0, special.gammaincinv(np.maximum(d, 1.0), alpha / 2.0), 0.0)
    high = special.gammaincinv(d + 1.0, 1.0 - alpha / 2.0)
    refusals = tuple(None if ok else "no follow-up time" for ok in followed)
    return IncidenceRates(
        n_events=d, person_years=time, rate=d * per, lower=low * per, upper=high * per, refusals=refusals
    )


def incidence_by_group(
    *,
    exit: npt.ArrayLike,
    event: npt.ArrayLike,
    group: npt.ArrayLike,
    n_groups: int,
    entry: npt.ArrayLike | None = None,
    level: float = 0.95,
) -> IncidenceRates:
    """Rates of groups 0 .. k-1 from rows: exit, entry (n,) in days, event (n,) 0/1, group (n,) codes.

    Raises
    ------
    EstimatorInputError: follow-up of zero or less, codes outside the groups.
    """
    days = np.asarray(exit, dtype=np.float64) - (0.0 if entry is None else np.asarray(entry, dtype=np.float64))
    codes = np.asarray(group, dtype=np.int64)
    faults = []
    if np.any(~(days > 0.0)):
        faults.append(f"follow-up is zero, negative or missing in {int(np.sum(~(days > 0.0)))} rows")
    if np.any((codes < 0) | (codes >= n_groups)):
        faults.append(f"{int(np.sum((codes < 0) | (codes >= n_groups)))} group codes outside 0 to {n_groups - 1}")
    if faults:
        raise EstimatorInputError("; ".join(faults))
    return incidence_rates(
        n_events=np.bincount(codes, weights=np.asarray(event, dtype=np.float64), minlength=n_groups),
        person_years=np.bincount(codes, weights=days, minlength=n_groups) / DAYS_PER_YEAR,
        level=level,
    )
