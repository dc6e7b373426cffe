-- Time at risk of those who can have the outcome: free of it at baseline and followed for at least a day.
with timed as (
    select * from {{ ref('int_follow_up__timed') }}
)

select
    participant_id,
    outcome,
    outcome_definition,
    nation,
    entry_date,
    exit_date,
    follow_up_days,
    cast(follow_up_days as double) / cast(365.25 as double) as follow_up_years,
    exit_kind,
    exit_kind = 'event' as is_event
from timed
where is_in_population and not is_prevalent and administrative_end_date is not null and follow_up_days > 0
