"""Mediators without an effect of their own are told: truly null ones, those that follow adiposity, those upheld."""

import duckdb
import pytest

from python_models.frames.biomarkers.mediator_truth_rows import Row, mediator_truth_rows
from python_models.frames.mediation.mediator_overlap_rows import _only_upheld

KEYS = "'study' as study, 'lifestyle' as arm, 'smoking' as exposure, 'current' as scaling"
# Name, planted effect, its large-sample value, upheld with fat mass adjusted for (None: not asked again).
MEDIATORS = [
    ("real", 0.2, 0.2, True),
    ("null", 0.0, 0.0, True),
    ("leptin", 0.0, -0.03, False),
    ("other", 0.1, 0.1, True),
]


@pytest.fixture
def session() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    for schema in ("marts", "results"):
        connection.execute(f"create schema {schema}")
    connection.execute("create table found (biomarker varchar, planted double, truth double, upheld boolean)")
    connection.executemany("insert into found values (?, ?, ?, ?)", MEDIATORS)
    connection.execute(
        f"""
        create table results.mediation_effects as
        select {KEYS}, 'death' as outcome, 'definition' as outcome_definition, 'M2' as adjustment_set,
            'protein' as platform, biomarker, true as is_mediator from found
        """
    )
    connection.execute(
        """
        create table marts.planted_truths as
        select 'biomarker_effect' as quantity, 'death' as outcome, 'definition' as outcome_definition,
            'M2' as adjustment_set, biomarker as mediator, planted as planted_coefficient, truth as large_sample_value,
            'kind' as note, 'protein' as platform from found
        """
    )
    connection.execute(
        f"""
        create table results.mediation_sensitivities as
        select {KEYS}, 'definition' as outcome_definition, 'protein' as platform, biomarker,
            'fat_mass_adjusted' as analysis, upheld as is_upheld from found
        """
    )
    return connection


def shares(session: duckdb.DuckDBPyConnection) -> dict[str, tuple[float, int]]:
    return {row["measure"]: (row["estimate"], row["n"]) for row in mediator_truth_rows(session)}


def test_null_and_following_mediators_are_told_apart(session: duckdb.DuckDBPyConnection) -> None:
    assert shares(session) == {
        "null_among_mediators": (0.25, 4),
        "followers_among_mediators": (0.25, 4),
        "without_effect_among_upheld": (pytest.approx(1 / 3), 3),
    }


def test_studies_without_the_analysis_have_no_share_of_the_upheld(session: duckdb.DuckDBPyConnection) -> None:
    session.execute("delete from results.mediation_sensitivities")
    assert set(shares(session)) == {"null_among_mediators", "followers_among_mediators"}


def test_a_share_of_false_ones_may_be_smaller_than_expected(session: duckdb.DuckDBPyConnection) -> None:
    session.execute("update marts.planted_truths set planted_coefficient = 0, large_sample_value = 0")
    row = next(row for row in mediator_truth_rows(session) if row["measure"] == "null_among_mediators")
    assert (row["estimate"], row["is_covered"]) == (1.0, False)
    session.execute("update marts.planted_truths set planted_coefficient = 0.1")
    row = next(row for row in mediator_truth_rows(session) if row["measure"] == "null_among_mediators")
    assert (row["estimate"], row["is_covered"]) == (0.0, True)


def test_a_mediator_that_does_not_stand_is_a_biomarker_without_a_path() -> None:
    def row(name: str, q: float) -> Row:
        return {
            "study": "study", "exposure": "smoking", "scaling": "current", "outcome": "death", "platform": "protein",
            "biomarker": name, "q_value": q, "p_value": q, "effect": 0.1, "outcome_path": 0.2, "outcome_z": 4.0,
        }  # fmt: skip

    given = [row("stands", 0.01), row("falls", 0.01), row("refused", 0.01), row("no mediator", 0.5)]
    key = ("study", "smoking", "current", "death", "protein")
    got = _only_upheld(given, {(*key, "stands"): True, (*key, "falls"): False})
    assert [one["q_value"] for one in got] == [0.01, 1.0, 1.0, 0.5]
    assert [one["outcome_z"] for one in got] == [4.0, 0.0, 0.0, 4.0]
