{{ config(meta={'trap': 19}) }}
-- Creatine kinase and leptin measure muscle and fat rather than follow from them: a mediator list shows them marked.
with expected as (
    select
        'protein' as platform,
        'ckb' as biomarker
    union all
    select
        'protein' as platform,
        'lep' as biomarker
    union all
    select
        'metabolite' as platform,
        'creatinine' as biomarker
),

biomarker_flags as (
    select * from {{ ref('biomarker_flags') }}
)

select
    expected.platform,
    expected.biomarker
from expected
left join biomarker_flags
    on expected.platform = biomarker_flags.platform and expected.biomarker = biomarker_flags.biomarker
where biomarker_flags.reason is null
