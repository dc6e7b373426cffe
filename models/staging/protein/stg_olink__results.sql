-- Olink results as recorded. A view: the long table is read once, by the mart.
{{ config(materialized='view') }}
{{ gate('raw') }}

with olink_data as (
    select * from {{ source('olink', 'olink_data') }}
),

results as (
    select
        eid as participant_id,
        try_cast(ins_index as smallint) as instance,
        protein,
        try_cast(result as float) as level_npx
    from olink_data
)

select * from results
