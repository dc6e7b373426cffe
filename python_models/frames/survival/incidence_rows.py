"""Cases, person-years and rates per 1,000 person-years, as rows of results.incidence_rates."""

from collections.abc import Iterator
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from python_models.estimators.survival.incidence import incidence_rates
from python_models.frames.build import cohort_of_build
from python_models.frames.columns import Categories, present, take
from python_models.frames.estimates import COUNTS, table_of
from python_models.frames.follow_ups import DAYS_PER_YEAR, StudyData
from python_models.frames.study import CoxAnalysis, read_cox_analyses, read_visit_analyses
from python_models.frames.survival.analysis_columns import TEXT
from python_models.frames.survival.exposure_groups import exposure_groups
from python_models.frames.survival.subgroups import Subgroup, read_subgroups
from python_models.frames.survival.visit_models import read_intervals
from warehouse.small_counts import FEWER, SMALLEST_CELL, is_small

Mask = npt.NDArray[np.bool_]
KEY = ("study", "arm", "outcome", "outcome_definition", "grouping", "level")
SCHEMA = pa.schema(
    [
        *((name, TEXT) for name in KEY),
        *COUNTS,
        ("rate_per_1000_person_years", pa.float64()),
        ("rate_lower", pa.float64()),
        ("rate_upper", pa.float64()),
        ("refusal", TEXT),
    ]
)


def _groups(
    analyses: list[CoxAnalysis], data: StudyData, subgroups: list[Subgroup], positions: npt.NDArray[np.intp]
) -> Iterator[tuple[str, str, Mask]]:
    """Grouping, level and members (n,) among the followed: everyone, subgroups, and levels of each exposure."""
    yield "everyone", "everyone", np.ones(len(positions), dtype=np.bool_)
    for group in subgroups:
        if group.study == analyses[0].study:
            yield group.grouping, group.subgroup, group.members(data.columns, positions)
    sex = take(data.columns["sex"], positions)
    assert isinstance(sex, Categories)
    for exposure, column_name in dict.fromkeys((one.exposure, one.column_name) for one in analyses):
        values = take(data.columns[column_name], positions)
        assert not isinstance(values, Categories)
        measured = present(values)
        for level, own in exposure_groups(values[measured], sex.codes[measured]):
            members = np.zeros(len(positions), dtype=np.bool_)
            members[np.flatnonzero(measured)[own]] = True
            yield exposure, level, members
        yield exposure, "not measured", ~measured


def without_small_counts(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of one outcome definition without counts of 1 to 4 people, nor levels from which one could be subtracted.

    A grouping adds up to everyone. So beside a level with a small count the next smallest levels are withheld until at
    least two are, and until those who are in them are no small count themselves.
    """
    withheld: set[tuple[str, str]] = set()
    for column in ("n_participants", "n_events"):
        for grouping in dict.fromkeys(row["grouping"] for row in rows):
            levels = sorted((row for row in rows if row["grouping"] == grouping), key=lambda row: row[column])
            hidden = [row for row in levels if is_small(row[column])]
            others = [row for row in levels if row[column] >= SMALLEST_CELL]
            while hidden and others and (len(hidden) < 2 or is_small(sum(row[column] for row in hidden))):
                hidden.append(others.pop(0))
            withheld |= {(grouping, row["level"]) for row in hidden}
    refusal = f"{FEWER} participants or cases here, or where it would tell them"
    return [
        {name: row[name] for name in KEY} | {"refusal": refusal} if (row["grouping"], row["level"]) in withheld else row
        for row in rows
    ]


def incidence_rate_rows(session: duckdb.DuckDBPyConnection) -> pa.Table:
    """Rates of every outcome definition of every arm, in everyone at risk and by group; exact Poisson limits.

    For outcomes at repeat visits, person-years lie between visits, and the rate is of onsets seen at one.
    """
    cohort = cohort_of_build()
    every = read_cox_analyses(session, cohort=cohort)
    subgroups = read_subgroups(session, cohort=cohort)
    at_visits = read_visit_analyses(session, cohort=cohort)
    data = StudyData(session, every, more_columns=[group.column_name for group in subgroups])
    intervals = read_intervals(session) if at_visits else {}
    followed = {**data.follow_ups, **{name: found.follow_up() for name, found in intervals.items()}}
    rows: list[dict[str, Any]] = []
    for study, arm, outcome, definition in dict.fromkeys(
        (one.study, one.arm, one.outcome, one.outcome_definition) for one in (*every, *at_visits)
    ):
        own = [one for one in every if (one.study, one.arm) == (study, arm)]
        if definition not in followed:
            rows += [
                {
                    "study": study,
                    "arm": arm,
                    "outcome": outcome,
                    "outcome_definition": definition,
                    "grouping": grouping,
                    "level": "",
                    "n_participants": 0,
                    "n_events": 0,
                    "person_years": 0.0,
                    "refusal": "nobody's status is known at two visits",
                }
                for grouping in ("everyone", *dict.fromkeys(one.exposure for one in own))
            ]
            continue
        positions, days, event = followed[definition]
        found_rows: list[dict[str, Any]] = []
        for grouping, level, members in _groups(own, data, subgroups, positions):
            n = int(members.sum())
            if n == 0 and level == "not measured":
                continue
            row: dict[str, Any] = {
                "study": study,
                "arm": arm,
                "outcome": outcome,
                "outcome_definition": definition,
                "grouping": grouping,
                "level": level,
                "n_participants": n,
                "n_events": int(event[members].sum()),
                "person_years": float(days[members].sum() / DAYS_PER_YEAR),
            }
            found = incidence_rates(n_events=row["n_events"], person_years=row["person_years"])
            row["refusal"] = found.refusals[0]
            if row["refusal"] is None:
                row |= {
                    "rate_per_1000_person_years": float(found.rate[0]),
                    "rate_lower": float(found.lower[0]),
                    "rate_upper": float(found.upper[0]),
                }
            found_rows.append(row)
        rows += without_small_counts(found_rows)
    return table_of(rows, SCHEMA, sort_by=KEY)
