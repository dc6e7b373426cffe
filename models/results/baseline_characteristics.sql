-- Table 1, long: who the participants at risk of each arm's primary outcome were at baseline, by third of each exposure within sex (or its
-- levels) and by what became of them, for both sexes and each. Missing is counted, never imputed: 'unknown' of a category, null of a number.
-- Standardised mean differences are against the lowest third, the lowest level or those without the event (Austin 2009, Stat Med 28:3083).
-- Counts below smallest_cell are suppressed, and where that leaves one of a characteristic, the next smallest with it.
{%- set characteristics = study_characteristics() %}
with participants as (
    select * from {{ ref('participants') }}
),

exposures as (
    select * from {{ ref('exposures') }}
),

primary_definitions as (
    select
        arm_outcome_definitions.study,
        arm_outcome_definitions.arm,
        arm_outcome_definitions.outcome_definition
    from {{ ref('arm_outcome_definitions') }} as arm_outcome_definitions
    where arm_outcome_definitions.is_primary
),

at_risk as (
    select
        primary_definitions.study,
        primary_definitions.arm,
        follow_ups.outcome_definition,
        follow_ups.participant_id,
        follow_ups.is_event
    from {{ ref('follow_ups') }} as follow_ups
    inner join primary_definitions on follow_ups.outcome_definition = primary_definitions.outcome_definition
),

exposure_values as (
    {% for study, arm, exposure, column_name in study_exposures() -%}
    select
        at_risk.study,
        at_risk.arm,
        at_risk.outcome_definition,
        '{{ exposure }}' as exposure,
        exposures.value_kind,
        at_risk.participant_id,
        participants.sex,
        cast(participants.{{ column_name }} as double) as exposure_value
    from at_risk
    inner join participants on at_risk.participant_id = participants.participant_id
    inner join exposures on at_risk.study = exposures.study and exposures.exposure = '{{ exposure }}'
    where at_risk.study = '{{ study }}' and at_risk.arm = '{{ arm }}' and participants.{{ column_name }} is not null
    {% if not loop.last %}union all{% endif %}
    {% endfor -%}
),

thirds as (
    select
        study,
        exposure,
        sex,
        percentile_cont(cast(1 as double) / 3) within group (order by exposure_value) as first_third,
        percentile_cont(cast(2 as double) / 3) within group (order by exposure_value) as second_third
    from exposure_values
    where value_kind = 'continuous'
    group by study, exposure, sex
),

by_exposure as (
    select
        exposure_values.study,
        exposure_values.arm,
        exposure_values.outcome_definition,
        exposure_values.exposure as grouped_by,
        exposure_values.participant_id,
        case
            when exposure_values.value_kind = 'binary' and exposure_values.exposure_value = 0 then 'no'
            when exposure_values.value_kind = 'binary' then 'yes'
            when exposure_values.value_kind != 'continuous' then cast(cast(exposure_values.exposure_value as integer) as varchar)
            when exposure_values.exposure_value >= thirds.second_third then 'highest third'
            when exposure_values.exposure_value >= thirds.first_third then 'middle third'
            else 'lowest third'
        end as group_level,
        case
            when exposure_values.value_kind != 'continuous' then exposure_values.exposure_value
            when exposure_values.exposure_value >= thirds.second_third then 2
            when exposure_values.exposure_value >= thirds.first_third then 1
            else 0
        end as group_order
    from exposure_values
    left join thirds
        on
            exposure_values.study = thirds.study
            and exposure_values.exposure = thirds.exposure
            and exposure_values.sex = thirds.sex
),

by_outcome as (
    select
        study,
        arm,
        outcome_definition,
        'outcome' as grouped_by,
        participant_id,
        case when is_event then 'event' else 'no event' end as group_level,
        case when is_event then 1 else 0 end as group_order
    from at_risk
),

everyone as (
    select
        study,
        arm,
        outcome_definition,
        'everyone' as grouped_by,
        participant_id,
        'everyone' as group_level,
        0 as group_order
    from at_risk
),

groups as (
    select * from by_exposure
    union all
    select * from by_outcome
    union all
    select * from everyone
),

sexes as (
    select
        'both' as sex_group,
        'female' as sex
    union all
    select
        'both' as sex_group,
        'male' as sex
    union all
    select
        'female' as sex_group,
        'female' as sex
    union all
    select
        'male' as sex_group,
        'male' as sex
),

grouped as (
    select
        groups.study,
        groups.arm,
        groups.outcome_definition,
        groups.grouped_by,
        groups.group_level,
        groups.group_order,
        sexes.sex_group,
        participants.*
    from groups
    inner join participants on groups.participant_id = participants.participant_id
    inner join sexes on participants.sex = sexes.sex
),

sizes as (
    select
        study,
        arm,
        outcome_definition,
        grouped_by,
        group_level,
        group_order,
        sex_group,
        count(*) as n_participants
    from grouped
    group by study, arm, outcome_definition, grouped_by, group_level, group_order, sex_group
),

