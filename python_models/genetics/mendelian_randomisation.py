"""Two-sample Mendelian randomisation of every GWAS trait on every other."""

from python_models.frames.genetics.mendelian_randomisation_rows import mendelian_randomisation_rows


def model(dbt, session):
    dbt.config(materialized="table")
    dbt.ref("marts_expectations")
    dbt.ref("int_gwas_associations__judged")
    dbt.ref("int_gwas_associations__regional")
    dbt.ref("int_gwas_lines__dropped")
    dbt.ref("gwas_trait_codings")
    dbt.ref("int_gwas_variants__located")
    dbt.ref("gwas_overlap_matrix")
    dbt.ref("gwas_trait_pairs")
    return mendelian_randomisation_rows(
        session, ld_reference=dbt.config.get("ld_reference"), palindromes=dbt.config.get("palindromes")
    )
