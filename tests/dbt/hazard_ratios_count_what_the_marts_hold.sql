-- Participants, events and person-years of every hazard ratio, recounted from the marts: those followed for the outcome who have the
-- exposure, the continuous covariates of the set, and belong to the subgroup. Joint exposures are another crossing and left out.
{%- set adjustments = adjustment_columns() %}
{%- set subgroups = subgroup_conditions() %}
with ratios as (
    select * from {{ ref('hazard_ratios') }}
    where scaling != 'joint_categories'
),

participants as (
    select * from {{ ref('participants') }}
),

followed as (
    select
        participant_id,
        outcome_definition,
        cast(follow_up_days as double) as days,
        is_event
    from {{ ref('follow_ups') }}

    union all

    select
        participant_id,
        outcome_definition,
        cast(sum(interval_days) as double) as days,
        max(case when is_case then 1 else 0 end) = 1 as is_event
    from {{ ref('visit_intervals') }}
    group by participant_id, outcome_definition
),

measured as (
    {% for study, arm, exposure, column_name in study_exposures() -%}
    select
        '{{ study }}' as study,
        '{{ exposure }}' as exposure,
        participant_id
    from participants
    where {{ column_name }} is not null and sex is not null
    {% if not loop.last %}union all{% endif %}
    {% endfor -%}
),

incomplete as (
    {% for study, adjustment_set, column_name, value_kind in adjustments if value_kind == 'continuous' -%}
    {{ 'union' if not loop.first }}
    select '{{ study }}' as study, '{{ adjustment_set }}' as adjustment_set, participant_id from participants where {{ column_name }} is null
    {% else -%}
    select '' as study, '' as adjustment_set, participant_id from participants where false
    {% endfor -%}
),

studies_with_estimates as (
    select study from ratios group by study
),

members as (
    select
        studies_with_estimates.study,
        'everyone' as subgroup,
        participants.participant_id
    from participants
    cross join studies_with_estimates
    {% for study, subgroup, condition in subgroups %}
    union all
    select '{{ study }}' as study, '{{ subgroup }}' as subgroup, participant_id from participants where {{ condition }}
    {% endfor -%}
),

models as (
    select
        study,
        exposure,
        outcome_definition,
        adjustment_set,
        subgroup
    from ratios
    group by study, exposure, outcome_definition, adjustment_set, subgroup
),

counted as (
    select
        models.study,
        models.exposure,
        models.outcome_definition,
        models.adjustment_set,
        models.subgroup,
        count(*) as n_participants,
        sum(case when followed.is_event then 1 else 0 end) as n_events,
        sum(followed.days) / cast(365.25 as double) as person_years
    from models
    inner join measured on models.study = measured.study and models.exposure = measured.exposure
    inner join members
        on
            models.study = members.study
            and models.subgroup = members.subgroup
            and measured.participant_id = members.participant_id
    inner join followed
        on
            models.outcome_definition = followed.outcome_definition
            and measured.participant_id = followed.participant_id
    left join incomplete
        on
            models.study = incomplete.study
            and models.adjustment_set = incomplete.adjustment_set
            and measured.participant_id = incomplete.participant_id
    where incomplete.participant_id is null
    group by
        models.study,
        models.exposure,
        models.outcome_definition,
        models.adjustment_set,
        models.subgroup
)

select
    ratios.study,
    ratios.exposure,
    ratios.scaling,
    ratios.outcome_definition,
    ratios.adjustment_set,
    ratios.subgroup,
    ratios.n_participants,
    counted.n_participants as n_counted,
    ratios.n_events,
    counted.n_events as n_events_counted
from ratios
left join counted
    on
        ratios.study = counted.study
        and ratios.exposure = counted.exposure
        and ratios.outcome_definition = counted.outcome_definition
        and ratios.adjustment_set = counted.adjustment_set
        and ratios.subgroup = counted.subgroup
where
    ratios.n_participants != coalesce(counted.n_participants, 0)
    or ratios.n_events != coalesce(counted.n_events, 0)
    or abs(ratios.person_years - coalesce(counted.person_years, 0)) > 1e-6 * (1 + ratios.person_years)
