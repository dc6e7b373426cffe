-- Protein levels at baseline, long and sorted by protein, with their plate's limit of detection. What the rules of dbt_project.yml
-- (proteins_below_limit, biomarkers_outlier_sd) change or leave out keeps its row and says so in value_rule. The position is for
-- readers of the whole panel: a hundred million joins by text cost more than all that is estimated from it.
{%- set below = known_option('proteins_below_limit', ['keep', 'missing', 'half_limit_npx']) %}
{%- set outlier_sd = var('biomarkers_outlier_sd', none) %}
with results as (
    select * from {{ ref('stg_olink__results') }}
),

participants as (
    select
        participant_id,
        cast(row_number() over (order by participant_id) - 1 as integer) as participant_position
    from {{ ref('participants') }}
),

samples as (
    select * from {{ ref('stg_olink__samples') }}
),

limits_of_detection as (
    select * from {{ ref('stg_olink__limits_of_detection') }}
),

measured as (
    select
        results.participant_id,
        participants.participant_position,
        results.protein,
        results.level_npx as recorded_npx,
        limits_of_detection.limit_of_detection_npx,
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
),

limited as (
    select
        participant_id,
        participant_position,
        protein,
        is_below_limit_of_detection,
        {%- if below == 'missing' %}
        case when is_below_limit_of_detection then null else recorded_npx end as level_npx,
        case when is_below_limit_of_detection then 'below limit, left out' end as value_rule
        {%- elif below == 'half_limit_npx' %}
        -- NPX is on a log2 scale: half a concentration is one NPX less.
        case
            when is_below_limit_of_detection then cast(limit_of_detection_npx - 1 as float)
            else recorded_npx
        end as level_npx,
        case when is_below_limit_of_detection then 'below limit, half the limit' end as value_rule
        {%- else %}
        recorded_npx as level_npx,
        cast(null as varchar) as value_rule
        {%- endif %}
    from measured
),
{% if outlier_sd is not none %}
spread as (
    select
        protein,
        avg(level_npx) as mean_npx,
        stddev_samp(level_npx) as sd_npx
    from limited
    where isfinite(level_npx)
    group by protein
),

protein_levels as (
    select
        limited.participant_id,
        limited.participant_position,
        limited.protein,
        case
            when abs(limited.level_npx - spread.mean_npx) > {{ outlier_sd }} * spread.sd_npx then null
            else limited.level_npx
        end as level_npx,
        limited.is_below_limit_of_detection,
        case
            when abs(limited.level_npx - spread.mean_npx) > {{ outlier_sd }} * spread.sd_npx then 'outlier, left out'
            else limited.value_rule
        end as value_rule
    from limited
    left join spread on limited.protein = spread.protein
)
{% else %}
protein_levels as (
    select
        participant_id,
        participant_position,
        protein,
        level_npx,
        is_below_limit_of_detection,
        value_rule
    from limited
)
{% endif %}
select * from protein_levels
order by protein, participant_position
