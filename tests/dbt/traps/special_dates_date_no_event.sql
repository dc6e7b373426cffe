{{ config(meta={'trap': 2}) }}
-- The dates of coding 819 parse as dates and date nothing: none may reach the event table, and each of them stays undated, not dropped.
with special_dates as (
    select try_cast(code as date) as special_date
    from {{ ref('missing_codes') }}
    where encoding_id = 819
),

first_occurrences as (
    select * from {{ ref('stg_ukb__first_occurrences') }}
),

events as (
    select * from {{ ref('events') }}
    where event_source in ('first_occurrence', 'gp')
)

select
    'first occurrence' as of_what,
    count(*) as n_rows
from first_occurrences
where is_special_date and first_reported_date is not null
having count(*) > 0

union all

select
    'event' as of_what,
    count(*) as n_rows
from events
inner join special_dates on events.event_date = special_dates.special_date
having count(*) > 0
