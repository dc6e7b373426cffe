"""Biomarker and mediation results of the built study reconcile with the panels, with each other and with truth."""

import duckdb
import numpy as np
import pytest

from tests.pipeline.conftest import Project
from warehouse.synthetic.metabolites import biomarkers, derivation_order, evaluate

pytestmark = pytest.mark.pipeline


def _by_platform(built: Project, sql: str) -> dict[str, int]:
    return {str(platform): int(str(n)) for platform, n in built.query(sql)}


def test_quality_control_begins_with_what_was_recorded_and_ends_with_the_analysed(built: Project) -> None:
    """Counted again from the landed files and from the panels; what lies between is a dbt test of every build."""
    flow = {
        str(row[0]): [int(str(n)) for n in row[1:]]
        for row in built.query(
            """
            select platform, max(n_in) filter (step = 1), max(n_out) filter (starts_with(rule, 'values: scaled')),
                sum(n_excluded) filter (not starts_with(rule, 'biomarkers: near-copies')), sum(n_added),
                max(n_samples_excluded) filter (ends_with(rule, 'not in the study'))
            from quality.biomarker_qc group by 1
            """
        )
    }
    landed = f"read_parquet('{built.folder}/warehouse/raw/synthetic/olink_data.parquet')"
    with duckdb.connect() as connection:
        results = connection.execute(f"select count(*), count(distinct eid) from {landed}").fetchall()[0]
    assert flow["protein"][0] == results[0]
    assert flow["protein"][4] == results[1] - int(
        str(built.query("select count(distinct participant_id) from marts.protein_levels")[0][0])
    )
    names = ", ".join(one.name for one in biomarkers())
    recorded = built.query(
        f"select count(*) from (unpivot (select {names} from staging.stg_nmr__metabolite_levels) on {names} "
        "into name biomarker value level)"
    )[0][0]
    # The published staging tables hold nobody who has withdrawn.
    in_study = built.query(
        "select n_out from quality.biomarker_qc where platform = 'metabolite' and ends_with(rule, 'not in the study')"
    )
    assert in_study[0][0] == recorded
    analysed = _by_platform(built, "select platform, sum(n_known + n_imputed) from marts.biomarker_panels group by 1")
    for platform, (first, last, excluded, added, _) in flow.items():
        assert last == analysed[platform]
        assert first - excluded + added == last
    zeros = built.query("select n_marked from quality.biomarker_qc where rule = 'values: zeros before the logarithm'")
    kept = [row[0] for row in built.query(
        "select biomarker from marts.biomarkers where platform = 'metabolite' and exclusion is null"
    )]  # fmt: skip
    counted = " + ".join(f"count(*) filter ({name} = 0)" for name in kept)
    assert zeros == built.query(
        f"select {counted} from marts.metabolite_levels inner join marts.biomarker_samples using (participant_id) "
        "where platform = 'metabolite' and exclusion is null"
    )


def test_derived_metabolites_are_their_formulas_of_the_adjusted_ones(built: Project) -> None:
    """The macro's SQL against the generator's own evaluation of the same seed: two readings of one formula."""
    names = [one.name for one in biomarkers()]
    columns = np.array(built.query(f"select {', '.join(names)} from marts.metabolite_levels"), dtype=np.float64)
    values = {one.abbreviation: columns[:, k] for k, one in enumerate(biomarkers())}
    for one in derivation_order():
        with np.errstate(divide="ignore", invalid="ignore"):
            expected = evaluate(one.formula, values)
        known = np.isfinite(expected)
        assert known.sum() > 500
        np.testing.assert_allclose(values[one.abbreviation][known], expected[known], rtol=1e-12)
        assert np.isnan(values[one.abbreviation][~known]).all()


def _share_between(built: Project, levels: str, place: str) -> float:
    """Variance of the places' means as a share of that within, mean over the non-derived biomarkers."""
    rows = built.query(
        f"""
        with long as (
            unpivot (select * from {levels}) on
            {", ".join(one.name for one in biomarkers() if not one.is_derived)} into name biomarker value level
        ), placed as (
            select biomarker, ln(level) as y, {place} as place
            from long inner join intermediate.int_nmr_samples__placed as placed using (participant_id) where level > 0
        ), means as (
            select biomarker, place, avg(y) as mean, var_samp(y) as within, count(*) as n
            from placed group by all having count(*) > 5
        )
        select biomarker, var_samp(mean) / avg(within) from means group by 1
        """
    )
    return float(np.mean([float(str(row[1])) for row in rows]))


def test_technical_adjustment_takes_off_what_was_planted(built: Project) -> None:
    for place in ("placed.spectrometer", "(placed.spectrometer, placed.drift_bin)"):
        before = _share_between(built, "staging.stg_nmr__metabolite_levels", place)
        after = _share_between(built, "intermediate.int_metabolites__adjusted", place)
        assert before > 0.02
        assert after < 0.15 * before


