"""Mediators that two outcomes share, against chance."""

from python_models.frames.mediation.mediator_overlap_rows import mediator_overlap_rows


def model(dbt, session):
    dbt.config(materialized="table")
    dbt.ref("mediation_effects")
    dbt.ref("mediation_sensitivities")
    dbt.ref("biomarker_panels")
    return mediator_overlap_rows(session)
