{{ config(meta={'trap': 18}) }}
-- Creatinine is made by muscle: kidney function estimated from it is confounded by the exposure. The mart's rate is from cystatin C, no
-- adjustment set holds creatinine, and creatinine among the metabolites carries its mark.
with participants as (
    select * from {{ ref('participants') }}
),

adjustment_sets as (
    select * from {{ ref('adjustment_sets') }}
),

biomarker_flags as (
    select * from {{ ref('biomarker_flags') }}
)

select 'glomerular filtration rate without cystatin C' as fault
from participants
where egfr_cystatin_c_ml_per_min_per_173_m2 is not null and cystatin_c_mg_per_l is null
having count(*) > 0

union all

select 'creatinine in adjustment set ' || adjustment_set as fault
from adjustment_sets
where covariate like '%creatinine%'

union all

select 'creatinine of the metabolites is not marked' as fault
from biomarker_flags
having sum(case when platform = 'metabolite' and biomarker = 'creatinine' then 1 else 0 end) = 0
