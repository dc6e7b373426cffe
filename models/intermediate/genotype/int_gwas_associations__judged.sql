-- Every line beside the first munge rule it breaks (seeds/gwas_rules.csv, in their order): its own, then those that compare it with the
-- other lines of its trait. A view: beside the long table of screened lines there is nothing that is worth a copy.
{{ config(materialized='view') }}

with screened as (
    select * from {{ ref('int_gwas_associations__screened') }}
),

repeated as (
    select * from {{ ref('int_gwas_associations__repeated') }}
),

limits as (
    select
        trait,
        n_min,
        median_effect,
        sample_prevalence_at_largest as sample_prevalence
    from {{ ref('int_gwas_traits__limited') }}
),

sized as (
    select
        screened.*,
        {{ gwas_n('screened', 'limits') }} as n,
        repeated.line_number is not null as is_repeated,
        limits.n_min,
        limits.median_effect
    from screened
    left join repeated on screened.trait = repeated.trait and screened.line_number = repeated.line_number
    left join limits on screened.trait = limits.trait
),

judged_on_size as (
    select
        *,
        case
            when broken_rule is not null then broken_rule
            when is_repeated then 'duplicate_rsid'
            when n < n_min then 'sample_size_too_low'
            when z_score is null then 'z_unknown'
        end as rule_on_size
    from sized
),

judged as (
    select
        trait,
        line_number,
        chromosome,
        base_pair_location,
        rsid,
        effect_allele,
        other_allele,
        effect_allele_frequency,
        n,
        -- an effective number of people is that of a study half of cases
        {% if var('gwas_case_control_n') == 'effective' -%}
        case when sample_prevalence is not null then 0.5e0 end as sample_prevalence,
        {%- else -%}
        sample_prevalence,
        {%- endif %}
        is_case_control,
        beta,
        standard_error,
        z_basis,
        is_p_repaired,
        coalesce(
            rule_on_size,
            case when abs(median_effect) > {{ var('gwas_median_effect_max') }} then 'effects_off_null' end
        ) as broken_rule,
        case when rule_on_size is null then z_score end as z_score
    from judged_on_size
)

select * from judged
