-- Whether each visit shows each outcome definition of seeds/visit_criteria.csv: every criterion met, each by any of its measures.
-- Unknown is a value: a criterion that one low measure meets is met; else a missing measure leaves it unknown; one criterion
-- that is not met settles the status, however many are unknown.
{%- set measures = [
    'grip_strength_kg', 'grip_strength_any_device_kg', 'walking_pace_level', 'lean_mass_index_kg_per_m2',
    'appendicular_lean_mass_index_kg_per_m2', 'appendicular_lean_mass_by_bmi_m2',
] %}
with measures_of_visits as (
    select * from {{ ref('int_visit_measures__derived') }}
),

definitions as (
    select outcome_definitions.*
    from {{ ref('outcome_definitions') }} as outcome_definitions
    where outcome_definitions.follow_up_source = 'visit' and outcome_definitions.outcome_definition in (
        select arm_outcome_definitions.outcome_definition
        from {{ ref('arm_outcome_definitions') }} as arm_outcome_definitions
        inner join {{ ref('studies') }} as studies on arm_outcome_definitions.study = studies.study
        inner join {{ ref('cohorts') }} as cohorts on studies.cohort_kind = cohorts.kind
        where cohorts.cohort = '{{ env_var('COHORT', 'synthetic') }}'
    )
),

criteria as (
    select * from {{ ref('visit_criteria') }}
),

measured as (
    {% for measure in measures -%}
    select
        participant_id,
        instance,
        sex,
        '{{ measure }}' as measure,
        cast({{ measure }} as double) as amount
    from measures_of_visits
    {% if not loop.last %}union all{% endif %}
    {% endfor -%}
),

compared as (
    select
        measured.participant_id,
        measured.instance,
        criteria.outcome_definition,
        criteria.criterion,
        case criteria.comparison
            when 'below' then measured.amount < criteria.threshold
            when 'at_or_below' then measured.amount <= criteria.threshold
            when 'above' then measured.amount > criteria.threshold
            when 'at_or_above' then measured.amount >= criteria.threshold
        end as meets
    from measured
    inner join criteria on measured.measure = criteria.measure and measured.sex = criteria.sex
),

criteria_of_visits as (
    select
        participant_id,
        instance,
        outcome_definition,
        criterion,
        case
            when max(case when meets then 1 else 0 end) = 1 then 1
            when max(case when meets is null then 1 else 0 end) = 1 then null
            else 0
        end as is_met
    from compared
    group by participant_id, instance, outcome_definition, criterion
),

statuses as (
    select
        participant_id,
        instance,
        outcome_definition,
        case
            when min(is_met) = 0 then false
            when max(case when is_met is null then 1 else 0 end) = 1 then null
            else true
        end as has_outcome
    from criteria_of_visits
    group by participant_id, instance, outcome_definition
),

judged as (
    select
        measures_of_visits.participant_id,
        definitions.outcome,
        definitions.outcome_definition,
        measures_of_visits.instance,
        measures_of_visits.visit_date,
        measures_of_visits.days_since_baseline,
        statuses.has_outcome
    from measures_of_visits
    cross join definitions
    left join statuses
        on
            measures_of_visits.participant_id = statuses.participant_id
            and measures_of_visits.instance = statuses.instance
            and definitions.outcome_definition = statuses.outcome_definition
)

select * from judged
