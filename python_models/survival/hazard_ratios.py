"""Hazard ratios of every exposure, scaling, outcome definition, adjustment set and subgroup of the seeds."""

from python_models.frames.survival.hazard_ratio_rows import hazard_ratio_rows


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
    dbt.ref("subgroups")
    dbt.ref("joint_exposures")
    dbt.ref("visit_intervals")
    return hazard_ratio_rows(session)
