-- Every association beside the first munge rule it breaks (seeds/gwas_rules.csv, in their order) and its Z.
-- The rules are those of ldsc's munge_sumstats (Bulik-Sullivan 2015a) with three differences. A p value of 0 beside a large effect
-- lost its digits, not its meaning: Z comes from the effect. Every format's frequency is filtered, whatever the file calls it.
-- Rows that cannot be right are dropped and counted where ldsc stops.
-- Z comes from P and the sign of the effect by default: P may be of a better test (Firth, saddle point) than effect / standard error.
{{ gate('staging') }}

{%- set z_is_from_p = var('gwas_z_source') == 'p_value' %}

with associations as (
    select * from {{ ref('stg_gwas__associations') }}
),

gwas_traits as (
    select * from {{ ref('stg_gwas__traits') }}
),

-- a column that a file lacks filters nothing
columns_given as (
    select
        trait,
        count(info) > 0 as has_info,
        count(effect_allele_frequency) > 0 as has_frequency,
        count(neg_log10_p_value) > 0 as has_p
    from associations
    group by trait
),

described as (
    select
        associations.trait,
        associations.line_number,
        associations.chromosome,
        associations.base_pair_location,
        associations.rsid,
        associations.effect_allele,
        associations.other_allele,
        associations.effect_allele_frequency,
        associations.info,
        associations.beta,
        associations.standard_error,
        associations.p_value,
        associations.neg_log10_p_value,
        columns_given.has_info,
        columns_given.has_frequency,
        columns_given.has_p,
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
                rsid is null or effect_allele is null or other_allele is null or n_total is null or signed_effect is null
                or (has_frequency and effect_allele_frequency is null)
                or (z_basis = 'p_value' and p_value is null and neg_log10_p_value is null)
                then 'missing_value'
            when has_info and (info is null or info < {{ var('gwas_info_min') }}) then 'info_too_low'
            when has_frequency and not least(effect_allele_frequency, 1 - effect_allele_frequency) > {{ var('gwas_maf_min') }}
                then 'frequency_too_low'
            when z_basis = 'p_value' and coalesce(neg_log10_p_value, -1) < 0 then 'p_out_of_range'
            when standard_error <= 0 then 'standard_error_not_positive'
            when
                effect_allele not in ('A', 'C', 'G', 'T') or other_allele not in ('A', 'C', 'G', 'T') or effect_allele = other_allele
                then 'not_two_letters'
            when concat(effect_allele, other_allele) in ('AT', 'TA', 'CG', 'GC') then 'strand_ambiguous'
        end as rule_alone
    from with_z_basis
),

repeated as (
    select
        trait,
        rsid,
        min(line_number) as first_line
    from judged_alone
    where rule_alone is null
    group by trait, rsid
    having count(*) > 1
),

judged_among_lines as (
    select
        judged_alone.*,
        case
            when judged_alone.rule_alone is not null then judged_alone.rule_alone
            when judged_alone.line_number > repeated.first_line then 'duplicate_rsid'
        end as rule_among_lines
    from judged_alone
    left join repeated on judged_alone.trait = repeated.trait and judged_alone.rsid = repeated.rsid
),

largest_studies as (
    select
        trait,
        max(n_total) as n_total
    from judged_among_lines
    where rule_among_lines is null and is_sized_by_cases
    group by trait
),

shares_at_largest as (
    select
        judged_among_lines.trait,
        avg(judged_among_lines.sample_prevalence) as sample_prevalence
    from judged_among_lines
    inner join largest_studies
        on judged_among_lines.trait = largest_studies.trait and judged_among_lines.n_total = largest_studies.n_total
    where judged_among_lines.rule_among_lines is null
    group by judged_among_lines.trait
),

sized as (
    select
        judged_among_lines.*,
        case
            {% if var('gwas_case_control_n') == 'effective' -%}
            when judged_among_lines.sample_prevalence is not null
                then
                    4 * judged_among_lines.n_total
                    * judged_among_lines.sample_prevalence * (1 - judged_among_lines.sample_prevalence)
            {% endif -%}
            -- as ldsc: a variant with relatively fewer cases than the largest studies tells less
            when judged_among_lines.is_sized_by_cases
                then judged_among_lines.n_total * judged_among_lines.sample_prevalence / shares_at_largest.sample_prevalence
            else judged_among_lines.n_total
        end as n
    from judged_among_lines
    left join shares_at_largest on judged_among_lines.trait = shares_at_largest.trait
),

size_limits as (
    select
        trait,
        coalesce(cast({{ var('gwas_n_min') }} as double), percentile_cont(0.9) within group (order by n) / 1.5) as n_min
    from sized
    where rule_among_lines is null
    group by trait
),

judged_on_size as (
    select
        sized.*,
        {{ central_of_neg_log10_p('sized.neg_log10_p_value') }} as p_central,
        {{ root_of_neg_log10_p('sized.neg_log10_p_value') }} as p_root,
        case
            when sized.rule_among_lines is not null then sized.rule_among_lines
            when sized.n < size_limits.n_min then 'sample_size_too_low'
            when sized.z_basis = 'effect' and sized.z_of_effect is null then 'z_unknown'
        end as rule_on_size
    from sized
    left join size_limits on sized.trait = size_limits.trait
),

median_effects as (
    select
        trait,
        median(signed_effect) as median_effect
    from judged_on_size
    where rule_on_size is null
    group by trait
),

judged as (
    select
        judged_on_size.trait,
        judged_on_size.line_number,
        judged_on_size.chromosome,
        judged_on_size.base_pair_location,
        judged_on_size.rsid,
        judged_on_size.effect_allele,
        judged_on_size.other_allele,
        judged_on_size.effect_allele_frequency,
        judged_on_size.n,
        judged_on_size.sample_prevalence,
        judged_on_size.beta,
        judged_on_size.standard_error,
        judged_on_size.z_basis,
        judged_on_size.has_p and judged_on_size.p_value = 0 and judged_on_size.z_basis = 'effect' as is_p_repaired,
        coalesce(
            judged_on_size.rule_on_size,
            case when abs(median_effects.median_effect) > {{ var('gwas_median_effect_max') }} then 'effects_off_null' end
        ) as broken_rule,
        case
            when judged_on_size.rule_on_size is not null then null
            when judged_on_size.z_basis = 'effect' then judged_on_size.z_of_effect
            when judged_on_size.signed_effect < 0
                then -({{ z_of_tail('judged_on_size.neg_log10_p_value', 'judged_on_size.p_central', 'judged_on_size.p_root') }})
            else {{ z_of_tail('judged_on_size.neg_log10_p_value', 'judged_on_size.p_central', 'judged_on_size.p_root') }}
        end as z_score
    from judged_on_size
    left join median_effects on judged_on_size.trait = median_effects.trait
)

select * from judged
