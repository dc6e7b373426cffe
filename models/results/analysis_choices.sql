-- Which choice moves each primary hazard ratio, and by how much: the primary estimate beside every other that answers the same
-- question with one choice made differently. Errors are those of the primary estimate: the two share most participants.
with hazard_ratios as (
    select * from {{ ref('hazard_ratios') }}
    where refusal is null
),

arms as (
    select * from {{ ref('arms') }}
),

sensitivity_hazard_ratios as (
    select * from {{ ref('sensitivity_hazard_ratios') }}
    where refusal is null
),

main as (
    select hazard_ratios.*
    from hazard_ratios
    inner join arms
        on
            hazard_ratios.study = arms.study
            and hazard_ratios.arm = arms.arm
            and hazard_ratios.adjustment_set = arms.primary_adjustment_set
    where hazard_ratios.is_primary
),

-- one choice at a time: the other two as in the primary model
model_choices as (
    select
        main.study,
        main.arm,
        main.exposure,
        main.level,
        case
            when others.subgroup != 'everyone' then 'subgroup'
            when others.adjustment_set != main.adjustment_set then 'adjustment'
            when others.outcome_definition != main.outcome_definition then 'outcome definition'
            else 'scaling'
        end as choice_kind,
        case
            when others.subgroup != 'everyone' then others.subgroup
            when others.adjustment_set != main.adjustment_set then others.adjustment_set
            when others.outcome_definition != main.outcome_definition then others.outcome_definition
            else others.scaling || ', ' || others.level
        end as choice,
        others.n_participants,
        others.n_events,
        others.log_hazard_ratio,
        others.standard_error,
        others.hazard_ratio
    from main
    inner join hazard_ratios as others
        on
            main.study = others.study
            and main.arm = others.arm
            and main.exposure = others.exposure
    where
        case when others.subgroup != main.subgroup then 1 else 0 end
        + case when others.adjustment_set != main.adjustment_set then 1 else 0 end
        + case when others.outcome_definition != main.outcome_definition then 1 else 0 end
        + case when others.scaling != main.scaling then 1 else 0 end
        = 1
        and (others.scaling != main.scaling or others.level = main.level)
),

sensitivity_choices as (
    select
        study,
        arm,
        exposure,
        level,
        'sensitivity' as choice_kind,
        analysis as choice,
        n_participants,
        n_events,
        log_hazard_ratio,
        standard_error,
        hazard_ratio
    from sensitivity_hazard_ratios
    where kind != 'outcome_definition'
),

choices as (
    select * from model_choices

    union all

    select * from sensitivity_choices
),

compared as (
    select
        choices.study,
        choices.arm,
        choices.exposure,
        choices.level,
        choices.choice_kind,
        choices.choice,
        choices.choice_kind != 'scaling' as has_same_unit,
        choices.n_participants,
        choices.n_events,
        choices.log_hazard_ratio,
        choices.standard_error,
        choices.hazard_ratio,
        main.log_hazard_ratio as primary_log_hazard_ratio,
        main.standard_error as primary_standard_error,
        main.hazard_ratio as primary_hazard_ratio,
        choices.log_hazard_ratio - main.log_hazard_ratio as difference,
        (choices.log_hazard_ratio - main.log_hazard_ratio) / main.standard_error as difference_in_standard_errors,
        sign(choices.log_hazard_ratio) != sign(main.log_hazard_ratio) as changes_direction
    from choices
    inner join main
        on
            choices.study = main.study
            and choices.arm = main.arm
            and choices.exposure = main.exposure
            and choices.level = main.level
),

-- among choices that keep the unit; 1 moves the estimate most
ranked as (
    select
        *,
        case
            when has_same_unit
                then
                    row_number() over (
                        partition by study, arm, exposure, level, has_same_unit
                        order by abs(difference) desc, choice_kind asc, choice asc
                    )
        end as position_by_size
    from compared
)

select * from ranked
