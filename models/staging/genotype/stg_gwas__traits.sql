-- What is known of each GWAS file as a whole: what came with the file, else what seeds/gwas_trait_codings.csv says.
{{ gate('raw') }}

with gwas_traits as (
    select * from {{ source('gwas', 'gwas_traits') }}
),

gwas_trait_codings as (
    select * from {{ ref('gwas_trait_codings') }}
),

typed as (
    select
        gwas_traits.trait,
        gwas_traits.source_format,
        gwas_traits.genome_assembly,
        try_cast(gwas_traits.n as double) as n,
        coalesce(nullif(try_cast(gwas_traits.n_cases as double), 0), cast(gwas_trait_codings.n_cases as double)) as n_cases,
        coalesce(nullif(try_cast(gwas_traits.n_controls as double), 0), cast(gwas_trait_codings.n_controls as double)) as n_controls,
        gwas_trait_codings.trait_type,
        gwas_traits.trait_description
    from gwas_traits
    left join gwas_trait_codings on gwas_traits.trait = gwas_trait_codings.trait
)

select * from typed
