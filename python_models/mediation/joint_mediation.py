"""The mediators of each family together, beside the sum of the single ones."""

from python_models.frames.mediation.joint_mediation_rows import joint_mediation_rows


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
    return joint_mediation_rows(session, largest=dbt.config.get("largest"))
