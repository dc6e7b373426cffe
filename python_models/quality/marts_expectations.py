"""The marts door: Great Expectations before anything is estimated."""

from python_models.frames.doors import run_door_of_build


def model(dbt, session):
    dbt.config(materialized="table")
    dbt.ref("arm_outcome_definitions")
    dbt.ref("arms")
    dbt.ref("eligibility_flow")
    dbt.ref("events")
    dbt.ref("exposures")
    dbt.ref("follow_ups")
    dbt.ref("gwas_associations")
    dbt.ref("metabolite_levels")
    dbt.ref("participants")
    dbt.ref("protein_levels")
    return run_door_of_build(session, door="marts")
