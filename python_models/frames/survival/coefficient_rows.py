"""Every coefficient of the primary models, covariates included, as rows of results.hazard_ratio_coefficients."""

from typing import Any

import duckdb
import pyarrow as pa
from threadpoolctl import threadpool_limits

from python_models.frames.build import cohort_of_build
from python_models.frames.estimates import table_of
from python_models.frames.follow_ups import StudyData
from python_models.frames.study import read_cox_analyses
from python_models.frames.survival.analysis_columns import ANALYSIS, TEXT, analysis_columns
from python_models.frames.survival.cox_problems import CoxProblems, HouseFits

KEY = (*ANALYSIS, "column_name", "level")
SCHEMA = pa.schema(
    [
        *((name, TEXT) for name in KEY),
        ("is_exposure", pa.bool_()),
        ("log_hazard_ratio", pa.float64()),
        ("standard_error", pa.float64()),
    ]
)


def coefficient_rows(session: duckdb.DuckDBPyConnection) -> pa.Table:
    """One row per column of each primary model that has an estimate, whatever its adjustment.

    A level that is not listed is the reference, or joined it, or is aliased: its coefficient is 0.
    """
    primary = [one for one in read_cox_analyses(session, cohort=cohort_of_build()) if one.is_primary]
    problems, house = CoxProblems(StudyData(session, primary)), HouseFits()
    rows: list[dict[str, Any]] = []
    with threadpool_limits(limits=1):
        for analysis in primary:
            problem = problems.build(analysis)
            if isinstance(problem, str) or problem.refusal is not None:
                continue
            fit = house.fit(problem)
            if fit.refusal is not None:
                continue
            for j, name in enumerate(problem.names):
                is_exposure = j < problem.k
                step = problem.scaled.step if is_exposure else 1.0
                column, _, level = (analysis.column_name, "", name) if is_exposure else name.partition(": ")
                rows.append(
                    analysis_columns(analysis)
                    | {
                        "column_name": column,
                        "level": level,
                        "is_exposure": is_exposure,
                        "log_hazard_ratio": float(fit.beta[j]) * step,
                        "standard_error": float(fit.standard_error[j]) * step,
                    }
                )
    return table_of(rows, SCHEMA, sort_by=KEY)
