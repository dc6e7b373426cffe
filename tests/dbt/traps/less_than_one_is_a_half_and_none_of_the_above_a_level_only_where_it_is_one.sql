{{ config(meta={'trap': 9}) }}
-- -10 is 'less than one' of diet and becomes 0.5; -7 'none of the above' is a qualification level ('none') and an answer to the multiple
-- choice questions, but for walking pace it is no level and missing.
with raw_participants as (
    select * from {{ source('ukb', 'participant') }}
),

participants as (
    select * from {{ ref('stg_ukb__participants') }}
)

select
    raw_participants.p1309_i0 as fruit,
    raw_participants.p924_i0 as pace,
    raw_participants.p6138_i0 as qualifications
from raw_participants
inner join participants on raw_participants.eid = participants.participant_id
where
    (raw_participants.p1309_i0 = '-10' and coalesce(participants.fresh_fruit_pieces_per_day != 0.5, true))
    or (raw_participants.p1289_i0 = '-10' and coalesce(participants.cooked_vegetable_tablespoons_per_day != 0.5, true))
    or (raw_participants.p924_i0 in ('-7', '-3') and participants.walking_pace_code is not null)
    or ({{ json_list_holds('raw_participants.p6138_i0', '-7') }} and participants.highest_qualification is null)
    or ({{ json_list_holds('raw_participants.p6155_i0', '-7') }} and coalesce(participants.takes_vitamin_d_supplement, true))
    or participants.fresh_fruit_pieces_per_day < 0
