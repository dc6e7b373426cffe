{{ config(meta={'trap': 10}) }}
-- 6153 (women) and 6177 (men) are one question; 2724 and 2814 were put to women only: men are a level of their own, never missing.
with participants as (
    select * from {{ ref('participants') }}
),

staged as (
    select * from {{ ref('stg_ukb__participants') }}
)

select
    participants.sex,
    participants.menopause_status,
    participants.ever_used_hrt,
    participants.cholesterol_medication
from participants
inner join staged on participants.participant_id = staged.participant_id
where
    (participants.sex = 'male' and (participants.menopause_status != 'male' or participants.ever_used_hrt != 'male'))
    or (participants.sex = 'female' and 'male' in (participants.menopause_status, participants.ever_used_hrt))
    or (
        participants.cholesterol_medication = 'unknown'
        and coalesce(staged.takes_cholesterol_medication_women, staged.takes_cholesterol_medication_men) is not null
    )
