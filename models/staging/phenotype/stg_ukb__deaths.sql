-- Death certificates. A second certificate (ins_index 1) is the same death; int_deaths__deduplicated decides between them.
{{ gate('raw') }}

with death as (
    select * from {{ source('ukb', 'death') }}
),

certificates as (
    select
        eid as participant_id,
        try_cast(ins_index as integer) as certificate_index,
        case when dsource = 'E/W' then 'England and Wales' when dsource = 'SCOT' then 'Scotland' end as register,
        try_cast(date_of_death as date) as death_date
    from death
)

select * from certificates
