-- The associations that break no rule, ready to be laid beside those of other traits: what LD score regression, PLACO and all that
-- compares signs of two traits read.

{{ config(materialized='view') }}

with regional as (
    select * from {{ ref('int_gwas_associations__regional') }}
),

munged as (
    select
        trait,
        line_number,
        chromosome,
        base_pair_location,
        variant_key,
        rsid,
        effect_allele,
        other_allele,
        orientation,
        effect_allele_frequency,
        minor_allele_frequency,
        n,
        sample_prevalence,
        is_case_control,
        beta,
        standard_error,
        z_score,
        z_basis
    from regional
    where not is_strand_ambiguous
)

select * from munged
