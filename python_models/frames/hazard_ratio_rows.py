"""Hazard ratios of every analysis the seeds ask for, as rows of results.hazard_ratios."""

import math
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from dbt.adapters.events.logging import AdapterLogger
from scipy import special

from python_models.estimators.survival.cox import fit_cox
from python_models.frames.build import cohort_of_build
from python_models.frames.columns import Categories, Columns, complete_rows, read_columns, take
from python_models.frames.designs import Design, build_design
from python_models.frames.lifelines_cox import fit_lifelines
from python_models.frames.scalings import ScaledExposure, scale_exposure
from python_models.frames.study import CoxAnalysis, read_cox_analyses

F8 = npt.NDArray[np.float64]
DAYS_PER_YEAR = 365.25
NORMAL_975 = float(special.ndtri(0.975))
logger = AdapterLogger("Study")

# Row positions in participants, days and events of those at risk, (n,) each.
FollowUp = tuple[npt.NDArray[np.intp], F8, npt.NDArray[np.bool_]]

SCHEMA = pa.schema(
    [
        ("study", pa.string()),
        ("arm", pa.string()),
        ("exposure", pa.string()),
        ("scaling", pa.string()),
        ("level", pa.string()),
        ("outcome", pa.string()),
        ("outcome_definition", pa.string()),
        ("adjustment_set", pa.string()),
        ("subgroup", pa.string()),
        ("is_primary", pa.bool_()),
        ("estimator", pa.string()),
        ("n_participants", pa.int64()),
        ("n_events", pa.int64()),
        ("person_years", pa.float64()),
        ("log_hazard_ratio", pa.float64()),
        ("standard_error", pa.float64()),
        ("hazard_ratio", pa.float64()),
        ("hazard_ratio_lower", pa.float64()),
        ("hazard_ratio_upper", pa.float64()),
        ("p_value", pa.float64()),
        ("second_log_hazard_ratio", pa.float64()),
        ("second_standard_error", pa.float64()),
        ("note", pa.string()),
        ("refusal", pa.string()),
    ]
)


class _Data:
    """Participants and follow-ups of the build, read once."""

    def __init__(self, session: duckdb.DuckDBPyConnection, analyses: list[CoxAnalysis]) -> None:
        wanted = {"sex"}
        for analysis in analyses:
            wanted |= {analysis.column_name, *analysis.covariates}
        relation = session.sql("select * from marts.participants order by participant_id")
        self.columns: Columns = read_columns(relation, sorted(wanted))
        self.definitions = {analysis.outcome_definition for analysis in analyses}
        self.follow_ups = {name: self._follow_up(session, name) for name in sorted(self.definitions)}

    @staticmethod
    def _follow_up(
        session: duckdb.DuckDBPyConnection, definition: str
    ) -> tuple[npt.NDArray[np.intp], F8, npt.NDArray[np.bool_]]:
        table = session.execute(
            """
            with numbered as (
                select participant_id, row_number() over (order by participant_id) - 1 as position
                from marts.participants
            )
            select numbered.position, follow_ups.follow_up_days, follow_ups.is_event
            from marts.follow_ups as follow_ups
            inner join numbered on follow_ups.participant_id = numbered.participant_id
            where follow_ups.outcome_definition = $definition
            order by numbered.position
            """,
            {"definition": definition},
        ).fetchnumpy()
        return (
            np.asarray(table["position"], dtype=np.intp),
            np.asarray(table["follow_up_days"], dtype=np.float64),
            np.asarray(table["is_event"], dtype=bool),
        )


def _scaled(analysis: CoxAnalysis, columns: Columns, rows: npt.NDArray[np.intp]) -> ScaledExposure:
    exposure, sex = columns[analysis.column_name], columns["sex"]
    assert not isinstance(exposure, Categories)
    assert isinstance(sex, Categories)
    return scale_exposure(
        values=exposure[rows],
        sex=sex.codes[rows],
        sex_levels=sex.levels,
        scaling=analysis.scaling,
        detail=analysis.detail,
        unit=analysis.unit,
    )


