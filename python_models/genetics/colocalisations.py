"""Whether the two traits of a shared locus share one causal variant."""

from python_models.frames.genetics.colocalisation_rows import colocalisation_rows


def model(dbt, session):
    dbt.config(materialized="table")
    dbt.ref("int_gwas_associations__judged")
    dbt.ref("int_gwas_associations__regional")
    dbt.ref("int_gwas_lines__dropped")
    dbt.ref("int_gwas_variants__located")
    dbt.ref("gwas_overlap_matrix")
    dbt.ref("gwas_trait_codings")
    dbt.ref("shared_loci")
    return colocalisation_rows(session, palindromes=dbt.config.get("palindromes"))
