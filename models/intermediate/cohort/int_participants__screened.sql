-- Who may be analysed at all: each participant with the first reason that excludes them, or none.
-- Negative ids are withdrawn people (as in .fam and .sample files); withdrawals come as a list beside the export.
{{ gate('staging') }}

with participants as (
    select * from {{ ref('stg_ukb__participants') }}
),

withdrawals as (
    select * from {{ ref('stg_ukb__withdrawals') }}
),

screened as (
    select
        participants.participant_id,
        case
            when participants.participant_id like '-%' then 'negative id'
            when withdrawals.participant_id is not null then 'withdrew consent'
            when participants.visit_date is null then 'no baseline visit date'
            when participants.sex is null then 'sex not recorded'
        end as exclusion_reason
    from participants
    left join withdrawals on participants.participant_id = withdrawals.participant_id
)

select * from screened
