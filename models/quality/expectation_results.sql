-- What every door of this build found, one below the other.
{{ config(materialized='table') }}

with raw_door as (
    select * from {{ ref('raw_expectations') }}
),

staging_door as (
    select * from {{ ref('staging_expectations') }}
),

marts_door as (
    select * from {{ ref('marts_expectations') }}
),

results_door as (
    select * from {{ ref('results_expectations') }}
),

doors as (
    select * from raw_door
    union all
    select * from staging_door
    union all
    select * from marts_door
    union all
    select * from results_door
)

select * from doors
