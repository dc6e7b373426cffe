-- Each primary hazard ratio beside the planted truth (synthetic cohort) and the published reference.
with hazard_ratios as (
    select * from {{ ref('hazard_ratios') }}
    where is_primary
),

planted_truths as (
    select * from {{ ref('planted_truths') }}
    where quantity = 'log_hazard_ratio'
),

arms as (
    select * from {{ ref('arms') }}
),

-- the answer to the arm's question: what its primary adjustment set finds in an infinite sample
targets as (
    select
        planted_truths.arm,
        planted_truths.exposure,
        planted_truths.scaling,
        planted_truths.outcome_definition,
        planted_truths.large_sample_value as target_log_hazard_ratio
    from planted_truths
    inner join arms
        on planted_truths.arm = arms.arm and planted_truths.adjustment_set = arms.primary_adjustment_set
),

published_references as (
    select * from {{ ref('published_references') }}
),

compared as (
    select
        hazard_ratios.study,
        hazard_ratios.arm,
        hazard_ratios.exposure,
        hazard_ratios.scaling,
        hazard_ratios.level,
        hazard_ratios.outcome,
        hazard_ratios.outcome_definition,
        hazard_ratios.adjustment_set,
        hazard_ratios.n_participants,
        hazard_ratios.n_events,
        hazard_ratios.log_hazard_ratio,
        hazard_ratios.standard_error,
        hazard_ratios.hazard_ratio,
        hazard_ratios.hazard_ratio_lower,
        hazard_ratios.hazard_ratio_upper,
        hazard_ratios.refusal,
        planted_truths.planted_coefficient,
        planted_truths.large_sample_value,
        planted_truths.monte_carlo_error,
        exp(planted_truths.large_sample_value) as true_hazard_ratio,
        hazard_ratios.adjustment_set = arms.primary_adjustment_set as is_primary_adjustment,
        targets.target_log_hazard_ratio,
        (hazard_ratios.log_hazard_ratio - targets.target_log_hazard_ratio)
        / hazard_ratios.standard_error as standard_errors_from_target,
        published_references.hazard_ratio as reference_hazard_ratio,
        published_references.source as reference_source,
        (hazard_ratios.log_hazard_ratio - planted_truths.large_sample_value)
        / sqrt(
            hazard_ratios.standard_error * hazard_ratios.standard_error
            + coalesce(planted_truths.monte_carlo_error, 0) * coalesce(planted_truths.monte_carlo_error, 0)
        ) as standard_errors_from_truth
    from hazard_ratios
    left join planted_truths
        on
            hazard_ratios.arm = planted_truths.arm
            and hazard_ratios.exposure = planted_truths.exposure
            and hazard_ratios.scaling = planted_truths.scaling
            and hazard_ratios.outcome_definition = planted_truths.outcome_definition
            and hazard_ratios.adjustment_set = planted_truths.adjustment_set
    inner join arms on hazard_ratios.study = arms.study and hazard_ratios.arm = arms.arm
    left join targets
        on
            hazard_ratios.arm = targets.arm
            and hazard_ratios.exposure = targets.exposure
            and hazard_ratios.scaling = targets.scaling
            and hazard_ratios.outcome_definition = targets.outcome_definition
    left join published_references
        on
            hazard_ratios.study = published_references.study
            and hazard_ratios.arm = published_references.arm
            and hazard_ratios.exposure = published_references.exposure
            and hazard_ratios.adjustment_set = published_references.adjustment_set
)

select * from compared
