-- What a reader of Table 1 would try: the rest of a cell, one sex from both, one group from everyone, what a share says of the unknown.
-- A row is a count of 1 to smallest_cell - 1 that one of them gives.
with shown as (
    select
        *,
        study || '/' || arm || '/' || characteristic as described,
        case when level = 'unknown' then null else n_level / nullif(share, 0) end as n_known_by_share
    from {{ ref('baseline_characteristics') }}
),

cells as (
    select distinct study, arm, described, grouped_by, group_level, sex_group, n_participants, value_kind, share_missing from shown
),

within_cells as (
    select
        described,
        max(n_participants) - sum(n_level) as n_told
    from shown
    where value_kind = 'categorical'
    group by described, grouped_by, group_level, sex_group
    having count(*) = count(n_level) + 1
),

from_shares_missing as (
    select
        described,
        n_participants * share_missing as n_told
    from cells
),

from_numbers_measured as (
    select
        described,
        n_participants - n_level as n_told
    from shown
    where value_kind = 'continuous'
),

from_shares as (
    select
        described,
        n_participants - n_known_by_share as n_told
    from shown
),

between_sexes as (
    select
        described,
        max(case when sex_group = 'both' then n_level end) - sum(case when sex_group != 'both' then n_level end) as n_told
    from shown
    group by described, grouped_by, group_level, level
    having count(case when sex_group != 'both' and n_level is null then 1 end) = 1
),

of_everyone as (
    select * from shown
    where grouped_by = 'everyone'
),

between_groups as (
    select
        shown.described,
        max(of_everyone.n_level) - sum(shown.n_level) as n_told
    from shown
    inner join of_everyone
        on
            shown.described = of_everyone.described
            and shown.sex_group = of_everyone.sex_group
            and shown.level = of_everyone.level
    where shown.grouped_by != 'everyone' and shown.value_kind = 'categorical'
    group by shown.described, shown.grouped_by, shown.sex_group, shown.level
    having count(*) <= count(shown.n_level) + 1
),

between_group_sizes as (
    select
        cells.described,
        max(of_everyone.n_participants) - sum(cells.n_participants) as n_told
    from cells
    inner join of_everyone
        on
            cells.described = of_everyone.described
            and cells.sex_group = of_everyone.sex_group
    where cells.grouped_by != 'everyone'
    group by cells.described, cells.grouped_by, cells.sex_group
),

groupings as (
    select distinct
        described,
        grouped_by
    from cells
    where grouped_by != 'everyone'
),

-- of those outside a grouping: their number less every level that everyone and the groups tell
outside_by_level as (
    select
        of_everyone.described,
        groupings.grouped_by,
        of_everyone.sex_group,
        of_everyone.level,
        case
            when of_everyone.n_level is not null and count(shown.level) = count(shown.n_level)
                then of_everyone.n_level - coalesce(sum(shown.n_level), 0)
        end as n_outside
    from of_everyone
    inner join groupings on of_everyone.described = groupings.described
    left join shown
        on
            of_everyone.described = shown.described
            and groupings.grouped_by = shown.grouped_by
            and of_everyone.sex_group = shown.sex_group
            and of_everyone.level = shown.level
    where of_everyone.value_kind = 'categorical'
    group by of_everyone.described, groupings.grouped_by, of_everyone.sex_group, of_everyone.level, of_everyone.n_level
),

group_sizes as (
    select
        described,
        grouped_by,
        sex_group,
        sum(n_participants) as n_in_groups
    from cells
    group by described, grouped_by, sex_group
),

left_outside as (
    select
        outside_by_level.described,
        max(everyone_sizes.n_in_groups) - max(group_sizes.n_in_groups) - sum(outside_by_level.n_outside) as n_told
    from outside_by_level
    inner join group_sizes
        on
            outside_by_level.described = group_sizes.described
            and outside_by_level.grouped_by = group_sizes.grouped_by
            and outside_by_level.sex_group = group_sizes.sex_group
    inner join group_sizes as everyone_sizes
        on
            outside_by_level.described = everyone_sizes.described
            and outside_by_level.sex_group = everyone_sizes.sex_group
            and everyone_sizes.grouped_by = 'everyone'
    group by outside_by_level.described, outside_by_level.grouped_by, outside_by_level.sex_group
),

of_groups as (
    select
        described,
        n_participants as n_told
    from cells
),

told as (
    {% for attack in [
        'within_cells', 'from_shares_missing', 'from_numbers_measured', 'from_shares', 'between_sexes', 'between_groups',
        'between_group_sizes', 'of_groups', 'left_outside'
    ] -%}
    select
        '{{ attack }}' as attack,
        described,
        cast(n_told as double) as n_told
    from {{ attack }}
    {% if not loop.last %}union all{% endif %}
    {% endfor -%}
)

select * from told
where n_told > 0.01 and n_told < {{ var('smallest_cell') }} - 0.01
