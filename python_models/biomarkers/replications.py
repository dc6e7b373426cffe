"""Biomarkers found in one part of the people and tested in the other."""

from python_models.frames.biomarkers.replication_rows import replication_rows


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
    return replication_rows(session)
