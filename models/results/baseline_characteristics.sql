-- Table 1, long: who the participants at risk of each arm's primary outcome were at baseline, by third of each exposure within sex (or its
-- levels) and by what became of them, for both sexes and each. Missing is counted, never imputed: 'unknown' of a category, null of a number.
-- Standardised mean differences are against the lowest third, the lowest level or those without the event (Austin 2009, Stat Med 28:3083).
-- Small counts (1 to smallest_cell - 1) cannot be had by subtraction, between levels, sexes or groups, nor from a share: a level that is small
-- in any cell of a grouping is hidden in all its cells, and with it in each sex the least common level that is small nowhere in the arm, so that
-- no sum over levels, sexes or groups leaves one unknown. Only both sexes of everyone stay, where they are not small themselves. A level small
-- only among those outside the grouping (exposure unknown, what everyone less the groups would tell) is hidden, with the same cover, in one
-- group: the middle third, or the largest group. Shares are of the whole group, unknown ones among it, so that they tell nothing else.
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

-- those at risk whose exposure is not known: not shown, but what everyone less the groups would tell
outside_the_groups as (
    {% for study, arm, exposure, column_name in study_exposures() -%}
    select
        at_risk.study,
        at_risk.arm,
        at_risk.outcome_definition,
        '{{ exposure }}' as grouped_by,
        at_risk.participant_id,
        'outside' as group_level,
        1000 as group_order
    from at_risk
    inner join participants on at_risk.participant_id = participants.participant_id
    where at_risk.study = '{{ study }}' and at_risk.arm = '{{ arm }}' and participants.{{ column_name }} is null
    {% if not loop.last %}union all{% endif %}
    {% endfor -%}
),

