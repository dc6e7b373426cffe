"""Every biomarker -> the primary outcome definition of each arm, and the further scans of the study."""

from python_models.frames.biomarkers.biomarker_rows import biomarker_hazard_ratio_rows


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
    dbt.ref("arm_outcome_definitions")
    dbt.ref("outcome_definitions")
    dbt.ref("adjustment_sets")
    dbt.ref("covariates")
    dbt.ref("lifestyle_contrasts")
    dbt.ref("biomarker_scans")
    return biomarker_hazard_ratio_rows(session)
