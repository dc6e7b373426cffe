"""Exposure -> biomarker -> outcome, for every family and biomarker."""

from python_models.frames.mediation.mediation_rows import mediation_effect_rows


def model(dbt, session):
    dbt.config(materialized="table")
    dbt.ref("marts_expectations")
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
    dbt.ref("exposure_marks")
    dbt.ref("biomarker_flags")
    dbt.ref("arm_outcome_definitions")
    dbt.ref("outcome_definitions")
    dbt.ref("adjustment_sets")
    dbt.ref("covariates")
    dbt.ref("lifestyle_contrasts")
    dbt.ref("clinical_biomarkers")
    return mediation_effect_rows(session)
