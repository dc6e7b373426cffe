{{ config(meta={'trap': 4}) }}
-- Records end at another date in each nation: centres 11004 and 11005 are Scottish, 11003, 11022 and 11023 Welsh, all others English.
with centres as (
    select * from {{ ref('assessment_centres') }}
)

select
    centre,
    nation
from centres
where
    nation != case
        when centre in ('11004', '11005') then 'Scotland'
        when centre in ('11003', '11022', '11023') then 'Wales'
        else 'England'
    end
