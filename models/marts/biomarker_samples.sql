-- noqa: disable=layout.indent,structure.unused_cte,layout.spacing
-- (columns and conditions below are written by loops over the seeds and options)
{%- set outlier_sd = var('biomarkers_sample_outlier_sd', none) -%}
{%- set batches_left_out = var('proteins_leave_out_batches') -%}
-- Which samples of each platform are analysed, and why the others are not. Thresholds are vars of dbt_project.yml.
with protein_levels as (
    select * from {{ ref('protein_levels') }}
),

metabolite_levels as (
    select * from {{ ref('metabolite_levels') }}
),

participants as (
    select * from {{ ref('participants') }}
),

metabolite_values as (
    unpivot metabolite_levels
    on {{ metabolite_names() | join(', ') }}
    into name biomarker value level
),

n_proteins as (
    select count(distinct protein) as n_biomarkers from protein_levels
),

olink_samples as (
    select * from {{ ref('stg_olink__samples') }}
),

protein_samples as (
    select
        'protein' as platform,
        protein_levels.participant_id,
        count(protein_levels.level_npx) as n_measured,
        any_value(n_proteins.n_biomarkers) as n_biomarkers
    from protein_levels
    cross join n_proteins
    group by protein_levels.participant_id
),

{% if outlier_sd is not none %}
-- A sample whose median or spread over the panel lies far from the others' (Olink's own check of samples).
distributions as (
    select
        participant_id,
        median(level_npx) as median_npx,
        quantile_cont(level_npx, 0.75) - quantile_cont(level_npx, 0.25) as spread_npx
    from protein_levels
    group by participant_id
),

everybody as (
    select
        avg(median_npx) as mean_median,
        stddev_samp(median_npx) as sd_median,
        avg(spread_npx) as mean_spread,
        stddev_samp(spread_npx) as sd_spread
    from distributions
),

outlying_samples as (
    select distributions.participant_id
    from distributions
    cross join everybody
    where
        abs(distributions.median_npx - everybody.mean_median) > {{ outlier_sd }} * everybody.sd_median
        or abs(distributions.spread_npx - everybody.mean_spread) > {{ outlier_sd }} * everybody.sd_spread
),
{% endif %}
n_metabolites as (
    select count(distinct biomarker) as n_biomarkers from metabolite_values
),

metabolite_samples as (
    select
        'metabolite' as platform,
        metabolite_values.participant_id,
        count(*) as n_measured,
        any_value(n_metabolites.n_biomarkers) as n_biomarkers
    from metabolite_values
    cross join n_metabolites
    group by metabolite_values.participant_id
),

samples as (
    select * from protein_samples
    union all
    select * from metabolite_samples
),

described as (
    select
        samples.platform,
        samples.participant_id,
        samples.n_measured,
        1 - samples.n_measured / samples.n_biomarkers as missing_share,
        case when samples.platform = 'protein' then olink_samples.batch end as olink_batch,
        case when samples.platform = 'protein' then olink_samples.plate end as olink_plate,
        case
            when samples.platform = 'protein'
                then {{ days_between('participants.baseline_date', 'olink_samples.processing_start_date') }}
        end as olink_processing_days,
        {% if outlier_sd is none -%}
            false
        {%- else -%}
            samples.platform = 'protein' and samples.participant_id in (select outlying_samples.participant_id from outlying_samples)
        {%- endif %} as is_outlier,
        samples.platform = 'protein' and coalesce(participants.is_consortium_selected, false) as is_consortium_selected,
        samples.platform = 'metabolite' and coalesce(metabolite_levels.has_low_protein, false) as has_low_protein
    from samples
    inner join participants on samples.participant_id = participants.participant_id
    left join metabolite_levels on samples.participant_id = metabolite_levels.participant_id
    left join olink_samples on samples.participant_id = olink_samples.participant_id
),

screened as (
    select
        *,
        case
            {%- if batches_left_out %}
            when olink_batch in ({{ batches_left_out | join(', ') }}) then 'batch left out'
            {%- endif %}
            when is_consortium_selected and not {{ var('biomarkers_keep_consortium_selected') }} then 'consortium selected'
            when has_low_protein and not {{ var('biomarkers_keep_low_protein') }} then 'low protein flag'
            when is_outlier then 'outlying sample'
            when missing_share > {{ var('biomarkers_sample_missing_share') }} then 'missing biomarkers'
        end as exclusion
    from described
)

select * from screened
order by platform, participant_id