def test_technical_adjustment_leaves_biology(built: Project) -> None:
    """Creatinine follows muscle and sex: the contrast between the sexes is the same before and after."""
    gap = """
        select avg(ln(creatinine)) filter (where sex = 'male') - avg(ln(creatinine)) filter (where sex = 'female')
        from {} inner join marts.participants using (participant_id) where creatinine > 0
    """
    before, after = (
        float(str(built.query(gap.format(table))[0][0]))
        for table in ("staging.stg_nmr__metabolite_levels", "intermediate.int_metabolites__adjusted")
    )
    assert before > 0.05
    assert after == pytest.approx(before, rel=0.1)


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
        ("biomarker_hazard_ratios", "arm, outcome_definition, time_scale, platform"),
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


@pytest.mark.parametrize(
    "table",
    ["biomarker_hazard_ratios", "biomarker_associations", "shared_biomarkers", "replications", "mediation_effects"],
)
def test_flagged_biomarkers_carry_their_reason(built: Project, table: str) -> None:
    """Creatinine, CKB, LEP: in every table that lists them, and no other biomarker."""
    listed = f"(select distinct platform, biomarker, flag_reason from results.{table}) as listed"
    differing = built.query(
        f"select biomarker from {listed} left join seeds.biomarker_flags as flags using (platform, biomarker) "
        "where listed.flag_reason is distinct from flags.reason and listed.platform in ('protein', 'metabolite')"
    )
    assert differing == []
    if table != "shared_biomarkers":  # which lists what both conditions share, creatinine or not
        assert built.query(f"select 1 from {listed} where biomarker = 'creatinine' and flag_reason is not null")


def test_replications_test_nothing_they_did_not_find(built: Project) -> None:
    assert (
        built.query(
            "select 1 from results.replications "
            "where replication_p_value is not null and not coalesce(is_discovered, false)"
        )
        == []
    )
    parts = built.query(
        """
        select replications.split, max(replications.discovery_n_events + coalesce(replications.replication_n_events, 0)
            - ratios.n_events)
        from results.replications as replications
        inner join results.biomarker_hazard_ratios as ratios using (study, arm, outcome_definition, platform, biomarker)
        group by 1
        """
    )
    assert {row[0] for row in parts} == {"random_halves", "nation", "consortium_selection"}
    assert all(row[1] is None or int(str(row[1])) <= 0 for row in parts)


def test_enrichment_backgrounds_are_the_tested_biomarkers(built: Project) -> None:
    differing = built.query(
        """
        with tested as (
            select study, arm, platform, count(p_value) as n, count(*) filter (q_value < 0.05) as n_hits
            from results.biomarker_hazard_ratios group by all
        )
        select enrichment.set_name from results.biomarker_enrichment as enrichment
        inner join tested
            on enrichment.study = tested.study and enrichment.hit_list = tested.arm
            and enrichment.platform = tested.platform
        where enrichment.n_background != tested.n or enrichment.n_hits != tested.n_hits
        """
    )
    assert differing == []
    assert {row[0] for row in built.query("select distinct collection from results.biomarker_enrichment")} == {
        "olink_panel",
        "nmr_group",
    }


def test_shared_is_one_definition_wherever_it_is_counted(built: Project) -> None:
    """Named in shared_biomarkers, counted in biomarker_overlap, hits of biomarker_enrichment: both q below 0.05."""
    named = built.query(
        """
        select study, first_arm, second_arm, platform, count(*) filter (is_shared),
            count(*) filter (is_shared_at_fdr), count(*) filter (is_shared and is_same_direction),
            count(*) filter (first_q_value < 0.05 and second_q_value < 0.05),
            bool_and(is_shared or not is_shared_at_fdr)
        from results.shared_biomarkers group by 1, 2, 3, 4 order by all
        """
    )
    assert named
    assert all(row[4] == row[7] and row[8] for row in named)
    counted = built.query(
        """
        select distinct study, first_arm, second_arm, platform, n_shared, n_shared_at_fdr, n_same_direction
        from results.biomarker_overlap where biomarker_set = 'all' and platform <> 'both_platforms' order by all
        """
    )
    assert counted == [row[:7] for row in named]
    hits = built.query(
        """
        select distinct study, hit_list, platform, n_hits from results.biomarker_enrichment
        where hit_list like '%: same direction' order by all
        """
    )
    assert hits == [(row[0], f"{row[1]} and {row[2]}: same direction", row[3], row[6]) for row in named]


def test_truth_measures_are_those_of_the_estimates(built: Project) -> None:
    n, agree = built.query(
        """
        with nulls as (
            select ratios.arm, ratios.platform, avg((ratios.p_value < 0.05)::int) as share
            from results.biomarker_hazard_ratios as ratios
            inner join marts.planted_truths as truths
                on truths.quantity = 'biomarker_effect' and truths.mediator = ratios.biomarker
                and truths.outcome = ratios.outcome and truths.platform = ratios.platform
            where truths.large_sample_value = 0 and ratios.p_value is not null group by all
        )
        select count(*), avg((abs(measures.estimate - nulls.share) < 1e-12)::int)
        from results.biomarker_truth_measures as measures inner join nulls using (arm, platform)
        where measures.measure = 'null_p_below_0.05'
        """
    )[0]
    assert int(str(n)) > 0
    assert float(str(agree)) == 1.0


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
            on ratios.biomarker = truths.mediator and ratios.platform = truths.platform
                and ratios.outcome = truths.outcome
        where truths.quantity = 'biomarker_effect' and truths.platform = 'protein' and truths.note = 'null'
            and ratios.p_value is not null
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
