"""The raw door: Great Expectations before anything is cleaned: the landing."""

from python_models.frames.doors import run_door_of_build


def model(dbt, session):
    dbt.config(materialized="table")
    dbt.ref("ukb_fields")
    dbt.ref("missing_codes")
    dbt.ref("accepted_exceptions")
    return run_door_of_build(session, door="raw")
