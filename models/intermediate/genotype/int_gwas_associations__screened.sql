-- Every line of every file beside the first munge rule that it breaks on its own (seeds/gwas_rules.csv, in their order).
-- The rules are those of ldsc's munge_sumstats (Bulik-Sullivan 2015a) with three differences. A p value of 0 beside a large effect
-- lost its digits, not its meaning: Z comes from the effect. Every format's frequency is filtered, whatever the file calls it.
-- Rows that cannot be right are dropped and counted where ldsc stops.
-- Z comes from P and the sign of the effect by default: P may be of a better test (Firth, saddle point) than effect / standard error.
-- A view in the schema of staging, which is not published: nobody needs the files once more.
{{ config(materialized='view', schema='staging') }}
{{ gate('staging') }}

{%- set z_is_from_p = var('gwas_z_source') == 'p_value' %}
{%- set letters = ['A', 'C', 'G', 'T'] %}

with associations as (
    select
        *,
        {{ one_of('effect_allele', letters) }} as effect_letter,
        {{ one_of('other_allele', letters) }} as other_letter
    from {{ ref('stg_gwas__associations') }}
),

gwas_traits as (
    select * from {{ ref('stg_gwas__traits') }}
),

-- a column that a file lacks filters nothing
columns_given as (
    select
        trait,
        count(info) > 0 as has_info,
        count(coalesce(effect_allele_frequency, minor_allele_frequency)) > 0 as has_frequency,
        count(neg_log10_p_value) > 0 as has_p,
        count(case when is_odds_ratio then 1 end) > 0 as has_odds_ratio
    from {{ ref('stg_gwas__associations') }}  -- not the lines above: read twice, they would be held whole
    group by trait
),

described as (
    select
        associations.trait,
        associations.line_number,
        try_cast(replace(upper(associations.chromosome), 'X', '23') as integer) as chromosome,
        associations.base_pair_location,
        associations.rsid,
        associations.effect_allele is null or associations.other_allele is null as lacks_an_allele,
        associations.effect_letter as effect_allele,
        associations.other_letter as other_allele,
        associations.effect_allele_frequency,
        -- of either allele where the file does not say whose it is
        least(
            coalesce(associations.effect_allele_frequency, associations.minor_allele_frequency),
            1 - coalesce(associations.effect_allele_frequency, associations.minor_allele_frequency)
        ) as minor_allele_frequency,
        associations.info,
        associations.beta,
        associations.standard_error,
        associations.p_value,
        associations.neg_log10_p_value,
        columns_given.has_info,
        columns_given.has_frequency,
        columns_given.has_p,
        columns_given.has_odds_ratio,
        gwas_traits.trait_type,
        associations.n is null and associations.n_cases is not null as is_sized_by_cases,
        coalesce(
            associations.n,
            associations.n_cases + associations.n_controls,
            gwas_traits.n,
            gwas_traits.n_cases + gwas_traits.n_controls
        ) as n_total,
        coalesce(
            associations.n_cases / (associations.n_cases + associations.n_controls),
            gwas_traits.n_cases / (gwas_traits.n_cases + gwas_traits.n_controls)
        ) as sample_prevalence,
        coalesce(
            associations.z_score,
            case when associations.standard_error > 0 then associations.beta / associations.standard_error end
        ) as z_of_effect,
        coalesce(associations.beta, associations.z_score) as signed_effect
    from associations
    inner join columns_given on associations.trait = columns_given.trait
    left join gwas_traits on associations.trait = gwas_traits.trait
),

with_z_basis as (
    select
        *,
        case
            {% if z_is_from_p -%}
            when
                has_p and p_value = 0 and neg_log10_p_value is null
                and abs(z_of_effect) >= {{ var('gwas_zero_p_z_min') }} then 'effect'
            when not has_p then 'effect'
            else 'p_value'
            {%- else -%}
            when true then 'effect'
            {%- endif %}
        end as z_basis
    from described
),

judged_alone as (
    select
        *,
        case
            when
                rsid is null or lacks_an_allele or n_total is null or signed_effect is null
                or (has_frequency and minor_allele_frequency is null)
                or (z_basis = 'p_value' and p_value is null and neg_log10_p_value is null)
                then 'missing_value'
            when has_info and (info is null or info < {{ var('gwas_info_min') }}) then 'info_too_low'
            when has_frequency and not minor_allele_frequency > {{ var('gwas_maf_min') }} then 'frequency_too_low'
            when z_basis = 'p_value' and coalesce(neg_log10_p_value, -1) < 0 then 'p_out_of_range'
            when standard_error <= 0 then 'standard_error_not_positive'
            when effect_allele is null or other_allele is null or effect_allele = other_allele then 'not_two_letters'
        end as rule_beside_strand,
        (effect_allele in ('A', 'T') and other_allele in ('A', 'T')) or (effect_allele in ('C', 'G') and other_allele in ('C', 'G'))
            as is_strand_ambiguous
    from with_z_basis
),

screened as (
    select
        trait,
        line_number,
        chromosome,
        base_pair_location,
        rsid,
        effect_allele,
        other_allele,
        effect_allele_frequency,
        minor_allele_frequency,
        n_total,
        sample_prevalence,
        coalesce(trait_type = 'case_control', has_odds_ratio or sample_prevalence is not null) as is_case_control,
        is_sized_by_cases,
        beta,
        standard_error,
        neg_log10_p_value,
        signed_effect,
        z_of_effect,
        {{ one_of('z_basis', ['p_value', 'effect']) }} as z_basis,
        has_p and p_value = 0 and z_basis = 'effect' as is_p_repaired,
        is_strand_ambiguous,
        -- of its own, so that lines of interest to regions are picked without the last rule
        rule_beside_strand,
        coalesce(rule_beside_strand, case when is_strand_ambiguous then 'strand_ambiguous' end) as broken_rule
    from judged_alone
)

select * from screened
