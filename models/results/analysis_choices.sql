-- Which choice moves each primary hazard ratio, and by how much: the primary model beside every other that answers the same
-- question with one choice made differently. Two estimates are subtracted only where one unit means the same in both: the
-- same scaling and level, the same time scale and the same kind of hazard. Errors are those of the primary estimate: the
-- two share most participants. A choice without an estimate stays, with its refusal.
with hazard_ratios as (
    select * from {{ ref('hazard_ratios') }}
),

sensitivity_hazard_ratios as (
    select * from {{ ref('sensitivity_hazard_ratios') }}
),

primary_models as (
    select * from hazard_ratios
    where is_primary_model
),

-- one row per primary model, whatever its levels
questions as (
    select distinct
        study,
        arm,
        exposure,
        scaling,
        outcome_definition,
        adjustment_set
    from primary_models
),

-- one choice at a time: the others as in the primary model
model_choices as (
    select
        others.study,
        others.arm,
        others.exposure,
        others.scaling,
        others.level,
        case
            when others.subgroup != 'everyone' then 'subgroup'
            when others.adjustment_set != questions.adjustment_set then 'adjustment'
            when others.outcome_definition != questions.outcome_definition then 'outcome definition'
            else 'scaling'
        end as choice_kind,
        case
            when others.subgroup != 'everyone' then others.subgroup
            when others.adjustment_set != questions.adjustment_set then others.adjustment_set
            when others.outcome_definition != questions.outcome_definition then others.outcome_definition
            when others.level = '' then others.scaling
            else others.scaling || ', ' || others.level
        end as choice,
        case when others.estimator = 'grouped_hazards' then 'time between visits' end as other_time_scale,
        cast(null as varchar) as among,
        others.n_participants,
        others.n_events,
        others.events_per_parameter,
        others.log_hazard_ratio,
        others.standard_error,
        others.hazard_ratio,
        others.hazard_ratio_lower,
        others.hazard_ratio_upper,
        others.note,
        others.refusal
    from questions
    inner join hazard_ratios as others
        on
            questions.study = others.study
            and questions.arm = others.arm
            and questions.exposure = others.exposure
    where
        case when others.subgroup != 'everyone' then 1 else 0 end
        + case when others.adjustment_set != questions.adjustment_set then 1 else 0 end
        + case when others.outcome_definition != questions.outcome_definition then 1 else 0 end
        + case when others.scaling != questions.scaling then 1 else 0 end
        = 1
),

sensitivity_choices as (
    select
        study,
        arm,
        exposure,
        scaling,
        level,
        case when kind = 'same_people' then 'adjustment in the same people' else 'sensitivity' end as choice_kind,
        analysis as choice,
        case
            when kind = 'attained_age' then 'attained age'
            when kind = 'competing_death' then 'subdistribution hazard'
            when estimator = 'grouped_hazards' then 'time between visits'
        end as other_time_scale,
        case when kind = 'same_people' then split_part(parameter, ' of ', 2) end as among,
        n_participants,
        n_events,
        events_per_parameter,
        log_hazard_ratio,
        standard_error,
        hazard_ratio,
        hazard_ratio_lower,
        hazard_ratio_upper,
        note,
        refusal
    from sensitivity_hazard_ratios
    where kind != 'outcome_definition'
),

-- the primary adjustment in the people of a fuller one: what that fuller set and the others among them are compared with
primary_in_the_same_people as (
    select
        others.study,
        others.arm,
        others.exposure,
        others.level,
        others.analysis,
        split_part(others.parameter, ' of ', 2) as among,
        others.log_hazard_ratio,
        others.standard_error,
        others.hazard_ratio,
        others.n_participants
    from sensitivity_hazard_ratios as others
    inner join questions
        on
            others.study = questions.study
            and others.arm = questions.arm
            and others.exposure = questions.exposure
            and others.adjustment_set = questions.adjustment_set
    where others.kind = 'same_people'
),

