-- One death per person: second certificates (ins_index 1, or instance 1 of field 40000) are the same death, and the earliest date counts.
{{ gate('staging') }}

with certificates as (
    select participant_id, death_date, 'death register' as recorded_in from {{ ref('stg_ukb__deaths') }}

    union all

    select participant_id, death_date, 'participant table' as recorded_in from {{ ref('stg_ukb__participant_deaths') }}
),

one_death_each as (
    select
        participant_id,
        min(death_date) as death_date,
        count(distinct death_date) as n_dates,
        max(case when recorded_in = 'death register' then 1 else 0 end) = 1 as is_in_death_register
    from certificates
    where death_date is not null
    group by participant_id
)

select * from one_death_each
