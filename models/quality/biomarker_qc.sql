-- noqa: disable=layout.indent,structure.unused_cte,layout.spacing
-- (columns and conditions below are written by loops over the seeds and options)
-- Quality control of the biomarker panels in values, from what was recorded to what is analysed, step by step: what one step
-- keeps is what the next receives (tests/dbt/biomarker_qc_passes_on_what_it_keeps), and nothing is dropped without a count.
{{ config(materialized='table') }}
{%- set below = var('proteins_below_limit') %}
{%- set outliers = 'kept' if var('biomarkers_outlier_sd', none) is none else 'within ' ~ var('biomarkers_outlier_sd') ~ ' SD' %}
{%- set outlying = 'kept' if var('biomarkers_sample_outlier_sd', none) is none else 'within ' ~ var('biomarkers_sample_outlier_sd') ~ ' SD' %}
{%- set batches = var('proteins_leave_out_batches') %}
{%- set leaves_flagged_out = var('nmr_flagged_values') == 'missing' %}
{%- set is_adjusted = var('nmr_technical_adjustment') != 'none' %}
{%- set is_computed_anew = is_adjusted or leaves_flagged_out %}
{%- set adjustment = var('nmr_technical_adjustment') ~ (', within ' ~ var('nmr_outlier_plate_sd') ~ ' SD of the plate medians' if is_adjusted else '') %}

with olink_results as (
    select * from {{ ref('stg_olink__results') }}
),

olink_samples as (
    select * from {{ ref('stg_olink__samples') }}
),

nmr_recorded as (
    select * from {{ ref('stg_nmr__metabolite_levels') }}
),

participants as (
    select participant_id from {{ ref('participants') }}
),

samples as (
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
    select
        platform,
        count(*) as n_samples
    from samples
    group by platform
),

-- Values: recorded, left out, and kept but marked or changed.
recorded_proteins as (
    select
        count(*) as n_recorded,
        count(level_npx) as n_numbers,
        count(level_npx) filter (instance = 0) as n_at_baseline
    from olink_results
),

of_protein_values as (
    select
        count(*) as n_values,
        count(*) filter (value_rule = 'below limit, left out') as n_below_limit_left_out,
        count(*) filter (is_below_limit_of_detection) as n_below_limit,
        count(*) filter (value_rule = 'outlier, left out') as n_outliers
    from protein_levels
),

people_without_study as (
    select
        'protein' as platform,
        count(*) filter (participants.participant_id is null) as n_samples
    from olink_samples
    left join participants on olink_samples.participant_id = participants.participant_id
    union all
    select
        'metabolite' as platform,
        count(*) filter (participants.participant_id is null) as n_samples
    from nmr_recorded
    left join participants on nmr_recorded.participant_id = participants.participant_id
),

recorded_metabolites as (
    select
        nmr_recorded.participant_id,
        participants.participant_id is not null as is_in_study,
        {% for name in metabolite_names() -%}
            cast(nmr_recorded.{{ name }} is not null as integer){{ " +" if not loop.last }}
        {% endfor -%}
        as n_values
    from nmr_recorded
    left join participants on nmr_recorded.participant_id = participants.participant_id
),

of_recorded_metabolites as (
    select
        coalesce(sum(n_values), 0) as n_recorded,
        coalesce(sum(n_values) filter (is_in_study), 0) as n_in_study
    from recorded_metabolites
),

of_non_derived as (
    select
        coalesce(sum(adjusted.n_values), 0) as n_recorded,
        coalesce(sum(adjusted.n_flagged), 0) as n_flagged,
        coalesce(sum(adjusted.n_on_outlier_plates), 0) as n_on_outlier_plates
    from adjusted
    inner join metabolite_levels on adjusted.participant_id = metabolite_levels.participant_id
),

of_metabolite_levels as (
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
        sum(n_known) as n_known,
        sum(n_imputed) as n_imputed,
        sum(n_known + n_imputed) filter (is_pruned) as n_pruned_values,
        count(*) filter (is_pruned) as n_pruned
    from panels
    group by platform
),

