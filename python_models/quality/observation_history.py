"""The aggregates behind the expectations, of every kept run: means and counts by sex, field, trait or source."""

from python_models.frames.doors import history_of


def model(dbt, session):
    dbt.config(materialized="table")
    dbt.ref("expectation_results")
    return history_of("observations")
