"""Primary hazard ratios under every sensitivity analysis, as rows of results.sensitivity_hazard_ratios."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from dbt.adapters.events.logging import AdapterLogger
from threadpoolctl import threadpool_limits

from python_models.frames.build import cohort_of_build
from python_models.frames.estimates import COUNTS, E_VALUES, ESTIMATE, e_value_columns, note_of_few_events, table_of
from python_models.frames.study import CoxAnalysis, read_cox_analyses
from python_models.frames.survival.analysis_columns import analysis_columns
from python_models.frames.survival.cox_problems import CoxProblem
from python_models.frames.survival.sensitivity_kinds import KINDS, same_people
from python_models.frames.survival.sensitivity_setting import Answer, Setting
from python_models.frames.survival.visit_models import visit_estimates

F8 = npt.NDArray[np.float64]
logger = AdapterLogger("Study")
# Kinds that build another model than the primary one.
OTHER_MODELS = ("outcome_definition", "same_people")

KEY = ("study", "arm", "exposure", "scaling", "level", "outcome", "outcome_definition", "adjustment_set", "analysis")
SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in KEY),
        ("kind", pa.string()),
        ("parameter", pa.string()),
        ("estimator", pa.string()),
        *COUNTS,
        ("events_per_parameter", pa.float64()),
        *ESTIMATE,
        *E_VALUES,
        ("primary_log_hazard_ratio", pa.float64()),
        ("difference_from_primary", pa.float64()),
        ("note", pa.string()),
        ("reason", pa.string()),
        ("refusal", pa.string()),
    ]
)


@dataclass(frozen=True, slots=True)
class SensitivityAnalysis:
    """One row of seeds/sensitivity_analyses.csv."""

    study: str
    analysis: str
    kind: str
    parameter: str
    reason: str


def read_sensitivity_analyses(session: duckdb.DuckDBPyConnection, *, cohort: str) -> list[SensitivityAnalysis]:
    """Sensitivity analyses of the studies that run on this cohort.

    Raises
    ------
    ValueError: kinds that are not known, with the known ones.
    """
    found = session.execute(
        """
        select analyses.study, analysis, analyses.kind, coalesce(parameter, ''), coalesce(reason, '')
        from seeds.sensitivity_analyses as analyses
        inner join seeds.studies as studies on analyses.study = studies.study
        inner join seeds.cohorts as cohorts on studies.cohort_kind = cohorts.kind
        where cohorts.cohort = $cohort
        order by all
        """,
        {"cohort": cohort},
    ).fetchall()
    unknown = sorted({row[2] for row in found} - {*KINDS, *OTHER_MODELS})
    if unknown:
        raise ValueError(f"kind {', '.join(unknown)} is not one of {', '.join((*OTHER_MODELS, *KINDS))}")
    return [SensitivityAnalysis(*row) for row in found]


def _rows(
    problem: CoxProblem, sensitivity: SensitivityAnalysis, answer: Answer, primary: F8 | None
) -> Iterator[dict[str, Any]]:
    """One row per level of the exposure."""
    analysis, step = problem.analysis, problem.scaled.step
    for j, level in enumerate(problem.scaled.levels):
        row: dict[str, Any] = {
            "study": analysis.study,
            "arm": analysis.arm,
            "exposure": analysis.exposure,
            "scaling": analysis.scaling,
            "level": level,
            "outcome": analysis.outcome,
            "outcome_definition": analysis.outcome_definition,
            "adjustment_set": analysis.adjustment_set,
            "analysis": sensitivity.analysis,
            "kind": sensitivity.kind,
            "parameter": sensitivity.parameter or None,
            "estimator": answer.estimator,
            "reason": sensitivity.reason,
            "refusal": answer.refusal,
            **answer.counts,
        }
        if answer.refusal is None:
            row |= answer.columns(j, step)
            row |= e_value_columns(row)
            if primary is not None:
                row["primary_log_hazard_ratio"] = float(primary[j]) * step
                row["difference_from_primary"] = row["log_hazard_ratio"] - row["primary_log_hazard_ratio"]
        yield row | note_of_few_events(row)


def _refused_row(analysis: CoxAnalysis, sensitivity: SensitivityAnalysis, refusal: str) -> dict[str, Any]:
    """The row of an analysis with nobody to analyse: no levels, no counts to give but none."""
    return {
        **analysis_columns(analysis),
        "level": "",
        "analysis": sensitivity.analysis,
        "kind": sensitivity.kind,
        "parameter": sensitivity.parameter or None,
        "reason": sensitivity.reason,
        "n_participants": 0,
        "n_events": 0,
        "person_years": 0.0,
        "refusal": refusal,
    }


def _visit_rows(
    setting: Setting, analysis: CoxAnalysis, sensitivity: SensitivityAnalysis, primary: F8 | None
) -> Iterator[dict[str, Any]]:
    """Rows of an outcome that repeat visits show, beside the dated one.

    With too few events for the arm's adjustment, the fullest set that can be fitted, beside the primary estimate so
    adjusted. primary (k,): log hazard ratios per unit of the scaling.
    """
    columns, intervals = setting.data.columns, setting.intervals.get(analysis.outcome_definition)
    cells = visit_estimates(analysis, columns, intervals)
    if all((cell["refusal"] or "").startswith("too few events") for cell in cells):
        for less in setting.at_visits_less_adjusted(analysis):
            instead = visit_estimates(less, columns, intervals)
            if all(cell["refusal"] is None for cell in instead):
                why = f"adjusted for {less.adjustment_set}: {analysis.adjustment_set} has {cells[0]['refusal']}"
                cells = [cell | {"note": f"{why}; {cell['note']}"} for cell in instead]
                primary = setting.primary_estimate(analysis, less.adjustment_set)
                analysis = less
                break
    for j, found in enumerate(cells):
        row = {
            **analysis_columns(analysis),
            "analysis": sensitivity.analysis,
            "kind": sensitivity.kind,
            "parameter": sensitivity.parameter,
            "estimator": "grouped_hazards",
            "reason": sensitivity.reason,
            **found,
        }
        if row["refusal"] is None:
            row |= e_value_columns(row)
            if primary is not None:
                row["primary_log_hazard_ratio"] = float(primary[j])
                row["difference_from_primary"] = row["log_hazard_ratio"] - row["primary_log_hazard_ratio"]
        yield row | note_of_few_events(row)


def _same_people_rows(
    setting: Setting, analysis: CoxAnalysis, sensitivity: SensitivityAnalysis, primary: F8 | None
) -> Iterator[dict[str, Any]]:
    """Rows of one adjustment set among those complete for another, beside the same set in its own people.

    primary (k,): log hazard ratios of the primary model per unit of the column.
    """
    among = same_people(setting, analysis, sensitivity.parameter)
    if isinstance(among, str):
        yield _refused_row(analysis, sensitivity, among)
        return
    own = among.analysis.adjustment_set
    if own != analysis.adjustment_set:
        per_unit = setting.primary_estimate(analysis, own)
        primary = None if per_unit is None else per_unit / among.scaled.step
    yield from _rows(among, sensitivity, setting.answer(among), primary)


def sensitivity_hazard_ratio_rows(session: duckdb.DuckDBPyConnection) -> pa.Table:
    """Every sensitivity analysis of every primary model; an outcome definition that an arm does not have gives no row.

    The primary model is fitted once and each analysis starts from it.
    """
    cohort = cohort_of_build()
    asked = read_sensitivity_analyses(session, cohort=cohort)
    every = read_cox_analyses(session, cohort=cohort)
    primary = [analysis for analysis in every if analysis.is_primary_model]
    primary = [analysis for analysis in primary if any(one.study == analysis.study for one in asked)]
    if not primary:
        return table_of([], SCHEMA, sort_by=KEY)
    setting = Setting.read(
        session, cohort, every, primary, [one.parameter for one in asked if one.kind == "outcome_definition"]
    )
    problems = setting.problems
    rows: list[dict[str, Any]] = []
    with threadpool_limits(limits=1):
        for i, analysis in enumerate(primary, start=1):
            problem = problems.build(analysis)
            base = setting.fit(problem) if isinstance(problem, CoxProblem) else None
            beta = base.beta if base is not None and base.refusal is None else None
            for one in asked:
                if one.study != analysis.study:
                    continue
                if one.kind == "outcome_definition":
                    other = setting.other_definition(analysis, one.parameter)
                    if other is None:
                        continue
                    if other in setting.at_visits:
                        scale = problem.scaled.step if isinstance(problem, CoxProblem) else 1.0
                        rows += _visit_rows(setting, other, one, None if beta is None else beta * scale)
                        continue
                    built = problems.build(other)
                    if isinstance(built, str):
                        rows.append(_refused_row(other, one, built))
                    else:
                        rows += _rows(built, one, setting.answer(built), beta)
                    continue
                if one.kind == "same_people":
                    rows += _same_people_rows(setting, analysis, one, beta)
                    continue
                if isinstance(problem, str):
                    rows.append(_refused_row(analysis, one, problem))
                    continue
                for answer in KINDS[one.kind](setting, problem, one.parameter):
                    rows += _rows(problem, one, answer, beta)
            logger.info(f"sensitivity analyses: {i} of {len(primary)} primary hazard ratios")
    return table_of(rows, SCHEMA, sort_by=KEY)