-- a fuller set is by itself in its own people
fuller_choices as (
    select
        model_choices.study,
        model_choices.arm,
        model_choices.exposure,
        model_choices.scaling,
        model_choices.level,
        'adjustment in the same people' as choice_kind,
        model_choices.choice || ' among those complete for ' || model_choices.choice as choice,
        model_choices.other_time_scale,
        model_choices.choice as among,
        model_choices.n_participants,
        model_choices.n_events,
        model_choices.events_per_parameter,
        model_choices.log_hazard_ratio,
        model_choices.standard_error,
        model_choices.hazard_ratio,
        model_choices.hazard_ratio_lower,
        model_choices.hazard_ratio_upper,
        model_choices.note,
        model_choices.refusal
    from model_choices
    inner join primary_in_the_same_people
        on
            model_choices.study = primary_in_the_same_people.study
            and model_choices.arm = primary_in_the_same_people.arm
            and model_choices.exposure = primary_in_the_same_people.exposure
            and model_choices.level = primary_in_the_same_people.level
            and model_choices.choice = primary_in_the_same_people.among
    where model_choices.choice_kind = 'adjustment'
),

choices as (
    select * from model_choices

    union all

    select * from sensitivity_choices

    union all

    select * from fuller_choices
),

-- another scaling stands beside every level of the primary one; any other choice beside its own level
placed as (
    select
        choices.study,
        choices.arm,
        choices.exposure,
        coalesce(primary_models.level, choices.level) as level,
        choices.choice_kind,
        choices.choice,
        choices.other_time_scale,
        choices.n_participants,
        choices.n_events,
        choices.events_per_parameter,
        choices.log_hazard_ratio,
        choices.standard_error,
        choices.hazard_ratio,
        choices.hazard_ratio_lower,
        choices.hazard_ratio_upper,
        choices.note,
        choices.refusal,
        coalesce(same_people.analysis, 'primary model') as compared_with,
        coalesce(same_people.log_hazard_ratio, primary_models.log_hazard_ratio) as primary_log_hazard_ratio,
        coalesce(same_people.standard_error, primary_models.standard_error) as primary_standard_error,
        coalesce(same_people.hazard_ratio, primary_models.hazard_ratio) as primary_hazard_ratio,
        coalesce(same_people.n_participants, primary_models.n_participants) as primary_n_participants
    from choices
    left join primary_models
        on
            choices.study = primary_models.study
            and choices.arm = primary_models.arm
            and choices.exposure = primary_models.exposure
            and (choices.choice_kind = 'scaling' or choices.level = primary_models.level)
    left join primary_in_the_same_people as same_people
        on
            choices.study = same_people.study
            and choices.arm = same_people.arm
            and choices.exposure = same_people.exposure
            and choices.level = same_people.level
            and choices.among = same_people.among
            -- itself among these people is compared with the primary model: what the people alone do
            and choices.choice != same_people.analysis
),

explained as (
    select
        *,
        case
            when choice_kind = 'scaling' then 'another unit of the exposure'
            when other_time_scale = 'subdistribution hazard'
                then 'another kind of hazard: subdistribution, in which the dead stay at risk'
            when other_time_scale is not null then 'another time scale: ' || other_time_scale
            when log_hazard_ratio is null then 'this choice has no estimate'
            when primary_log_hazard_ratio is null then 'the ' || compared_with || ' has no estimate'
        end as why_no_difference
    from placed
),

compared as (
    select
        study,
        arm,
        exposure,
        level,
        choice_kind,
        choice,
        choice_kind != 'scaling' and other_time_scale is null as has_same_unit,
        n_participants,
        n_events,
        events_per_parameter,
        log_hazard_ratio,
        standard_error,
        hazard_ratio,
        hazard_ratio_lower,
        hazard_ratio_upper,
        compared_with,
        primary_n_participants,
        primary_log_hazard_ratio,
        primary_standard_error,
        primary_hazard_ratio,
        case when why_no_difference is null then log_hazard_ratio - primary_log_hazard_ratio end as difference,
        case
            when why_no_difference is null then (log_hazard_ratio - primary_log_hazard_ratio) / primary_standard_error
        end as difference_in_standard_errors,
        case
            when why_no_difference is null then sign(log_hazard_ratio) != sign(primary_log_hazard_ratio)
        end as changes_direction,
        why_no_difference,
        note,
        refusal
    from explained
),

-- among choices with a difference; 1 moves the estimate most
ranked as (
    select
        *,
        case
            when difference is not null
                then
                    row_number() over (
                        partition by study, arm, exposure, level, difference is not null
                        order by abs(difference) desc, choice_kind asc, choice asc
                    )
        end as position_by_size
    from compared
)

select * from ranked
