"""The clearest mediators of each family: six effects, shares by definition, four-way, three kinds of interval."""

from python_models.frames.mediation.finalist_rows import finalist_effect_rows


def model(dbt, session):
    dbt.config(materialized="table")
    dbt.ref("mediation_effects")
    dbt.ref("participants")
    dbt.ref("follow_ups")
    dbt.ref("biomarkers")
    dbt.ref("biomarker_panels")
    dbt.ref("biomarker_samples")
    dbt.ref("studies")
    dbt.ref("cohorts")
    dbt.ref("arms")
    dbt.ref("exposures")
    dbt.ref("exposure_scalings")
    dbt.ref("arm_outcome_definitions")
    dbt.ref("outcome_definitions")
    dbt.ref("adjustment_sets")
    dbt.ref("covariates")
    dbt.ref("lifestyle_contrasts")
    dbt.ref("clinical_biomarkers")
    return finalist_effect_rows(
        session,
        per_family=dbt.config.get("per_family"),
        n_bootstrapped=dbt.config.get("n_bootstrapped"),
        n_bootstraps=dbt.config.get("n_bootstraps"),
    )
