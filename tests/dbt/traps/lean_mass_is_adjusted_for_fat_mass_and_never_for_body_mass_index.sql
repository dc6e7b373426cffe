{{ config(meta={'trap': 17}) }}
-- Body mass index is computed from the weight that lean mass is part of: adjusting lean mass index for it asks for lean against fat, another
-- question. No adjustment set of an arm that has lean mass as exposure holds it; the fullest set holds fat mass index.
with exposures as (
    select * from {{ ref('exposures') }}
    where column_name like '%lean_mass%'
),

adjustment_sets as (
    select * from {{ ref('adjustment_sets') }}
),

adjusted_for as (
    select
        adjustment_sets.study,
        adjustment_sets.adjustment_set,
        max(case when adjustment_sets.covariate = 'body_mass_index' then 1 else 0 end) as has_body_mass_index,
        max(case when adjustment_sets.covariate = 'fat_mass_index' then 1 else 0 end) as has_fat_mass_index
    from adjustment_sets
    where adjustment_sets.study in (select exposures.study from exposures)
    group by adjustment_sets.study, adjustment_sets.adjustment_set
)

select
    study,
    adjustment_set
from adjusted_for
where has_body_mass_index = 1 or (adjustment_set = 'M3' and has_fat_mass_index = 0)
