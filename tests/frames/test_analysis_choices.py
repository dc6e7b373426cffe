"""results.analysis_choices by hand: what is compared with what, and what stays without a difference and says why."""

import math
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from python_models.frames.survival import hazard_ratio_rows, sensitivity_rows
from tests.rendered_models import build

Rows = list[dict[str, Any]]
KEY = {"study": "s", "arm": "a", "exposure": "grip", "outcome": "o"}
PRIMARY = {"scaling": "per_sex_sd", "level": "per SD within sex", "outcome_definition": "dated", "adjustment_set": "M2"}


def estimate(log_hazard_ratio: float | None, error: float = 0.1) -> dict[str, Any]:
    if log_hazard_ratio is None:
        return {"refusal": "too few events: 3 of the 10 asked for", "n_events": 3, "events_per_parameter": 0.5}
    found = {"log_hazard_ratio": log_hazard_ratio, "standard_error": error, "hazard_ratio": math.exp(log_hazard_ratio)}
    return found | {"n_events": 100, "n_participants": 1000, "events_per_parameter": 20.0}


def fitted(log_hazard_ratio: float | None, **changes: Any) -> dict[str, Any]:
    row = {**KEY, **PRIMARY, "subgroup": "everyone", "is_primary_model": False, "estimator": "house"}
    return row | estimate(log_hazard_ratio) | changes


def sensitivity(log_hazard_ratio: float | None, analysis: str, kind: str, **changes: Any) -> dict[str, Any]:
    row = {**KEY, **PRIMARY, "analysis": analysis, "kind": kind, "estimator": "house"}
    return row | estimate(log_hazard_ratio) | changes


MODELS = [
    fitted(-0.6, is_primary_model=True, note="SD in kg: 6"),
    fitted(-0.8, adjustment_set="M1"),
    fitted(-0.5, adjustment_set="M3", n_participants=700),
    fitted(None, subgroup="sex: male"),
    fitted(0.1, subgroup="sex: female"),
    fitted(-0.3, scaling="per_units", level="per 5 kg"),
    fitted(-0.4, outcome_definition="hospital"),
    fitted(-0.2, outcome_definition="at visits", estimator="grouped_hazards"),
    fitted(None, outcome_definition="never seen", level="", n_participants=0, refusal="nobody at risk"),
    # Two choices at once answer another question.
    fitted(-0.9, adjustment_set="M1", outcome_definition="hospital"),
    # An exposure that nobody has: its primary model is a row without a level.
    fitted(None, exposure="pace", is_primary_model=True, level="", n_participants=0, refusal="nobody at risk"),
    fitted(-0.7, exposure="pace", adjustment_set="M1"),
]
SENSITIVITY = [
    sensitivity(-0.61, "lag", "lag_years", parameter="2"),
    sensitivity(-0.62, "age", "attained_age"),
    sensitivity(-0.63, "death", "competing_death", estimator="fine_gray"),
    sensitivity(None, "subset", "subset", note="does not matter"),
    sensitivity(-0.4, "hospital only", "outcome_definition", outcome_definition="hospital"),
    sensitivity(-0.75, "M1 of these", "same_people", parameter="M1 of M3", adjustment_set="M1", n_participants=700),
    sensitivity(-0.55, "M2 of these", "same_people", parameter="M2 of M3", n_participants=700),
]


def table_of(rows: Rows, schema: pa.Schema) -> pa.Table:
    return pa.Table.from_pylist([dict.fromkeys(schema.names) | row for row in rows], schema=schema)


@pytest.fixture(scope="module")
def choices() -> Rows:
    with duckdb.connect() as connection:
        connection.execute("create schema results")
        for name, rows, schema in (
            ("hazard_ratios", MODELS, hazard_ratio_rows.SCHEMA),
            ("sensitivity_hazard_ratios", SENSITIVITY, sensitivity_rows.SCHEMA),
        ):
            connection.register("given", table_of(rows, schema))
            connection.execute(f"create table results.{name} as select * from given")
            connection.unregister("given")
        build(connection, ["analysis_choices"])
        found: Rows = connection.sql("select * from results.analysis_choices").to_arrow_table().to_pylist()
    return found


def of(choices: Rows, choice: str, exposure: str = "grip") -> dict[str, Any]:
    (row,) = [row for row in choices if (row["choice"], row["exposure"]) == (choice, exposure)]
    return row


