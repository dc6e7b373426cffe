{{ config(meta={'trap': 16}) }}
-- 5.5 % of the invited came, healthier than the rest; whoever is lost after that must be seen. Every flow starts at the landed export,
-- and who is left is who the follow-ups and visits hold with exposure and covariates measured.
with flow as (
    select * from {{ ref('eligibility_flow') }}
),

landed as (
    select count(*) as n_landed from {{ ref('stg_ukb__participants') }}
),

at_risk as (
    select
        outcome_definition,
        count(distinct participant_id) as n_at_risk
    from {{ ref('follow_ups') }}
    group by outcome_definition

    union all

    select
        outcome_definition,
        count(distinct participant_id) as n_at_risk
    from {{ ref('visit_intervals') }}
    group by outcome_definition
),

before_measurements as (
    select
        flow.study,
        flow.arm,
        flow.exposure,
        flow.outcome_definition,
        flow.n_in
    from flow
    where flow.reason = 'exposure not measured'
)

select
    flow.outcome_definition,
    flow.reason,
    flow.n_in,
    landed.n_landed as expected
from flow
cross join landed
where flow.step = 1 and flow.n_in != landed.n_landed

union all

select
    before_measurements.outcome_definition,
    'exposure not measured' as reason,
    before_measurements.n_in,
    at_risk.n_at_risk as expected
from before_measurements
left join at_risk on before_measurements.outcome_definition = at_risk.outcome_definition
where before_measurements.n_in != coalesce(at_risk.n_at_risk, 0)
