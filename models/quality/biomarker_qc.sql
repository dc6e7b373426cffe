-- Quality control of the biomarker panels, step by step: nothing is dropped without a count.
{{ config(materialized='table') }}

with samples as (
    select * from {{ ref('biomarker_samples') }}
),

biomarkers as (
    select * from {{ ref('biomarkers') }}
),

sample_rules as (
    select *
    from (
        values
        (1, 'samples: consortium selected', 'consortium selected', '{{ 'kept' if var('biomarkers_keep_consortium_selected') else 'left out' }}'),
        (2, 'samples: low protein flag', 'low protein flag', '{{ 'kept' if var('biomarkers_keep_low_protein') else 'left out' }}'),
        (3, 'samples: missing biomarkers', 'missing biomarkers', 'at most {{ var('biomarkers_sample_missing_share') }} missing')
    ) as rules (step, rule, exclusion, setting)
),

biomarker_rules as (
    select *
    from (
        values
        (4, 'biomarkers: measured in nobody', 'measured in no analysed sample', ''),
        (5, 'biomarkers: missing', 'missing in too many samples', 'at most {{ var('biomarkers_missing_share') }} missing'),
        (6, 'biomarkers: infinite', 'infinite values', ''),
        (7, 'biomarkers: constant', 'constant', ''),
        (8, 'biomarkers: negative', 'negative concentrations', 'metabolites')
    ) as rules (step, rule, exclusion, setting)
),

platforms as (
    select distinct platform from samples
),

excluded_samples as (
    select
        platform,
        exclusion,
        count(*) as n
    from samples
    group by platform, exclusion
),

excluded_biomarkers as (
    select
        platform,
        exclusion,
        count(*) as n
    from biomarkers
    group by platform, exclusion
),

steps as (
    select
        platforms.platform,
        sample_rules.step,
        sample_rules.rule,
        sample_rules.setting,
        'samples' as counted,
        coalesce(excluded_samples.n, 0) as n_excluded,
        (select count(*) from samples where samples.platform = platforms.platform) as n_all
    from platforms
    cross join sample_rules
    left join excluded_samples
        on platforms.platform = excluded_samples.platform and sample_rules.exclusion = excluded_samples.exclusion
    union all
    select
        platforms.platform,
        biomarker_rules.step,
        biomarker_rules.rule,
        biomarker_rules.setting,
        'biomarkers' as counted,
        coalesce(excluded_biomarkers.n, 0) as n_excluded,
        (select count(*) from biomarkers where biomarkers.platform = platforms.platform) as n_all
    from platforms
    cross join biomarker_rules
    left join excluded_biomarkers
        on platforms.platform = excluded_biomarkers.platform and biomarker_rules.exclusion = excluded_biomarkers.exclusion
),

counted as (
    select
        platform,
        step,
        rule,
        setting,
        counted,
        n_all - sum(n_excluded) over (partition by platform, counted order by step) + n_excluded as n_in,
        n_excluded,
        n_all - sum(n_excluded) over (partition by platform, counted order by step) as n_out
    from steps
)

select * from counted
order by platform, step
