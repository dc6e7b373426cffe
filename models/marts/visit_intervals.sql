-- Between which two visits an outcome appeared: all that repeat visits can say of its onset (interval-censored).
-- From each visit known to be free of it to the next whose status is known, up to the first that shows it; a visit with unknown
-- status is passed over. People who have it at their first known visit (baseline, mostly) are prevalent and give no interval.
with statuses as (
    select * from {{ ref('int_visit_statuses__judged') }}
    where has_outcome is not null
),

in_order as (
    select
        *,
        lag(instance) over (
            partition by participant_id, outcome_definition order by instance
        ) as start_instance,
        lag(visit_date) over (
            partition by participant_id, outcome_definition order by instance
        ) as entry_date,
        lag(days_since_baseline) over (
            partition by participant_id, outcome_definition order by instance
        ) as entry_days,
        sum(case when has_outcome then 1 else 0 end) over (
            partition by participant_id, outcome_definition order by instance
            rows between unbounded preceding and 1 preceding
        ) as n_shown_before
    from statuses
),

intervals as (
    select
        participant_id,
        outcome,
        outcome_definition,
        start_instance,
        instance as stop_instance,
        cast(start_instance as varchar) || '-' || cast(instance as varchar) as visit_interval,
        entry_date,
        visit_date as exit_date,
        entry_days,
        days_since_baseline as exit_days,
        days_since_baseline - entry_days as interval_days,
        has_outcome as is_case
    from in_order
    where n_shown_before = 0
)

select * from intervals
