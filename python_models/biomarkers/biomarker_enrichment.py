"""Which sets of biomarkers the hits fall into, against the measured panel."""

from python_models.frames.biomarkers.enrichment_rows import biomarker_enrichment_rows


def model(dbt, session):
    dbt.config(materialized="table")
    dbt.ref("biomarker_hazard_ratios")
    dbt.ref("shared_biomarkers")
    dbt.ref("olink_assays")
    dbt.ref("nmr_biomarkers")
    return biomarker_enrichment_rows(session, gene_sets_file=dbt.config.get("gene_sets_file"))
