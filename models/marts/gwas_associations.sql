-- Summary statistics ready to be read: effect allele and number of people per variant whatever the file was.
-- Z is the file's own, else BETA / SE: a p value of 0 has lost its Z.
with associations as (
    select * from {{ ref('stg_gwas__associations') }}
),

gwas_traits as (
    select * from {{ ref('stg_gwas__traits') }}
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
            associations.z_score,
            case when associations.standard_error > 0 then associations.beta / associations.standard_error end
        ) as z_score,
        associations.p_value,
        associations.neg_log10_p_value
    from associations
    left join gwas_traits on associations.trait = gwas_traits.trait
)

select * from gwas_associations