-- What each step does to the values, with the first step's n_recorded.
value_steps as (
    select
        'protein' as platform,
        1 as place,
        'values: not numbers' as rule,
        'left out' as setting,
        n_recorded,
        n_recorded - n_numbers as n_excluded,
        0 as n_added,
        0 as n_marked
    from recorded_proteins
    union all
    select
        'protein' as platform,
        2 as place,
        'values: visits after baseline' as rule,
        'left out' as setting,
        null as n_recorded,
        n_numbers - n_at_baseline as n_excluded,
        0 as n_added,
        0 as n_marked
    from recorded_proteins
    union all
    select
        'protein' as platform,
        3 as place,
        'values: people who are not in the study' as rule,
        'left out (marts.eligibility_flow)' as setting,
        null as n_recorded,
        recorded_proteins.n_at_baseline - of_protein_values.n_values as n_excluded,
        0 as n_added,
        0 as n_marked
    from recorded_proteins
    cross join of_protein_values
    union all
    select
        'protein' as platform,
        4 as place,
        'values: below the limit of detection' as rule,
        '{{ below }}' as setting,
        null as n_recorded,
        n_below_limit_left_out as n_excluded,
        0 as n_added,
        n_below_limit - n_below_limit_left_out as n_marked
    from of_protein_values
    union all
    select
        'protein' as platform,
        8 as place,
        'values: outliers' as rule,
        '{{ outliers }}' as setting,
        null as n_recorded,
        n_outliers as n_excluded,
        0 as n_added,
        0 as n_marked
    from of_protein_values
    union all
    select
        'metabolite' as platform,
        3 as place,
        'values: people who are not in the study' as rule,
        'left out (marts.eligibility_flow)' as setting,
        n_recorded,
        n_recorded - n_in_study as n_excluded,
        0 as n_added,
        0 as n_marked
    from of_recorded_metabolites
    union all
    select
        'metabolite' as platform,
        5 as place,
        'values: quality flag, non-derived' as rule,
        '{{ var('nmr_flagged_values') }}' as setting,
        null as n_recorded,
        {{ 'n_flagged' if leaves_flagged_out else '0' }} as n_excluded,
        0 as n_added,
        {{ '0' if leaves_flagged_out else 'n_flagged' }} as n_marked
    from of_non_derived
    union all
    select
        'metabolite' as platform,
        6 as place,
        'values: technical adjustment and outlier plates, non-derived' as rule,
        '{{ adjustment }}' as setting,
        null as n_recorded,
        n_on_outlier_plates as n_excluded,
        0 as n_added,
        {% if is_adjusted -%}
            n_recorded - {{ 'n_flagged' if leaves_flagged_out else '0' }} - n_on_outlier_plates
        {%- else -%}
            0
        {%- endif %} as n_marked
    from of_non_derived
    union all
    -- The recorded ones go, those that the adjusted parts make come.
    select
        'metabolite' as platform,
        7 as place,
        'values: composites and ratios' as rule,
        '{{ 'computed anew from the adjusted parts' if is_computed_anew else 'as recorded' }}' as setting,
        null as n_recorded,
        {% if is_computed_anew -%}
            of_recorded_metabolites.n_in_study - of_non_derived.n_recorded as n_excluded,
            of_metabolite_levels.n_values + of_metabolite_levels.n_outliers
            - (of_non_derived.n_recorded - {{ 'of_non_derived.n_flagged' if leaves_flagged_out else '0' }} - of_non_derived.n_on_outlier_plates)
            as n_added,
        {%- else -%}
            0 as n_excluded,
            0 as n_added,
        {%- endif %}
        0 as n_marked
    from of_recorded_metabolites
    cross join of_non_derived
    cross join of_metabolite_levels
    union all
    select
        'metabolite' as platform,
        8 as place,
        'values: outliers' as rule,
        '{{ outliers }}' as setting,
        null as n_recorded,
        n_outliers as n_excluded,
        0 as n_added,
        0 as n_marked
    from of_metabolite_levels
),

sample_rules as (
    select *
    from (
        values
        (9, 'protein', 'samples: batch', 'batch left out', '{{ 'without ' ~ batches | join(', ') if batches else 'all' }}'),
        (10, 'protein', 'samples: consortium selected', 'consortium selected', '{{ 'kept' if var('biomarkers_keep_consortium_selected') else 'left out' }}'),
        (11, 'metabolite', 'samples: low protein flag', 'low protein flag', '{{ 'kept' if var('biomarkers_keep_low_protein') else 'left out' }}'),
        (12, 'protein', 'samples: outlying', 'outlying sample', '{{ outlying }}'),
        (13, null, 'samples: missing biomarkers', 'missing biomarkers', 'at most {{ var('biomarkers_sample_missing_share') }} missing')
    ) as rules (place, platform, rule, exclusion, setting)
),

biomarker_rules as (
    select *
    from (
        values
        (14, null, 'biomarkers: measured in nobody', 'measured in no analysed sample', 'left out'),
        (15, null, 'biomarkers: missing', 'missing in too many samples', 'at most {{ var('biomarkers_missing_share') }} missing'),
        (16, null, 'biomarkers: infinite', 'infinite values', 'left out'),
        (17, null, 'biomarkers: constant', 'constant', 'left out'),
        (18, 'metabolite', 'biomarkers: negative concentrations', 'negative concentrations', 'left out')
    ) as rules (place, platform, rule, exclusion, setting)
),

excluded_samples as (
    select
        platform,
        exclusion,
        count(*) as n_samples,
        sum(n_measured) as n_values
    from samples
    where exclusion is not null
    group by platform, exclusion
),

