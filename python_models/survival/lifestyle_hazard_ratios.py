"""Lifestyle contrasts on every outcome of the study, side by side."""

from python_models.frames.survival.lifestyle_rows import lifestyle_hazard_ratio_rows


def model(dbt, session):
    dbt.config(materialized="table")
    dbt.ref("marts_expectations")
    dbt.ref("participants")
    dbt.ref("follow_ups")
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
    dbt.ref("lifestyle_doses")
    return lifestyle_hazard_ratio_rows(session)
