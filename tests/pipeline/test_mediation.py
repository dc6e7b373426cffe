"""The tables of mediation reconcile with each other in a built study."""

import pytest

from tests.pipeline.conftest import Project

pytestmark = pytest.mark.pipeline
FAMILY = "study, arm, exposure, scaling, outcome_definition, platform"


def test_families_and_biomarkers_are_those_of_the_seeds(built: Project) -> None:
    clinical = built.query(
        "select biomarker from seeds.clinical_biomarkers inner join seeds.studies using (study) "
        "where cohort_kind = 'ukb'"
    )
    counted = built.query(
        f"select {FAMILY}, count(*) from results.mediation_effects where platform = 'clinical' group by all"
    )
    assert counted
    assert {row[-1] for row in counted} == {len(clinical)}


def test_composite_null_tests_are_given_or_refused(built: Project) -> None:
    wrong = built.query(
        "select biomarker from results.mediation_effects where refusal is null "
        "and (q_hdmt is null or p_dact is null or p_jt_comp is null) <> (composite_refusal is not null)"
    )
    assert wrong == []


def test_e_values_are_those_of_the_ratios(built: Project) -> None:
    worst, n = built.query(
        """
        select max(abs(indirect_e_value - (away + sqrt(away * (away - 1))))), count(*) from (
            select indirect_e_value, exp(abs(indirect_effect)) as away from results.mediation_effects
            where refusal is null and n_events < 0.1 * n_participants
        )
        """
    )[0]
    assert int(str(n)) > 0
    assert float(str(worst)) < 1e-9


def test_sensitivities_are_about_the_mediators(built: Project) -> None:
    astray = built.query(
        f"""
        select again.biomarker, again.analysis from results.mediation_sensitivities as again
        left join results.mediation_effects as effects using ({FAMILY}, biomarker)
        where not coalesce(effects.is_mediator or effects.is_split_selected, false)
            and again.analysis <> 'unflagged_biomarkers'
        """
    )
    assert astray == []
    missing = built.query(
        f"""
        with again as (
            select {FAMILY}, biomarker from results.mediation_sensitivities where analysis = 'early_events_dropped'
        )
        select biomarker from (
            select {FAMILY}, biomarker from results.mediation_effects where is_mediator
            except select * from again
        )
        """
    )
    assert missing == []


def test_finalists_without_interaction_are_the_scan(built: Project) -> None:
    differing = built.query(
        f"""
        select finalists.biomarker from results.finalist_effects as finalists
        inner join results.mediation_effects as effects using ({FAMILY}, biomarker)
        where finalists.model = 'without_interaction' and finalists.quantity = 'tnie' and finalists.refusal is null
            and abs(finalists.estimate - effects.indirect_effect) > 1e-6 + 1e-4 * abs(effects.indirect_effect)
        """
    )
    assert differing == []


def test_joint_models_hold_the_mediators_of_their_family(built: Project) -> None:
    differing = built.query(
        f"""
        with mediators as (
            select {FAMILY}, count(*) as n from results.mediation_effects where is_mediator group by all
        )
        select joint.n_biomarkers, mediators.n from results.joint_mediation as joint
        full join mediators using ({FAMILY})
        where joint.n_biomarkers is distinct from least(mediators.n, 20)
        """
    )
    assert differing == []


def test_the_checklist_counts_the_rows_it_points_at(built: Project) -> None:
    n = built.query("select count(*) from results.mediation_effects")[0][0]
    assert built.query("select n_rows from results.mediation_checklist where item = 18") == [(n,)]
