{{ config(meta={'trap': 12}) }}
-- Diagnoses come as one list per participant and their dates at the same positions (41270 with 41280, 41271 with 41281): lists of
-- different lengths would give codes the dates of others. Principal components are counted from 1.
with raw_participants as (
    select * from {{ source('ukb', 'participant') }}
)

select count(*) as n_participants
from raw_participants
where
    json_array_length(p41270) != json_array_length(p41280)
    or json_array_length(p41271) != json_array_length(p41281)
having count(*) > 0

union all

select count(*) as n_participants
from {{ ref('ukb_fields') }}
where field_id = 22009 and array_min != 1
having count(*) > 0
