"""The survival tables on a small study with known effects: every row is an estimate or a refusal, and they agree."""

from collections.abc import Callable, Iterator
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from python_models.estimators.survival.cox import fit_cox
from python_models.frames.follow_ups import StudyData
from python_models.frames.study import read_cox_analyses
from python_models.frames.survival.coefficient_rows import coefficient_rows
from python_models.frames.survival.control_rows import control_rows
from python_models.frames.survival.cox_problems import CoxProblem, CoxProblems
from python_models.frames.survival.cumulative_incidence_rows import cumulative_incidence_rows
from python_models.frames.survival.dose_response_rows import dose_response_rows
from python_models.frames.survival.incidence_rows import incidence_rate_rows, without_small_counts
from python_models.frames.survival.lifestyle_rows import lifestyle_hazard_ratio_rows, lifestyle_pattern_similarity_rows
from python_models.frames.survival.proportional_hazards_rows import proportional_hazards_rows
from python_models.frames.survival.sensitivity_rows import sensitivity_hazard_ratio_rows
from python_models.frames.survival.subgroup_rows import refused_subgroups
from python_models.frames.survival.subgroups import Subgroup
from tests.frames.small_study import GRIP, SMOKING, small_study

Rows = list[dict[str, Any]]
TABLES: dict[str, tuple[Callable[[duckdb.DuckDBPyConnection], pa.Table], str]] = {
    "sensitivity": (sensitivity_hazard_ratio_rows, "log_hazard_ratio"),
    "proportional hazards": (proportional_hazards_rows, "p_value"),
    "cumulative incidence": (cumulative_incidence_rows, "cumulative_incidence"),
    "incidence": (incidence_rate_rows, "rate_per_1000_person_years"),
    "dose": (dose_response_rows, "log_hazard_ratio"),
    "lifestyle": (lifestyle_hazard_ratio_rows, "log_hazard_ratio"),
    "similarity": (lifestyle_pattern_similarity_rows, "cosine"),
    "controls": (control_rows, "log_hazard_ratio"),
}
# A planted log hazard ratio lies within this many standard errors of its estimate: one seeded cohort.
ERRORS = 3.0


@pytest.fixture(scope="module")
def session() -> Iterator[duckdb.DuckDBPyConnection]:
    with small_study() as connection:
        yield connection


@pytest.fixture(scope="module")
def tables(session: duckdb.DuckDBPyConnection) -> dict[str, Rows]:
    return {name: make(session).to_pylist() for name, (make, _) in TABLES.items()}


@pytest.mark.parametrize("name", TABLES)
def test_every_row_is_an_estimate_or_a_refusal(tables: dict[str, Rows], name: str) -> None:
    estimate = TABLES[name][1]
    rows = tables[name]
    assert len(rows) > 0
    assert [row for row in rows if (row[estimate] is None) == (row["refusal"] is None)] == []
    assert sum(row["refusal"] is None for row in rows) > len(rows) / 2
    numbers = [value for row in rows for value in row.values() if isinstance(value, float)]
    assert np.isfinite(numbers).all()


