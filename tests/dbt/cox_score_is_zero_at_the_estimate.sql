-- The Cox score of every unadjusted primary hazard ratio, recomputed here from the marts at the reported estimate, is zero:
-- U = sum over events of x minus its Efron-weighted mean among those at risk, below 1e-6 of the information.
-- A third way to the number, beside lifelines and the house estimator.
with estimates as (
    select * from {{ ref('hazard_ratios') }}
    where is_primary and adjustment_set = 'unadjusted' and refusal is null
),

participants as (
    select * from {{ ref('participants') }}
),

follow_ups as (
    select * from {{ ref('follow_ups') }}
),

measured as (
    {% for study, arm, exposure, column_name in study_exposures() -%}
    select
        '{{ exposure }}' as exposure,
        participant_id,
        sex,
        cast({{ column_name }} as double) as exposure_value
    from participants
    where {{ column_name }} is not null
    {% if not loop.last %}union all{% endif %}
    {% endfor -%}
),

at_risk_people as (
    select
        estimates.exposure,
        estimates.log_hazard_ratio,
        follow_ups.follow_up_days,
        follow_ups.is_event,
        case
            when estimates.scaling = 'per_sex_sd'
                then
                    (measured.exposure_value - avg(measured.exposure_value) over (partition by estimates.exposure, measured.sex))
                    / stddev_samp(measured.exposure_value) over (partition by estimates.exposure, measured.sex)
            else measured.exposure_value
        end as x
    from estimates
    inner join measured on estimates.exposure = measured.exposure
    inner join follow_ups
        on
            estimates.outcome_definition = follow_ups.outcome_definition
            and measured.participant_id = follow_ups.participant_id
),

per_day as (
    select
        exposure,
        follow_up_days,
        sum(exp(log_hazard_ratio * x)) as s0,
        sum(exp(log_hazard_ratio * x) * x) as s1,
        sum(exp(log_hazard_ratio * x) * x * x) as s2,
        sum(case when is_event then 1 else 0 end) as n_events,
        sum(case when is_event then x else 0 end) as x_events,
        sum(case when is_event then exp(log_hazard_ratio * x) else 0 end) as e0,
        sum(case when is_event then exp(log_hazard_ratio * x) * x else 0 end) as e1,
        sum(case when is_event then exp(log_hazard_ratio * x) * x * x else 0 end) as e2
    from at_risk_people
    group by exposure, follow_up_days
),

risk_sets as (
    select
        exposure,
        n_events,
        x_events,
        e0,
        e1,
        e2,
        sum(s0) over (partition by exposure order by follow_up_days desc) as r0,
        sum(s1) over (partition by exposure order by follow_up_days desc) as r1,
        sum(s2) over (partition by exposure order by follow_up_days desc) as r2
    from per_day
),

-- 0, 1, 2 and so on, as many as any day has events
positions as (
    select row_number() over (order by participant_id) - 1 as position
    from participants
    qualify row_number() over (order by participant_id) <= 1000
),

tied_events as (
    select
        risk_sets.*,
        cast(positions.position as double) / risk_sets.n_events as share
    from risk_sets
    inner join positions on risk_sets.n_events > positions.position
    where risk_sets.n_events > 0
),

scores as (
    select
        exposure,
        sum(x_events / n_events - (r1 - share * e1) / (r0 - share * e0)) as score,
        sum((r2 - share * e2) / (r0 - share * e0) - power((r1 - share * e1) / (r0 - share * e0), 2)) as information
    from tied_events
    group by exposure
)

select * from scores
where abs(score) >= 1e-6 * information
