-- Gene locations as numbers; a gene listed twice (the two sex chromosomes share some) keeps its first place.
{{ gate('raw') }}

with gene_locations as (
    select * from {{ source('gwas', 'gene_locations') }}
),

typed as (
    select
        gene_id,
        symbol,
        chromosome,
        try_cast(start_bp as integer) as start_bp,
        try_cast(stop_bp as integer) as stop_bp,
        strand
    from gene_locations
),

placed as (
    select
        *,
        row_number() over (partition by gene_id order by chromosome, start_bp) as place
    from typed
),

first_places as (
    select
        gene_id,
        symbol,
        chromosome,
        start_bp,
        stop_bp,
        strand
    from placed
    where place = 1
)

select * from first_places
