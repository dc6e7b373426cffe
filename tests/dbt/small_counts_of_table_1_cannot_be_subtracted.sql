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

of_groups as (
    select
        described,
        n_participants as n_told
    from cells
),

told as (
    {% for attack in [
        'within_cells', 'from_shares_missing', 'from_numbers_measured', 'from_shares', 'between_sexes', 'between_groups',
        'between_group_sizes', 'of_groups'
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
