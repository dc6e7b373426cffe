"""Biomarkers tied to both conditions."""

from python_models.frames.biomarkers.biomarker_overlap_rows import shared_biomarker_rows


def model(dbt, session):
    dbt.config(materialized="table")
    dbt.ref("biomarker_hazard_ratios")
    dbt.ref("biomarker_panels")
    return shared_biomarker_rows(session)
