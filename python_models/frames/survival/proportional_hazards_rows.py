"""Do the primary hazard ratios hold throughout follow-up, as rows of results.proportional_hazards_checks."""

from collections.abc import Iterator
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from threadpoolctl import threadpool_limits

from python_models.estimators.survival.period_hazard_ratios import period_hazard_ratios
from python_models.estimators.survival.proportional_hazards import check_proportional_hazards
from python_models.frames.build import cohort_of_build
from python_models.frames.estimates import COUNTS, ESTIMATE, hazard_ratio_columns, table_of
from python_models.frames.follow_ups import DAYS_PER_YEAR, StudyData
from python_models.frames.study import CoxAnalysis, read_cox_analyses
from python_models.frames.survival.analysis_columns import ANALYSIS, TEXT, analysis_columns, count_columns
from python_models.frames.survival.cox_problems import FEWEST_EVENTS, CoxProblem, CoxProblems

# Periods of follow-up, years.
CUTS_YEARS = (5, 10)
BANDS = ("0 to 5 years", "5 to 10 years", "over 10 years")
KEY = (*ANALYSIS, "quantity", "level", "period")
SCHEMA = pa.schema(
    [
        *((name, TEXT) for name in KEY),
        *COUNTS,
        ("chi_squared", pa.float64()),
        ("degrees_of_freedom", pa.int64()),
        *ESTIMATE,
        ("refusal", TEXT),
    ]
)


def _score_tests(problem: CoxProblem, refusal: str | None) -> Iterator[dict[str, Any]]:
    """R's cox.zph (Kaplan-Meier time): of the exposure's columns together, and of the whole model."""
    rows: list[dict[str, Any]] = [
        {"quantity": "score test of the exposure"},
        {"quantity": "score test of the whole model"},
    ]
    if refusal is None:
        p = problem.matrix.shape[1]
        test = check_proportional_hazards(
            exit=problem.days,
            event=problem.event,
            covariates=problem.matrix,
            names=problem.names,
            terms=[("exposure", range(problem.k)), *[(str(j), [j]) for j in range(problem.k, p)]],
        )
        refusal = test.refusal
        if refusal is None:
            rows[0] |= {
                "chi_squared": float(test.chi_squared[0]),
                "degrees_of_freedom": int(test.degrees_of_freedom[0]),
                "p_value": float(test.p_value[0]),
            }
            rows[1] |= {
                "chi_squared": test.global_chi_squared,
                "degrees_of_freedom": test.global_degrees_of_freedom,
                "p_value": test.global_p_value,
            }
    for row in rows:
        yield {"level": "", "period": "whole follow-up", "refusal": refusal, **count_columns(problem), **row}


def _periods(problem: CoxProblem, refusal: str | None) -> Iterator[dict[str, Any]]:
    """The hazard ratio within each period, and the test that they are one; exposures of one column only."""
    if problem.k > 1:
        return
    cuts = [round(years * DAYS_PER_YEAR) for years in CUTS_YEARS]
    edges = np.array([0.0, *cuts, np.inf])
    events = np.histogram(problem.days[problem.event], bins=np.nextafter(edges, edges + 1))[0]
    # From the first period with too few events on, nothing is said, and the whole model could run to infinity:
    # follow-up is censored where it begins.
    few = np.flatnonzero(events < FEWEST_EVENTS)
    n_usable = int(few[0]) if few.size else len(BANDS)
    if refusal is None and n_usable < 2:
        refusal = f"too few events: {events[min(n_usable, 1)]} of the {FEWEST_EVENTS} asked for in a second period"
    found = None
    if refusal is None:
        end = edges[n_usable]
        found = period_hazard_ratios(
            exit=np.minimum(problem.days, end),
            event=problem.event & (problem.days <= end),
            exposure=problem.matrix[:, 0],
            covariates=problem.matrix[:, 1:],
            cuts=cuts[: n_usable - 1],
        )
        refusal = found.refusal
    for b, band in enumerate(BANDS):
        inside = np.clip(np.minimum(problem.days, edges[b + 1]) - edges[b], 0.0, None)
        row: dict[str, Any] = {
            "quantity": "hazard ratio within the period",
            "level": problem.scaled.levels[0],
            "period": band,
            "n_participants": int((inside > 0).sum()),
            "n_events": int(events[b]),
            "person_years": float(inside.sum() / DAYS_PER_YEAR),
            "refusal": refusal,
        }
        if refusal is None and b >= n_usable:
            row["refusal"] = (
                f"too few events: {events[few[0]]} of the {FEWEST_EVENTS} asked for, in this period or before"
            )
        elif refusal is None and found is not None:
            step = problem.scaled.step
            row |= hazard_ratio_columns(float(found.beta[b]) * step, float(found.standard_error[b]) * step)
        yield row
    row = {
        "quantity": "equality of the periods",
        "level": problem.scaled.levels[0],
        "period": "whole follow-up",
        **count_columns(problem),
        "refusal": refusal,
    }
    if refusal is None and found is not None:
        row |= {
            "chi_squared": found.equality,
            "degrees_of_freedom": n_usable - 1,
            "p_value": found.equality_p_value,
        }
    yield row


def _rows_of(analysis: CoxAnalysis, problems: CoxProblems) -> Iterator[dict[str, Any]]:
    problem = problems.build(analysis)
    if isinstance(problem, str):
        return
    refusal = problem.refusal
    for cells in (*_score_tests(problem, refusal), *_periods(problem, refusal)):
        yield analysis_columns(analysis) | cells


def proportional_hazards_rows(session: duckdb.DuckDBPyConnection) -> pa.Table:
    """Score tests and hazard ratios by period of every primary model."""
    primary = [one for one in read_cox_analyses(session, cohort=cohort_of_build()) if one.is_primary_model]
    problems = CoxProblems(StudyData(session, primary))
    with threadpool_limits(limits=1):
        rows = [row for analysis in primary for row in _rows_of(analysis, problems)]
    return table_of(rows, SCHEMA, sort_by=KEY)
