-- From the export to the analysed: every exclusion counted once, in order, per study, arm, outcome definition and exposure.
{%- set steps = [
    (1, 'negative id'), (2, 'withdrew consent'), (3, 'no baseline visit date'), (4, 'sex not recorded'),
    (5, 'not linked to primary care'), (6, 'outcome recorded at or before baseline'), (7, 'on a treatment of it at baseline'),
    (8, 'no time at risk'), (9, 'outcome not known at two visits'), (10, 'exposure not measured'),
    (11, 'covariate of the primary model not measured'),
] %}
{%- set covariates = primary_continuous_covariates() %}
with screened as (
    select * from {{ ref('int_participants__screened') }}
),

timed as (
    select * from {{ ref('int_follow_up__timed') }}
),

visit_statuses as (
    select * from {{ ref('int_visit_statuses__judged') }}
),

visit_intervals as (
    select * from {{ ref('visit_intervals') }}
),

participants as (
    select * from {{ ref('participants') }}
),

-- what dated records and what repeat visits say of each participant, as the reason that keeps them out of an analysis
out_by_records as (
    select
        participant_id,
        outcome_definition,
        case
            when not is_in_population then 'not linked to primary care'
            when is_prevalent_by_record then 'outcome recorded at or before baseline'
            when is_prevalent then 'on a treatment of it at baseline'
            when administrative_end_date is null or follow_up_days <= 0 then 'no time at risk'
        end as reason
    from timed
),

seen_again as (
    select
        participant_id,
        outcome_definition
    from visit_intervals
    group by participant_id, outcome_definition
),

first_known as (
    select
        participant_id,
        outcome_definition,
        has_outcome,
        row_number() over (partition by participant_id, outcome_definition order by instance) as position_from_first
    from visit_statuses
    where has_outcome is not null
),

visit_definitions as (
    select outcome_definition
    from visit_statuses
    group by outcome_definition
),

out_by_visits as (
    select
        participants.participant_id,
        visit_definitions.outcome_definition,
        case
            when first_known.has_outcome then 'outcome recorded at or before baseline'
            when seen_again.participant_id is null then 'outcome not known at two visits'
        end as reason
    from participants
    cross join visit_definitions
    left join seen_again
        on
            participants.participant_id = seen_again.participant_id
            and visit_definitions.outcome_definition = seen_again.outcome_definition
    left join first_known
        on
            participants.participant_id = first_known.participant_id
            and visit_definitions.outcome_definition = first_known.outcome_definition
            and first_known.position_from_first = 1
),

out_by_outcome as (
    select * from out_by_records
    union all
    select * from out_by_visits
),

measured as (
    {% for study, arm, exposure, column_name in study_exposures() -%}
    select
        '{{ study }}' as study,
        '{{ arm }}' as arm,
        '{{ exposure }}' as exposure,
        participant_id,
        {{ column_name }} is not null as is_measured,
        {% for covariate in covariates.get(study ~ '/' ~ arm, []) %}{{ covariate }} is not null and {% endfor %}true as has_covariates
    from participants
    {% if not loop.last %}union all{% endif %}
    {% endfor -%}
),

arm_outcome_definitions as (
    select * from {{ ref('arm_outcome_definitions') }}
),

analyses as (
    select
        measured.study,
        measured.arm,
        measured.exposure,
        arm_outcome_definitions.outcome_definition
    from measured
    inner join arm_outcome_definitions
        on measured.study = arm_outcome_definitions.study and measured.arm = arm_outcome_definitions.arm
    group by measured.study, measured.arm, measured.exposure, arm_outcome_definitions.outcome_definition
),

excluded_in_general as (
    select
        analyses.study,
        analyses.arm,
        analyses.exposure,
        analyses.outcome_definition,
        screened.exclusion_reason as reason,
        count(*) as n_participants
    from analyses
    cross join screened
    where screened.exclusion_reason is not null
    group by
        analyses.study, analyses.arm, analyses.exposure, analyses.outcome_definition, screened.exclusion_reason
),

excluded_in_particular as (
    select
        analyses.study,
        analyses.arm,
        analyses.exposure,
        analyses.outcome_definition,
        case
            when out_by_outcome.reason is not null then out_by_outcome.reason
            when not measured.is_measured then 'exposure not measured'
            when not measured.has_covariates then 'covariate of the primary model not measured'
            else 'analysed'
        end as reason,
        count(*) as n_participants
    from analyses
    inner join measured
        on
            analyses.study = measured.study
            and analyses.arm = measured.arm
            and analyses.exposure = measured.exposure
    inner join out_by_outcome
        on
            measured.participant_id = out_by_outcome.participant_id
            and analyses.outcome_definition = out_by_outcome.outcome_definition
    group by
        analyses.study, analyses.arm, analyses.exposure, analyses.outcome_definition,
        case
            when out_by_outcome.reason is not null then out_by_outcome.reason
            when not measured.is_measured then 'exposure not measured'
            when not measured.has_covariates then 'covariate of the primary model not measured'
            else 'analysed'
        end
),

counted as (
    select * from excluded_in_general
    union all
    select * from excluded_in_particular
),

steps as (
    {% for step, reason in steps -%}
    select {{ step }} as step, '{{ reason }}' as reason
    {% if not loop.last %}union all{% endif %}
    {% endfor -%}
),

landed as (
    select count(*) as n_landed from screened
),

excluded_per_step as (
    select
        analyses.study,
        analyses.arm,
        analyses.exposure,
        analyses.outcome_definition,
        steps.step,
        steps.reason,
        coalesce(counted.n_participants, 0) as n_excluded
    from analyses
    cross join steps
    left join counted
        on
            analyses.study = counted.study
            and analyses.arm = counted.arm
            and analyses.exposure = counted.exposure
            and analyses.outcome_definition = counted.outcome_definition
            and steps.reason = counted.reason
),

flow as (
    select
        excluded_per_step.study,
        excluded_per_step.arm,
        excluded_per_step.exposure,
        excluded_per_step.outcome_definition,
        excluded_per_step.step,
        excluded_per_step.reason,
        landed.n_landed - sum(excluded_per_step.n_excluded) over (
            partition by
                excluded_per_step.study, excluded_per_step.arm,
                excluded_per_step.exposure, excluded_per_step.outcome_definition
            order by excluded_per_step.step
        ) + excluded_per_step.n_excluded as n_in,
        excluded_per_step.n_excluded,
        landed.n_landed - sum(excluded_per_step.n_excluded) over (
            partition by
                excluded_per_step.study, excluded_per_step.arm,
                excluded_per_step.exposure, excluded_per_step.outcome_definition
            order by excluded_per_step.step
        ) as n_out
    from excluded_per_step
    cross join landed
)

select
    study,
    arm,
    exposure,
    outcome_definition,
    step,
    reason,
    cast(n_in as bigint) as n_in,
    cast(n_excluded as bigint) as n_excluded,
    cast(n_out as bigint) as n_out
from flow
