-- Deaths as the participant table shows them (40000, two instances); a second instance is a second certificate.
{{ gate('raw') }}
{%- set rules = field_rules() %}

with participants as (
    select * from {{ source('ukb', 'participant') }}
),

deaths as (
    select
        eid as participant_id,
        0 as instance,
        {{ field_date('p40000_i0', rules) }} as death_date,
        upper(p40001_i0) as primary_cause_code
    from participants
    where p40000_i0 is not null

    union all

    select
        eid as participant_id,
        1 as instance,
        {{ field_date('p40000_i1', rules) }} as death_date,
        upper(p40001_i1) as primary_cause_code
    from participants
    where p40000_i1 is not null
)

select * from deaths
