"""What every kept run found, this one included: survives the replacement of the published database."""

from python_models.frames.doors import history_of


def model(dbt, session):
    dbt.config(materialized="table")
    dbt.ref("expectation_results")
    return history_of("findings")
