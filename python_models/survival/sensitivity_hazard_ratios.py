"""Every sensitivity analysis of the seeds on the primary hazard ratios."""

from python_models.frames.survival.sensitivity_rows import sensitivity_hazard_ratio_rows


def model(dbt, session):
    dbt.config(materialized="table")
    dbt.ref("marts_expectations")
    dbt.ref("hazard_ratios")  # after them: both at once would take more memory than half a million people should
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
    dbt.ref("sensitivity_analyses")
    dbt.ref("visit_intervals")
    return sensitivity_hazard_ratio_rows(session)
