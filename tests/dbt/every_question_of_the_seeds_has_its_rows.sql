{{ config(severity='warn') }}
-- What the seeds ask, the result tables answer: by an estimate or a refusal, never by silence. One branch per table of a paper:
-- T2 and T3 hazard ratios of each exposure, scaling, definition and adjustment, with the rates behind them; T4 subgroups and
-- joint exposures; T5 sensitivity analyses, controls and the table of choices; T6 lifestyle on every outcome. A warning: a row of
-- the seeds that no data of an export can answer must not keep the others from being published.
with studies as (
    select studies.study
    from {{ ref('studies') }} as studies
    inner join {{ ref('cohorts') }} as cohorts on studies.cohort_kind = cohorts.kind
    where cohorts.cohort = '{{ env_var('COHORT', 'synthetic') }}'
),

exposures as (
    select exposures.*
    from {{ ref('exposures') }} as exposures
    inner join studies on exposures.study = studies.study
),

hazard_ratios as (
    select * from {{ ref('hazard_ratios') }}
),

-- an exposure is never adjusted for itself
adjusting_for as (
    select
        adjustment_sets.study,
        adjustment_sets.adjustment_set,
        exposures.exposure
    from {{ ref('adjustment_sets') }} as adjustment_sets
    inner join {{ ref('covariates') }} as covariates on adjustment_sets.covariate = covariates.covariate
    inner join exposures
        on adjustment_sets.study = exposures.study and covariates.column_name = exposures.column_name
    group by adjustment_sets.study, adjustment_sets.adjustment_set, exposures.exposure
),

sets as (
    select
        study,
        adjustment_set
    from {{ ref('adjustment_sets') }}
    group by study, adjustment_set
),

models_asked as (
    select
        exposures.study,
        exposures.arm,
        exposures.exposure,
        scalings.scaling,
        arm_definitions.outcome_definition,
        sets.adjustment_set,
        scalings.is_primary and arm_definitions.is_primary and sets.adjustment_set = arms.primary_adjustment_set as is_primary_model
    from exposures
    inner join {{ ref('arms') }} as arms on exposures.study = arms.study and exposures.arm = arms.arm
    inner join {{ ref('exposure_scalings') }} as scalings
        on exposures.study = scalings.study and exposures.exposure = scalings.exposure
    inner join {{ ref('arm_outcome_definitions') }} as arm_definitions
        on exposures.study = arm_definitions.study and exposures.arm = arm_definitions.arm
    inner join {{ ref('outcome_definitions') }} as definitions
        on arm_definitions.outcome_definition = definitions.outcome_definition
    inner join sets on exposures.study = sets.study
    left join adjusting_for
        on
            exposures.study = adjusting_for.study
            and exposures.exposure = adjusting_for.exposure
            and sets.adjustment_set = adjusting_for.adjustment_set
    where
        adjusting_for.exposure is null
        and (definitions.follow_up_source != 'visit' or scalings.is_primary)
),

primary_models as (
    select * from models_asked
    where is_primary_model
),

models_silent as (
    select
        'hazard_ratios' as result_table,
        models_asked.exposure || ', ' || models_asked.scaling || ', ' || models_asked.outcome_definition || ', '
        || models_asked.adjustment_set as question
    from models_asked
    left join hazard_ratios
        on
            models_asked.study = hazard_ratios.study
            and models_asked.arm = hazard_ratios.arm
            and models_asked.exposure = hazard_ratios.exposure
            and models_asked.scaling = hazard_ratios.scaling
            and models_asked.outcome_definition = hazard_ratios.outcome_definition
            and models_asked.adjustment_set = hazard_ratios.adjustment_set
            and hazard_ratios.subgroup = 'everyone'
    where hazard_ratios.exposure is null
),

-- one rate per level of each exposure, for every definition that its hazard ratios have
rates_silent as (
    select
        'incidence_rates' as result_table,
        models_asked.exposure || ', ' || models_asked.outcome_definition as question
    from models_asked
    left join {{ ref('incidence_rates') }} as rates
        on
            models_asked.study = rates.study
            and models_asked.arm = rates.arm
            and models_asked.exposure = rates.grouping
            and models_asked.outcome_definition = rates.outcome_definition
    where rates.grouping is null
    group by models_asked.exposure, models_asked.outcome_definition
),