def _row(analysis: CoxAnalysis, level: str, **estimate: Any) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(SCHEMA.names)
    row |= {
        "study": analysis.study,
        "arm": analysis.arm,
        "exposure": analysis.exposure,
        "scaling": analysis.scaling,
        "level": level,
        "outcome": analysis.outcome,
        "outcome_definition": analysis.outcome_definition,
        "adjustment_set": analysis.adjustment_set,
        "subgroup": "everyone",
        "is_primary": analysis.is_primary,
        **estimate,
    }
    beta, error = row["log_hazard_ratio"], row["standard_error"]
    if beta is not None:
        row["hazard_ratio"] = math.exp(beta)
        row["hazard_ratio_lower"] = math.exp(beta - NORMAL_975 * error)
        row["hazard_ratio_upper"] = math.exp(beta + NORMAL_975 * error)
        row["p_value"] = float(2.0 * special.ndtr(-abs(beta / error)))
    return row


def _rows_of(analysis: CoxAnalysis, data: _Data) -> list[dict[str, Any]]:
    positions, days, event = data.follow_ups[analysis.outcome_definition]
    measured = complete_rows([take(data.columns[analysis.column_name], positions)])
    at_risk = positions[measured]
    if at_risk.size == 0:
        nobody = {"n_participants": 0, "n_events": 0, "person_years": 0.0}
        return [_row(analysis, "", **nobody, refusal="the exposure is measured in nobody at risk")]
    # Scaled among all at risk with the exposure, so that one unit means the same in every adjustment set.
    scaled = _scaled(analysis, data.columns, at_risk)
    complete = complete_rows([take(data.columns[name], at_risk) for name in ("sex", *analysis.covariates)])
    rows = at_risk[complete]
    kept = np.flatnonzero(measured)[complete]
    days, event = days[kept], event[kept]
    design: Design = build_design(columns=data.columns, covariates=analysis.covariates, rows=rows, event=event)
    matrix = np.ascontiguousarray(np.column_stack([scaled.values[complete], design.values]))
    common = {
        "n_participants": len(rows),
        "n_events": int(event.sum()),
        "person_years": float(days.sum() / DAYS_PER_YEAR),
        "note": "; ".join(part for part in (scaled.note, *design.notes) if part),
    }
    house = fit_cox(exit=days, event=event, covariates=matrix, names=[*scaled.levels, *design.names])
    if house.refusal is not None:
        return [_row(analysis, level, **common, estimator="house", refusal=house.refusal) for level in scaled.levels]
    estimates = [
        {"log_hazard_ratio": float(house.beta[j]), "standard_error": float(house.standard_error[j])}
        for j in range(len(scaled.levels))
    ]
    if not analysis.is_primary:
        return [
            _row(analysis, level, **common, estimator="house", **estimate)
            for level, estimate in zip(scaled.levels, estimates, strict=True)
        ]
    primary = fit_lifelines(days=days, event=event, covariates=matrix, k=len(scaled.levels))
    if primary.refusal is not None:
        return [
            _row(analysis, level, **common, estimator="lifelines", refusal=primary.refusal) for level in scaled.levels
        ]
    return [
        _row(
            analysis,
            level,
            **common,
            estimator="lifelines",
            log_hazard_ratio=float(primary.beta[j]),
            standard_error=float(primary.standard_error[j]),
            **{f"second_{name}": value for name, value in estimates[j].items()},
        )
        for j, level in enumerate(scaled.levels)
    ]


def hazard_ratio_rows(session: duckdb.DuckDBPyConnection) -> pa.Table:
    """Fit every analysis of the cohort that is being built; one row per level of each scaled exposure."""
    analyses = read_cox_analyses(session, cohort=cohort_of_build())
    data = _Data(session, analyses)
    rows: list[dict[str, Any]] = []
    for i, analysis in enumerate(analyses, start=1):
        rows += _rows_of(analysis, data)
        if i % 25 == 0 or i == len(analyses):
            logger.info(f"hazard ratios: {i} of {len(analyses)} Cox models fitted")
    return pa.Table.from_pylist(rows, schema=SCHEMA)
