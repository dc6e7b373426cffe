-- Each heritability, genetic correlation and intercept beside what was planted in the synthetic cohort; planted columns are null for real data.
with planted_truths as (
    select * from {{ ref('planted_truths') }}
),

heritabilities as (
    select * from {{ ref('heritabilities') }}
),

genetic_correlations as (
    select * from {{ ref('genetic_correlations') }}
),

estimates as (
    select
        'heritability' as quantity,
        trait as trait_1,
        cast(null as varchar) as trait_2,
        estimator,
        heritability as estimate,
        standard_error,
        refusal
    from heritabilities

    union all

    select
        'ld_score_intercept' as quantity,
        trait as trait_1,
        cast(null as varchar) as trait_2,
        estimator,
        intercept as estimate,
        intercept_standard_error as standard_error,
        case when intercept is null then refusal end as refusal
    from heritabilities

    union all

    select
        'genetic_correlation' as quantity,
        trait_1,
        trait_2,
        estimator,
        genetic_correlation as estimate,
        standard_error,
        refusal
    from genetic_correlations

    union all

    select
        'cross_trait_intercept' as quantity,
        trait_1,
        trait_2,
        estimator,
        intercept as estimate,
        intercept_standard_error as standard_error,
        case when intercept is null then refusal end as refusal
    from genetic_correlations
),

-- a pair is planted once, in either order
compared as (
    select
        estimates.quantity,
        estimates.trait_1,
        estimates.trait_2,
        estimates.estimator,
        estimates.estimate,
        estimates.standard_error,
        estimates.refusal,
        planted_truths.large_sample_value,
        planted_truths.reference_value,
        planted_truths.note as planted_note,
        (estimates.estimate - planted_truths.large_sample_value) / estimates.standard_error as standard_errors_from_truth
    from estimates
    left join planted_truths
        on
            estimates.quantity = planted_truths.quantity
            and (
                (estimates.trait_1 = planted_truths.exposure and estimates.trait_2 = planted_truths.outcome)
                or (estimates.trait_2 = planted_truths.exposure and estimates.trait_1 = planted_truths.outcome)
                or (estimates.trait_1 = planted_truths.exposure and estimates.trait_2 is null and planted_truths.outcome is null)
            )
)

select * from compared
