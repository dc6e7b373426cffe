"""How the biomarker scans and the mediators do against what was planted."""

from python_models.frames.biomarkers.biomarker_truth_rows import biomarker_truth_rows


def model(dbt, session):
    dbt.config(materialized="table")
    dbt.ref("biomarker_hazard_ratios")
    dbt.ref("biomarker_panels")
    dbt.ref("shared_biomarkers")
    dbt.ref("mediation_effects")
    dbt.ref("mediation_sensitivities")
    dbt.ref("planted_truths")
    return biomarker_truth_rows(session)
