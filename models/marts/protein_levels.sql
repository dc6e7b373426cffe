-- Protein levels at baseline, long and sorted by protein, with their plate's limit of detection. Values below it are kept and flagged.
with results as (
    select * from {{ ref('stg_olink__results') }}
),

participants as (
    select participant_id from {{ ref('participants') }}
),

samples as (
    select * from {{ ref('stg_olink__samples') }}
),

limits_of_detection as (
    select * from {{ ref('stg_olink__limits_of_detection') }}
),

protein_levels as (
    select
        results.participant_id,
        results.protein,
        results.level_npx,
        results.level_npx < limits_of_detection.limit_of_detection_npx as is_below_limit_of_detection
    from results
    inner join participants on results.participant_id = participants.participant_id
    left join samples on results.participant_id = samples.participant_id
    left join limits_of_detection
        on
            samples.plate = limits_of_detection.plate
            and results.protein = limits_of_detection.protein
            and results.instance = limits_of_detection.instance
    where results.instance = 0 and results.level_npx is not null
)

select * from protein_levels
order by protein, participant_id
