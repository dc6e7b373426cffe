"""Score tests of proportional hazards and hazard ratios by period of follow-up, primary models."""

from python_models.frames.survival.proportional_hazards_rows import proportional_hazards_rows


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
    return proportional_hazards_rows(session)
