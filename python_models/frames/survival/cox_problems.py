"""Cox models of the study's analyses as arrays: who is in, how long, which columns, and why a model is not fitted."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from python_models.estimators.survival.cox import CoxFit, fit_cox
from python_models.frames.columns import Categories, Columns, complete_rows, present, take
from python_models.frames.designs import Design, build_design
from python_models.frames.follow_ups import DAYS_PER_YEAR, StudyData
from python_models.frames.scalings import ScaledExposure, scale_exposure
from python_models.frames.study import CoxAnalysis

F8 = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]
# Below this many events an interval says nothing that can be relied on, however few the covariates.
FEWEST_EVENTS = 10


def refusal_of_data(*, event: Mask, exposure: F8, n_parameters: int) -> str | None:
    """Why no hazard ratio can be estimated from these rows, with the count, or None.

    event (n,): who has it; exposure (n, k): columns of the exposure; n_parameters: columns of the whole model.
    Follow-up of zero, negative or before entry is refused by the estimator, which sees the times.
    """
    n, n_events = len(event), int(event.sum())
    if n == 0:
        return "nobody at risk has everything measured"
    if n_events == 0:
        return f"no events among {n} participants"
    if n_events == n:
        return f"all {n} participants have the event: nobody is left to compare them with"
    if not bool(np.ptp(exposure, axis=0).all()):
        return f"the exposure is constant among {n} participants"
    if n_events < FEWEST_EVENTS:
        return f"too few events: {n_events} of the {FEWEST_EVENTS} asked for"
    if n_events <= n_parameters:
        return f"too few events: {n_events} events for {n_parameters} parameters"
    return None


@dataclass(frozen=True, slots=True)
class CoxProblem:
    """One Cox model to fit on n participants.

    scaled: the exposure among all at risk who have it. rows (n,): positions in the participants. days, event (n,).
    matrix (n, p) and names (p,): columns, the exposure's k first. notes: what was merged, dropped or left out.
    """

    analysis: CoxAnalysis
    scaled: ScaledExposure
    rows: Rows
    days: F8
    event: Mask
    matrix: F8
    names: tuple[str, ...]
    notes: tuple[str, ...]
    # Aligned with rows, for the sensitivity analyses.
    is_death: Mask
    entry_day: F8

    @property
    def k(self) -> int:
        return len(self.scaled.levels)

    @property
    def refusal(self) -> str | None:
        return refusal_of_data(event=self.event, exposure=self.matrix[:, : self.k], n_parameters=self.matrix.shape[1])

    @property
    def counts(self) -> dict[str, Any]:
        """Columns that every row about this model carries, refused or not."""
        return {
            "n_participants": len(self.days),
            "n_events": int(self.event.sum()),
            "person_years": float(self.days.sum() / DAYS_PER_YEAR),
            "events_per_parameter": float(self.event.sum() / max(1, self.matrix.shape[1])),
            "note": "; ".join(part for part in (self.scaled.note, *self.notes) if part),
        }

    def keep(self, kept: Mask, *notes: str) -> "CoxProblem":
        """The model among some of its participants, (n,); indicators that lost all their events join the reference."""
        smaller = replace(
            self,
            rows=self.rows[kept],
            days=self.days[kept],
            event=self.event[kept],
            matrix=self.matrix[kept],
            is_death=self.is_death[kept],
            entry_day=self.entry_day[kept],
            notes=(*self.notes, *notes),
        )
        return smaller.without_idle_columns()

    def without_idle_columns(self) -> "CoxProblem":
        """Without covariates that are constant here, or indicators that no event has: neither has an estimate."""
        if not self.event.any():
            return self
        spread = np.ptp(self.matrix, axis=0) > 0
        among_events = np.ptp(self.matrix[self.event], axis=0) > 0
        is_indicator = np.array([": " in name for name in self.names])
        idle = ~spread | (is_indicator & ~among_events)
        idle[: self.k] = False
        if not idle.any():
            return self
        lost = [name for name, is_idle, varies in zip(self.names, idle, spread, strict=True) if is_idle and varies]
        more = (f"no events in {', '.join(lost)}: joined the reference",) if lost else ()
        return replace(
            self,
            matrix=np.ascontiguousarray(self.matrix[:, ~idle]),
            names=tuple(name for name, is_idle in zip(self.names, idle, strict=True) if not is_idle),
            notes=(*self.notes, *more),
        )

    def with_columns(self, values: F8, names: Sequence[str], *, after: int | None = None) -> "CoxProblem":
        """With more columns (n, q), at the end or after the first `after`."""
        at = self.matrix.shape[1] if after is None else after
        return replace(
            self,
            matrix=np.ascontiguousarray(np.column_stack([self.matrix[:, :at], values, self.matrix[:, at:]])),
            names=(*self.names[:at], *names, *self.names[at:]),
        )

    def without_columns(self, prefixes: Sequence[str]) -> "CoxProblem":
        """Without the covariates of these column names, their indicators included."""
        out = [name in prefixes or name.split(": ")[0] in prefixes for name in self.names]
        out[: self.k] = [False] * self.k
        kept = ~np.array(out)
        return replace(
            self,
            matrix=np.ascontiguousarray(self.matrix[:, kept]),
            names=tuple(name for name, stays in zip(self.names, kept, strict=True) if stays),
        )


def scaled_exposure(analysis: CoxAnalysis, columns: Columns, rows: Rows) -> ScaledExposure:
    """An analysis' exposure among `rows`, scaled as it asks."""
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


