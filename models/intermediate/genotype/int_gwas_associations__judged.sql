-- The lines that break no rule on their own, but perhaps strand ambiguity, beside the first rule that compares them with the other lines of their trait
-- (seeds/gwas_rules.csv, in their order). A view: beside the long table of kept lines there is nothing that is worth a copy.
{{ config(materialized='view') }}

with kept as (
    select * from {{ ref('int_gwas_associations__kept') }}
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
        kept.*,
        {{ gwas_n('kept', 'limits') }} as n,
        repeated.line_number is not null as is_repeated,
        limits.n_min,
        limits.median_effect
    from kept
    left join repeated on kept.trait = repeated.trait and kept.line_number = repeated.line_number
    left join limits on kept.trait = limits.trait
),

judged_on_size as (
    select
        *,
        case
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
        variant_key,
        coalesce(other_name, concat('rs', variant_key)) as rsid,
        effect_allele,
        other_allele,
        effect_allele_frequency,
        minor_allele_frequency,
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
        is_strand_ambiguous,
        coalesce(
            rule_on_size,
            case
                when abs(median_effect) > {{ var('gwas_median_effect_max') }} then 'effects_off_null'
                -- a trait without any other line tells nothing about these
                when is_strand_ambiguous and median_effect is null then 'effects_off_null'
            end
        ) as broken_rule,
        case when rule_on_size is null then z_score end as z_score
    from judged_on_size
)

select * from judged
