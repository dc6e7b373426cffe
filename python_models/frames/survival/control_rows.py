"""Negative and positive controls of the study, as rows of results.negative_controls."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from threadpoolctl import threadpool_limits

from python_models.frames.build import cohort_of_build
from python_models.frames.estimates import COUNTS, ESTIMATE, hazard_ratio_columns, table_of
from python_models.frames.follow_ups import StudyData
from python_models.frames.study import CoxAnalysis, read_cox_analyses
from python_models.frames.survival.analysis_columns import TEXT, count_columns
from python_models.frames.survival.cox_problems import CoxProblems, HouseFits

KEY = ("study", "control", "kind", "arm", "exposure", "level", "outcome_definition")
SCHEMA = pa.schema(
    [
        *((name, TEXT) for name in KEY),
        ("scaling", TEXT),
        ("adjustment_set", TEXT),
        *COUNTS,
        *ESTIMATE,
        ("expected_sign", pa.int64()),
        ("is_as_expected", pa.bool_()),
        ("note", TEXT),
        ("reason", TEXT),
        ("refusal", TEXT),
    ]
)
# A positive control has the expected sign at this level; a negative one is not significant at it.
LEVEL = 0.05


@dataclass(frozen=True, slots=True)
class Control:
    """One row of seeds/control_analyses.csv with the outcome of its definition."""

    study: str
    control: str
    kind: str
    outcome: str
    outcome_definition: str
    column_name: str
    expected_sign: int
    reason: str


def read_controls(session: duckdb.DuckDBPyConnection, *, cohort: str) -> list[Control]:
    """Controls of the studies that run on this cohort."""
    return [
        Control(*row)
        for row in session.execute(
            """
            select
                controls.study, control, controls.kind, definitions.outcome, controls.outcome_definition,
                coalesce(column_name, ''), expected_sign, coalesce(reason, '')
            from seeds.control_analyses as controls
            inner join seeds.outcome_definitions as definitions
                on controls.outcome_definition = definitions.outcome_definition
            inner join seeds.studies as studies on controls.study = studies.study
            inner join seeds.cohorts as cohorts on studies.cohort_kind = cohorts.kind
            where cohorts.cohort = $cohort
            order by all
            """,
            {"cohort": cohort},
        ).fetchall()
    ]


def _analyses(control: Control, primary: list[CoxAnalysis]) -> Iterator[CoxAnalysis]:
    """Negative: every primary model on the control outcome. Positive: the known cause in the arm of its outcome."""
    own = [one for one in primary if one.study == control.study]
    if control.kind == "negative":
        for one in own:
            yield replace(one, outcome=control.outcome, outcome_definition=control.outcome_definition)
        return
    for one in [one for one in own if one.outcome_definition == control.outcome_definition][:1]:
        yield replace(
            one,
            exposure=control.column_name,
            column_name=control.column_name,
            scaling="per_sd",
            unit="its unit",
            detail=float("nan"),
            covariates=tuple(name for name in one.covariates if name != control.column_name),
        )


def _is_as_expected(control: Control, row: dict[str, Any]) -> bool:
    is_significant = row["p_value"] < LEVEL
    if control.kind == "negative":
        return not is_significant
    return bool(is_significant and np.sign(row["log_hazard_ratio"]) == control.expected_sign)


def control_rows(session: duckdb.DuckDBPyConnection) -> pa.Table:
    """Primary models on outcomes they should not move, and known causes on the study's outcomes."""
    cohort = cohort_of_build()
    controls = read_controls(session, cohort=cohort)
    primary = [one for one in read_cox_analyses(session, cohort=cohort) if one.is_primary_model]
    asked = [(control, analysis) for control in controls for analysis in _analyses(control, primary)]
    if not asked:
        return table_of([], SCHEMA, sort_by=KEY)
    data = StudyData(session, [analysis for _, analysis in asked])
    problems, house = CoxProblems(data), HouseFits()
    rows: list[dict[str, Any]] = []
    with threadpool_limits(limits=1):
        for control, analysis in asked:
            base: dict[str, Any] = {
                "study": control.study,
                "control": control.control,
                "kind": control.kind,
                "arm": analysis.arm,
                "exposure": analysis.exposure,
                "scaling": analysis.scaling,
                "level": "",
                "outcome_definition": control.outcome_definition,
                "adjustment_set": analysis.adjustment_set,
                "expected_sign": control.expected_sign,
                "reason": control.reason,
            }
            problem = problems.build(analysis)
            if isinstance(problem, str):
                rows.append(base | {"n_participants": 0, "n_events": 0, "person_years": 0.0, "refusal": problem})
                continue
            refusal = problem.refusal
            fit = None if refusal else house.fit_anew(problem)
            refusal = refusal or (fit.refusal if fit else None)
            for j, level in enumerate(problem.scaled.levels):
                row = base | {
                    "level": level,
                    "note": problem.counts["note"] or None,
                    "refusal": refusal,
                    **count_columns(problem),
                }
                if fit is not None and refusal is None:
                    step = problem.scaled.step
                    row |= hazard_ratio_columns(float(fit.beta[j]) * step, float(fit.standard_error[j]) * step)
                    row["is_as_expected"] = _is_as_expected(control, row)
                rows.append(row)
    return table_of(rows, SCHEMA, sort_by=KEY)
