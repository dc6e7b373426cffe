"""Survival of the primary outcome by group of each exposure, as rows of results.survival_probabilities."""

import math
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from python_models.estimators.survival.kaplan_meier import kaplan_meier
from python_models.frames.build import cohort_of_build
from python_models.frames.columns import Categories, complete_rows, take
from python_models.frames.estimates import without_small_counts
from python_models.frames.follow_ups import DAYS_PER_YEAR, StudyData
from python_models.frames.study import CoxAnalysis, read_cox_analyses
from python_models.frames.survival.exposure_groups import exposure_groups
from warehouse.small_counts import FEWER, is_small

F8 = npt.NDArray[np.float64]
HORIZONS_YEARS = (1, 2, 5, 10, 12)
# Below this many at risk a step of the curve says more about its last people than about the group.
FEWEST_AT_RISK = 10

SCHEMA = pa.schema(
    [
        ("study", pa.string()),
        ("arm", pa.string()),
        ("exposure", pa.string()),
        ("level", pa.string()),
        ("outcome", pa.string()),
        ("outcome_definition", pa.string()),
        ("horizon_years", pa.float64()),
        ("n_participants", pa.int64()),
        ("n_events", pa.int64()),
        ("n_at_risk", pa.int64()),
        ("survival", pa.float64()),
        ("standard_error", pa.float64()),
        ("survival_lower", pa.float64()),
        ("survival_upper", pa.float64()),
        ("refusal", pa.string()),
    ]
)


def _rows_of(analysis: CoxAnalysis, data: StudyData) -> list[dict[str, Any]]:
    positions, days, event = data.follow_ups[analysis.outcome_definition]
    exposure, sex = take(data.columns[analysis.column_name], positions), take(data.columns["sex"], positions)
    measured = complete_rows([exposure])
    assert not isinstance(exposure, Categories)
    assert isinstance(sex, Categories)
    days, event = days[measured], event[measured]
    rows = []
    for level, members in exposure_groups(exposure[measured], sex.codes[measured]):
        curve = kaplan_meier(exit=days[members], event=event[members])
        for years in HORIZONS_YEARS:
            # A horizon is a whole day: 10 years end with day 3,653.
            horizon = math.ceil(years * DAYS_PER_YEAR)
            at_risk = int((days[members] >= horizon).sum())
            row: dict[str, Any] = {
                "study": analysis.study,
                "arm": analysis.arm,
                "exposure": analysis.exposure,
                "level": level,
                "outcome": analysis.outcome,
                "outcome_definition": analysis.outcome_definition,
                "horizon_years": float(years),
                "n_participants": int(members.sum()),
                "n_events": int((event[members] & (days[members] <= horizon)).sum()),
                "n_at_risk": at_risk,
                "refusal": curve.refusal,
            }
            if curve.refusal is None and at_risk < FEWEST_AT_RISK:
                row["refusal"] = f"fewer than {FEWEST_AT_RISK} at risk at the horizon"
            if row["refusal"] is None and is_small(row["n_events"]):
                row["refusal"] = f"{FEWER} events by this horizon"
            if row["refusal"] is None:
                survival, error = (float(value[0]) for value in curve.at([horizon]))
                lower, upper = curve.interval()
                step = int(np.searchsorted(curve.time, horizon, side="right")) - 1
                row |= {"survival": survival, "standard_error": error}
                row["survival_lower"] = float(lower[step]) if step >= 0 else 1.0
                row["survival_upper"] = float(upper[step]) if step >= 0 else 1.0
            rows.append(row)
    return rows


def survival_probability_rows(session: duckdb.DuckDBPyConnection) -> pa.Table:
    """Kaplan-Meier survival for each primary exposure and outcome definition, unadjusted."""
    analyses = [
        analysis
        for analysis in read_cox_analyses(session, cohort=cohort_of_build())
        if analysis.is_primary and not analysis.covariates
    ]
    data = StudyData(session, analyses)
    rows = [row for analysis in analyses for row in _rows_of(analysis, data)]
    return without_small_counts(pa.Table.from_pylist(rows, schema=SCHEMA))
