-- The associations that analyses of single regions read: colocalisation, gene tests, Mendelian randomisation. Those of the regressions
-- (int_gwas_associations__munged) and the strand-ambiguous ones that break no other rule: P and the size of an effect need no strand.
-- Two traits report the same variant where the absolute orientations agree. Of classes 1 and 2 they report the same allele where the
-- signs do too: the 32-row match table of ldsc (strand flips and swaps of the eight unambiguous pairs) as one number. Of classes 3 and 4
-- the sign is by the letters as stated, and says nothing between two studies until the strand is known.
-- Not published (warehouse/publish/database.py): int_gwas_associations__judged is, and holds the same lines.

{{ config(materialized='view') }}

with judged as (
    select * from {{ ref('int_gwas_associations__judged') }}
),

regional as (
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
            when effect_allele = 'A' and other_allele = 'T' then 3
            when effect_allele = 'T' and other_allele = 'A' then -3
            when effect_allele = 'C' and other_allele = 'G' then 4
            when effect_allele = 'G' and other_allele = 'C' then -4
        end as orientation,
        is_strand_ambiguous,
        effect_allele_frequency,
        minor_allele_frequency,
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

select * from regional
