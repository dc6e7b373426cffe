"""The default study, where it has been built: it finds what was planted, and the README shows what it found."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from warehouse.publish.flow import PAGE, flow_page
from warehouse.publish.readme import BEGIN, END, results_table, with_results

ROOT = Path(__file__).parents[2]
STUDY = ROOT / "warehouse" / "study.duckdb"
DEFAULT_SIZE = 50_000
# The seed is fixed, so these are facts of one cohort and no chances.
STANDARD_ERRORS = 3.0


@pytest.fixture(scope="module")
def study() -> Iterator[duckdb.DuckDBPyConnection]:
    if not STUDY.is_file():
        pytest.skip("needs the default study: make build")
    with duckdb.connect(str(STUDY), read_only=True) as connection:
        landed = connection.execute("select max(n_in) from marts.eligibility_flow").fetchall()[0][0]
        if landed != DEFAULT_SIZE:
            pytest.skip(f"the study here is of {landed:,} participants, the default of {DEFAULT_SIZE:,}")
        yield connection


def test_the_readme_shows_a_table_of_results() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = readme.partition(BEGIN)[2].partition(END)[0]
    assert shown.count("|") > 30


def test_the_table_of_results_is_current(study: duckdb.DuckDBPyConnection) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert readme == with_results(readme, results_table(study)), "run python -m warehouse.publish.readme"


def test_the_flow_diagram_is_current(study: duckdb.DuckDBPyConnection) -> None:
    assert (ROOT / PAGE).read_text(encoding="utf-8") == flow_page(study), "run python -m warehouse.publish.flow"


def test_the_four_primary_estimates_find_the_planted_truth(study: duckdb.DuckDBPyConnection) -> None:
    rows = study.execute(
        "select exposure, standard_errors_from_truth from results.truth_comparisons where is_primary_adjustment"
    ).fetchall()
    assert len(rows) == 4
    assert all(abs(off) < STANDARD_ERRORS for _, off in rows), rows


def test_the_unadjusted_estimates_visibly_do_not(study: duckdb.DuckDBPyConnection) -> None:
    rows = study.execute(
        "select exposure, standard_errors_from_target from results.truth_comparisons "
        "where adjustment_set = 'unadjusted'"
    ).fetchall()
    assert len(rows) == 4
    assert all(abs(off) > STANDARD_ERRORS for _, off in rows), rows


def test_the_truth_lies_within_5_percent_of_the_published_logs(study: duckdb.DuckDBPyConnection) -> None:
    rows = study.execute(
        "select exposure, target_log_hazard_ratio / ln(reference_hazard_ratio) from results.truth_comparisons "
        "where is_primary_adjustment"
    ).fetchall()
    assert len(rows) == 4
    assert all(abs(ratio - 1) < 0.05 for _, ratio in rows), rows


def test_the_computed_ends_of_follow_up_are_the_planted(study: duckdb.DuckDBPyConnection) -> None:
    """Of hospital, deaths and primary care, in every nation or at every data provider."""
    rows = study.execute(
        """
        select ends.event_source, ends.nation, ends.computed_end_date, cast(truths.note as date)
        from marts.planted_truths as truths
        full outer join intermediate.int_follow_up_ends__decided as ends
            on truths.outcome = ends.event_source and truths.exposure = ends.nation
        where truths.quantity = 'end_of_follow_up' or truths.quantity is null
        """
    ).fetchall()
    assert len(rows) == 10
    assert [row for row in rows if row[2] != row[3]] == []


# What a reader of such a paper looks for, table by table (T2 to T6), as queries of what is missing. That the seeds' own
# questions have rows is a data test (every_question_of_the_seeds_has_its_rows); here the default study gives estimates.
MISSING_FROM_THE_PAPER = {
    "T2: cases, person-years and hazard ratio, M1 to M3, of three measures on osteoporosis": """
        select exposure, adjustment_set
        from (values ('lean_mass_index'), ('grip_strength'), ('walking_pace')) as asked (exposure)
        cross join (values ('M1'), ('M2'), ('M3')) as sets (adjustment_set)
        left join (
            select * from results.hazard_ratios
            where is_primary and outcome = 'osteoporosis' and n_events > 0 and person_years > 0
                and hazard_ratio_lower < hazard_ratio and hazard_ratio < hazard_ratio_upper
        ) as ratios using (exposure, adjustment_set)
        where ratios.hazard_ratio is null
    """,
    "T2: rates per 1,000 person-years by level of the same": """
        select exposure
        from (values ('lean_mass_index'), ('grip_strength'), ('walking_pace')) as asked (exposure)
        left join (
            select grouping as exposure, count(rate_per_1000_person_years) as n
            from results.incidence_rates
            where outcome_definition = 'first_occurrence_any_source'
            group by all
        ) as rates using (exposure)
        where n is null or n < 3
    """,
    "T3: heel density on sarcopenia by hospital code and by every definition at visits, each with its rate": """
        select definitions.outcome_definition
        from seeds.outcome_definitions as definitions
        left join (
            select outcome_definition, bool_or(hazard_ratio is not null) as has_estimate
            from results.hazard_ratios
            where exposure = 'heel_bmd' and adjustment_set in ('M1', 'M2', 'M3')
            group by all
        ) as ratios using (outcome_definition)
        left join (
            select outcome_definition, bool_or(rate_per_1000_person_years is not null) as has_rate
            from results.incidence_rates where grouping = 'heel_bmd' group by all
        ) as rates using (outcome_definition)
        where outcome = 'sarcopenia' and not (coalesce(has_estimate, false) and coalesce(has_rate, false))
    """,
    "T4: subgroups of sex and age with the test of interaction": """
        select exposure, subgroup
        from (select exposure from seeds.exposures where study = 'sarcopenia_osteoporosis')
        cross join (
            values ('sex: female'), ('sex: male'), ('age: under 60'), ('age: 60 and over')
        ) as groups (subgroup)
        left join results.hazard_ratios as ratios using (exposure, subgroup)
        where ratios.hazard_ratio is null or ratios.interaction_p_value is null
    """,
    "T4: joint categories against neither, with the test of interaction": """
        select exposure
        from (
            values ('grip_strength_and_lean_mass_index'), ('grip_strength_and_walking_pace')
        ) as asked (exposure)
        left join (
            select exposure, count(hazard_ratio) as n, count(interaction_p_value) as n_tested
            from results.hazard_ratios where scaling = 'joint_categories' group by all
        ) using (exposure)
        where n is null or n < 3 or n_tested = 0
    """,
    "T5: the sensitivity analyses of the specification": """
        select asked.kind, asked.parameter
        from (
            values ('lag_years', '2'), ('lag_years', '5'), ('attained_age', null), ('competing_death', null),
            ('multiple_imputation', '5'), ('complete_case', null), ('outcome_definition', 'hospital_osteoporosis'),
            ('outcome_definition', 'gp_linked_any_source'), ('outcome_definition', 'first_occurrence_treated_kept'),
            ('add_covariate', 'fat_mass_index'), ('common_end', null), ('follow_up_years', '10'),
            ('same_people', 'M1 of M3')
        ) as asked (kind, parameter)
        left join (
            select kind, parameter, count(hazard_ratio) as n, count(e_value) as n_e_values
            from results.sensitivity_hazard_ratios where arm = 'muscle_to_bone' group by all
        ) as ratios on asked.kind = ratios.kind and asked.parameter is not distinct from ratios.parameter
        where n is null or n < 3 or n_e_values < 3
    """,
    "T5: sarcopenia as visits show it, with and without the faulty dynamometer": """
        select parameter
        from (
            values ('ewgsop2_at_visits'), ('ewgsop2_at_visits_any_device'), ('probable_sarcopenia_at_visits')
        ) as asked (parameter)
        left join (
            select * from results.sensitivity_hazard_ratios where exposure = 'heel_bmd'
        ) as ratios using (parameter)
        where ratios.hazard_ratio is null
    """,
    "T5: negative and positive controls": """
        select control
        from seeds.control_analyses
        left join (
            select control, count(hazard_ratio) as n from results.negative_controls group by all
        ) using (control)
        where n is null or n = 0
    """,
    "T5: death as a competing event, absolute": """
        select exposure, cause
        from (select exposure from seeds.exposures where study = 'sarcopenia_osteoporosis')
        cross join (values ('event'), ('death before the event')) as causes (cause)
        left join (
            select exposure, cause, count(cumulative_incidence) as n from results.cumulative_incidences group by all
        ) using (exposure, cause)
        where n is null or n = 0
    """,
    "T6: smoking, sleep and activity, the same rows on both outcomes": """
        select contrasts.contrast, arms.outcome
        from seeds.lifestyle_contrasts as contrasts
        inner join seeds.arms as arms using (study)
        left join results.lifestyle_hazard_ratios as ratios using (study, arm, factor, contrast)
        where study = 'sarcopenia_osteoporosis' and ratios.hazard_ratio is null
    """,
}  # fmt: skip


@pytest.mark.parametrize("table", MISSING_FROM_THE_PAPER)
def test_the_tables_of_the_paper_are_answered(study: duckdb.DuckDBPyConnection, table: str) -> None:
    assert study.execute(MISSING_FROM_THE_PAPER[table]).fetchall() == []


def test_the_table_of_choices_holds_every_primary_model_and_every_refusal(study: duckdb.DuckDBPyConnection) -> None:
    """No row of the tables behind it is lost: one choice made differently is a row, refused or not."""
    without = study.execute(
        "select arm, exposure, level from results.hazard_ratios where is_primary_model "
        "except select arm, exposure, level from results.analysis_choices"
    ).fetchall()
    assert without == []
    lost = study.execute(
        "select exposure, analysis from results.sensitivity_hazard_ratios where kind <> 'outcome_definition' "
        "except select exposure, choice from results.analysis_choices"
    ).fetchall()
    assert lost == []
    refused = study.execute(
        "select ratios.exposure, ratios.outcome_definition from results.hazard_ratios as ratios "
        "inner join results.hazard_ratios as main using (arm, exposure, scaling, adjustment_set, subgroup) "
        "where main.is_primary_model and ratios.refusal is not null "
        "except select exposure, choice from results.analysis_choices where refusal is not null"
    ).fetchall()
    assert refused == []