class CoxProblems:
    """Models of analyses; scalings of one exposure, outcome definition and adjustment set share rows and covariates."""

    def __init__(self, data: StudyData) -> None:
        self._data = data
        self._key: tuple[str, ...] = ()
        self._shared: tuple[Mask, Mask, Design] | None = None

    def _rows_and_design(self, analysis: CoxAnalysis) -> tuple[Mask, Mask, Design]:
        """Who of the followed has the exposure, who of these is complete, and the covariates of the complete."""
        key = (analysis.column_name, analysis.outcome_definition, analysis.adjustment_set)
        if self._shared is None or key != self._key:
            self._shared = None  # the old design goes before the new one is made
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

    def _never_measured(self, analysis: CoxAnalysis, measured: Mask) -> list[str]:
        at_risk = self._data.follow_ups[analysis.outcome_definition][0][measured]
        return [name for name in analysis.covariates if not present(take(self._data.columns[name], at_risk)).any()]

    def build(self, analysis: CoxAnalysis) -> CoxProblem | str:
        """The model of an analysis, or why nobody can be analysed."""
        measured, complete, design = self._rows_and_design(analysis)
        if not complete.any():
            absent = [analysis.column_name] if not measured.any() else self._never_measured(analysis, measured)
            return (
                f"nobody at risk has everything measured (measured in nobody: {', '.join(absent) or 'no single one'})"
            )
        positions, days, event = self._data.follow_ups[analysis.outcome_definition]
        exits = self._data.exits[analysis.outcome_definition]
        # Scaled among all at risk with the exposure, so that one unit means the same in every adjustment set.
        scaled = scaled_exposure(analysis, self._data.columns, positions[measured])
        return CoxProblem(
            analysis=analysis,
            scaled=scaled,
            rows=positions[measured][complete],
            days=days[measured][complete],
            event=event[measured][complete],
            matrix=np.ascontiguousarray(np.column_stack([scaled.values[complete], design.values])),
            names=(*scaled.levels, *design.names),
            notes=design.notes,
            is_death=exits.is_death[measured][complete],
            entry_day=exits.entry_day[measured][complete],
        )


class HouseFits:
    """Fits by the house estimator: one per model, started from the last one with the same covariates."""

    def __init__(self) -> None:
        self._fits: dict[tuple[str, ...], CoxFit] = {}
        self._last: dict[tuple[str, ...], dict[str, float]] = {}

    def fit(self, problem: CoxProblem) -> CoxFit:
        """The maximum; scalings that are one model are fitted once."""
        analysis = problem.analysis
        model = "raw" if problem.scaled.is_raw else analysis.scaling
        key = (analysis.arm, analysis.outcome_definition, analysis.column_name, analysis.adjustment_set, model)
        if key not in self._fits:
            self._fits[key] = self.fit_anew(problem)
        return self._fits[key]

    def fit_anew(self, problem: CoxProblem, **options: Any) -> CoxFit:
        """A fit that is not kept, started from the covariates of the last one like it; options of `fit_cox`."""
        analysis = problem.analysis
        near = (
            self._last.get((analysis.outcome_definition, analysis.adjustment_set))
            or self._last.get((analysis.outcome, analysis.adjustment_set))
            or {}
        )
        start = [near.get(name, 0.0) for name in problem.names] if near else None
        fit = fit_cox(
            exit=problem.days,
            event=problem.event,
            covariates=problem.matrix,
            names=problem.names,
            start=start,
            with_score_test=False,
            **options,
        )
        if fit.refusal is None:
            found = dict(zip(problem.names[problem.k :], fit.beta[problem.k :].tolist(), strict=True))
            self._last[analysis.outcome_definition, analysis.adjustment_set] = found
            self._last.setdefault((analysis.outcome, analysis.adjustment_set), found)
        return fit
