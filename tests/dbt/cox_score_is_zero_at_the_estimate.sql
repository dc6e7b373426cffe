-- The Cox score of every primary hazard ratio, adjusted or not, recomputed here from the marts at the reported estimate, is zero:
-- U = sum over events of x minus its Efron-weighted mean among those at risk, below 1e-6 of the information. The covariates enter
-- by their published coefficients; a level that is not listed is the reference. A third way to the number, beside lifelines and
-- the house estimator.
{%- set adjustments = adjustment_columns() %}
with estimates as (
    select
        ratios.*,
        scalings.detail
    from {{ ref('hazard_ratios') }} as ratios
    inner join {{ ref('exposure_scalings') }} as scalings
        on
            ratios.study = scalings.study
            and ratios.exposure = scalings.exposure
            and ratios.scaling = scalings.scaling
            and scalings.is_primary
    where
        ratios.is_primary
        and ratios.refusal is null
        and ratios.scaling in ('per_sex_sd', 'per_sd', 'per_units', 'per_category', 'yes_vs_no')
),

coefficients as (
    select * from {{ ref('hazard_ratio_coefficients') }}
    where not is_exposure
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
        '{{ study }}' as study,
        '{{ exposure }}' as exposure,
        participant_id,
        sex,
        cast({{ column_name }} as double) as exposure_value
    from participants
    where {{ column_name }} is not null
    {% if not loop.last %}union all{% endif %}
    {% endfor -%}
),

-- covariates of each participant, one row each: a number, or a word
covariate_values as (
    {%- set seen = [] %}
    {% for study, adjustment_set, column_name, value_kind in adjustments if column_name not in seen -%}
    {%- do seen.append(column_name) -%}
    {{ 'union all' if not loop.first }}
    select
        participant_id,
        '{{ column_name }}' as column_name,
        {{ 'cast(' ~ column_name ~ ' as double)' if value_kind == 'continuous' else 'cast(null as double)' }} as number_value,
        {{ "''" if value_kind == 'continuous' else 'cast(' ~ column_name ~ ' as varchar)' }} as level
    from participants
    {% else -%}
    select participant_id, '' as column_name, cast(null as double) as number_value, '' as level from participants where false
    {% endfor -%}
),

linear_predictors as (
    select
        coefficients.study,
        coefficients.exposure,
        coefficients.outcome_definition,
        coefficients.adjustment_set,
        covariate_values.participant_id,
        sum(coefficients.log_hazard_ratio * coalesce(covariate_values.number_value, 1)) as linear_predictor
    from coefficients
    inner join covariate_values
        on
            coefficients.column_name = covariate_values.column_name
            and coefficients.level = covariate_values.level
    group by
        coefficients.study,
        coefficients.exposure,
        coefficients.outcome_definition,
        coefficients.adjustment_set,
        covariate_values.participant_id
),

-- who lacks a continuous covariate of a set is in none of its models
incomplete as (
    {% for study, adjustment_set, column_name, value_kind in adjustments if value_kind == 'continuous' -%}
    {{ 'union' if not loop.first }}
    select '{{ study }}' as study, '{{ adjustment_set }}' as adjustment_set, participant_id from participants where {{ column_name }} is null
    {% else -%}
    select '' as study, '' as adjustment_set, participant_id from participants where false
    {% endfor -%}
),

followed as (
    select
        estimates.study,
        estimates.exposure,
        estimates.outcome_definition,
        estimates.adjustment_set,
        estimates.log_hazard_ratio,
        measured.participant_id,
        follow_ups.follow_up_days,
        follow_ups.is_event,
        case
            when estimates.scaling = 'per_sex_sd'
                then
                    (measured.exposure_value - avg(measured.exposure_value) over (partition by estimates.exposure, estimates.adjustment_set, measured.sex))
                    / stddev_samp(measured.exposure_value) over (partition by estimates.exposure, estimates.adjustment_set, measured.sex)
            when estimates.scaling = 'per_sd'
                then
                    measured.exposure_value
                    / stddev_samp(measured.exposure_value) over (partition by estimates.exposure, estimates.adjustment_set)
            when estimates.scaling = 'per_units' then measured.exposure_value / estimates.detail
            else measured.exposure_value
        end as x
    from estimates
    inner join measured on estimates.study = measured.study and estimates.exposure = measured.exposure
    inner join follow_ups
        on
            estimates.outcome_definition = follow_ups.outcome_definition
            and measured.participant_id = follow_ups.participant_id
),

at_risk_people as (
    select
        followed.exposure || ' / ' || followed.adjustment_set as model,
        followed.follow_up_days,
        followed.is_event,
        followed.x,
        exp(followed.log_hazard_ratio * followed.x + coalesce(linear_predictors.linear_predictor, 0)) as relative_hazard
    from followed
    left join linear_predictors
        on
            followed.study = linear_predictors.study
            and followed.exposure = linear_predictors.exposure
            and followed.outcome_definition = linear_predictors.outcome_definition
            and followed.adjustment_set = linear_predictors.adjustment_set
            and followed.participant_id = linear_predictors.participant_id
    left join incomplete
        on
            followed.study = incomplete.study
            and followed.adjustment_set = incomplete.adjustment_set
            and followed.participant_id = incomplete.participant_id
    where incomplete.participant_id is null
),

per_day as (
    select
        model,
        follow_up_days,
        sum(relative_hazard) as s0,
        sum(relative_hazard * x) as s1,
        sum(relative_hazard * x * x) as s2,
        sum(case when is_event then 1 else 0 end) as n_events,
        sum(case when is_event then x else 0 end) as x_events,
        sum(case when is_event then relative_hazard else 0 end) as e0,
        sum(case when is_event then relative_hazard * x else 0 end) as e1,
        sum(case when is_event then relative_hazard * x * x else 0 end) as e2
    from at_risk_people
    group by model, follow_up_days
),

risk_sets as (
    select
        model,
        n_events,
        x_events,
        e0,
        e1,
        e2,
        sum(s0) over (partition by model order by follow_up_days desc) as r0,
        sum(s1) over (partition by model order by follow_up_days desc) as r1,
        sum(s2) over (partition by model order by follow_up_days desc) as r2
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
        model,
        sum(x_events / n_events - (r1 - share * e1) / (r0 - share * e0)) as score,
        sum((r2 - share * e2) / (r0 - share * e0) - power((r1 - share * e1) / (r0 - share * e0), 2)) as information
    from tied_events
    group by model
)

select * from scores
where abs(score) >= 1e-6 * information
