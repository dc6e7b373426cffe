"""Outcomes at repeat visits: counts from the marts, a planted hazard ratio, and refusals by name."""

from collections.abc import Iterator
from dataclasses import replace

import duckdb
import numpy as np
import pytest

from python_models.frames.columns import Categories, Columns
from python_models.frames.follow_ups import StudyData
from python_models.frames.study import read_visit_analyses
from python_models.frames.survival.visit_models import Intervals, read_intervals, visit_estimates
from tests.frames.small_study import small_study
from tests.frames.test_cox_problems import analysis


@pytest.fixture(scope="module")
def session() -> Iterator[duckdb.DuckDBPyConnection]:
    with small_study() as connection:
        yield connection


def test_read_visit_analyses__definitions_at_visits_in_the_primary_scaling(session: duckdb.DuckDBPyConnection) -> None:
    analyses = read_visit_analyses(session, cohort="synthetic")
    assert {one.exposure for one in analyses} == {"heel_bmd"}
    assert all(one.is_primary_scaling and not one.is_primary for one in analyses)
    assert "ewgsop2_at_visits" in {one.outcome_definition for one in analyses}


def test_visit_estimates__counts_are_of_the_mart(session: duckdb.DuckDBPyConnection) -> None:
    definition = "probable_sarcopenia_at_visits"
    asked = [
        one
        for one in read_visit_analyses(session, cohort="synthetic")
        if one.outcome_definition == definition and one.adjustment_set == "M1"
    ]
    data = StudyData(session, [], more_columns=[*asked[0].covariates, asked[0].column_name])
    (row,) = visit_estimates(asked[0], data.columns, read_intervals(session)[definition])
    counted = session.execute(
        "select count(*), sum(is_case::int), sum(interval_days) / 365.25 from marts.visit_intervals"
    ).fetchall()[0]
    assert (row["n_participants"], row["n_events"]) == counted[:2]
    assert row["person_years"] == pytest.approx(counted[2], rel=1e-12)
    assert row["refusal"] is None
    assert "intervals between visits" in row["note"]


def test_visit_estimates__nobody_seen_again_is_a_refusal(session: duckdb.DuckDBPyConnection) -> None:
    (row,) = visit_estimates(analysis(), {}, None)
    assert row["refusal"] == "nobody was free of the outcome at one visit and seen at a later one"
    assert row["n_participants"] == 0


def planted(beta: float, n: int = 4_000) -> tuple[Columns, Intervals]:
    """Onset at a rate of exp(beta x) per 8,000 days, seen at visits on days 1,500 and 3,000."""
    rng = np.random.default_rng(20260701)
    x = rng.normal(size=n)
    onset = rng.exponential(8_000 * np.exp(-beta * x))
    first = onset <= 1_500
    later = ~first
    position = np.concatenate([np.arange(n), np.flatnonzero(later)])
    label = np.concatenate([np.zeros(n, dtype=np.int32), np.ones(int(later.sum()), dtype=np.int32)])
    intervals = Intervals(
        position=position.astype(np.intp),
        label=Categories(label, ("0-1", "1-2")),
        days=np.full(len(position), 1_500.0),
        is_case=np.concatenate([first, onset[later] <= 3_000]),
    )
    sex = Categories(rng.integers(0, 2, n).astype(np.int32), ("female", "male"))
    return {"grip_kg": x, "sex": sex}, intervals


def test_visit_estimates__find_the_hazard_ratio_of_the_underlying_time() -> None:
    columns, intervals = planted(-0.5)
    (row,) = visit_estimates(analysis(), columns, intervals)
    assert abs(row["log_hazard_ratio"] + 0.5) < 3 * row["standard_error"]
    assert row["n_participants"] == 4_000
    assert intervals.follow_up()[1].sum() == pytest.approx(intervals.days.sum())


def test_visit_estimates__few_cases_are_refused_with_their_count() -> None:
    columns, intervals = planted(0.0)
    few = replace(intervals, is_case=intervals.is_case & (np.cumsum(intervals.is_case) <= 4))
    (row,) = visit_estimates(analysis(), columns, few)
    assert row["refusal"] == "too few events: 4 of the 10 asked for"
    assert "hazard_ratio" not in row
