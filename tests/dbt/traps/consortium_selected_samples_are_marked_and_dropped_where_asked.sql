{{ config(meta={'trap': 14}) }}
-- The proteomic sub-cohort is not random: field 30903 marks those whom the consortium chose. The mark reaches the mart, and with
-- biomarkers_keep_consortium_selected false none of them is analysed.
with samples as (
    select * from {{ ref('stg_olink__samples') }}
),

participants as (
    select * from {{ ref('participants') }}
),

biomarker_samples as (
    select * from {{ ref('biomarker_samples') }}
    where platform = 'protein'
)

select
    'mark lost' as fault,
    count(*) as n_participants
from participants
inner join samples on participants.participant_id = samples.participant_id
where samples.is_consortium_selected != participants.is_consortium_selected
having count(*) > 0

union all

select
    'analysed against the option' as fault,
    count(*) as n_participants
from biomarker_samples
inner join participants on biomarker_samples.participant_id = participants.participant_id
where
    participants.is_consortium_selected
    and biomarker_samples.exclusion is null
    and not {{ var('biomarkers_keep_consortium_selected') }}
having count(*) > 0
