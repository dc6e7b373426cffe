"""Cumulative incidence of each outcome and of death before it, as rows of results.cumulative_incidences."""

import math
from collections.abc import Iterator
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from python_models.estimators.survival.aalen_johansen import CumulativeIncidence, aalen_johansen
from python_models.frames.build import cohort_of_build
from python_models.frames.columns import Categories, complete_rows, take
from python_models.frames.estimates import NORMAL_975, table_of
from python_models.frames.follow_ups import DAYS_PER_YEAR, StudyData
from python_models.frames.study import CoxAnalysis, read_cox_analyses
from python_models.frames.survival.analysis_columns import TEXT
from python_models.frames.survival.exposure_groups import exposure_groups
from warehouse.small_counts import FEWER, is_small, shown_count

# Whole years: what a curve is drawn from, and the rows of numbers at risk under it.
HORIZONS_YEARS = tuple(range(1, 16))
FEWEST_AT_RISK = 10
CAUSES = {1: "event", 2: "death before the event"}
NOBODY = {1: "no events", 2: "no deaths before the event"}
FEW = {1: "events", 2: "deaths before the event"}
KEY = ("study", "arm", "exposure", "level", "outcome", "outcome_definition", "cause", "horizon_years")
SCHEMA = pa.schema(
    [
        *((name, TEXT) for name in KEY[:-1]),
        ("horizon_years", pa.int64()),
        ("n_participants", pa.int64()),
        ("n_events", pa.int64()),
        ("n_at_risk", pa.int64()),
        ("cumulative_incidence", pa.float64()),
        ("standard_error", pa.float64()),
        ("cumulative_incidence_lower", pa.float64()),
        ("cumulative_incidence_upper", pa.float64()),
        ("reference_level", TEXT),
        ("risk_difference", pa.float64()),
        ("risk_difference_lower", pa.float64()),
        ("risk_difference_upper", pa.float64()),
        ("refusal", TEXT),
    ]
)


def _refusal(curve: CumulativeIncidence, *, code: int, n_events: int, n: int, n_at_risk: int) -> str | None:
    """Why a group has no probability of a cause by a horizon; no event has no error that says what n can rule out."""
    if curve.refusal is not None:
        return curve.refusal
    if n_events == 0:
        return f"{NOBODY[code]} by this horizon among {shown_count(n)}"
    if is_small(n_events):
        return f"{FEWER} {FEW[code]} by this horizon"
    if n_at_risk < FEWEST_AT_RISK:
        return f"fewer than {FEWEST_AT_RISK} at risk at the horizon"
    return None


def _rows_of(analysis: CoxAnalysis, data: StudyData) -> Iterator[dict[str, Any]]:
    """One row per group, cause and year; the highest group is what risks are compared with."""
    positions, days, event = data.follow_ups[analysis.outcome_definition]
    exposure, sex = take(data.columns[analysis.column_name], positions), take(data.columns["sex"], positions)
    measured = complete_rows([exposure])
    assert not isinstance(exposure, Categories)
    assert isinstance(sex, Categories)
    is_death = data.exits[analysis.outcome_definition].is_death[measured]
    days, event = days[measured], event[measured]
    codes = np.where(event, 1, np.where(is_death, 2, 0))
    horizons = np.array([math.floor(years * DAYS_PER_YEAR) for years in HORIZONS_YEARS], dtype=np.float64)
    groups = exposure_groups(exposure[measured], sex.codes[measured])
    curves = [aalen_johansen(exit=days[own], event=codes[own], times=horizons) for _, own in groups]

    def counts(own: npt.NDArray[np.bool_], code: int, horizon: float) -> dict[str, int]:
        return {
            "n": int(own.sum()),
            "n_events": int(((codes[own] == code) & (days[own] <= horizon)).sum()),
            "n_at_risk": int((days[own] >= horizon).sum()),
        }

    reference_level, in_reference = groups[-1] if groups else ("", np.zeros(0, dtype=bool))
    for (level, own), curve in zip(groups, curves, strict=True):
        limits = curve.interval() if curve.refusal is None else None
        for code, cause in CAUSES.items():
            at = np.flatnonzero(curve.causes == code)
            reference = curves[-1]
            at_reference = np.flatnonzero(reference.causes == code)
            for h, years in enumerate(HORIZONS_YEARS):
                found = counts(own, code, horizons[h])
                row: dict[str, Any] = {
                    "study": analysis.study,
                    "arm": analysis.arm,
                    "exposure": analysis.exposure,
                    "level": level,
                    "outcome": analysis.outcome,
                    "outcome_definition": analysis.outcome_definition,
                    "cause": cause,
                    "horizon_years": years,
                    "n_participants": found["n"],
                    "n_events": found["n_events"],
                    "n_at_risk": found["n_at_risk"],
                    "reference_level": reference_level,
                    "refusal": _refusal(curve, code=code, **found),
                }
                if row["refusal"] is None and limits is not None:
                    k = int(at[0])
                    risk, error = float(curve.incidence[k, h]), float(curve.standard_error[k, h])
                    row |= {
                        "cumulative_incidence": risk,
                        "standard_error": error,
                        "cumulative_incidence_lower": float(limits[0][k, h]),
                        "cumulative_incidence_upper": float(limits[1][k, h]),
                    }
                    of_reference = counts(in_reference, code, horizons[h])
                    if level != reference_level and _refusal(reference, code=code, **of_reference) is None:
                        r = int(at_reference[0])
                        difference = risk - float(reference.incidence[r, h])
                        half = NORMAL_975 * math.hypot(error, float(reference.standard_error[r, h]))
                        row |= {
                            "risk_difference": difference,
                            "risk_difference_lower": difference - half,
                            "risk_difference_upper": difference + half,
                        }
                yield row


def cumulative_incidence_rows(session: duckdb.DuckDBPyConnection) -> pa.Table:
    """Aalen-Johansen curves of each primary exposure and outcome definition, unadjusted, at whole years."""
    primary = [one for one in read_cox_analyses(session, cohort=cohort_of_build()) if one.is_primary_model]
    data = StudyData(session, primary)
    return table_of([row for one in primary for row in _rows_of(one, data)], SCHEMA, sort_by=KEY)
