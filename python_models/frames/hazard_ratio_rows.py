"""Hazard ratios of every analysis the seeds ask for, as rows of results.hazard_ratios."""

import math
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from dbt.adapters.events.logging import AdapterLogger
from scipy import special
from threadpoolctl import threadpool_limits

from python_models.estimators.survival.cox import CoxFit, fit_cox
from python_models.frames.build import cohort_of_build
from python_models.frames.columns import Categories, Columns, complete_rows, present, take
from python_models.frames.designs import Design, build_design
from python_models.frames.follow_ups import DAYS_PER_YEAR, StudyData
from python_models.frames.lifelines_cox import LifelinesFit, fit_lifelines
from python_models.frames.scalings import ScaledExposure, scale_exposure
from python_models.frames.study import CoxAnalysis, read_cox_analyses

F8 = npt.NDArray[np.float64]
# Below this many events an interval says nothing that can be relied on, however few the covariates.
FEWEST_EVENTS = 10
NORMAL_975 = float(special.ndtri(0.975))
logger = AdapterLogger("Study")

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


@dataclass(frozen=True, slots=True)
class _Problem:
    """One Cox model to fit: days (n,), event (n,), matrix (n, p) with the exposure's k columns first."""

    analysis: CoxAnalysis
    scaled: ScaledExposure
    days: F8
    event: npt.NDArray[np.bool_]
    matrix: F8
    names: tuple[str, ...]
    common: dict[str, Any]


class _Problems:
    """Models of analyses; scalings of one exposure, outcome definition and adjustment set share rows and covariates."""

    def __init__(self, data: StudyData) -> None:
        self._data = data
        self._key: tuple[str, ...] = ()
        self._shared: tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_], Design] | None = None

    def _rows_and_design(self, analysis: CoxAnalysis) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_], Design]:
        """Who of the followed has the exposure, who of these is complete, and the covariates of the complete."""
        key = (analysis.column_name, analysis.outcome_definition, analysis.adjustment_set)
        if self._shared is None or key != self._key:
            columns = self._data.columns
            positions, _, event = self._data.follow_ups[analysis.outcome_definition]
            measured = complete_rows([take(columns[analysis.column_name], positions)])
            at_risk = positions[measured]
            complete = complete_rows([take(columns[name], at_risk) for name in ("sex", *analysis.covariates)])
            design = build_design(
                columns=columns,
                covariates=analysis.covariates,
                rows=at_risk[complete],
                event=event[measured][complete],
            )
            self._key, self._shared = key, (measured, complete, design)
        return self._shared

    def _never_measured(self, analysis: CoxAnalysis, measured: npt.NDArray[np.bool_]) -> list[str]:
        at_risk = self._data.follow_ups[analysis.outcome_definition][0][measured]
        return [name for name in analysis.covariates if not present(take(self._data.columns[name], at_risk)).any()]

    def build(self, analysis: CoxAnalysis) -> _Problem | dict[str, Any]:
        """The model of an analysis, or its row when nobody can be analysed."""
        measured, complete, design = self._rows_and_design(analysis)
        if not complete.any():
            absent = [analysis.column_name] if not measured.any() else self._never_measured(analysis, measured)
            nobody = {"n_participants": 0, "n_events": 0, "person_years": 0.0}
            refusal = (
                f"nobody at risk has everything measured (measured in nobody: {', '.join(absent) or 'no single one'})"
            )
            return _row(analysis, "", **nobody, refusal=refusal)
        positions, days, event = self._data.follow_ups[analysis.outcome_definition]
        # Scaled among all at risk with the exposure, so that one unit means the same in every adjustment set.
        scaled = _scaled(analysis, self._data.columns, positions[measured])
        days, event = days[measured][complete], event[measured][complete]
        common = {
            "n_participants": len(days),
            "n_events": int(event.sum()),
            "person_years": float(days.sum() / DAYS_PER_YEAR),
            "note": "; ".join(part for part in (scaled.note, *design.notes) if part),
        }
        matrix = np.ascontiguousarray(np.column_stack([scaled.values[complete], design.values]))
        return _Problem(analysis, scaled, days, event, matrix, (*scaled.levels, *design.names), common)


