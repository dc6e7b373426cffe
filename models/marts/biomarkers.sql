-- Which biomarkers of each platform are analysed, counted among the analysed samples, and why the others are not.
with protein_levels as (
    select * from {{ ref('protein_levels') }}
),

metabolite_levels as (
    select * from {{ ref('metabolite_levels') }}
),

samples as (
    select * from {{ ref('biomarker_samples') }}
    where exclusion is null
),

nmr_biomarkers as (
    select * from {{ ref('nmr_biomarkers') }}
),

flags as (
    select * from {{ ref('biomarker_flags') }}
),

metabolite_values as (
    unpivot metabolite_levels
    on {{ metabolite_names() | join(', ') }}
    into name biomarker value level
),

measured_proteins as (
    select
        'protein' as platform,
        protein_levels.protein as biomarker,
        'measured' as biomarker_type,
        count(*) as n_rows,
        count(protein_levels.level_npx) filter (where samples.participant_id is not null) as n_measured,
        0 as n_zero,
        min(protein_levels.level_npx) filter (where samples.participant_id is not null) as minimum,
        max(protein_levels.level_npx) filter (where samples.participant_id is not null) as maximum,
        null as smallest_positive
    from protein_levels
    left join samples on samples.platform = 'protein' and protein_levels.participant_id = samples.participant_id
    group by protein_levels.protein
),

measured_metabolites as (
    select
        'metabolite' as platform,
        metabolite_values.biomarker,
        any_value(nmr_biomarkers.biomarker_type) as biomarker_type,
        null as n_rows,
        count(samples.participant_id) as n_measured,
        count(samples.participant_id) filter (where metabolite_values.level = 0) as n_zero,
        min(metabolite_values.level) filter (where samples.participant_id is not null) as minimum,
        max(metabolite_values.level) filter (where samples.participant_id is not null) as maximum,
        min(metabolite_values.level) filter (where samples.participant_id is not null and metabolite_values.level > 0) as smallest_positive
    from metabolite_values
    inner join nmr_biomarkers on metabolite_values.biomarker = nmr_biomarkers.name
    left join samples on samples.platform = 'metabolite' and metabolite_values.participant_id = samples.participant_id
    group by metabolite_values.biomarker
),

measured as (
    select * from measured_proteins
    union all
    select * from measured_metabolites
),

n_samples as (
    select
        platform,
        count(*) as n_samples
    from samples
    group by platform
),

described as (
    select
        measured.platform,
        measured.biomarker,
        measured.biomarker_type,
        measured.n_rows,
        coalesce(n_samples.n_samples, 0) as n_samples,
        measured.n_measured,
        1 - measured.n_measured / nullif(n_samples.n_samples, 0) as missing_share,
        measured.n_zero,
        measured.minimum,
        measured.maximum,
        measured.smallest_positive,
        flags.reason as flag_reason
    from measured
    left join n_samples on measured.platform = n_samples.platform
    left join flags on measured.platform = flags.platform and measured.biomarker = flags.biomarker
),

screened as (
    select
        *,
        case
            when n_measured = 0 then 'measured in no analysed sample'
            when missing_share > {{ var('biomarkers_missing_share') }} then 'missing in too many samples'
            when not isfinite(minimum) or not isfinite(maximum) then 'infinite values'
            when minimum = maximum then 'constant'
            when platform = 'metabolite' and minimum < 0 then 'negative concentrations'
        end as exclusion
    from described
)

select * from screened
order by platform, biomarker
