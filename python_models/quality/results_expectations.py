"""The results door: Great Expectations before anything is published."""

from python_models.frames.doors import run_door_of_build


def model(dbt, session):
    dbt.config(materialized="table")
    # Behind every result: it has been looked at once they all stand.
    dbt.ref("table_fingerprints")
    return run_door_of_build(session, door="results")
