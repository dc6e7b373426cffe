{{ config(meta={'trap': 8}) }}
-- Missing codes belong to a coding, never to a sign: deprivation, T-scores and principal components are negative in half the people,
-- and their codings hold no missing code.
with fields as (
    select * from {{ ref('ukb_fields') }}
    where field_id in (22189, 78, 4106, 4125, 22009, 22000)
),

missing_codes as (
    select * from {{ ref('missing_codes') }}
),

raw_participants as (
    select * from {{ source('ukb', 'participant') }}
),

participants as (
    select * from {{ ref('stg_ukb__participants') }}
)

select
    'field ' || cast(fields.field_id as varchar) as of_what,
    count(*) as n_rows
from fields
left join missing_codes on fields.encoding_id = missing_codes.encoding_id
where missing_codes.code is not null or coalesce(fields.plausible_min >= 0, false)
group by fields.field_id

union all

select
    'Townsend deprivation index' as of_what,
    count(*) as n_rows
from raw_participants
inner join participants on raw_participants.eid = participants.participant_id
where try_cast(raw_participants.p22189 as double) between -8 and 0 and participants.townsend_deprivation_index is null
having count(*) > 0

union all

select
    'heel T-score' as of_what,
    count(*) as n_rows
from raw_participants
inner join participants on raw_participants.eid = participants.participant_id
where try_cast(raw_participants.p78_i0 as double) between -6 and 0 and participants.heel_t_score_one_heel_sd is null
having count(*) > 0
