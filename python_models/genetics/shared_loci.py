"""Loci that two GWAS traits share: genome-wide significant in both, or by the PLACO+ test."""

from python_models.frames.genetics.shared_locus_rows import shared_locus_rows


def model(dbt, session):
    dbt.config(materialized="table")
    dbt.ref("marts_expectations")
    dbt.ref("int_gwas_associations__judged")
    dbt.ref("int_gwas_associations__munged")
    dbt.ref("int_gwas_lines__dropped")
    dbt.ref("gwas_trait_codings")
    dbt.ref("int_gwas_variants__located")
    dbt.ref("genome_builds")
    dbt.ref("gwas_overlap_matrix")
    return shared_locus_rows(session, ld_reference=dbt.config.get("ld_reference"))
