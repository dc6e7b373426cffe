-- Each outcome definition for each participant: prevalent at baseline or not, and the first event after baseline.
-- Prevalent: any event that the definition names, dated on or before the baseline visit, or of unknown date
-- (a special date of coding 819 cannot be shown to lie after baseline).
with participants as (
    select * from {{ ref('int_participants__included') }}
),

definitions as (
    select outcome_definitions.*
    from {{ ref('outcome_definitions') }} as outcome_definitions
    -- what repeat visits show is interval-censored: int_visit_statuses__judged
    where outcome_definitions.follow_up_source != 'visit' and outcome_definitions.outcome_definition in (
        select arm_outcome_definitions.outcome_definition
        from {{ ref('arm_outcome_definitions') }} as arm_outcome_definitions
        inner join {{ ref('studies') }} as studies on arm_outcome_definitions.study = studies.study
        inner join {{ ref('cohorts') }} as cohorts on studies.cohort_kind = cohorts.kind
        where cohorts.cohort = '{{ env_var('COHORT', 'synthetic') }}'

        union all

        -- outcomes that serve as controls belong to no arm
        select control_analyses.outcome_definition
        from {{ ref('control_analyses') }} as control_analyses
        inner join {{ ref('studies') }} as studies on control_analyses.study = studies.study
        inner join {{ ref('cohorts') }} as cohorts on studies.cohort_kind = cohorts.kind
        where cohorts.cohort = '{{ env_var('COHORT', 'synthetic') }}'
    )
),

rules as (
    select * from {{ ref('outcome_definition_rules') }}
),

condition_events as (
    select * from {{ ref('int_condition_events__matched') }}
),

events_per_definition as (
    select
        condition_events.participant_id,
        rules.outcome_definition,
        max(
            case
                when condition_events.event_date is null or condition_events.event_date <= participants.baseline_date then 1
                else 0
            end
        ) = 1 as is_prevalent,
        max(
            case
                when
                    rules.event_source != 'treatment'
                    and (condition_events.event_date is null or condition_events.event_date <= participants.baseline_date) then 1
                else 0
            end
        ) = 1 as is_prevalent_by_record,
        min(
            case
                when rules.role = 'event' and condition_events.event_date > participants.baseline_date
                    then condition_events.event_date
            end
        ) as first_event_date
    from condition_events
    inner join rules
        on
            condition_events.condition = rules.condition
            and condition_events.event_source = rules.event_source
    inner join participants on condition_events.participant_id = participants.participant_id
    group by condition_events.participant_id, rules.outcome_definition
),

outcomes as (
    select
        participants.participant_id,
        definitions.outcome,
        definitions.outcome_definition,
        definitions.follow_up_source,
        coalesce(events_per_definition.is_prevalent, false) as is_prevalent,
        coalesce(events_per_definition.is_prevalent_by_record, false) as is_prevalent_by_record,
        events_per_definition.first_event_date
    from participants
    cross join definitions
    left join events_per_definition
        on
            participants.participant_id = events_per_definition.participant_id
            and definitions.outcome_definition = events_per_definition.outcome_definition
)

select * from outcomes
