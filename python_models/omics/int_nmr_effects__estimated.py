"""Technical effects on the NMR biomarkers, estimated; SQL takes them off."""

from python_models.frames.biomarkers.nmr_effect_rows import nmr_effect_rows


def model(dbt, session):
    dbt.config(materialized="table", schema="intermediate")
    dbt.ref("stg_nmr__metabolite_levels")
    dbt.ref("int_nmr_samples__placed")
    dbt.ref("nmr_biomarkers")
    return nmr_effect_rows(session)