def test_analysis_choices__every_single_choice_is_one_row_and_two_at_once_are_none(choices: Rows) -> None:
    assert sorted((row["exposure"], row["choice_kind"], row["choice"]) for row in choices) == [
        ("grip", "adjustment", "M1"),
        ("grip", "adjustment", "M3"),
        ("grip", "adjustment in the same people", "M1 of these"),
        ("grip", "adjustment in the same people", "M2 of these"),
        ("grip", "adjustment in the same people", "M3 among those complete for M3"),
        ("grip", "outcome definition", "at visits"),
        ("grip", "outcome definition", "hospital"),
        ("grip", "outcome definition", "never seen"),
        ("grip", "scaling", "per_units, per 5 kg"),
        ("grip", "sensitivity", "age"),
        ("grip", "sensitivity", "death"),
        ("grip", "sensitivity", "lag"),
        ("grip", "sensitivity", "subset"),
        ("grip", "subgroup", "sex: female"),
        ("grip", "subgroup", "sex: male"),
        ("pace", "adjustment", "M1"),
    ]


@pytest.mark.parametrize(
    ("choice", "difference", "changes"),
    [
        ("M1", -0.2, False),
        ("M3", 0.1, False),
        ("hospital", 0.2, False),
        ("lag", -0.01, False),
        ("sex: female", 0.7, True),
        # What the people alone do, then what the adjustment alone does.
        ("M2 of these", 0.05, False),
        ("M1 of these", -0.2, False),
        ("M3 among those complete for M3", 0.05, False),
    ],
)
def test_analysis_choices__one_unit_gives_a_difference(
    choices: Rows, choice: str, difference: float, changes: bool
) -> None:
    row = of(choices, choice)
    assert row["difference"] == pytest.approx(difference)
    assert row["difference_in_standard_errors"] == pytest.approx(10 * difference)
    assert (row["changes_direction"], row["has_same_unit"], row["why_no_difference"]) == (changes, True, None)


@pytest.mark.parametrize(
    ("choice", "has_same_unit", "why"),
    [
        ("per_units, per 5 kg", False, "another unit of the exposure"),
        ("at visits", False, "another time scale: time between visits"),
        ("age", False, "another time scale: attained age"),
        ("death", False, "another kind of hazard: subdistribution, in which the dead stay at risk"),
        ("sex: male", True, "this choice has no estimate"),
        ("subset", True, "this choice has no estimate"),
        ("never seen", True, "this choice has no estimate"),
    ],
)
def test_analysis_choices__what_cannot_be_subtracted_says_why(
    choices: Rows, choice: str, has_same_unit: bool, why: str
) -> None:
    row = of(choices, choice)
    assert (row["has_same_unit"], row["why_no_difference"]) == (has_same_unit, why)
    empty = ("difference", "difference_in_standard_errors", "changes_direction", "position_by_size")
    assert all(row[name] is None for name in empty)


def test_analysis_choices__a_refused_choice_keeps_its_counts_note_and_refusal(choices: Rows) -> None:
    refused = {row["choice"]: row for row in choices if row["refusal"] is not None}
    assert set(refused) == {"sex: male", "subset", "never seen"}
    male = refused["sex: male"]
    assert (male["hazard_ratio"], male["n_events"], male["events_per_parameter"]) == (None, 3, 0.5)
    assert refused["subset"]["note"] == "does not matter"
    assert (refused["never seen"]["level"], refused["never seen"]["n_participants"]) == ("", 0)


def test_analysis_choices__a_primary_model_with_nobody_leaves_the_others_without_a_difference(choices: Rows) -> None:
    row = of(choices, "M1", exposure="pace")
    assert (row["level"], row["log_hazard_ratio"]) == ("per SD within sex", -0.7)
    assert (row["primary_log_hazard_ratio"], row["difference"]) == (None, None)
    assert row["why_no_difference"] == "the primary model has no estimate"


def test_analysis_choices__adjustments_are_told_from_people(choices: Rows) -> None:
    assert of(choices, "M1")["compared_with"] == of(choices, "M2 of these")["compared_with"] == "primary model"
    for choice in ("M1 of these", "M3 among those complete for M3"):
        row = of(choices, choice)
        assert (row["compared_with"], row["primary_n_participants"]) == ("M2 of these", 700)


def test_analysis_choices__position_one_moves_the_estimate_most(choices: Rows) -> None:
    placed = sorted((row for row in choices if row["position_by_size"]), key=lambda row: row["position_by_size"])
    assert [row["position_by_size"] for row in placed] == list(range(1, len(placed) + 1))
    sizes = [abs(row["difference"]) for row in placed]
    assert sizes == sorted(sizes, reverse=True)
    assert placed[0]["choice"] == "sex: female"
