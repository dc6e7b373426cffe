-- First occurrences: even field the date, odd field the source. Coding 819 dates parse as dates but are not dates of an event.
{{ gate('raw') }}
{%- set rules = field_rules() %}

with participants as (
    select * from {{ source('ukb', 'participant') }}
),

first_occurrences as (
    select
        eid as participant_id,
        'M80' as icd10_category,
        {{ field_date('p131962', rules) }} as first_reported_date,
        p131962 in ({{ special_dates(rules) }}) as is_special_date,
        p131963 as source_code
    from participants
    where p131962 is not null

    union all

    select
        eid as participant_id,
        'M81' as icd10_category,
        {{ field_date('p131964', rules) }} as first_reported_date,
        p131964 in ({{ special_dates(rules) }}) as is_special_date,
        p131965 as source_code
    from participants
    where p131964 is not null

    union all

    select
        eid as participant_id,
        'M82' as icd10_category,
        {{ field_date('p131966', rules) }} as first_reported_date,
        p131966 in ({{ special_dates(rules) }}) as is_special_date,
        p131967 as source_code
    from participants
    where p131966 is not null

    union all

    select
        eid as participant_id,
        'M62' as icd10_category,
        {{ field_date('p131934', rules) }} as first_reported_date,
        p131934 in ({{ special_dates(rules) }}) as is_special_date,
        p131935 as source_code
    from participants
    where p131934 is not null
)

select * from first_occurrences
