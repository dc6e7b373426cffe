"""Mediators that two outcomes share, by name."""

from python_models.frames.mediation.mediator_overlap_rows import shared_mediator_rows


def model(dbt, session):
    dbt.config(materialized="table")
    dbt.ref("mediation_effects")
    dbt.ref("mediation_sensitivities")
    dbt.ref("biomarker_panels")
    return shared_mediator_rows(session)
