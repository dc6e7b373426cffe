-- What the generator of the synthetic cohort planted; no rows for real people.
{{ gate('raw') }}

with planted_truth as (
    select * from {{ source('ukb', 'planted_truth') }}
),

planted_truths as (
    select
        quantity,
        arm,
        exposure,
        scaling,
        mediator,
        platform,
        outcome,
        outcome_definition,
        adjustment_set,
        try_cast(planted_coefficient as double) as planted_coefficient,
        try_cast(large_sample_value as double) as large_sample_value,
        try_cast(monte_carlo_error as double) as monte_carlo_error,
        try_cast(reference_value as double) as reference_value,
        note
    from planted_truth
)

select * from planted_truths
