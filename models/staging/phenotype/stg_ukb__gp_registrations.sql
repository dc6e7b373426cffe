-- Registrations with a primary care practice: who is GP-linked, and from when.
{{ gate('raw') }}
{%- set rules = field_rules() %}

with gp_registrations as (
    select * from {{ source('ukb', 'gp_registrations') }}
),

typed as (
    select
        eid as participant_id,
        case data_provider when '1' then 'England (Vision)' when '2' then 'Scotland' when '3' then 'England (TPP)' when '4' then 'Wales' end as gp_provider,
        case data_provider when '1' then 'England' when '2' then 'Scotland' when '3' then 'England' when '4' then 'Wales' end as nation,
        case when reg_date not in ({{ special_dates(rules) }}) then try_cast(reg_date as date) end as registered_date,
        case when deduct_date not in ({{ special_dates(rules) }}) then try_cast(deduct_date as date) end as deducted_date
    from gp_registrations
),

registrations as (
    select
        participant_id,
        gp_provider,
        nation,
        registered_date,
        deducted_date,
        count(*) as n_records
    from typed
    group by participant_id, gp_provider, nation, registered_date, deducted_date
)

select * from registrations
