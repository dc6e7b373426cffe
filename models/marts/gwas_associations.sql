-- Summary statistics of every line, and what the analyses made of it: effect allele and number of people whatever the file was.
-- Z of a line that an analysis reads is the analyses' (of P and the sign of the effect by default); of the others the file's own, else BETA / SE.
with associations as (
    select * from {{ ref('stg_gwas__associations') }}
),

gwas_traits as (
    select * from {{ ref('stg_gwas__traits') }}
),

regional as (
    select * from {{ ref('int_gwas_associations__regional') }}
),

gwas_associations as (
    select
        associations.trait,
        associations.line_number,
        associations.chromosome,
        associations.base_pair_location,
        associations.variant_id,
        associations.rsid,
        associations.effect_allele,
        associations.other_allele,
        associations.effect_allele_frequency,
        associations.info,
        coalesce(associations.n, gwas_traits.n) as n,
        coalesce(associations.n_cases, gwas_traits.n_cases) as n_cases,
        coalesce(associations.n_controls, gwas_traits.n_controls) as n_controls,
        associations.beta,
        associations.standard_error,
        coalesce(
            regional.z_score,
            associations.z_score,
            case when associations.standard_error > 0 then associations.beta / associations.standard_error end
        ) as z_score,
        coalesce(associations.p_value, power(10e0, -associations.neg_log10_p_value)) as p_value,
        associations.neg_log10_p_value,
        coalesce(not regional.is_strand_ambiguous, false) as is_analysed,
        regional.trait is not null as is_analysed_by_region,
        regional.n as n_analysed,
        case when not regional.is_strand_ambiguous then regional.orientation end as orientation
    from associations
    left join gwas_traits on associations.trait = gwas_traits.trait
    left join regional on associations.trait = regional.trait and associations.line_number = regional.line_number
)

select * from gwas_associations
