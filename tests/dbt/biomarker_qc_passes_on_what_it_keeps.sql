-- Quality control of the panels reconciles: steps are numbered without gaps, each receives what the one before kept, the first
-- all that was recorded, and what the last before pruning keeps is what stands in the panel's file. One row per departure.
with steps as (
    select
        *,
        lag(n_out) over (partition by platform order by step) as n_before,
        lag(n_samples) over (partition by platform order by step) as n_samples_before,
        lag(n_biomarkers) over (partition by platform order by step) as n_biomarkers_before,
        row_number() over (partition by platform order by step) as place
    from {{ ref('biomarker_qc') }}
),

panels as (
    select
        platform,
        count(*) as n_biomarkers,
        max(n_samples) as n_samples,
        sum(n_known + n_imputed) as n_values,
        coalesce(sum(n_known + n_imputed) filter (not is_pruned), 0) as n_pruned_set
    from {{ ref('biomarker_panels') }}
    group by platform
),

recorded as (
    select count(*) as n_recorded from {{ ref('stg_olink__results') }}
),

ends as (
    select
        steps.platform,
        steps.step,
        steps.rule
    from steps
    inner join panels on steps.platform = panels.platform
    where
        (
            starts_with(steps.rule, 'values: scaled')
            and (steps.n_out, steps.n_samples, steps.n_biomarkers) <> (panels.n_values, panels.n_samples, panels.n_biomarkers)
        )
        or (starts_with(steps.rule, 'biomarkers: near-copies') and steps.n_out <> panels.n_pruned_set)
)

select
    platform,
    step,
    rule
from steps
where
    step <> place
    or n_in <> n_before
    or n_samples <> n_samples_before - n_samples_excluded
    or n_biomarkers <> n_biomarkers_before - n_biomarkers_excluded
union all
select * from ends
union all
select
    steps.platform,
    steps.step,
    steps.rule
from steps
cross join recorded
where steps.platform = 'protein' and steps.step = 1 and steps.n_in <> recorded.n_recorded
