"""Kaplan-Meier survival of each arm's primary outcome by group of its exposures, at whole years."""

from python_models.frames.survival.survival_rows import survival_probability_rows


def model(dbt, session):
    dbt.config(materialized="table")
    dbt.ref("marts_expectations")
    dbt.ref("participants")
    dbt.ref("follow_ups")
    dbt.ref("studies")
    dbt.ref("cohorts")
    dbt.ref("exposures")
    dbt.ref("exposure_scalings")
    dbt.ref("arm_outcome_definitions")
    dbt.ref("outcome_definitions")
    dbt.ref("adjustment_sets")
    dbt.ref("covariates")
    dbt.ref("arms")
    return survival_probability_rows(session)
