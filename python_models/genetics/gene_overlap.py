"""Whether two GWAS traits share more genes and loci than chance."""

from python_models.frames.genetics.shared_gene_rows import gene_overlap_rows


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
    return gene_overlap_rows(session)
