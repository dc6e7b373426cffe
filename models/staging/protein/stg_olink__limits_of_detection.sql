-- Limits of detection. Assay names are matched as lower(replace('-', '_')): lower-casing alone loses HLA-A, HLA-DRA, HLA-E and ERVV-1.
{{ gate('raw') }}

with olink_limit_of_detection as (
    select * from {{ source('olink', 'olink_limit_of_detection') }}
),

named as (
    select
        plateid as plate,
        try_cast(instance as smallint) as instance,
        lower(replace(assay, '-', '_')) as protein,
        try_cast(lod as double) as limit_of_detection_npx
    from olink_limit_of_detection
),

-- Six proteins are measured on four panels and the file does not say which limit is whose: the strictest holds.
limits_of_detection as (
    select
        plate,
        instance,
        protein,
        max(limit_of_detection_npx) as limit_of_detection_npx
    from named
    group by plate, instance, protein
)

select * from limits_of_detection
