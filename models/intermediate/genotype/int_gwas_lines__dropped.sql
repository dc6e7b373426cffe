-- How many lines of each trait break which rule on their own, and what is known of the trait even where every line does.

with screened as (
    select * from {{ ref('int_gwas_associations__screened') }}
    where broken_rule is not null
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
from screened
group by trait, broken_rule
