-- What is known of each GWAS file as a whole.
{{ gate('raw') }}

with gwas_traits as (
    select * from {{ source('gwas', 'gwas_traits') }}
),

typed as (
    select
        trait,
        source_format,
        genome_assembly,
        try_cast(n as double) as n,
        try_cast(n_cases as double) as n_cases,
        try_cast(n_controls as double) as n_controls,
        trait_description
    from gwas_traits
)

select * from typed
