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

protein_samples as (
    select
        'protein' as platform,
        protein_levels.participant_id,
        count(*) as n_measured,
        any_value(n_proteins.n_biomarkers) as n_biomarkers
    from protein_levels
    cross join n_proteins
    group by protein_levels.participant_id
),

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
        1 - samples.n_measured / samples.n_biomarkers as missing_share,
        samples.platform = 'protein' and coalesce(participants.is_consortium_selected, false) as is_consortium_selected,
        samples.platform = 'metabolite' and coalesce(metabolite_levels.has_low_protein, false) as has_low_protein
    from samples
    inner join participants on samples.participant_id = participants.participant_id
    left join metabolite_levels on samples.participant_id = metabolite_levels.participant_id
),

screened as (
    select
        *,
        case
            when is_consortium_selected and not {{ var('biomarkers_keep_consortium_selected') }} then 'consortium selected'
            when has_low_protein and not {{ var('biomarkers_keep_low_protein') }} then 'low protein flag'
            when missing_share > {{ var('biomarkers_sample_missing_share') }} then 'missing biomarkers'
        end as exclusion
    from described
)

select * from screened
order by platform, participant_id
