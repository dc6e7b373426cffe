"""The staging door: Great Expectations once everything is typed."""

from python_models.frames.doors import run_door_of_build


def model(dbt, session):
    dbt.config(materialized="table")
    dbt.ref("stg_gwas__associations")
    dbt.ref("stg_gwas__traits")
    dbt.ref("stg_ldsc__ld_scores")
    dbt.ref("stg_nmr__metabolite_levels")
    dbt.ref("stg_olink__limits_of_detection")
    dbt.ref("stg_olink__results")
    dbt.ref("stg_olink__samples")
    dbt.ref("stg_synthetic__planted_truths")
    dbt.ref("stg_ukb__death_causes")
    dbt.ref("stg_ukb__deaths")
    dbt.ref("stg_ukb__first_occurrences")
    dbt.ref("stg_ukb__gp_events")
    dbt.ref("stg_ukb__gp_registrations")
    dbt.ref("stg_ukb__hospital_diagnoses")
    dbt.ref("stg_ukb__hospital_episodes")
    dbt.ref("stg_ukb__participant_deaths")
    dbt.ref("stg_ukb__participants")
    dbt.ref("stg_ukb__self_reported_illnesses")
    dbt.ref("stg_ukb__treatments")
    dbt.ref("stg_ukb__visits")
    dbt.ref("stg_ukb__withdrawals")
    return run_door_of_build(session, door="staging")
