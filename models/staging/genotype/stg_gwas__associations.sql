-- Summary statistics as numbers, alleles upper case. A view: the long table is read once, by the mart.
{{ config(materialized='view') }}
{{ gate('raw') }}

with associations as (
    select * from {{ source('gwas', 'associations') }}
),

typed as (
    select
        trait,
        cast(file_row_number as bigint) as line_number,
        source_format,
        chromosome,
        try_cast(base_pair_location as integer) as base_pair_location,
        variant_id,
        rsid,
        upper(effect_allele) as effect_allele,
        upper(other_allele) as other_allele,
        try_cast(effect_allele_frequency as double) as effect_allele_frequency,
        try_cast(minor_allele_frequency as double) as minor_allele_frequency,
        try_cast(info as double) as info,
        -- 0 cases is how some files say that the trait is quantitative; their people may stand as controls
        coalesce(
            try_cast(n as double),
            case when try_cast(n_cases as double) = 0 then nullif(try_cast(n_controls as double), 0) end
        ) as n,
        nullif(try_cast(n_cases as double), 0) as n_cases,
        case when try_cast(n_cases as double) > 0 then nullif(try_cast(n_controls as double), 0) end as n_controls,
        coalesce(try_cast(beta as double), ln(case when try_cast(odds_ratio as double) > 0 then try_cast(odds_ratio as double) end)) as beta,
        try_cast(beta as double) is null and odds_ratio is not null as is_odds_ratio,
        try_cast(standard_error as double) as standard_error,
        try_cast(z_score as double) as z_score,
        try_cast(p_value as double) as p_value,
        coalesce(
            try_cast(neg_log10_p_value as double),
            case when try_cast(p_value as double) > 0 then -log10(try_cast(p_value as double)) end
        ) as neg_log10_p_value
    from associations
)

select * from typed