subgroups_silent as (
    select
        'hazard_ratios' as result_table,
        primary_models.exposure || ' in ' || subgroups.grouping || ': ' || subgroups.subgroup as question
    from primary_models
    inner join {{ ref('subgroups') }} as subgroups on primary_models.study = subgroups.study
    left join hazard_ratios
        on
            primary_models.study = hazard_ratios.study
            and primary_models.arm = hazard_ratios.arm
            and primary_models.exposure = hazard_ratios.exposure
            and primary_models.scaling = hazard_ratios.scaling
            and primary_models.outcome_definition = hazard_ratios.outcome_definition
            and primary_models.adjustment_set = hazard_ratios.adjustment_set
            and hazard_ratios.subgroup = subgroups.grouping || ': ' || subgroups.subgroup
    where hazard_ratios.exposure is null
),

joint_silent as (
    select
        'hazard_ratios' as result_table,
        joint_exposures.joint_exposure as question
    from {{ ref('joint_exposures') }} as joint_exposures
    inner join studies on joint_exposures.study = studies.study
    left join hazard_ratios
        on
            joint_exposures.study = hazard_ratios.study
            and joint_exposures.arm = hazard_ratios.arm
            and joint_exposures.joint_exposure = hazard_ratios.exposure
    where hazard_ratios.exposure is null
    group by joint_exposures.joint_exposure
),

-- another outcome definition is asked only of the arms that have it beside their primary one
sensitivity_asked as (
    select
        primary_models.study,
        primary_models.arm,
        primary_models.exposure,
        analyses.analysis,
        analyses.kind
    from primary_models
    inner join {{ ref('sensitivity_analyses') }} as analyses on primary_models.study = analyses.study
    left join models_asked
        on
            primary_models.study = models_asked.study
            and primary_models.arm = models_asked.arm
            and primary_models.exposure = models_asked.exposure
            and primary_models.scaling = models_asked.scaling
            and primary_models.adjustment_set = models_asked.adjustment_set
            and analyses.parameter = models_asked.outcome_definition
            and primary_models.outcome_definition != models_asked.outcome_definition
    where analyses.kind != 'outcome_definition' or models_asked.exposure is not null
),

sensitivity_silent as (
    select
        'sensitivity_hazard_ratios' as result_table,
        asked.exposure || ': ' || asked.analysis as question
    from sensitivity_asked as asked
    left join {{ ref('sensitivity_hazard_ratios') }} as ratios
        on
            asked.study = ratios.study
            and asked.arm = ratios.arm
            and asked.exposure = ratios.exposure
            and asked.analysis = ratios.analysis
    where ratios.exposure is null
),

choices_silent as (
    select
        'analysis_choices' as result_table,
        asked.exposure || ': ' || asked.analysis as question
    from sensitivity_asked as asked
    left join {{ ref('analysis_choices') }} as choices
        on
            asked.study = choices.study
            and asked.arm = choices.arm
            and asked.exposure = choices.exposure
            and asked.analysis = choices.choice
    where choices.exposure is null and asked.kind != 'outcome_definition'
),

controls_silent as (
    select
        'negative_controls' as result_table,
        controls.control as question
    from {{ ref('control_analyses') }} as controls
    inner join studies on controls.study = studies.study
    left join {{ ref('negative_controls') }} as found
        on controls.study = found.study and controls.control = found.control
    where found.control is null
    group by controls.control
),

lifestyle_silent as (
    select
        'lifestyle_hazard_ratios' as result_table,
        contrasts.contrast || ' on ' || arms.outcome as question
    from {{ ref('lifestyle_contrasts') }} as contrasts
    inner join studies on contrasts.study = studies.study
    inner join {{ ref('arms') }} as arms on contrasts.study = arms.study
    left join {{ ref('lifestyle_hazard_ratios') }} as found
        on
            contrasts.study = found.study
            and contrasts.factor = found.factor
            and contrasts.contrast = found.contrast
            and arms.arm = found.arm
    where found.contrast is null
)

{% for silent in [
    'models_silent', 'rates_silent', 'subgroups_silent', 'joint_silent', 'sensitivity_silent', 'choices_silent',
    'controls_silent', 'lifestyle_silent',
] -%}
select * from {{ silent }}
{% if not loop.last %}union all
{% endif -%}
{% endfor -%}
