-- How many lines of each trait break which rule on their own, and what is known of the trait even where every line does.
-- Strand-ambiguous lines that break no other rule are in the long table, and counted there.

with dropped as (
    select
        trait,
        rule_beside_strand as broken_rule,
        is_case_control,
        sample_prevalence
    from {{ ref('int_gwas_associations__screened') }}
    where rule_beside_strand is not null

    union all

    select
        trait,
        'strand_ambiguous' as broken_rule,
        is_case_control,
        sample_prevalence
    from {{ ref('int_gwas_associations__kept') }}
    where is_strand_ambiguous
)

select
    trait,
    broken_rule,
    count(*) as n_lines,
    coalesce(bool_or(is_case_control), false) as is_case_control,
    {% if var('gwas_case_control_n') == 'effective' -%}
    case when count(sample_prevalence) > 0 then 0.5e0 end as sample_prevalence
    {%- else -%}
    avg(sample_prevalence) as sample_prevalence
    {%- endif %}
from dropped
group by trait, broken_rule
