-- Where seeds/censoring_dates.csv states an end of follow-up and the records give one too, they are within a month.
{{ config(severity='warn') }}
select *
from {{ ref('int_follow_up_ends__decided') }}
where
    computed_end_date is not null
    and seed_end_date is not null
    and abs({{ days_between('computed_end_date', 'seed_end_date') }}) > 31