@pytest.mark.parametrize("name", TABLES)
def test_a_cohort_without_studies_gives_an_empty_table(
    session: duckdb.DuckDBPyConnection, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COHORT", "nobody")
    assert TABLES[name][0](session).num_rows == 0


def test_sensitivity__every_analysis_of_the_seeds_is_there_for_grip(
    session: duckdb.DuckDBPyConnection, tables: dict[str, Rows]
) -> None:
    asked = {row[0] for row in session.execute("select analysis from seeds.sensitivity_analyses").fetchall()}
    got = {row["analysis"] for row in tables["sensitivity"] if row["exposure"] == "grip_strength"}
    of_the_other_arm = {analysis for analysis in asked if "repeat visits" in analysis or "dynamometer" in analysis}
    assert got == asked - of_the_other_arm
    assert of_the_other_arm <= {row["analysis"] for row in tables["sensitivity"] if row["exposure"] == "heel_bmd"}


def test_sensitivity__those_that_keep_the_estimand_find_the_planted_effect(tables: dict[str, Rows]) -> None:
    changes = {"death counted as the event", "competing death"}
    for row in tables["sensitivity"]:
        if row["exposure"] == "grip_strength" and row["analysis"] not in changes and row["refusal"] is None:
            assert abs(row["log_hazard_ratio"] - GRIP) < ERRORS * row["standard_error"], row["analysis"]


def one(rows: Rows, **cells: str) -> dict[str, Any]:
    found = [row for row in rows if all(row[name] == value for name, value in cells.items())]
    assert len(found) == 1, (cells, len(found))
    return found[0]


def test_sensitivity__counts_follow_from_the_marts(session: duckdb.DuckDBPyConnection, tables: dict[str, Rows]) -> None:
    def counted(condition: str, days: str = "follow_up_days") -> tuple[int, float]:
        return session.execute(
            f"select sum(is_event::int), sum({days}) / 365.25 from marts.follow_ups inner join marts.participants "
            f"using (participant_id) where outcome_definition = 'first_occurrence_any_source' "
            f"and grip_strength_kg is not null and {condition}"
        ).fetchall()[0]

    grip = [row for row in tables["sensitivity"] if row["exposure"] == "grip_strength"]
    lag = one(grip, analysis="events of the first 2 years left out")
    assert (lag["n_events"], lag["person_years"]) == pytest.approx(
        counted("follow_up_days > 730", "follow_up_days - 730"), rel=1e-9
    )
    ten = one(grip, analysis="first 10 years of follow-up")
    assert ten["n_events"] == counted("follow_up_days <= 3652")[0]
    assert ten["person_years"] == pytest.approx(counted("true", "least(follow_up_days, 3652)")[1], rel=1e-9)
    common = one(grip, analysis="one end for all nations")
    assert common["n_events"] == counted("follow_up_days <= 4300")[0]
    full = one(grip, analysis="complete cases")
    assert full["n_events"] == counted("household_income != 'unknown'")[0]
    england = one(grip, analysis="England only")
    assert england["n_events"] == counted("nation = 'England'")[0]
    imputed = one(grip, analysis="multiple imputation")
    assert imputed["n_events"] == counted("true")[0]


def test_sensitivity__imputation_with_little_missing_is_near_the_primary(tables: dict[str, Rows]) -> None:
    row = one(tables["sensitivity"], exposure="grip_strength", analysis="multiple imputation")
    assert abs(row["difference_from_primary"]) < 0.5 * row["standard_error"]
    assert row["estimator"] == "rubin"


def test_sensitivity__what_does_not_apply_or_has_nobody_is_a_row_that_says_so() -> None:
    with small_study() as session:
        session.execute("update marts.participants set nation = 'England', heel_bmd_g_per_cm2 = null")
        session.execute("update marts.follow_ups set exit_kind = 'administrative' where exit_kind = 'death'")
        rows = sensitivity_hazard_ratio_rows(session).to_pylist()
        asked = {row[0] for row in session.execute("select analysis from seeds.sensitivity_analyses").fetchall()}
    grip = [row for row in rows if row["exposure"] == "grip_strength"]
    for analysis in ("one end for all nations", "death counted as the event"):
        assert one(grip, analysis=analysis)["refusal"].startswith("does not apply: ")
    heel = [row for row in rows if row["exposure"] == "heel_bmd"]
    of_the_other_arm = {row["analysis"] for row in grip if row["kind"] == "outcome_definition"}
    assert {row["analysis"] for row in heel} == asked - of_the_other_arm
    assert all(row["refusal"] and row["n_participants"] == 0 for row in heel)


def test_sensitivity__visits_with_few_events_are_adjusted_for_less_and_say_so() -> None:
    with small_study() as session:
        session.execute(
            "update marts.visit_intervals set is_case = participant_id in (select participant_id from "
            "marts.visit_intervals where is_case order by hash(participant_id) limit 15)"
        )
        rows = sensitivity_hazard_ratio_rows(session).to_pylist()
        m1 = next(
            analysis
            for analysis in read_cox_analyses(session, cohort="synthetic")
            if analysis.is_primary and (analysis.exposure, analysis.adjustment_set) == ("heel_bmd", "M1")
        )
        problem = CoxProblems(StudyData(session, [m1])).build(m1)
    assert isinstance(problem, CoxProblem)
    fit = fit_cox(exit=problem.days, event=problem.event, covariates=problem.matrix)
    row = one(rows, analysis="probable sarcopenia at repeat visits")
    assert (row["adjustment_set"], row["n_events"], row["refusal"]) == ("M1", 15, None)
    assert "adjusted for M1: M2 has too few events: 15 events for" in row["note"]
    assert row["note"].endswith("fewer than 10 events per parameter")
    assert 0 < row["events_per_parameter"] < 10
    assert row["primary_log_hazard_ratio"] == pytest.approx(fit.beta[0] * problem.scaled.step, rel=1e-6)


def test_sensitivity__adjustment_sets_in_the_same_people_differ_by_the_adjustment_alone() -> None:
    with small_study() as missing:
        missing.execute(
            "update marts.participants set vitamin_d_log_nmol_per_l = null where hash(participant_id) % 3 = 0"
        )
        rows = [row for row in sensitivity_hazard_ratio_rows(missing).to_pylist() if row["kind"] == "same_people"]
        full, m1 = (
            next(
                analysis
                for analysis in read_cox_analyses(missing, cohort="synthetic")
                if analysis.is_primary and (analysis.exposure, analysis.adjustment_set) == ("grip_strength", name)
            )
            for name in ("M3", "M1")
        )
        data = StudyData(missing, [full, m1])
        people, own = CoxProblems(data).build(full), CoxProblems(data).build(m1)
    assert isinstance(people, CoxProblem)
    assert isinstance(own, CoxProblem)
    among = np.isin(own.rows, people.rows)
    fit = fit_cox(exit=own.days[among], event=own.event[among], covariates=own.matrix[among])
    row = one(rows, exposure="grip_strength", parameter="M1 of M3")
    assert (row["adjustment_set"], row["n_participants"]) == ("M1", len(people.rows))
    assert row["log_hazard_ratio"] == pytest.approx(fit.beta[0] * own.scaled.step, rel=1e-8)
    alone = fit_cox(exit=own.days, event=own.event, covariates=own.matrix)
    assert row["primary_log_hazard_ratio"] == pytest.approx(alone.beta[0] * own.scaled.step, rel=1e-8)
    m2 = one(rows, exposure="grip_strength", parameter="M2 of M3")
    assert (m2["adjustment_set"], m2["n_participants"]) == ("M2", len(people.rows))


def test_proportional_hazards__periods_split_events_and_time(tables: dict[str, Rows]) -> None:
    grip = [row for row in tables["proportional hazards"] if row["exposure"] == "grip_strength"]
    bands = [row for row in grip if row["quantity"] == "hazard ratio within the period"]
    whole = one(grip, quantity="equality of the periods")
    assert sum(row["n_events"] for row in bands) == whole["n_events"]
    assert sum(row["person_years"] for row in bands) == pytest.approx(whole["person_years"], rel=1e-12)
    assert all(abs(row["log_hazard_ratio"] - GRIP) < ERRORS * row["standard_error"] for row in bands)
    # The hazards are proportional: no test rejects at a thousandth.
    assert all(row["p_value"] > 0.001 for row in grip if row["quantity"] != "hazard ratio within the period")


def test_proportional_hazards__a_period_without_events_is_refused_and_spares_the_others() -> None:
    with small_study() as session:
        session.execute(
            "update marts.follow_ups set is_event = false, exit_kind = 'administrative' where follow_up_days > 3652"
        )
        rows = proportional_hazards_rows(session).to_pylist()
    grip = [row for row in rows if row["exposure"] == "grip_strength"]
    assert one(grip, period="over 10 years")["refusal"].startswith("too few events: 0 of the 10 asked for")
    assert one(grip, period="5 to 10 years")["refusal"] is None
    assert one(grip, quantity="equality of the periods")["degrees_of_freedom"] == 1


def test_cumulative_incidence__grows_and_causes_add_to_less_than_one(tables: dict[str, Rows]) -> None:
    grip = [row for row in tables["cumulative incidence"] if row["exposure"] == "grip_strength"]
    lowest = [row for row in grip if row["level"] == "lowest third"]
    event = [row["cumulative_incidence"] for row in lowest if row["cause"] == "event" and row["refusal"] is None]
    death = [row["cumulative_incidence"] for row in lowest if row["cause"] != "event" and row["refusal"] is None]
    assert event == sorted(event)
    assert all(a + b <= 1 for a, b in zip(event, death, strict=True))
    ten = one(lowest, cause="event", horizon_years=10)  # type: ignore[arg-type]
    reference = one(grip, level="highest third", cause="event", horizon_years=10)  # type: ignore[arg-type]
    assert ten["risk_difference"] == pytest.approx(ten["cumulative_incidence"] - reference["cumulative_incidence"])
    assert ten["risk_difference_lower"] > 0
    assert reference["risk_difference"] is None


def test_cumulative_incidence__none_by_a_horizon_is_a_refusal_and_so_is_a_difference_from_it() -> None:
    with small_study() as session:
        # The best grips have no event in the first two years; day 3,653 is after ten years of 365.25 days.
        session.execute(
            "update marts.follow_ups set follow_up_days = case when follow_up_days between 3600 and 3652 then 3653 "
            "when grip_strength_kg > if(sex = 'male', 40, 25) and follow_up_days < 800 then 800 else follow_up_days "
            "end from marts.participants as people where people.participant_id = follow_ups.participant_id"
        )
        rows = cumulative_incidence_rows(session).to_pylist()
        (by_ten,) = session.execute(
            "select count(*) from marts.follow_ups inner join marts.participants using (participant_id) where is_event "
            "and follow_up_days <= 3652 and grip_strength_kg is not null "
            "and outcome_definition = 'first_occurrence_any_source'"
        ).fetchall()[0]
    grip = [row for row in rows if row["exposure"] == "grip_strength" and row["cause"] == "event"]
    best = one(grip, level="highest third", horizon_years=1)  # type: ignore[arg-type]
    assert best["refusal"] == f"no events by this horizon among {best['n_participants']}"
    assert best["cumulative_incidence_upper"] is None
    worst = one(grip, level="lowest third", horizon_years=1)  # type: ignore[arg-type]
    assert worst["refusal"] is None
    assert worst["risk_difference"] is None
    later = one(grip, level="lowest third", horizon_years=3)  # type: ignore[arg-type]
    assert later["risk_difference"] > 0
    assert sum(row["n_events"] for row in grip if row["horizon_years"] == 10) == by_ten


def test_incidence__levels_of_a_grouping_add_up_to_everyone(tables: dict[str, Rows]) -> None:
    rows = [row for row in tables["incidence"] if row["outcome_definition"] == "first_occurrence_any_source"]
    everyone = one(rows, grouping="everyone")
    for grouping in {row["grouping"] for row in rows}:
        own = [row for row in rows if row["grouping"] == grouping]
        assert sum(row["n_events"] for row in own) == everyone["n_events"], grouping
        assert sum(row["person_years"] for row in own) == pytest.approx(everyone["person_years"]), grouping


@pytest.mark.parametrize(
    ("events", "withheld"),
    [
        ((20, 10, 5), set()),
        ((20, 10, 0), set()),
        ((20, 10, 2), {"b", "c"}),
        ((20, 2, 1), {"a", "b", "c"}),
        ((20, 4, 1), {"b", "c"}),
        ((3, 0, 0), {"a", "everyone"}),
    ],
)
def test_incidence__no_count_of_1_to_4_is_told_or_can_be_subtracted(
    events: tuple[int, ...], withheld: set[str]
) -> None:
    def row(grouping: str, level: str, n_events: int) -> dict[str, object]:
        key = dict.fromkeys(("study", "arm", "outcome", "outcome_definition"), "s")
        return {
            **key,
            "grouping": grouping,
            "level": level,
            "n_participants": 900,
            "n_events": n_events,
            "refusal": None,
        }

    rows = [row("everyone", "everyone", sum(events)), *(row("third", "abc"[k], n) for k, n in enumerate(events))]
    found = without_small_counts(rows)
    assert [one["level"] for one in found] == ["everyone", "a", "b", "c"]
    assert {str(one["level"]) for one in found if one["refusal"]} == withheld
    assert all(("n_events" in one) == (one["refusal"] is None) for one in found)


def test_incidence__outcomes_at_visits_that_nobody_came_back_to_say_so() -> None:
    with small_study() as session:
        session.execute("delete from marts.visit_intervals")
        rows = incidence_rate_rows(session).to_pylist()
    visits = [row for row in rows if row["outcome_definition"] == "ewgsop2_at_visits"]
    assert {row["grouping"] for row in visits} == {"everyone", "heel_bmd"}
    assert all(row["refusal"] == "nobody's status is known at two visits" for row in visits)


def test_subgroups__of_a_model_with_nobody_are_rows_that_say_so() -> None:
    subgroups = [
        Subgroup("s", "sex", "male", "sex", "equals", "male"),
        Subgroup("t", "sex", "male", "sex", "equals", "male"),
    ]
    assert [row["subgroup"] for row in refused_subgroups("s", subgroups, "nobody")] == ["sex: male"]
    assert all(row["refusal"] == "nobody" for row in refused_subgroups("s", subgroups, "nobody"))


def test_dose_response__is_one_at_the_median_and_straight_where_the_effect_is(tables: dict[str, Rows]) -> None:
    heel = [row for row in tables["dose"] if row["exposure"] == "heel_bmd"]
    at = [row for row in heel if row["exposure_value"] == row["reference_value"]]
    assert {row["subgroup"]: row["hazard_ratio"] for row in at} == {
        "everyone": 1.0, "sex: female": 1.0, "sex: male": 1.0,
    }  # fmt: skip
    assert all(row["p_nonlinear"] > 0.001 for row in at)
    assert sum(row["n_events"] for row in at if row["subgroup"] != "everyone") == heel[0]["n_events"]
    assert {row["exposure"] for row in tables["dose"]} == {
        "lean_mass_index", "grip_strength", "heel_bmd", "sleep_duration_category",
    }  # fmt: skip


def test_lifestyle__finds_the_planted_effect_on_both_outcomes(tables: dict[str, Rows]) -> None:
    rows = [row for row in tables["lifestyle"] if row["contrast"] == "current_vs_never"]
    assert {row["outcome"] for row in rows} == set(SMOKING)
    for row in rows:
        assert abs(row["log_hazard_ratio"] - SMOKING[row["outcome"]]) < ERRORS * row["standard_error"]
        assert row["n_events_level"] + row["n_events_reference"] < row["n_events"]


def test_lifestyle__a_factor_that_the_primary_model_does_not_hold_says_so() -> None:
    with small_study() as session:
        session.execute("delete from seeds.adjustment_sets where adjustment_set = 'M2' and covariate = 'smoking'")
        rows = lifestyle_hazard_ratio_rows(session).to_pylist()
    smoking = [row for row in rows if row["factor"] == "smoking_status"]
    assert {(row["arm"], row["contrast"]) for row in smoking} == {
        (arm, contrast)
        for arm in ("muscle_to_bone", "bone_to_muscle")
        for contrast in ("current_vs_never", "previous_vs_never")
    }
    why = "smoking_status is no covariate of M2, the arm's primary adjustment set"
    assert all((row["refusal"], row["log_hazard_ratio"]) == (why, None) for row in smoking)
    assert any(row["log_hazard_ratio"] is not None for row in rows if row["factor"] == "physical_activity")


def test_similarity__the_interval_holds_the_cosine_and_one_is_its_most(tables: dict[str, Rows]) -> None:
    row = one(tables["similarity"], factor="smoking_status")
    assert row["cosine_lower"] <= row["cosine"] <= 1
    assert row["cosine"] > 0.9
    assert row["equality_p_value"] > 0.001


def test_controls__negative_ones_find_nothing_and_age_is_found(tables: dict[str, Rows]) -> None:
    negative = [row for row in tables["controls"] if row["kind"] == "negative"]
    assert len(negative) == 12
    assert all(abs(row["log_hazard_ratio"]) < 3.5 * row["standard_error"] for row in negative)
    age = one(tables["controls"], control="age on osteoporosis")
    assert age["is_as_expected"]


def test_coefficients__score_is_zero_and_covariates_are_all_there(session: duckdb.DuckDBPyConnection) -> None:
    rows = coefficient_rows(session).to_pylist()
    m1 = [r for r in rows if (r["exposure"], r["adjustment_set"]) == ("walking_pace", "M1")]
    assert {(r["column_name"], r["level"]) for r in m1} == {
        ("walking_pace_level", "per category"), ("age_years", ""), ("sex", "male"),
    }  # fmt: skip
    table = session.execute(
        "select walking_pace_level, age_years, (sex = 'male')::double, follow_up_days, is_event "
        "from marts.participants inner join marts.follow_ups using (participant_id) "
        "where outcome_definition = 'first_occurrence_any_source'"
    ).fetchnumpy()
    columns = list(table.values())
    fit = fit_cox(exit=columns[3], event=columns[4], covariates=np.column_stack(columns[:3]))
    order = {"walking_pace_level": 0, "age_years": 1, "sex": 2}
    for row in m1:
        assert row["log_hazard_ratio"] == pytest.approx(fit.beta[order[row["column_name"]]], rel=1e-6)
