-- The associations that break no rule, ready to be laid beside those of other traits.
-- Two traits report the same variant where the absolute orientations agree, and the same allele where the signs do too:
-- the 32-row match table of ldsc (strand flips and swaps of the eight unambiguous pairs) as one number.

{{ config(materialized='view') }}

with judged as (
    select * from {{ ref('int_gwas_associations__judged') }}
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
        case
            when (effect_allele = 'A' and other_allele = 'C') or (effect_allele = 'T' and other_allele = 'G') then 1
            when (effect_allele = 'C' and other_allele = 'A') or (effect_allele = 'G' and other_allele = 'T') then -1
            when (effect_allele = 'A' and other_allele = 'G') or (effect_allele = 'T' and other_allele = 'C') then 2
            when (effect_allele = 'G' and other_allele = 'A') or (effect_allele = 'C' and other_allele = 'T') then -2
        end as orientation,
        effect_allele_frequency,
        n,
        sample_prevalence,
        is_case_control,
        beta,
        standard_error,
        z_score,
        z_basis
    from judged
    where broken_rule is null
)

select * from munged
