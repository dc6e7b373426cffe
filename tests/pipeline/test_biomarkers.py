"""Biomarker and mediation results of the built study reconcile with the panels, with each other and with truth."""

import pytest

from tests.pipeline.conftest import Project

pytestmark = pytest.mark.pipeline


def _by_platform(built: Project, sql: str) -> dict[str, int]:
    return {str(platform): int(str(n)) for platform, n in built.query(sql)}


def test_quality_control_begins_with_the_panels_and_ends_with_the_analysed(built: Project) -> None:
    flow = _by_platform(built, "select platform, n_in from quality.biomarker_qc where step = 1")
    assert flow["protein"] == built.query("select count(distinct participant_id) from marts.protein_levels")[0][0]
    assert flow["metabolite"] == built.query("select count(*) from marts.metabolite_levels")[0][0]
    ends = _by_platform(built, "select platform, n_out from quality.biomarker_qc where step = 8")
    kept = _by_platform(built, "select platform, count(*) from marts.biomarkers where exclusion is null group by 1")
    assert ends == kept


def test_every_measured_biomarker_is_in_every_result(built: Project) -> None:
    measured = {row[:2] for row in built.query("select platform, biomarker from marts.biomarkers")}
    for table, keys in (
        ("biomarker_associations", "exposure, scaling"),
        ("biomarker_hazard_ratios", "outcome_definition"),
        ("mediation_effects", "exposure, scaling, outcome_definition"),
    ):
        counted = built.query(
            f"select {keys}, count(*) from results.{table} where platform in ('protein', 'metabolite') group by {keys}"
        )
        assert counted
        assert {row[-1] for row in counted} == {len(measured)}


def test_left_out_biomarkers_say_why(built: Project) -> None:
    differing = built.query(
        """
        select ratios.biomarker from results.biomarker_hazard_ratios as ratios
        inner join marts.biomarkers as biomarkers using (platform, biomarker)
        where biomarkers.exclusion is not null and ratios.refusal is distinct from biomarkers.exclusion
        """
    )
    assert differing == []


def test_q_values_recomputed_in_sql(built: Project) -> None:
    for table, family in (
        ("biomarker_associations", "arm, exposure, scaling, platform"),
        ("biomarker_hazard_ratios", "arm, outcome_definition, platform"),
        ("mediation_effects", "arm, exposure, scaling, outcome_definition, platform"),
    ):
        worst = built.query(
            f"""
            with ranked as (
                select *, count(*) over (partition by {family}) as m,
                    row_number() over (partition by {family} order by p_value) as place
                from results.{table} where p_value is not null
            )
            select max(abs(q_value - recomputed)), count(*) from (
                select q_value, least(1, min(p_value * m / place) over (
                    partition by {family} order by place desc
                )) as recomputed from ranked
            )
            """
        )[0]
        assert int(str(worst[1])) > 0
        assert float(str(worst[0])) < 1e-12


def test_flagged_biomarkers_carry_their_reason(built: Project) -> None:
    flagged = {
        row[0]
        for row in built.query("select biomarker from results.biomarker_hazard_ratios where flag_reason is not null")
    }
    declared = {
        row[0]
        for row in built.query(
            "select biomarker from seeds.biomarker_flags inner join marts.biomarkers using (biomarker)"
        )
    }
    assert flagged == declared
    assert "creatinine" in flagged


def test_planted_effects_on_biomarkers_come_back(built: Project) -> None:
    n, covered = built.query(
        "select count(*), avg(is_covered::int) from results.biomarker_truth_comparisons "
        "where quantity = 'exposure_effect_on_biomarker' and refusal is null"
    )[0]
    assert int(str(n)) >= 10
    assert float(str(covered)) > 0.8
    assert (
        built.query(
            "select 1 from results.biomarker_truth_comparisons "
            "where abs(standard_errors_from_truth) > 5 and quantity not like '%share'"
        )
        == []
    )


def test_null_biomarkers_are_rarely_significant(built: Project) -> None:
    n, rejected = built.query(
        """
        select count(*), avg((ratios.p_value < 0.05)::int)
        from results.biomarker_hazard_ratios as ratios
        inner join marts.planted_truths as truths
            on ratios.biomarker = truths.mediator and ratios.outcome = truths.outcome
        where truths.quantity = 'biomarker_effect' and truths.note = 'protein; null' and ratios.p_value is not null
        """
    )[0]
    if int(str(n)) < 20:
        pytest.skip("too few null proteins with enough events in this small cohort")
    assert float(str(rejected)) < 0.2


def test_direct_and_indirect_effects_make_the_total(built: Project) -> None:
    assert (
        built.query(
            "select 1 from results.mediation_effects where abs(direct_effect + indirect_effect - total_effect) > 1e-9"
        )
        == []
    )
    shares = built.query(
        "select max(abs(log_scale_share - indirect_effect / total_effect)) from results.mediation_effects "
        "where log_scale_share is not null"
    )[0][0]
    assert shares is None or float(str(shares)) < 1e-12


def test_shared_counts_are_those_of_the_effects(built: Project) -> None:
    differing = built.query(
        """
        with counted as (
            select first.exposure, first.scaling, first.platform, count(*) as n
            from results.mediation_effects as first
            inner join results.mediation_effects as second
                using (study, arm, exposure, scaling, platform, biomarker)
            where first.arm = 'lifestyle' and first.outcome = 'osteoporosis' and second.outcome = 'sarcopenia'
                and first.is_mediator and second.is_mediator
            group by all
        )
        select overlap.exposure from results.mediator_overlap as overlap
        left join counted using (exposure, scaling, platform)
        where overlap.arm = 'lifestyle' and overlap.biomarker_set = 'all' and overlap.platform != 'both_platforms'
            and overlap.n_shared != coalesce(counted.n, 0)
        """
    )
    assert differing == []
