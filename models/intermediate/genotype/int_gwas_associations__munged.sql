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
        chromosome,
        base_pair_location,
        rsid,
        effect_allele,
        other_allele,
        case concat(effect_allele, other_allele)
            when 'AC' then 1
            when 'TG' then 1
            when 'CA' then -1
            when 'GT' then -1
            when 'AG' then 2
            when 'TC' then 2
            when 'GA' then -2
            when 'CT' then -2
        end as orientation,
        effect_allele_frequency,
        n,
        sample_prevalence,
        beta,
        standard_error,
        z_score,
        z_basis
    from judged
    where broken_rule is null
)

select * from munged
