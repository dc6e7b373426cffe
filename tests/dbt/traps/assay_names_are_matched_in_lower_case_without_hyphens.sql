{{ config(meta={'trap': 13}) }}
-- Olink's own names carry hyphens and capitals (HLA-A, ERVV-1), the export lower case and underscores: every limit of detection must
-- find its protein, or a share of the panel silently has none. Only assays of the list are proteins.
with assays as (
    select * from {{ ref('olink_assays') }}
),

limits as (
    select protein
    from {{ ref('stg_olink__limits_of_detection') }}
    group by protein
),

levels as (
    select protein
    from {{ ref('protein_levels') }}
    group by protein
)

select
    protein,
    'is not in lower case, or has a hyphen' as fault
from assays
where protein != lower(protein) or protein like '%-%'

union all

select
    limits.protein,
    'has a limit of detection and no assay' as fault
from limits
left join assays on limits.protein = assays.protein
where assays.protein is null

union all

select
    levels.protein,
    'has levels and no assay' as fault
from levels
left join assays on levels.protein = assays.protein
where assays.protein is null
