"""Genetic correlation of every pair of GWAS traits by cross-trait LD score regression."""

from python_models.frames.genetics.genetic_rows import RegressionOptions, genetic_correlation_rows


def model(dbt, session):
    dbt.config(materialized="table")
    dbt.ref("marts_expectations")
    dbt.ref("int_gwas_associations__judged")
    dbt.ref("int_gwas_associations__munged")
    dbt.ref("int_gwas_lines__dropped")
    dbt.ref("stg_ldsc__ld_scores")
    dbt.ref("stg_ldsc__ld_score_counts")
    dbt.ref("gwas_trait_codings")
    dbt.ref("gwas_trait_pairs")
    options = RegressionOptions.of(
        intercepts=dbt.config.get("intercepts"), chi_square_max=dbt.config.get("chi_square_max")
    )
    return genetic_correlation_rows(session, options=options)
