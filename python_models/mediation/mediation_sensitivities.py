"""Every mediator estimated again: other people, other covariates, other tests beside it."""

from python_models.frames.mediation.mediation_sensitivity_rows import mediation_sensitivity_rows


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
    dbt.ref("mediation_sensitivity_analyses")
    return mediation_sensitivity_rows(session)
