"""Genes significant for both of two GWAS traits."""

from python_models.frames.genetics.shared_gene_rows import shared_gene_rows


def model(dbt, session):
    dbt.config(materialized="table")
    dbt.ref("int_gwas_associations__judged")
    dbt.ref("int_gwas_associations__munged")
    dbt.ref("int_gwas_lines__dropped")
    dbt.ref("gwas_trait_codings")
    dbt.ref("int_gwas_variants__located")
    dbt.ref("genome_builds")
    dbt.ref("int_genes__windowed")
    dbt.ref("gwas_overlap_matrix")
    dbt.ref("gene_associations")
    return shared_gene_rows(session)
