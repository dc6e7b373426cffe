"""Outcomes that repeat visits show: intervals between visits as arrays, and their grouped hazards."""

from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

from python_models.estimators.survival.grouped_hazards import fit_grouped_hazards
from python_models.frames.columns import Categories, Columns, complete_rows, take
from python_models.frames.designs import build_design
from python_models.frames.estimates import hazard_ratio_columns
from python_models.frames.follow_ups import DAYS_PER_YEAR, FollowUp
from python_models.frames.study import CoxAnalysis
from python_models.frames.survival.cox_problems import refusal_of_data, scaled_exposure

F8 = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Intervals:
    """Intervals between visits of one outcome definition, (m,) each.

    position: row of the participants. label: both visits, as 0-2. days: length. is_case: it is there at the end.
    """

    position: npt.NDArray[np.intp]
    label: Categories
    days: F8
    is_case: npt.NDArray[np.bool_]

    def follow_up(self) -> FollowUp:
        """Per participant: position, days between visits together, whether ever a case."""
        positions, person = np.unique(self.position, return_inverse=True)
        days = np.bincount(person, weights=self.days, minlength=len(positions)).astype(np.float64)
        return positions, days, np.bincount(person, weights=self.is_case, minlength=len(positions)) > 0


def read_intervals(session: duckdb.DuckDBPyConnection) -> dict[str, Intervals]:
    """marts.visit_intervals by outcome definition; positions as in StudyData."""
    table = session.execute(
        """
        with numbered as (
            select participant_id, row_number() over (order by participant_id) - 1 as position
            from marts.participants
        )
        select outcome_definition, position, visit_interval, interval_days, is_case
        from marts.visit_intervals as intervals
        inner join numbered on intervals.participant_id = numbered.participant_id
        order by outcome_definition, position, visit_interval
        """
    ).fetchnumpy()
    definition = np.asarray(table["outcome_definition"], dtype=str)
    words, codes = np.unique(np.asarray(table["visit_interval"], dtype=str), return_inverse=True)
    levels = tuple(str(word) for word in words)
    found = {}
    for name in np.unique(definition):
        rows = definition == name
        found[str(name)] = Intervals(
            position=np.asarray(table["position"], dtype=np.intp)[rows],
            label=Categories(codes[rows].astype(np.int32), levels),
            days=np.asarray(table["interval_days"], dtype=np.float64)[rows],
            is_case=np.asarray(table["is_case"], dtype=bool)[rows],
        )
    return found


def visit_estimates(analysis: CoxAnalysis, columns: Columns, intervals: Intervals | None) -> list[dict[str, Any]]:
    """Cells per level of the exposure: counts, and the log hazard ratio by complementary log-log or the refusal.

    The error is by the model's information: a participant has the outcome at most once, so that intervals of one
    participant are conditionally independent, as the risk sets of a Cox model are.
    """
    nobody = {"level": "", "n_participants": 0, "n_events": 0, "person_years": 0.0}
    if intervals is None or intervals.position.size == 0:
        return [nobody | {"refusal": "nobody was free of the outcome at one visit and seen at a later one"}]
    positions, _, event = intervals.follow_up()
    measured = complete_rows([take(columns[analysis.column_name], positions)])
    complete = complete_rows([take(columns[name], positions) for name in ("sex", *analysis.covariates)])
    kept = measured & complete
    if not kept.any():
        return [nobody | {"refusal": "nobody at risk has everything measured"}]
    scaled = scaled_exposure(analysis, columns, positions[measured])
    design = build_design(columns=columns, covariates=analysis.covariates, rows=positions[kept], event=event[kept])
    matrix = np.column_stack([scaled.values[kept[measured]], design.values])
    names = (*scaled.levels, *design.names)
    number = np.full(int(positions.max()) + 1, -1, dtype=np.int64)
    number[positions[kept]] = np.arange(int(kept.sum()))
    person = number[intervals.position]
    used = person >= 0
    labels = np.asarray(intervals.label.levels)[intervals.label.codes[used]]
    counts: dict[str, Any] = {
        "n_participants": int(kept.sum()),
        "n_events": int(event[kept].sum()),
        "person_years": float(intervals.days[used].sum() / DAYS_PER_YEAR),
        "events_per_parameter": float(event[kept].sum() / matrix.shape[1]),
    }
    refusal = refusal_of_data(event=event[kept], exposure=matrix[:, : len(scaled.levels)], n_parameters=matrix.shape[1])
    fit = None
    if refusal is None:
        fit = fit_grouped_hazards(
            event=intervals.is_case[used],
            interval=labels,
            covariates=matrix,
            person=person[used],
            length=intervals.days[used],
            names=names,
        )
        refusal = fit.refusal
    notes = [scaled.note, f"{int(used.sum())} intervals between visits", *design.notes]
    if fit is not None and fit.uninformative_intervals:
        notes.append(f"intervals without events left out: {', '.join(fit.uninformative_intervals)}")
    rows = []
    for j, level in enumerate(scaled.levels):
        row = {"level": level, **counts, "note": "; ".join(note for note in notes if note), "refusal": refusal}
        if fit is not None and refusal is None:
            row |= hazard_ratio_columns(float(fit.beta[j]) * scaled.step, float(fit.standard_error[j]) * scaled.step)
        rows.append(row)
    return rows
