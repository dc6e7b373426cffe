-- Causes on death certificates.
{{ gate('raw') }}

with death_cause as (
    select * from {{ source('ukb', 'death_cause') }}
),

causes as (
    select
        eid as participant_id,
        try_cast(ins_index as integer) as certificate_index,
        try_cast(arr_index as integer) as cause_index,
        case try_cast(level as integer) when 1 then 'primary' when 2 then 'secondary' end as level,
        upper(cause_icd10) as code
    from death_cause
)

select * from causes
