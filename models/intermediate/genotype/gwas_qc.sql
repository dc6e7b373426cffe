-- What each munge rule cost each trait, in the order of the rules: a file's way from lines to variants can be recounted.
{{ config(schema='quality') }}

with judged as (
    select * from {{ ref('int_gwas_associations__judged') }}
    where not is_strand_ambiguous  -- int_gwas_lines__dropped counts those
),

gwas_rules as (
    select * from {{ ref('gwas_rules') }}
),

counted as (
    select
        trait,
        broken_rule,
        count(*) as n_lines,
        sum(case when is_p_repaired and broken_rule is null then 1 else 0 end) as n_repaired
    from judged
    group by trait, broken_rule

    union all

    select
        trait,
        broken_rule,
        n_lines,
        0 as n_repaired
    from {{ ref('int_gwas_lines__dropped') }}
),

totals as (
    select
        trait,
        sum(n_lines) as n_lines,
        sum(n_repaired) as n_repaired
    from counted
    group by trait
),

by_rule as (
    select
        totals.trait,
        totals.n_lines,
        gwas_rules.position,
        gwas_rules.rule,
        gwas_rules.what_is_dropped,
        coalesce(counted.n_lines, 0) as n_dropped,
        case when gwas_rules.rule = 'p_out_of_range' then totals.n_repaired else 0 end as n_repaired
    from totals
    cross join gwas_rules
    left join counted on totals.trait = counted.trait and gwas_rules.rule = counted.broken_rule
),

run_down as (
    select
        trait,
        position,
        rule,
        what_is_dropped,
        cast(n_lines - sum(n_dropped) over (partition by trait order by position) + n_dropped as bigint) as n_in,
        cast(n_dropped as bigint) as n_dropped,
        cast(n_lines - sum(n_dropped) over (partition by trait order by position) as bigint) as n_out,
        cast(n_repaired as bigint) as n_repaired
    from by_rule
)

select * from run_down
