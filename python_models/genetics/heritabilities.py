"""SNP heritability of every GWAS trait by LD score regression."""

from python_models.frames.genetics.genetic_rows import RegressionOptions, heritability_rows


def model(dbt, session):
    dbt.config(materialized="table")
    dbt.ref("marts_expectations")
    dbt.ref("int_gwas_associations__judged")
    dbt.ref("int_gwas_associations__munged")
    dbt.ref("int_gwas_lines__dropped")
    dbt.ref("stg_ldsc__ld_scores")
    dbt.ref("stg_ldsc__ld_score_counts")
    dbt.ref("gwas_trait_codings")
    options = RegressionOptions.of(
        intercepts=dbt.config.get("intercepts"), chi_square_max=dbt.config.get("chi_square_max")
    )
    return heritability_rows(session, options=options)
