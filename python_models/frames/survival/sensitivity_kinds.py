"""What each kind of sensitivity analysis does to a primary model."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from python_models.estimators.survival.fine_gray import fit_fine_gray
from python_models.estimators.survival.rubin import pool_estimates
from python_models.frames.columns import Categories, complete_rows, take
from python_models.frames.designs import build_design
from python_models.frames.follow_ups import DAYS_PER_YEAR
from python_models.frames.study import CoxAnalysis
from python_models.frames.survival.cox_problems import CoxProblem, refusal_of_data, scaled_exposure
from python_models.frames.survival.imputation import UNKNOWN
from python_models.frames.survival.sensitivity_setting import Answer, Setting

F8 = npt.NDArray[np.float64]


def _does_not_apply(problem: CoxProblem, why: str, *, estimator: str = "house") -> Answer:
    """The answer of an analysis that would change nothing here: its row says so rather than being missed."""
    return Answer(problem.counts, f"does not apply: {why}", estimator=estimator)


def _lag(setting: Setting, problem: CoxProblem, parameter: str) -> Iterator[Answer]:
    lag = round(float(parameter) * DAYS_PER_YEAR)
    later = problem.keep(problem.days > lag, f"followed from {parameter} years on")
    yield setting.answer(replace(later, days=later.days - lag))


def _attained_age(setting: Setting, problem: CoxProblem, _: str) -> Iterator[Answer]:
    age = setting.data.columns["age_years"]
    assert not isinstance(age, Categories)
    entry = np.rint(age[problem.rows] * DAYS_PER_YEAR)
    known = np.isfinite(entry)
    by_age = problem.keep(known, "time scale is age; age is no covariate").without_columns(["age_years"])
    yield setting.answer(by_age, entry=entry[known], exit=entry[known] + by_age.days)


def _competing_death(_: Setting, problem: CoxProblem, __: str) -> Iterator[Answer]:
    refusal = problem.refusal
    if refusal is None and not problem.is_death.any():
        refusal = "nobody died before the event: there is nothing to compete"
    if refusal is not None:
        yield Answer(problem.counts, refusal, estimator="fine_gray")
        return
    codes = np.where(problem.event, 1, np.where(problem.is_death, 2, 0))
    fit = fit_fine_gray(exit=problem.days, event=codes, covariates=problem.matrix, names=problem.names)
    counts = problem.counts
    counts["note"] = f"{counts['note']}; subdistribution hazard ratio, {int(problem.is_death.sum())} deaths compete"
    yield Answer(counts, fit.refusal, fit.beta, fit.standard_error, estimator="fine_gray")


def _complete_case(setting: Setting, problem: CoxProblem, _: str) -> Iterator[Answer]:
    kept = np.ones(len(problem.rows), dtype=np.bool_)
    for name in problem.analysis.covariates:
        column = take(setting.data.columns[name], problem.rows)
        if isinstance(column, Categories) and UNKNOWN in column.levels:
            kept &= column.codes != column.levels.index(UNKNOWN)
    yield setting.answer(problem.keep(kept, "people with any unanswered question left out"))


def _multiple_imputation(setting: Setting, problem: CoxProblem, parameter: str) -> Iterator[Answer]:
    analysis, k = problem.analysis, problem.k
    if not analysis.covariates:
        yield _does_not_apply(problem, "the primary model adjusts for nothing that could be imputed", estimator="rubin")
        return
    positions, days, event = setting.data.follow_ups[analysis.outcome_definition]
    measured = complete_rows([take(setting.data.columns[name], positions) for name in (analysis.column_name, "sex")])
    scaled = scaled_exposure(analysis, setting.data.columns, positions[measured])
    counts: dict[str, Any] = {
        "n_participants": int(measured.sum()),
        "n_events": int(event[measured].sum()),
        "person_years": float(days[measured].sum() / DAYS_PER_YEAR),
        "events_per_parameter": float(event[measured].sum() / problem.matrix.shape[1]),
    }
    refusal = refusal_of_data(event=event[measured], exposure=scaled.values, n_parameters=problem.matrix.shape[1])
    if refusal is not None:
        yield Answer(counts, refusal, estimator="rubin")
        return
    estimates, errors = [], []
    for completed in setting.imputed(analysis, int(parameter)):
        design = build_design(
            columns=completed, covariates=analysis.covariates, rows=np.flatnonzero(measured), event=event[measured]
        )
        filled = replace(
            problem,
            rows=positions[measured],
            days=days[measured],
            event=event[measured],
            matrix=np.ascontiguousarray(np.column_stack([scaled.values, design.values])),
            names=(*scaled.levels, *design.names),
        )
        fit = setting.fit(filled)
        if fit.refusal is not None:
            yield Answer(counts, f"an imputed data set: {fit.refusal}", estimator="rubin")
            return
        estimates.append(fit.beta[:k])
        errors.append(fit.standard_error[:k])
    pooled = pool_estimates(
        estimates=np.stack(estimates),
        standard_errors=np.stack(errors),
        complete_degrees_of_freedom=counts["n_events"] - problem.matrix.shape[1],
    )
    share = ", ".join(f"{value:.1%}" for value in pooled.fraction_missing)
    counts["note"] = f"{scaled.note}; {parameter} imputations, fraction of missing information {share}".lstrip("; ")
    yield Answer(
        counts,
        None,
        pooled.estimate,
        pooled.standard_error,
        estimator="rubin",
        limits=pooled.interval(),
        p_value=pooled.p_value,
    )


def _columns_of(setting: Setting, parameter: str) -> tuple[str, ...]:
    """Columns of covariates joined by a plus sign.

    Raises
    ------
    ValueError: covariates that covariates.csv does not have.
    """
    names = parameter.split("+")
    unknown = [name for name in names if name not in setting.covariate_columns]
    if unknown:
        raise ValueError(f"sensitivity_analyses.csv names {', '.join(unknown)}, which covariates.csv does not have")
    return tuple(setting.covariate_columns[name] for name in names)


def _add_covariate(setting: Setting, problem: CoxProblem, parameter: str) -> Iterator[Answer]:
    more = [name for name in _columns_of(setting, parameter) if name not in problem.analysis.covariates]
    if not more:
        yield _does_not_apply(problem, f"the primary model has {parameter} already")
        return
    wider = setting.problems.build(
        replace(
            problem.analysis,
            covariates=(*problem.analysis.covariates, *more),
            adjustment_set=f"{problem.analysis.adjustment_set} and {parameter}",
        )
    )
    yield Answer(problem.counts, wider) if isinstance(wider, str) else setting.answer(wider)


def _stratify(setting: Setting, problem: CoxProblem, parameter: str) -> Iterator[Answer]:
    names = _columns_of(setting, parameter)
    code = np.zeros(len(problem.rows), dtype=np.int64)
    for name in names:
        column = take(setting.data.columns[name], problem.rows)
        if not isinstance(column, Categories):
            raise ValueError(f"{name} is a number: strata are of categorical covariates")
        code = code * len(column.levels) + column.codes
    yield setting.answer(problem.without_columns(names), strata=code)


def _shortened(problem: CoxProblem, end: F8, note: str) -> CoxProblem:
    """Follow-up censored `end` days (n,) after entry, where that is sooner; who is not followed at all leaves."""
    days = np.minimum(problem.days, end)
    sooner = replace(
        problem,
        days=days,
        event=problem.event & (problem.days <= end),
        is_death=problem.is_death & (problem.days <= end),
    )
    return sooner.keep(days > 0, note)


def _follow_up_years(setting: Setting, problem: CoxProblem, parameter: str) -> Iterator[Answer]:
    end = np.full(len(problem.days), float(round(float(parameter) * DAYS_PER_YEAR)))
    yield setting.answer(_shortened(problem, end, f"censored at {parameter} years"))


def _end_date(setting: Setting, problem: CoxProblem, parameter: str) -> Iterator[Answer]:
    end = (date.fromisoformat(parameter) - date(1970, 1, 1)).days
    yield setting.answer(_shortened(problem, end - problem.entry_day, f"censored on {parameter}"))


def _common_end(setting: Setting, problem: CoxProblem, _: str) -> Iterator[Answer]:
    nation = take(setting.data.columns["nation"], problem.rows)
    assert isinstance(nation, Categories)
    exit_day = problem.entry_day + problem.days
    ends = [exit_day[nation.codes == code].max() for code in np.unique(nation.codes)]
    if len(ends) < 2:
        yield _does_not_apply(problem, "everyone is of one nation, whose records have one end")
        return
    last = min(ends)
    on = date.fromordinal(date(1970, 1, 1).toordinal() + int(last)).isoformat()
    yield setting.answer(_shortened(problem, last - problem.entry_day, f"censored on {on} in every nation"))


def _composite_death(setting: Setting, problem: CoxProblem, _: str) -> Iterator[Answer]:
    if not problem.is_death.any():
        yield _does_not_apply(problem, "nobody died before the event")
        return
    yield setting.answer(replace(problem, event=problem.event | problem.is_death))


def _subset(setting: Setting, problem: CoxProblem, parameter: str) -> Iterator[Answer]:
    name, _, word = parameter.partition("=")
    if name not in setting.data.columns:
        raise ValueError(f"sensitivity_analyses.csv: marts.participants has no column {name}")
    column = take(setting.data.columns[name], problem.rows)
    if isinstance(column, Categories):
        kept = column.codes == (column.levels.index(word) if word in column.levels else -2)
    else:
        kept = column == float({"true": 1, "false": 0}.get(word, word))
    yield setting.answer(problem.keep(kept))


def same_people(setting: Setting, analysis: CoxAnalysis, parameter: str) -> CoxProblem | str:
    """The primary exposure and outcome adjusted for one set, in those complete for another: 'M1 of M3'.

    Sets of covariates leave out different people; among the same people only the adjustment differs. Returns why not
    where an exposure is among the covariates of either set, or nobody is complete.
    """
    names = parameter.split(" of ")
    models = [setting.adjusted_otherwise(analysis, name) for name in names]
    absent = [name for name, model in zip(names, models, strict=True) if model is None]
    if absent:
        return f"does not apply: {', '.join(absent)} would adjust for {analysis.exposure} itself"
    model, fuller = (one for one in models if one is not None)
    problem = setting.problems.build(model)
    if isinstance(problem, str):
        return problem
    complete = complete_rows([take(setting.data.columns[name], problem.rows) for name in ("sex", *fuller.covariates)])
    return problem.keep(complete, f"among those complete for {fuller.adjustment_set}")


Kind = Callable[[Setting, CoxProblem, str], Iterator[Answer]]
# outcome_definition and same_people are not among them: they are other models, which sensitivity_rows builds.
KINDS: Mapping[str, Kind] = {
    "lag_years": _lag,
    "attained_age": _attained_age,
    "competing_death": _competing_death,
    "complete_case": _complete_case,
    "multiple_imputation": _multiple_imputation,
    "add_covariate": _add_covariate,
    "stratify": _stratify,
    "follow_up_years": _follow_up_years,
    "end_date": _end_date,
    "common_end": _common_end,
    "composite_death": _composite_death,
    "subset": _subset,
}
