"""Hazard ratios of every analysis the seeds ask for, as rows of results.hazard_ratios."""

import shutil
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from dbt.adapters.events.logging import AdapterLogger
from threadpoolctl import threadpool_limits

from python_models.estimators.survival.cox import CoxFit
from python_models.frames.build import cohort_of_build
from python_models.frames.estimates import (
    COUNTS,
    E_VALUES,
    ESTIMATE,
    e_value_columns,
    hazard_ratio_columns,
    note_of_few_events,
    table_of,
)
from python_models.frames.follow_ups import StudyData
from python_models.frames.study import CoxAnalysis, read_cox_analyses, read_visit_analyses
from python_models.frames.survival.cox_problems import CoxProblem, CoxProblems, HouseFits
from python_models.frames.survival.joint_rows import joint_rows
from python_models.frames.survival.lifelines_cox import LifelinesFit, fit_saved
from python_models.frames.survival.subgroup_rows import refused_subgroups, subgroup_rows
from python_models.frames.survival.subgroups import read_joint_exposures, read_subgroups
from python_models.frames.survival.visit_models import read_intervals, visit_estimates
from python_models.frames.workers import worker_pool

F8 = npt.NDArray[np.float64]
logger = AdapterLogger("Study")
SCRATCH = Path("warehouse/build")
NOT_PRIMARY = {"is_primary": False, "is_primary_model": False}

KEY = ("study", "arm", "exposure", "scaling", "level", "outcome", "outcome_definition", "adjustment_set", "subgroup")
SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in KEY),
        ("is_primary", pa.bool_()),
        ("is_primary_model", pa.bool_()),
        ("estimator", pa.string()),
        *COUNTS,
        ("events_per_parameter", pa.float64()),
        *ESTIMATE,
        ("interaction_p_value", pa.float64()),
        *E_VALUES,
        ("second_log_hazard_ratio", pa.float64()),
        ("second_standard_error", pa.float64()),
        ("note", pa.string()),
        ("refusal", pa.string()),
    ]
)


def _row(analysis: CoxAnalysis, level: str, **cells: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
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
        "is_primary_model": analysis.is_primary_model,
        **cells,
    }
    if row.get("log_hazard_ratio") is not None:
        row |= e_value_columns(row)
    return row | note_of_few_events(row)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the rows of an analysis need of its model, without the arrays."""

    analysis: CoxAnalysis
    levels: tuple[str, ...]
    step: float
    counts: dict[str, Any]
    refusal: str | None

    @classmethod
    def of(cls, problem: CoxProblem) -> "Asked":
        return cls(problem.analysis, problem.scaled.levels, problem.scaled.step, problem.counts, problem.refusal)


def _rows_of(asked: Asked, house: CoxFit | None, primary: LifelinesFit | None) -> list[dict[str, Any]]:
    """Rows of one analysis: lifelines' estimate where it is primary, with the house estimate beside it."""
    k, step = len(asked.levels), asked.step
    refusal = asked.refusal or (house.refusal if house else None) or (primary.refusal if primary else None)
    estimator = "lifelines" if primary else "house"
    if refusal is not None or house is None:
        answers: list[dict[str, Any]] = [{"refusal": refusal}] * k
    else:
        reported = primary or house
        answers = [
            hazard_ratio_columns(float(b) * step, float(e) * step)
            for b, e in zip(reported.beta[:k], reported.standard_error[:k], strict=True)
        ]
    if primary is not None and house is not None and refusal is None:
        for answer, b, e in zip(answers, house.beta[:k], house.standard_error[:k], strict=True):
            answer |= {"second_log_hazard_ratio": float(b) * step, "second_standard_error": float(e) * step}
    return [
        _row(asked.analysis, level, **asked.counts, estimator=estimator, **answer)
        for level, answer in zip(asked.levels, answers, strict=True)
    ]


def _shared_design(analysis: CoxAnalysis) -> tuple[str, str, str]:
    """Analyses alike in this share rows and covariates."""
    return analysis.column_name, analysis.outcome_definition, analysis.adjustment_set


def _groups(analyses: list[CoxAnalysis], *, is_primary: bool) -> deque[list[CoxAnalysis]]:
    """Analyses side by side that share rows and covariates; the groups with a primary model, or those without."""
    by_design = groupby(sorted(analyses, key=lambda one: (_shared_design(one), not one.is_primary)), key=_shared_design)
    groups = [list(group) for _, group in by_design]
    return deque(group for group in groups if any(one.is_primary for one in group) == is_primary)