described as (
    {% for study, characteristic, column_name, value_kind, title in characteristics -%}
    select
        study,
        arm,
        outcome_definition,
        grouped_by,
        group_level,
        group_order,
        sex_group,
        '{{ characteristic }}' as characteristic,
        '{{ title | replace("'", "''") }}' as title,
        {% if value_kind == 'continuous' -%}
        'continuous' as value_kind,
        'all' as level,
        count({{ column_name }}) as n_level,
        avg({{ column_name }}) as mean,
        stddev_samp({{ column_name }}) as standard_deviation,
        percentile_cont(0.5) within group (order by {{ column_name }}) as median,
        percentile_cont(0.25) within group (order by {{ column_name }}) as first_quartile,
        percentile_cont(0.75) within group (order by {{ column_name }}) as third_quartile
        {%- else -%}
        'categorical' as value_kind,
        coalesce(cast({{ column_name }} as varchar), 'unknown') as level,
        count(*) as n_level,
        cast(null as double) as mean,
        cast(null as double) as standard_deviation,
        cast(null as double) as median,
        cast(null as double) as first_quartile,
        cast(null as double) as third_quartile
        {%- endif %}
    from grouped
    where study = '{{ study }}'
    {% set by_level = "" if value_kind == 'continuous' else ", coalesce(cast(" ~ column_name ~ " as varchar), 'unknown')" -%}
    group by study, arm, outcome_definition, grouped_by, group_level, group_order, sex_group{{ by_level }}
    {% if not loop.last %}union all{% endif %}
    {% endfor -%}
),

measured as (
    select
        described.*,
        sizes.n_participants,
        case
            when described.value_kind = 'continuous' then described.n_level
            else sizes.n_participants - coalesce(max(case when described.level = 'unknown' then described.n_level end) over same_group, 0)
        end as n_measured
    from described
    inner join sizes
        on
            described.study = sizes.study
            and described.arm = sizes.arm
            and described.grouped_by = sizes.grouped_by
            and described.group_level = sizes.group_level
            and described.sex_group = sizes.sex_group
    window
        same_group as (
            partition by
                described.study, described.arm, described.grouped_by, described.group_level, described.sex_group,
                described.characteristic
        )
),

shares as (
    select
        *,
        case
            when value_kind = 'categorical' and level != 'unknown' and n_measured > 0
                then cast(n_level as double) / cast(n_measured as double)
        end as share
    from measured
),

reference_groups as (
    select
        *,
        dense_rank() over (partition by study, arm, grouped_by order by group_order) as group_position
    from shares
),

compared as (
    select
        this_group.*,
        case
            when this_group.value_kind = 'continuous'
                then
                    (this_group.mean - reference.mean)
                    / nullif(sqrt((power(this_group.standard_deviation, 2) + power(reference.standard_deviation, 2)) / 2), 0)
            when this_group.level != 'unknown'
                then
                    (this_group.share - coalesce(reference.share, 0))
                    / nullif(
                        sqrt(
                            (
                                this_group.share * (1 - this_group.share)
                                + coalesce(reference.share, 0) * (1 - coalesce(reference.share, 0))
                            ) / 2
                        ),
                        0
                    )
        end as difference
    from reference_groups as this_group
    left join reference_groups as reference
        on
            this_group.study = reference.study
            and this_group.arm = reference.arm
            and this_group.grouped_by = reference.grouped_by
            and this_group.sex_group = reference.sex_group
            and this_group.characteristic = reference.characteristic
            and this_group.level = reference.level
            and reference.group_position = 1
),

counted as (
    select
        *,
        case when grouped_by != 'everyone' and group_position > 1 then difference end as standardised_difference,
        count(case when n_level < {{ var('smallest_cell') }} then 1 end) over same_group as n_small,
        row_number() over (
            partition by study, arm, grouped_by, group_level, sex_group, characteristic
            order by n_level asc, level asc
        ) as position_from_smallest
    from compared
    window same_group as (partition by study, arm, grouped_by, group_level, sex_group, characteristic)
),

judged as (
    select
        *,
        n_level < {{ var('smallest_cell') }} or (n_small = 1 and position_from_smallest = 2) as is_suppressed
    from counted
)

select
    study,
    arm,
    outcome_definition,
    grouped_by,
    group_level,
    sex_group,
    characteristic,
    title,
    value_kind,
    level,
    cast(n_participants as bigint) as n_participants,
    case when not is_suppressed then cast(n_level as bigint) end as n_level,
    case when not is_suppressed then share end as share,
    case when not is_suppressed then mean end as mean,
    case when not is_suppressed then standard_deviation end as standard_deviation,
    case when not is_suppressed then median end as median,
    case when not is_suppressed then first_quartile end as first_quartile,
    case when not is_suppressed then third_quartile end as third_quartile,
    cast(n_participants - n_measured as double) / cast(n_participants as double) as share_missing,
    case when not is_suppressed then standardised_difference end as standardised_difference,
    case
        when n_level < {{ var('smallest_cell') }} then 'fewer than {{ var('smallest_cell') }} participants'
        when is_suppressed then 'would reveal a smaller count'
    end as refusal
from judged
