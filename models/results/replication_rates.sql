-- How much of what one part of the people shows the other part shows too.
with replications as (
    select * from {{ ref('replications') }}
),

counted as (
    select
        study,
        arm,
        outcome,
        outcome_definition,
        split,
        platform,
        any_value(discovery_part) as discovery_part,
        any_value(replication_part) as replication_part,
        max(discovery_n_events) as discovery_n_events,
        max(replication_n_events) as replication_n_events,
        count(discovery_p_value) as n_tested,
        count(*) filter (where is_discovered) as n_discovered,
        count(replication_p_value) as n_followed_up,
        count(*) filter (where is_same_sign) as n_same_sign,
        count(*) filter (where is_replicated) as n_replicated,
        avg(difference_z * sign(discovery_log_hazard_ratio)) as mean_shrinkage_z
    from replications
    group by study, arm, outcome, outcome_definition, split, platform
),

replication_rates as (
    select
        *,
        cast(n_same_sign as double) / nullif(n_followed_up, 0) as same_sign_rate,
        cast(n_replicated as double) / nullif(n_followed_up, 0) as replication_rate,
        case when n_discovered = 0 then 'nothing was found' when n_followed_up = 0 then 'nothing could be tested again' end as refusal
    from counted
)

select * from replication_rates
order by study, arm, split, platform
