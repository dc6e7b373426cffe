-- noqa: disable=layout.indent,structure.unused_cte,layout.spacing
-- (columns and conditions below are written by loops over the seeds and options)
-- Quality control of the biomarker panels, step by step: nothing is dropped without a count.
{{ config(materialized='table') }}
{%- set below = var('proteins_below_limit') %}
{%- set outliers = 'kept' if var('biomarkers_outlier_sd', none) is none else 'within ' ~ var('biomarkers_outlier_sd') ~ ' SD' %}
{%- set outlying = 'kept' if var('biomarkers_sample_outlier_sd', none) is none else 'within ' ~ var('biomarkers_sample_outlier_sd') ~ ' SD' %}
{%- set batches = var('proteins_leave_out_batches') %}
{%- set leaves_flagged_out = var('nmr_flagged_values') == 'missing' %}
{%- set is_adjusted = var('nmr_technical_adjustment') != 'none' %}
{%- set adjustment = var('nmr_technical_adjustment') ~ (', within ' ~ var('nmr_outlier_plate_sd') ~ ' SD of the plate medians' if is_adjusted else '') %}
{%- set unflagged = 'n_values - n_flagged' if leaves_flagged_out else 'n_values' %}

with samples as (
    select * from {{ ref('biomarker_samples') }}
),

biomarkers as (
    select * from {{ ref('biomarkers') }}
),

protein_levels as (
    select * from {{ ref('protein_levels') }}
),

adjusted as (
    select * from {{ ref('int_metabolites__adjusted') }}
),

metabolite_levels as (
    select * from {{ ref('metabolite_levels') }}
),

panels as (
    select * from {{ ref('biomarker_panels') }}
),

platforms as (
    select distinct platform from samples
),

-- Values: recorded, left out, and kept but marked or changed.
of_protein_values as (
    select
        count(*) as n_values,
        count(*) filter (value_rule = 'below limit, left out') as n_below_limit_left_out,
        count(*) filter (is_below_limit_of_detection) as n_below_limit,
        count(*) filter (value_rule = 'outlier, left out') as n_outliers
    from protein_levels
),

of_metabolite_values as (
    select
        coalesce(sum(adjusted.n_values), 0) as n_values,
        coalesce(sum(adjusted.n_flagged), 0) as n_flagged,
        coalesce(sum(adjusted.n_on_outlier_plates), 0) as n_on_outlier_plates
    from adjusted
    inner join metabolite_levels on adjusted.participant_id = metabolite_levels.participant_id
),

of_derived_values as (
    select
        coalesce(sum(
            {% for name in metabolite_names() -%}
                cast({{ name }} is not null as integer){{ " +" if not loop.last }}
            {% endfor -%}
        ), 0) as n_values,
        coalesce(sum(n_outliers), 0) as n_outliers
    from metabolite_levels
),

of_panels as (
    select
        platform,
        count(*) as n_biomarkers,
        count(*) filter (is_pruned) as n_pruned,
        sum(n_known) as n_known,
        sum(n_imputed) as n_imputed
    from panels
    group by platform
),

value_steps as (
    select
        'protein' as platform,
        1 as step,
        'values: below the limit of detection' as rule,
        '{{ below }}' as setting,
        'values' as counted,
        n_values as n_in,
        n_below_limit_left_out as n_excluded,
        n_below_limit - n_below_limit_left_out as n_marked
    from of_protein_values
    union all
    select
        'protein' as platform,
        4 as step,
        'values: outliers' as rule,
        '{{ outliers }}' as setting,
        'values' as counted,
        n_values - n_below_limit_left_out as n_in,
        n_outliers as n_excluded,
        0 as n_marked
    from of_protein_values
    union all
    select
        'metabolite' as platform,
        2 as step,
        'values: quality flag, non-derived' as rule,
        '{{ var('nmr_flagged_values') }}' as setting,
        'non-derived values' as counted,
        n_values as n_in,
        {{ 'n_flagged' if leaves_flagged_out else '0' }} as n_excluded,
        {{ '0' if leaves_flagged_out else 'n_flagged' }} as n_marked
    from of_metabolite_values
    union all
    select
        'metabolite' as platform,
        3 as step,
        'values: technical adjustment and outlier plates, non-derived' as rule,
        '{{ adjustment }}' as setting,
        'non-derived values' as counted,
        {{ unflagged }} as n_in,
        n_on_outlier_plates as n_excluded,
        {{ unflagged ~ ' - n_on_outlier_plates' if is_adjusted else '0' }} as n_marked
    from of_metabolite_values
    union all
    select
        'metabolite' as platform,
        4 as step,
        'values: outliers' as rule,
        '{{ outliers }}' as setting,
        'values' as counted,
        n_values + n_outliers as n_in,
        n_outliers as n_excluded,
        0 as n_marked
    from of_derived_values
),

sample_rules as (
    select *
    from (
        values
        (5, 'samples: batch', 'batch left out', '{{ 'without ' ~ batches | join(', ') if batches else 'all' }}'),
        (6, 'samples: consortium selected', 'consortium selected', '{{ 'kept' if var('biomarkers_keep_consortium_selected') else 'left out' }}'),
        (7, 'samples: low protein flag', 'low protein flag', '{{ 'kept' if var('biomarkers_keep_low_protein') else 'left out' }}'),
        (8, 'samples: outlying', 'outlying sample', '{{ outlying }}'),
        (9, 'samples: missing biomarkers', 'missing biomarkers', 'at most {{ var('biomarkers_sample_missing_share') }} missing')
    ) as rules (step, rule, exclusion, setting)
),

biomarker_rules as (
    select *
    from (
        values
        (10, 'biomarkers: measured in nobody', 'measured in no analysed sample', ''),
        (11, 'biomarkers: missing', 'missing in too many samples', 'at most {{ var('biomarkers_missing_share') }} missing'),
        (12, 'biomarkers: infinite', 'infinite values', ''),
        (13, 'biomarkers: constant', 'constant', ''),
        (14, 'biomarkers: negative', 'negative concentrations', 'metabolites')
    ) as rules (step, rule, exclusion, setting)
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

rule_steps as (
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

panel_steps as (
    select
        platform,
        15 as step,
        'scaled values: gaps' as rule,
        '{{ var('biomarkers_transform') }}, filled: {{ var('biomarkers_imputation') }}' as setting,
        'scaled values' as counted,
        n_known as n_in,
        0 as n_excluded,
        n_imputed as n_marked
    from of_panels
    union all
    select
        platform,
        16 as step,
        'biomarkers: near-copies, in the pruned set only' as rule,
        'correlated at most {{ var('biomarkers_prune_above') }}' as setting,
        'biomarkers of the pruned set' as counted,
        n_biomarkers as n_in,
        n_pruned as n_excluded,
        0 as n_marked
    from of_panels
),

steps as (
    select * from value_steps
    union all
    select
        platform,
        step,
        rule,
        setting,
        counted,
        n_all - sum(n_excluded) over (partition by platform, counted order by step) + n_excluded as n_in,
        n_excluded,
        0 as n_marked
    from rule_steps
    union all
    select * from panel_steps
),

counted as (
    select
        steps.platform,
        steps.step,
        steps.rule,
        steps.setting,
        steps.counted,
        cast(steps.n_in as bigint) as n_in,
        cast(steps.n_excluded as bigint) as n_excluded,
        cast(steps.n_in - steps.n_excluded as bigint) as n_out,
        cast(steps.n_marked as bigint) as n_marked
    from steps
    inner join platforms on steps.platform = platforms.platform
)

select * from counted
order by platform, step
