-- The end of follow-up in force: the seed where it has a row (a stated override), else the date computed from the records.
with computed as (
    select * from {{ ref('int_follow_up_ends__computed') }}
),

overrides as (
    select * from {{ ref('censoring_dates') }}
    where cohort = '{{ env_var('COHORT', 'synthetic') }}'
),

computed_per_nation as (
    select event_source, nation, end_date from computed where nation != 'England and Wales'

    union all

    select event_source, 'England' as nation, end_date from computed where nation = 'England and Wales'

    union all

    select event_source, 'Wales' as nation, end_date from computed where nation = 'England and Wales'
),

decided as (
    select
        coalesce(overrides.event_source, computed_per_nation.event_source) as event_source,
        coalesce(overrides.nation, computed_per_nation.nation) as nation,
        computed_per_nation.end_date as computed_end_date,
        overrides.end_date as seed_end_date,
        coalesce(overrides.end_date, computed_per_nation.end_date) as end_date
    from computed_per_nation
    full outer join overrides
        on
            computed_per_nation.event_source = overrides.event_source
            and computed_per_nation.nation = overrides.nation
)

select * from decided
