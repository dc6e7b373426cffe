"""Hazard ratio along each continuous exposure, against its median, as rows of results.dose_responses."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from threadpoolctl import threadpool_limits

from python_models.estimators.survival.splines import SplineFit, fit_cox_spline, harrell_knots
from python_models.frames.build import cohort_of_build
from python_models.frames.columns import take
from python_models.frames.estimates import COUNTS, hazard_ratio_columns, table_of
from python_models.frames.follow_ups import StudyData
from python_models.frames.study import CoxAnalysis, read_cox_analyses
from python_models.frames.survival.analysis_columns import TEXT, count_columns
from python_models.frames.survival.cox_problems import CoxProblem, CoxProblems
from python_models.frames.survival.subgroups import read_subgroups

F8 = npt.NDArray[np.float64]
# Percentiles between which the curve is told: outside, it is the straight tail of few people.
FROM_PERCENTILE, TO_PERCENTILE = 1.0, 99.0
N_POINTS = 41
# Exposures are told within each sex as well: over both, a curve of kilograms also tells men from women.
WITHIN = "sex"
# Four knots (5, 35, 65, 95 %); three where heaped values let those coincide.
KNOTS = (4, 3)
KEY = ("study", "arm", "exposure", "outcome", "outcome_definition", "adjustment_set", "subgroup", "exposure_value")
SCHEMA = pa.schema(
    [
        *((name, TEXT) for name in KEY[:-1]),
        ("unit", TEXT),
        ("exposure_value", pa.float64()),
        ("reference_value", pa.float64()),
        ("share_below", pa.float64()),
        *COUNTS,
        ("log_hazard_ratio", pa.float64()),
        ("standard_error", pa.float64()),
        ("hazard_ratio", pa.float64()),
        ("hazard_ratio_lower", pa.float64()),
        ("hazard_ratio_upper", pa.float64()),
        ("knots", TEXT),
        ("p_overall", pa.float64()),
        ("p_nonlinear", pa.float64()),
        ("p_nonlinear_likelihood_ratio", pa.float64()),
        ("refusal", TEXT),
    ]
)


def _cells(problem: CoxProblem, subgroup: str, **cells: Any) -> dict[str, Any]:
    analysis = problem.analysis
    return {
        "study": analysis.study,
        "arm": analysis.arm,
        "exposure": analysis.exposure,
        "outcome": analysis.outcome,
        "outcome_definition": analysis.outcome_definition,
        "adjustment_set": analysis.adjustment_set,
        "subgroup": subgroup,
        "unit": analysis.unit or None,
        **count_columns(problem),
        **cells,
    }


def _points(values: F8) -> F8:
    """Where the curve is told: the distinct values where they are few, else equal steps, and the median always."""
    low, high = np.percentile(values, [FROM_PERCENTILE, TO_PERCENTILE])
    distinct = np.unique(values[(values >= low) & (values <= high)])
    steps = distinct if len(distinct) <= N_POINTS else np.linspace(low, high, N_POINTS)
    return np.unique(np.append(steps, np.median(values)))


def _spline(problem: CoxProblem, values: F8) -> SplineFit:
    k = problem.k
    n_knots = next((n for n in KNOTS if len(harrell_knots(values, n)) == n), KNOTS[0])
    return fit_cox_spline(
        exit=problem.days,
        event=problem.event,
        exposure=values,
        covariates=problem.matrix[:, k:],
        names=problem.names[k:],
        n_knots=n_knots,
    )


def _rows_of(problem: CoxProblem, values: F8, subgroup: str = "everyone") -> Iterator[dict[str, Any]]:
    """One row per point; one row with the reason where there is no curve. values (n,): the exposure as measured."""
    refusal = problem.refusal
    found = _spline(problem, values) if refusal is None else None
    refusal = refusal or (found.refusal if found else None)
    if refusal is not None or found is None:
        yield _cells(problem, subgroup, refusal=refusal)
        return
    points, reference = _points(values), float(np.median(values))
    log_hazard_ratio, error, _, _ = found.curve(points, reference)
    ordered = np.sort(values)
    for j, point in enumerate(points):
        beta, standard_error = float(log_hazard_ratio[j]), float(error[j])
        row = _cells(
            problem,
            subgroup,
            exposure_value=float(point),
            reference_value=reference,
            share_below=float(np.searchsorted(ordered, point, side="right") / len(ordered)),
            knots=", ".join(f"{knot:.4g}" for knot in found.knots),
            p_overall=found.p_overall,
            p_nonlinear=found.p_nonlinear,
            p_nonlinear_likelihood_ratio=found.p_nonlinear_likelihood_ratio,
        )
        if standard_error > 0:
            row |= {n: v for n, v in hazard_ratio_columns(beta, standard_error).items() if n != "p_value"}
        else:  # the reference itself
            row |= {
                "log_hazard_ratio": 0.0,
                "standard_error": 0.0,
                "hazard_ratio": 1.0,
                "hazard_ratio_lower": 1.0,
                "hazard_ratio_upper": 1.0,
            }
        yield row


def _analyses(session: duckdb.DuckDBPyConnection) -> tuple[list[CoxAnalysis], list[CoxAnalysis]]:
    """The primary models of continuous exposures, and of the lifestyle columns where the model adjusts for them."""
    primary = [one for one in read_cox_analyses(session, cohort=cohort_of_build()) if one.is_primary_model]
    continuous = {
        tuple(row)
        for row in session.execute(
            "select study, arm, exposure from seeds.exposures where value_kind = 'continuous'"
        ).fetchall()
    }
    of_exposures = [one for one in primary if (one.study, one.arm, one.exposure) in continuous]
    doses = session.execute(
        "select study, factor, column_name, coalesce(unit, ''), category_column from seeds.lifestyle_doses order by all"
    ).fetchall()
    first_of_arm = {(one.study, one.arm): one for one in reversed(primary)}
    of_doses: list[CoxAnalysis] = []
    for one in first_of_arm.values():
        of_doses += [
            replace(
                one,
                exposure=exposure,
                column_name=column,
                unit=unit,
                scaling="per_units",
                detail=1.0,
                covariates=tuple(name for name in one.covariates if name != category),
            )
            for study, exposure, column, unit, category in doses
            if study == one.study and category in one.covariates
        ]
    return of_exposures, of_doses


def dose_response_rows(session: duckdb.DuckDBPyConnection) -> pa.Table:
    """Restricted cubic splines of every continuous primary exposure and lifestyle dose, in the arm's primary model."""
    of_exposures, of_doses = _analyses(session)
    groups = [one for one in read_subgroups(session, cohort=cohort_of_build()) if one.grouping == WITHIN]
    data = StudyData(session, [*of_exposures, *of_doses], more_columns=[one.column_name for one in groups])
    problems = CoxProblems(data)
    rows: list[dict[str, Any]] = []
    with threadpool_limits(limits=1):
        for k, analysis in enumerate([*of_exposures, *of_doses]):
            problem = problems.build(analysis)
            if not isinstance(problem, CoxProblem):
                continue
            values = take(data.columns[analysis.column_name], problem.rows)
            assert isinstance(values, np.ndarray)
            rows += _rows_of(problem, values)
            for group in groups if k < len(of_exposures) else []:
                if group.study == analysis.study:
                    member = group.members(data.columns, problem.rows)
                    rows += _rows_of(problem.keep(member), values[member], f"{group.grouping}: {group.subgroup}")
    return table_of(rows, SCHEMA, sort_by=KEY)