class PrimaryFits:
    """Primary models on their way through lifelines, in a process of its own, one at a time.

    Their arrays go through a file: a pool keeps what it is given until the answer is there, and half a million people
    leave no room for that.
    """

    MOST_WAITING = 1

    def __init__(self, pool: Executor, folder: Path) -> None:
        self._pool, self._folder = pool, folder
        self._waiting: deque[tuple[Asked, CoxFit, Future[LifelinesFit]]] = deque()
        self._n_submitted = 0

    @property
    def is_full(self) -> bool:
        return len(self._waiting) >= self.MOST_WAITING

    def submit(self, problem: CoxProblem, house: CoxFit) -> None:
        path = self._folder / f"model_{self._n_submitted}.npz"
        self._n_submitted += 1
        np.savez(path, days=problem.days, event=problem.event, covariates=problem.matrix, start=house.beta)
        self._waiting.append((Asked.of(problem), house, self._pool.submit(fit_saved, path)))

    def rows(self, *, wait_while: Callable[[], bool]) -> Iterator[dict[str, Any]]:
        """Rows of those that are done, first in first out; waits for the next one while it is told to."""
        while self._waiting and (self._waiting[0][2].done() or wait_while()):
            asked, house, task = self._waiting.popleft()
            yield from _rows_of(asked, house, task.result())


def scratch_folder(cohort: str) -> TemporaryDirectory[str]:
    """A folder beside the database that is being built; what a killed build of the cohort left behind goes first."""
    prefix = f"cox_{cohort}_"
    for left in SCRATCH.glob(f"{prefix}*"):
        shutil.rmtree(left, ignore_errors=True)
    return TemporaryDirectory(dir=SCRATCH if SCRATCH.is_dir() else None, prefix=prefix)


def hazard_ratio_rows(session: duckdb.DuckDBPyConnection) -> pa.Table:
    """Fit every analysis of the cohort that is being built; one row per level of each scaled exposure.

    lifelines holds the interpreter while it fits, so it runs in a process of its own while the house fits the rest.
    """
    cohort = cohort_of_build()
    analyses = read_cox_analyses(session, cohort=cohort)
    subgroups, joints = read_subgroups(session, cohort=cohort), read_joint_exposures(session, cohort=cohort)
    at_visits = read_visit_analyses(session, cohort=cohort)
    more = [group.column_name for group in subgroups] + [name for one in at_visits for name in one.covariates]
    data = StudyData(session, analyses, more_columns=more)
    problems, house = CoxProblems(data), HouseFits()
    rows: list[dict[str, Any]] = []
    with scratch_folder(cohort) as folder, worker_pool(1) as beside, threadpool_limits(limits=1):
        primary = PrimaryFits(beside, Path(folder))
        with_primary, others = _groups(analyses, is_primary=True), _groups(analyses, is_primary=False)
        n_fitted = 0
        while with_primary or others:
            rows += primary.rows(wait_while=lambda: primary.is_full and not others)
            groups = others if primary.is_full or not with_primary else with_primary
            for analysis in groups.popleft():
                problem: CoxProblem | str = ""  # the last matrix goes before the next one is made
                problem = problems.build(analysis)
                rows += _analysis_rows(analysis, problem, house, primary)
                if analysis.is_primary_model:
                    cells_of_groups = (
                        subgroup_rows(problem, house, data, subgroups)
                        if isinstance(problem, CoxProblem)
                        else refused_subgroups(analysis.study, subgroups, problem)
                    )
                    rows += [_row(analysis, **cells) | NOT_PRIMARY for cells in cells_of_groups]
                n_fitted += 1
                if n_fitted % 25 == 0 or n_fitted == len(analyses):
                    logger.info(f"hazard ratios: {n_fitted} of {len(analyses)} Cox models fitted")
        for joint in joints:
            rows += [
                _row(analysis, **cells) | NOT_PRIMARY
                for analysis, cells in joint_rows(joint, analyses, problems, house, data)
            ]
        intervals = read_intervals(session) if at_visits else {}
        for analysis in at_visits:
            rows += [
                _row(analysis, estimator="grouped_hazards", **cells) | NOT_PRIMARY
                for cells in visit_estimates(analysis, data.columns, intervals.get(analysis.outcome_definition))
            ]
        rows += primary.rows(wait_while=lambda: True)
    return table_of(rows, SCHEMA, sort_by=KEY)


def _analysis_rows(
    analysis: CoxAnalysis, problem: CoxProblem | str, house: HouseFits, primary: PrimaryFits
) -> list[dict[str, Any]]:
    """Rows of one analysis; none yet where lifelines has still to fit it."""
    if isinstance(problem, str):
        return [_row(analysis, "", n_participants=0, n_events=0, person_years=0.0, refusal=problem)]
    if problem.refusal is not None:
        return _rows_of(Asked.of(problem), None, None)
    fit = house.fit(problem)
    if analysis.is_primary and fit.refusal is None:
        primary.submit(problem, fit)
        return []
    return _rows_of(Asked.of(problem), fit, None)
