-- From the export to the analysed: every exclusion counted once, in order, per study, arm, outcome definition and exposure.
{%- set steps = [
    (1, 'negative id'), (2, 'withdrew consent'), (3, 'no baseline visit date'), (4, 'sex not recorded'),
    (5, 'outcome present at baseline'), (6, 'no time at risk'), (7, 'exposure not measured'),
    (8, 'covariate of the primary model not measured'),
] %}
{%- set covariates = primary_continuous_covariates() %}
with screened as (
    select * from {{ ref('int_participants__screened') }}
),

timed as (
    select * from {{ ref('int_follow_up__timed') }}
),

participants as (
    select * from {{ ref('participants') }}
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
            when timed.is_prevalent then 'outcome present at baseline'
            when timed.administrative_end_date is null or timed.follow_up_days <= 0 then 'no time at risk'
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
    inner join timed
        on
            measured.participant_id = timed.participant_id
            and analyses.outcome_definition = timed.outcome_definition
    group by
        analyses.study, analyses.arm, analyses.exposure, analyses.outcome_definition, reason
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