class _HouseFits:
    """Fits by the house estimator: one per model, started from the last one with the same covariates."""

    def __init__(self) -> None:
        self._fits: dict[tuple[str, ...], CoxFit] = {}
        self._last: dict[tuple[str, str], dict[str, float]] = {}

    def fit(self, problem: _Problem) -> CoxFit:
        analysis = problem.analysis
        model = "raw" if problem.scaled.is_raw else analysis.scaling
        key = (analysis.arm, analysis.outcome_definition, analysis.column_name, analysis.adjustment_set, model)
        if key not in self._fits:
            near = self._last.get((analysis.outcome_definition, analysis.adjustment_set), {})
            start = [near.get(name, 0.0) for name in problem.names] if near else None
            fit = fit_cox(
                exit=problem.days, event=problem.event, covariates=problem.matrix, names=problem.names, start=start
            )
            if fit.refusal is None:
                k = len(problem.scaled.levels)
                covariates = dict(zip(problem.names[k:], fit.beta[k:].tolist(), strict=True))
                self._last[analysis.outcome_definition, analysis.adjustment_set] = covariates
            self._fits[key] = fit
        return self._fits[key]


def _estimates(beta: F8, standard_error: F8, step: float, prefix: str = "") -> list[dict[str, float]]:
    return [
        {f"{prefix}log_hazard_ratio": float(b) * step, f"{prefix}standard_error": float(e) * step}
        for b, e in zip(beta, standard_error, strict=True)
    ]


def _rows_of(problem: _Problem, house: CoxFit, primary: LifelinesFit | None) -> list[dict[str, Any]]:
    """Rows of one analysis: lifelines' estimate where it is primary, with the house estimate beside it."""
    k, step = len(problem.scaled.levels), problem.scaled.step
    refusal = house.refusal or (primary.refusal if primary else None)
    if problem.common["n_events"] < FEWEST_EVENTS:
        refusal = f"too few events: {problem.common['n_events']} of the {FEWEST_EVENTS} asked for"
    estimator = "lifelines" if primary else "house"
    if refusal is not None:
        answers: list[dict[str, Any]] = [{"refusal": refusal}] * k
    elif primary is None:
        answers = list(_estimates(house.beta[:k], house.standard_error[:k], step))
    else:
        answers = [
            {**first, **second}
            for first, second in zip(
                _estimates(primary.beta, primary.standard_error, step),
                _estimates(house.beta[:k], house.standard_error[:k], step, "second_"),
                strict=True,
            )
        ]
    return [
        _row(problem.analysis, level, **problem.common, estimator=estimator, **answer)
        for level, answer in zip(problem.scaled.levels, answers, strict=True)
    ]


def _order(analysis: CoxAnalysis) -> tuple[bool, str, str, str]:
    """Primary models first; then those that share rows and covariates side by side."""
    return not analysis.is_primary, analysis.column_name, analysis.outcome_definition, analysis.adjustment_set


def hazard_ratio_rows(session: duckdb.DuckDBPyConnection) -> pa.Table:
    """Fit every analysis of the cohort that is being built; one row per level of each scaled exposure.

    lifelines holds the interpreter while it fits, so it runs in a process of its own while the house fits the rest.
    """
    analyses = read_cox_analyses(session, cohort=cohort_of_build())
    data = StudyData(session, analyses)
    problems, house = _Problems(data), _HouseFits()
    rows: list[dict[str, Any]] = []
    waiting: list[tuple[_Problem, CoxFit, Future[LifelinesFit]]] = []
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as beside, threadpool_limits(limits=1):
        for i, analysis in enumerate(sorted(analyses, key=_order), start=1):
            problem = problems.build(analysis)
            if isinstance(problem, dict):
                rows.append(problem)
                continue
            fit = house.fit(problem)
            if analysis.is_primary and fit.refusal is None:
                task = beside.submit(
                    fit_lifelines,
                    days=problem.days,
                    event=problem.event,
                    covariates=problem.matrix,
                    k=len(problem.scaled.levels),
                )
                waiting.append((problem, fit, task))
            else:
                rows += _rows_of(problem, fit, None)
            if i % 25 == 0 or i == len(analyses):
                logger.info(f"hazard ratios: {i} of {len(analyses)} Cox models fitted")
        for i, (problem, fit, task) in enumerate(waiting, start=1):
            rows += _rows_of(problem, fit, task.result())
            if i == len(waiting):
                logger.info(f"hazard ratios: {i} of {len(waiting)} primary models fitted by lifelines too")
    rows.sort(key=lambda row: [str(row[name]) for name in SCHEMA.names[:9]])
    return pa.Table.from_pylist(rows, schema=SCHEMA)
