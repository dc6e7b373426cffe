"""What all sensitivity analyses share: the build's data, primary fits, imputations, and what an answer holds."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

from python_models.estimators.survival.cox import CoxFit, fit_cox
from python_models.estimators.survival.kaplan_meier import kaplan_meier
from python_models.frames.columns import Categories, Column, present, take
from python_models.frames.estimates import hazard_ratio_columns
from python_models.frames.follow_ups import StudyData
from python_models.frames.study import CoxAnalysis, read_visit_analyses
from python_models.frames.survival.cox_problems import CoxProblem, CoxProblems
from python_models.frames.survival.imputation import impute_covariates
from python_models.frames.survival.visit_models import Intervals, read_intervals

F8 = npt.NDArray[np.float64]
IMPUTATION_SEED = 20260401


@dataclass(frozen=True, slots=True)
class Answer:
    """What one sensitivity analysis found of the exposure's k columns, per unit of the column.

    counts: n_participants, n_events, person_years, events_per_parameter, note. limits, p_value: where not
    the normal ones.
    """

    counts: Mapping[str, Any]
    refusal: str | None
    beta: F8 = field(default_factory=lambda: np.empty(0))
    standard_error: F8 = field(default_factory=lambda: np.empty(0))
    estimator: str = "house"
    limits: tuple[F8, F8] | None = None
    p_value: F8 | None = None

    def columns(self, j: int, step: float) -> dict[str, float]:
        """The estimate columns of the j-th column of the exposure, `step` units being one of the scaling."""
        found = hazard_ratio_columns(float(self.beta[j]) * step, float(self.standard_error[j]) * step)
        if self.limits is not None:
            found["hazard_ratio_lower"] = float(np.exp(self.limits[0][j] * step))
            found["hazard_ratio_upper"] = float(np.exp(self.limits[1][j] * step))
        if self.p_value is not None:
            found["p_value"] = float(self.p_value[j])
        return found


class Setting:
    """Data and primary fits that all sensitivity analyses share."""

    def __init__(
        self,
        data: StudyData,
        covariate_columns: Mapping[str, str],
        analyses: Sequence[CoxAnalysis],
        at_visits: Sequence[CoxAnalysis],
        intervals: Mapping[str, Intervals],
    ) -> None:
        self.data = data
        self.at_visits, self.intervals = at_visits, intervals
        self.problems = CoxProblems(data)
        self.covariate_columns = covariate_columns
        self._analyses = analyses
        self._start: dict[str, float] = {}
        self._imputed: dict[tuple[str, ...], list[dict[str, Column]]] = {}

    @classmethod
    def read(
        cls,
        session: duckdb.DuckDBPyConnection,
        cohort: str,
        every: Sequence[CoxAnalysis],
        primary: Sequence[CoxAnalysis],
        definitions: Iterable[str],
    ) -> "Setting":
        """The build's data for the primary analyses and the other definitions asked for."""
        covariates = dict(session.execute("select covariate, column_name from seeds.covariates").fetchall())
        held = {name for (name,) in session.execute("select column_name from (describe marts.participants)").fetchall()}
        words = session.execute("select parameter from seeds.sensitivity_analyses where kind = 'subset'").fetchall()
        more = session.execute(
            "select parameter from seeds.sensitivity_analyses where kind in ('add_covariate', 'stratify')"
        ).fetchall()
        columns = {"age_years", "nation", *(word.partition("=")[0] for (word,) in words)}
        columns |= {covariates[name] for (names,) in more for name in names.split("+") if name in covariates}
        columns |= {name for one in every for name in one.covariates}
        wanted = set(definitions)
        known = {one.outcome_definition for one in every}
        data = StudyData(
            session, list(primary), more_columns=sorted(columns & held), definitions=sorted(wanted & known)
        )
        at_visits = read_visit_analyses(session, cohort=cohort)
        return cls(data, covariates, every, at_visits, read_intervals(session) if at_visits else {})

    def fit(self, problem: CoxProblem, **options: Any) -> CoxFit:
        """A fit that starts from the covariates of the one before."""
        if problem.refusal is not None:
            return fit_cox(exit=problem.days, event=problem.event, covariates=problem.matrix, names=problem.names)
        start = [self._start.get(name, 0.0) for name in problem.names] if self._start else None
        fit = fit_cox(
            exit=options.pop("exit", problem.days),
            event=problem.event,
            covariates=problem.matrix,
            names=problem.names,
            start=start,
            with_score_test=False,
            **options,
        )
        if fit.refusal is None and not self._start:
            self._start = dict(zip(problem.names, fit.beta.tolist(), strict=True))
        return fit

    def answer(self, problem: CoxProblem, **options: Any) -> Answer:
        """The house Cox fit of a changed model."""
        if problem.refusal is not None:
            return Answer(problem.counts, problem.refusal)
        fit = self.fit(problem, **options)
        return Answer(problem.counts, fit.refusal, fit.beta, fit.standard_error)

    def other_definition(self, analysis: CoxAnalysis, definition: str) -> CoxAnalysis | None:
        """The primary model on another definition, where the arm has it and it is not the primary one."""
        same = [
            one
            for one in (*self._analyses, *self.at_visits)
            if (one.study, one.arm, one.exposure, one.scaling, one.adjustment_set)
            == (analysis.study, analysis.arm, analysis.exposure, analysis.scaling, analysis.adjustment_set)
            and one.outcome_definition == definition
        ]
        return same[0] if same and definition != analysis.outcome_definition else None

    def at_visits_less_adjusted(self, analysis: CoxAnalysis) -> list[CoxAnalysis]:
        """The same outcome at visits with fewer of the covariates, the most first."""
        fewer = [
            one
            for one in self.at_visits
            if (one.study, one.arm, one.exposure, one.scaling, one.outcome_definition)
            == (analysis.study, analysis.arm, analysis.exposure, analysis.scaling, analysis.outcome_definition)
            and set(one.covariates) < set(analysis.covariates)
        ]
        return sorted(fewer, key=lambda one: (-len(one.covariates), one.adjustment_set))

    def primary_estimate(self, analysis: CoxAnalysis, adjustment_set: str) -> F8 | None:
        """The primary exposure and outcome definition adjusted another way: (k,) per unit of the scaling, if given."""
        one = self.adjusted_otherwise(analysis, adjustment_set)
        problem = None if one is None else self.problems.build(one)
        if isinstance(problem, CoxProblem) and problem.refusal is None:
            fit = self.fit(problem)
            return fit.beta[: problem.k] * problem.scaled.step if fit.refusal is None else None
        return None

    def adjusted_otherwise(self, analysis: CoxAnalysis, adjustment_set: str) -> CoxAnalysis | None:
        """The primary exposure and outcome definition with another adjustment set, where there is such a model."""
        for one in self._analyses:
            if (
                one.is_primary
                and one.adjustment_set == adjustment_set
                and (one.study, one.arm, one.exposure) == (analysis.study, analysis.arm, analysis.exposure)
            ):
                return one
        return None

    def imputed(self, analysis: CoxAnalysis, n_imputations: int) -> list[dict[str, Column]]:
        """Completed covariates of all at risk, shared by the exposures of an arm."""
        key = (analysis.study, analysis.arm, analysis.outcome_definition, str(n_imputations), *analysis.covariates)
        if key not in self._imputed:
            positions, days, event = self.data.follow_ups[analysis.outcome_definition]
            curve = kaplan_meier(exit=days, event=event)
            hazard = np.concatenate([[0.0], curve.cumulative_hazard])
            at_exit = hazard[np.searchsorted(curve.time, days, side="right")]
            own = dict.fromkeys(
                one.column_name
                for one in self._analyses
                if one.is_primary_model and (one.study, one.arm) == (analysis.study, analysis.arm)
            )
            predictors = [event.astype(np.float64), at_exit]
            for name in own:
                values = take(self.data.columns[name], positions)
                assert not isinstance(values, Categories)
                has = present(values)
                # An exposure informs the covariates where it is there; it is never imputed into an analysis.
                predictors += [np.where(has, values, values[has].mean())] + ([~has * 1.0] if not has.all() else [])
            columns = {name: take(self.data.columns[name], positions) for name in analysis.covariates}
            self._imputed[key] = [
                impute_covariates(
                    columns=columns,
                    covariates=analysis.covariates,
                    predictors=np.column_stack(predictors),
                    rng=np.random.default_rng([IMPUTATION_SEED, i]),
                )
                for i in range(n_imputations)
            ]
        return self._imputed[key]
