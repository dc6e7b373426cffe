"""The scaled panels, written once per build for everything that scans them."""

from python_models.frames.biomarkers.adjusted_correlation import scan_covariates
from python_models.frames.biomarkers.biomarker_panels import biomarker_panel_rows
from python_models.frames.build import cohort_of_build


def model(dbt, session):
    dbt.config(materialized="table")
    dbt.ref("marts_expectations")
    dbt.ref("participants")
    dbt.ref("protein_levels")
    dbt.ref("metabolite_levels")
    dbt.ref("biomarkers")
    dbt.ref("biomarker_samples")
    dbt.ref("studies")
    dbt.ref("cohorts")
    dbt.ref("arms")
    dbt.ref("adjustment_sets")
    dbt.ref("covariates")
    return biomarker_panel_rows(
        session,
        transform=dbt.config.get("transform"),
        imputation=dbt.config.get("imputation"),
        n_neighbours=dbt.config.get("n_neighbours"),
        prune_above=dbt.config.get("prune_above"),
        technical_covariates=dbt.config.get("technical_covariates"),
        covariates=scan_covariates(session, cohort=cohort_of_build()),
    )
