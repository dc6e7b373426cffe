-- Primary care clinical records with a usable date: 1900-01-01 to 1903-03-03 and 2037-07-07 are placeholders of coding 819.
{{ gate('raw') }}
{%- set rules = field_rules() %}

with gp_clinical as (
    select * from {{ source('ukb', 'gp_clinical') }}
),

typed as (
    select
        eid as participant_id,
        case data_provider when '1' then 'England (Vision)' when '2' then 'Scotland' when '3' then 'England (TPP)' when '4' then 'Wales' end as gp_provider,
        case data_provider when '1' then 'England' when '2' then 'Scotland' when '3' then 'England' when '4' then 'Wales' end as nation,
        try_cast(event_dt as date) as event_date,
        case when read_2 is not null then 'read_2' else 'read_3' end as code_system,
        coalesce(read_2, read_3) as code
    from gp_clinical
    where event_dt not in ({{ special_dates(rules) }}) and coalesce(read_2, read_3) is not null
),

events as (
    select
        participant_id,
        gp_provider,
        nation,
        event_date,
        code_system,
        code,
        count(*) as n_records
    from typed
    group by participant_id, gp_provider, nation, event_date, code_system, code
)

select * from events
