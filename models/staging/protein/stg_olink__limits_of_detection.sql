-- Limits of detection. Assay names are matched as lower(replace('-', '_')): lower-casing alone loses HLA-A, HLA-DRA, HLA-E and ERVV-1.
{{ gate('raw') }}

with olink_limit_of_detection as (
    select * from {{ source('olink', 'olink_limit_of_detection') }}
),

limits_of_detection as (
    select
        plateid as plate,
        try_cast(instance as smallint) as instance,
        lower(replace(assay, '-', '_')) as protein,
        try_cast(lod as double) as limit_of_detection_npx
    from olink_limit_of_detection
)

select * from limits_of_detection
