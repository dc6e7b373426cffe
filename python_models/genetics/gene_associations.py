"""Association of every gene with every GWAS trait."""

from python_models.frames.genetics.gene_rows import gene_association_rows


def model(dbt, session):
    dbt.config(materialized="table")
    dbt.ref("marts_expectations")
    dbt.ref("int_gwas_associations__judged")
    dbt.ref("int_gwas_associations__regional")
    dbt.ref("int_gwas_lines__dropped")
    dbt.ref("gwas_trait_codings")
    dbt.ref("int_gwas_variants__located")
    dbt.ref("genome_builds")
    dbt.ref("int_genes__windowed")
    dbt.ref("gwas_overlap_matrix")
    return gene_association_rows(session, ld_reference=dbt.config.get("ld_reference"))
