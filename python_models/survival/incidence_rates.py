"""Cases, person-years and rates per 1,000 person-years of every outcome definition, by group."""

from python_models.frames.survival.incidence_rows import incidence_rate_rows


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
    dbt.ref("subgroups")
    dbt.ref("visit_intervals")
    return incidence_rate_rows(session)