groups as (
    select * from by_exposure
    union all
    select * from outside_the_groups
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

-- groups by number: names in every row of every group would be most of what is held
group_names as (
    select
        study,
        arm,
        outcome_definition,
        grouped_by,
        group_level,
        group_order,
        row_number() over (order by study, arm, outcome_definition, grouped_by, group_order, group_level) as group_number
    from groups
    group by study, arm, outcome_definition, grouped_by, group_level, group_order
),

grouped as (
    select
        group_names.group_number,
        sexes.sex_group,
        participants.participant_id
    from groups
    inner join group_names
        on
            groups.study = group_names.study
            and groups.arm = group_names.arm
            and groups.outcome_definition = group_names.outcome_definition
            and groups.grouped_by = group_names.grouped_by
            and groups.group_level = group_names.group_level
            and groups.group_order = group_names.group_order
    inner join participants on groups.participant_id = participants.participant_id
    inner join sexes on participants.sex = sexes.sex
),

sizes as (
    select
        group_number,
        sex_group,
        count(*) as n_participants
    from grouped
    group by group_number, sex_group
),

described as (
    {% for study, characteristic, column_name, value_kind, title in characteristics -%}
    select
        grouped.group_number,
        grouped.sex_group,
        '{{ characteristic }}' as characteristic,
        '{{ title | replace("'", "''") }}' as title,
        {% if value_kind == 'continuous' -%}
        'continuous' as value_kind,
        'all' as level,
        count(participants.{{ column_name }}) as n_level,
        avg(participants.{{ column_name }}) as mean,
        stddev_samp(participants.{{ column_name }}) as standard_deviation,
        {{ quartiles_of('cast(participants.' ~ column_name ~ ' as double)') }} as quartiles
        {%- else -%}
        'categorical' as value_kind,
        coalesce(cast(participants.{{ column_name }} as varchar), 'unknown') as level,
        count(*) as n_level,
        cast(null as double) as mean,
        cast(null as double) as standard_deviation,
        {{ quartiles_of('cast(null as double)') }} as quartiles
        {%- endif %}
    from grouped
    -- here and not in grouped: half a million people in sixteen groups with every column would not fit in memory
    inner join participants on grouped.participant_id = participants.participant_id
    where
        grouped.group_number in (select group_names.group_number from group_names where group_names.study = '{{ study }}')
        and grouped.sex_group in ({{ "'both'" if column_name == 'sex' else "'both', 'female', 'male'" }})
    {% set also = "" if value_kind == 'continuous' else ", coalesce(cast(participants." ~ column_name ~ " as varchar), 'unknown')" -%}
    group by grouped.group_number, grouped.sex_group{{ also }}
    {% if not loop.last %}union all{% endif %}
    {% endfor -%}
),

measured as (
    select
        group_names.study,
        group_names.arm,
        group_names.outcome_definition,
        group_names.grouped_by,
        group_names.group_level,
        group_names.group_order,
        described.group_number,
        described.sex_group,
        described.characteristic,
        described.title,
        described.value_kind,
        described.level,
        described.n_level,
        described.mean,
        described.standard_deviation,
        {{ quartile('described.quartiles', 2) }} as median,
        {{ quartile('described.quartiles', 1) }} as first_quartile,
        {{ quartile('described.quartiles', 3) }} as third_quartile,
        sizes.n_participants,
        case
            when described.value_kind = 'continuous' then described.n_level
            else sizes.n_participants - coalesce(max(case when described.level = 'unknown' then described.n_level end) over same_group, 0)
        end as n_measured
    from described
    inner join group_names on described.group_number = group_names.group_number
    inner join sizes on described.group_number = sizes.group_number and described.sex_group = sizes.sex_group
    window
        same_group as (partition by described.group_number, described.sex_group, described.characteristic)
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

-- the group that keeps back what everyone less the groups would tell
hiding_groups as (
    select group_number
    from (
        select
            sizes.group_number,
            row_number() over (
                partition by group_names.study, group_names.arm, group_names.grouped_by
                order by
                    case when group_names.group_level = 'middle third' then 0 else 1 end asc,
                    sizes.n_participants desc,
                    group_names.group_order asc
            ) as place
        from sizes
        inner join group_names on sizes.group_number = group_names.group_number
        where sizes.sex_group = 'both' and group_names.group_level != 'outside'
    ) as placed
    where place = 1
),

-- every count that the row or its complement gives
small_cells as (
    select
        *,
        grouped_by = 'everyone' and sex_group = 'both' as is_margin,
        n_participants > 0 and n_participants < {{ var('smallest_cell') }} as is_small_group,
        n_level > 0 and n_level < {{ var('smallest_cell') }} as is_small_level,
        group_level = 'outside' as is_outside,
        group_number in (select hiding_groups.group_number from hiding_groups) as is_hiding_group,
        n_participants - n_measured > 0 and n_participants - n_measured < {{ var('smallest_cell') }} as is_small_missing,
        case when grouped_by != 'everyone' and group_position > 1 then difference end as standardised_difference,
        case when n_level >= case when group_level = 'outside' then 1 else {{ var('smallest_cell') }} end then 1 else 0 end as is_cover
    from compared
),

sex_cells as (
    select
        group_names.study,
        group_names.arm,
        sizes.sex_group,
        count(*) as n_cells
    from sizes
    inner join group_names on sizes.group_number = group_names.group_number
    where sizes.sex_group != 'both'
    group by group_names.study, group_names.arm, sizes.sex_group
),

covers as (
    select
        small_cells.study,
        small_cells.arm,
        small_cells.characteristic,
        small_cells.sex_group,
        small_cells.level,
        row_number() over (
            partition by small_cells.study, small_cells.arm, small_cells.characteristic, small_cells.sex_group
            order by
                case when min(small_cells.n_level) >= {{ var('smallest_cell') }} then 0 else 1 end asc,
                sum(small_cells.n_level) asc,
                small_cells.level asc
        ) as position_from_largest
    from small_cells
    inner join sex_cells
        on
            small_cells.study = sex_cells.study
            and small_cells.arm = sex_cells.arm
            and small_cells.sex_group = sex_cells.sex_group
    where small_cells.level != 'unknown' and small_cells.value_kind = 'categorical'
    group by small_cells.study, small_cells.arm, small_cells.characteristic, small_cells.sex_group, small_cells.level
    having sum(small_cells.is_cover) = max(sex_cells.n_cells)
),

covering_levels as (
    select
        study,
        arm,
        characteristic,
        level
    from covers
    where position_from_largest = 1
    group by study, arm, characteristic, level
),

covered_characteristics as (
    select
        study,
        arm,
        characteristic,
        count(*) as n_sexes_covered
    from covers
    where position_from_largest = 1
    group by study, arm, characteristic
),

with_covers as (
    select
        small_cells.*,
        covering_levels.level is not null as is_covering,
        coalesce(covered_characteristics.n_sexes_covered, 0) < 2 as has_no_cover
    from small_cells
    left join covering_levels
        on
            small_cells.study = covering_levels.study
            and small_cells.arm = covering_levels.arm
            and small_cells.characteristic = covering_levels.characteristic
            and small_cells.level = covering_levels.level
    left join covered_characteristics
        on
            small_cells.study = covered_characteristics.study
            and small_cells.arm = covered_characteristics.arm
            and small_cells.characteristic = covered_characteristics.characteristic
),

causes as (
    select
        *,
        max(is_small_level and not is_outside) over same_level as is_small_inside,
        max(is_small_level and is_outside) over same_level as is_small_outside,
        -- the hiding group must have enough of it in each sex: else what is left of everyone is small still
        sum(case when is_hiding_group and n_level >= {{ var('smallest_cell') }} then 1 else 0 end) over same_level as n_hiding_cells,
        count(distinct case when is_hiding_group then sex_group end) over same_characteristic as n_cells_to_hide
    from with_covers
    window
        same_characteristic as (partition by study, arm, grouped_by, characteristic),
        same_level as (partition by study, arm, grouped_by, characteristic, level)
),

spread as (
    select
        *,
        is_small_inside or (is_small_outside and n_hiding_cells < n_cells_to_hide) as is_small_everywhere
    from causes
),

marked as (
    select
        *,
        case when is_margin then is_small_group else max(is_small_group) over same_grouping end as hides_groups,
        case when is_margin then is_small_level else is_small_everywhere or (is_small_outside and is_hiding_group) end as hides_level,
        case when is_margin then is_small_missing else max(is_small_missing) over same_characteristic end as hides_missing,
        case
            when is_margin then max(is_small_level) over same_cell
            else
                max(is_small_everywhere) over same_characteristic
                or (is_hiding_group and max(is_small_outside) over same_characteristic)
        end as hides_some
    from spread
    window
        same_grouping as (partition by study, arm, grouped_by),
        same_characteristic as (partition by study, arm, grouped_by, characteristic),
        same_cell as (partition by study, arm, grouped_by, group_level, sex_group, characteristic)
),

judged as (
    select
        *,
        hides_groups
        or hides_level
        or (hides_some and (is_covering or has_no_cover))
        or n_level < {{ var('smallest_cell') }} as is_suppressed,
        hides_groups or hides_missing as hides_share_missing
    from marked
    where group_level != 'outside'
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
    case when not hides_groups then cast(n_participants as bigint) end as n_participants,
    case
        when not is_suppressed and not (value_kind = 'continuous' and hides_missing) then cast(n_level as bigint)
    end as n_level,
    case
        when not is_suppressed and value_kind = 'categorical' then cast(n_level as double) / cast(n_participants as double)
    end as share,
    {%- for statistic in ['mean', 'standard_deviation', 'median', 'first_quartile', 'third_quartile'] %}
    case when not is_suppressed then case when hides_missing then round({{ statistic }}, 3) else {{ statistic }} end end as {{ statistic }},
    {%- endfor %}
    case
        when not hides_share_missing then cast(n_participants - n_measured as double) / cast(n_participants as double)
    end as share_missing,
    case
        when not is_suppressed then case when hides_missing then round(standardised_difference, 3) else standardised_difference end
    end as standardised_difference,
    case
        when is_suppressed then 'fewer than {{ var('smallest_cell') }} participants here, or where it would tell them'
        when value_kind = 'continuous' and hides_missing
            then 'counts withheld: fewer than {{ var('smallest_cell') }} not measured, here or where it would tell them'
    end as refusal
from judged
