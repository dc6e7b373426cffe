-- Biomarker and mediation estimates beside what was planted (synthetic cohort); no rows for real people.
with associations as (
    select * from {{ ref('biomarker_associations') }}
),

hazard_ratios as (
    select * from {{ ref('biomarker_hazard_ratios') }}
    where is_primary
),

effects as (
    select * from {{ ref('mediation_effects') }}
),

shared_counts as (
    select * from {{ ref('mediator_overlap') }}
),

truths as (
    select * from {{ ref('planted_truths') }}
    where large_sample_value is not null
),

of_associations as (
    select
        associations.study,
        truths.quantity,
        associations.arm,
        associations.exposure,
        associations.scaling,
        associations.platform,
        associations.biomarker,
        null as outcome,
        associations.n_participants,
        associations.difference_sd as estimate,
        associations.standard_error,
        associations.difference_lower as estimate_lower,
        associations.difference_upper as estimate_upper,
        associations.q_value < 0.05 as is_found,
        associations.refusal,
        truths.planted_coefficient,
        truths.large_sample_value,
        coalesce(truths.monte_carlo_error, 0) as monte_carlo_error,
        truths.note
    from associations
    inner join truths
        on
            truths.quantity = 'exposure_effect_on_biomarker'
            and associations.arm = truths.arm
            and associations.exposure = truths.exposure
            and associations.scaling = truths.scaling
            and associations.adjustment_set = truths.adjustment_set
            and associations.biomarker = truths.mediator
            and associations.platform = truths.platform
),

of_hazard_ratios as (
    select
        hazard_ratios.study,
        truths.quantity,
        hazard_ratios.arm,
        null as exposure,
        truths.scaling,
        hazard_ratios.platform,
        hazard_ratios.biomarker,
        hazard_ratios.outcome,
        hazard_ratios.n_participants,
        hazard_ratios.log_hazard_ratio as estimate,
        hazard_ratios.standard_error,
        ln(hazard_ratios.hazard_ratio_lower) as estimate_lower,
        ln(hazard_ratios.hazard_ratio_upper) as estimate_upper,
        hazard_ratios.q_value < 0.05 as is_found,
        hazard_ratios.refusal,
        truths.planted_coefficient,
        truths.large_sample_value,
        coalesce(truths.monte_carlo_error, 0) as monte_carlo_error,
        truths.note
    from hazard_ratios
    inner join truths
        on
            truths.quantity = 'biomarker_effect'
            and hazard_ratios.outcome = truths.outcome
            and hazard_ratios.outcome_definition = truths.outcome_definition
            and hazard_ratios.adjustment_set = truths.adjustment_set
            and hazard_ratios.biomarker = truths.mediator
            and hazard_ratios.platform = truths.platform
),

of_effects as (
    select
        effects.study,
        truths.quantity,
        effects.arm,
        effects.exposure,
        effects.scaling,
        effects.platform,
        effects.biomarker,
        effects.outcome,
        effects.n_participants,
        case when truths.quantity = 'indirect_effect' then effects.indirect_effect else effects.log_scale_share end as estimate,
        case
            when truths.quantity = 'indirect_effect' then effects.indirect_effect_error
            else (effects.log_scale_share_upper - effects.log_scale_share_lower) / (2 * 1.959963984540054)
        end as standard_error,
        case when truths.quantity = 'indirect_effect' then effects.indirect_effect_lower else effects.log_scale_share_lower end as estimate_lower,
        case when truths.quantity = 'indirect_effect' then effects.indirect_effect_upper else effects.log_scale_share_upper end as estimate_upper,
        effects.is_mediator as is_found,
        coalesce(effects.refusal, case when truths.quantity = 'mediated_share' then effects.share_refusal end) as refusal,
        truths.planted_coefficient,
        truths.large_sample_value,
        coalesce(truths.monte_carlo_error, 0) as monte_carlo_error,
        truths.note
    from effects
    inner join truths
        on
            truths.quantity in ('indirect_effect', 'mediated_share')
            and effects.arm = truths.arm
            and effects.exposure = truths.exposure
            and effects.scaling = truths.scaling
            and effects.outcome = truths.outcome
            and effects.outcome_definition = truths.outcome_definition
            and effects.adjustment_set = truths.adjustment_set
            and effects.biomarker = truths.mediator
            and effects.platform = truths.platform
),

of_overlaps as (
    select
        shared_counts.study,
        truths.quantity,
        shared_counts.arm,
        shared_counts.exposure,
        shared_counts.scaling,
        shared_counts.platform,
        truths.scaling as biomarker,
        null as outcome,
        shared_counts.n_tested as n_participants,
        shared_counts.estimated_same_direction_share as estimate,
        (shared_counts.estimated_same_direction_share_upper - shared_counts.estimated_same_direction_share_lower)
        / (2 * 1.959963984540054) as standard_error,
        shared_counts.estimated_same_direction_share_lower as estimate_lower,
        shared_counts.estimated_same_direction_share_upper as estimate_upper,
        shared_counts.n_same_direction > 0 as is_found,
        shared_counts.estimated_share_refusal as refusal,
        truths.planted_coefficient,
        truths.large_sample_value,
        coalesce(truths.monte_carlo_error, 0) as monte_carlo_error,
        truths.note
    from shared_counts
    inner join truths
        on
            truths.quantity = 'shared_mediator_share'
            and shared_counts.biomarker_set = 'all'
            and shared_counts.arm = truths.arm
            and shared_counts.exposure = truths.exposure
            and shared_counts.platform = truths.platform
            and shared_counts.denominator = truths.scaling
),

compared as (
    select * from of_associations
    union all
    select * from of_hazard_ratios
    union all
    select * from of_effects
    union all
    select * from of_overlaps
),

measured as (
    select
        compared.*,
        compared.large_sample_value >= compared.estimate_lower and compared.large_sample_value <= compared.estimate_upper as is_covered,
        (compared.estimate - compared.large_sample_value)
        / sqrt(
            compared.standard_error * compared.standard_error + compared.monte_carlo_error * compared.monte_carlo_error
        ) as standard_errors_from_truth
    from compared
)

select * from measured
order by quantity, arm, exposure, scaling, platform, biomarker, outcome
