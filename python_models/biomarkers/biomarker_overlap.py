"""How many biomarkers two outcomes share, against chance."""

from python_models.frames.biomarkers.biomarker_overlap_rows import biomarker_overlap_rows


def model(dbt, session):
    dbt.config(materialized="table")
    dbt.ref("biomarker_hazard_ratios")
    dbt.ref("biomarker_panels")
    return biomarker_overlap_rows(session)
