-- NMR metabolite levels at baseline of the cohort, as recorded; technical adjustment and recomputed ratios are a later model's.
with levels as (
    select * from {{ ref('stg_nmr__metabolite_levels') }}
),

participants as (
    select participant_id from {{ ref('participants') }}
)

select levels.*
from levels
inner join participants on levels.participant_id = participants.participant_id