excluded_biomarkers as (
    select
        platform,
        exclusion,
        count(*) as n_biomarkers,
        sum(n_measured) as n_values
    from biomarkers
    where exclusion is not null
    group by platform, exclusion
),

zeros as (
    select
        platform,
        sum(n_zero) as n_zero
    from biomarkers
    where exclusion is null
    group by platform
),

steps as (
    select
        platform,
        place,
        rule,
        setting,
        n_recorded,
        n_excluded,
        n_added,
        n_marked,
        0 as n_samples_excluded,
        0 as n_biomarkers_excluded
    from value_steps
    union all
    select
        platforms.platform,
        sample_rules.place,
        sample_rules.rule,
        sample_rules.setting,
        null as n_recorded,
        coalesce(excluded_samples.n_values, 0) as n_excluded,
        0 as n_added,
        0 as n_marked,
        coalesce(excluded_samples.n_samples, 0) as n_samples_excluded,
        0 as n_biomarkers_excluded
    from platforms
    inner join sample_rules on coalesce(sample_rules.platform, platforms.platform) = platforms.platform
    left join excluded_samples
        on platforms.platform = excluded_samples.platform and sample_rules.exclusion = excluded_samples.exclusion
    union all
    select
        platforms.platform,
        biomarker_rules.place,
        biomarker_rules.rule,
        biomarker_rules.setting,
        null as n_recorded,
        coalesce(excluded_biomarkers.n_values, 0) as n_excluded,
        0 as n_added,
        0 as n_marked,
        0 as n_samples_excluded,
        coalesce(excluded_biomarkers.n_biomarkers, 0) as n_biomarkers_excluded
    from platforms
    inner join biomarker_rules on coalesce(biomarker_rules.platform, platforms.platform) = platforms.platform
    left join excluded_biomarkers
        on platforms.platform = excluded_biomarkers.platform and biomarker_rules.exclusion = excluded_biomarkers.exclusion
    union all
    select
        platform,
        19 as place,
        'values: zeros before the logarithm' as rule,
        'half the smallest positive value added to the biomarker' as setting,
        null as n_recorded,
        0 as n_excluded,
        0 as n_added,
        n_zero as n_marked,
        0 as n_samples_excluded,
        0 as n_biomarkers_excluded
    from zeros
    where platform = 'metabolite'
    union all
    select
        platform,
        20 as place,
        'values: scaled, gaps filled' as rule,
        '{{ var('biomarkers_transform') }}, filled: {{ var('biomarkers_imputation') }}' as setting,
        null as n_recorded,
        0 as n_excluded,
        n_imputed as n_added,
        n_imputed as n_marked,
        0 as n_samples_excluded,
        0 as n_biomarkers_excluded
    from of_panels
    union all
    select
        platform,
        21 as place,
        'biomarkers: near-copies, in the pruned set only' as rule,
        'correlated at most {{ var('biomarkers_prune_above') }}' as setting,
        null as n_recorded,
        coalesce(n_pruned_values, 0) as n_excluded,
        0 as n_added,
        0 as n_marked,
        0 as n_samples_excluded,
        n_pruned as n_biomarkers_excluded
    from of_panels
),

counted as (
    select
        steps.platform,
        row_number() over step_by_step as step,
        steps.rule,
        steps.setting,
        sum(coalesce(steps.n_recorded, 0) - steps.n_excluded + steps.n_added) over step_by_step as n_out,
        steps.n_excluded,
        steps.n_added,
        steps.n_marked,
        case
            when steps.rule = 'values: people who are not in the study' then people_without_study.n_samples
            else steps.n_samples_excluded
        end as n_samples_excluded,
        platforms.n_samples - sum(steps.n_samples_excluded) over step_by_step
        + case when steps.place < 3 then people_without_study.n_samples else 0 end as n_samples,
        steps.n_biomarkers_excluded,
        (select count(*) from biomarkers where biomarkers.platform = steps.platform)
        - sum(steps.n_biomarkers_excluded) over step_by_step as n_biomarkers
    from steps
    inner join platforms on steps.platform = platforms.platform
    left join people_without_study on steps.platform = people_without_study.platform
    window step_by_step as (partition by steps.platform order by steps.place)
),

biomarker_qc as (
    select
        platform,
        cast(step as integer) as step,
        rule,
        setting,
        cast(n_out + n_excluded - n_added as bigint) as n_in,
        cast(n_excluded as bigint) as n_excluded,
        cast(n_added as bigint) as n_added,
        cast(n_out as bigint) as n_out,
        cast(n_marked as bigint) as n_marked,
        cast(n_samples_excluded as bigint) as n_samples_excluded,
        cast(n_samples as bigint) as n_samples,
        cast(n_biomarkers_excluded as bigint) as n_biomarkers_excluded,
        cast(n_biomarkers as bigint) as n_biomarkers
    from counted
)

select * from biomarker_qc
order by platform, step
