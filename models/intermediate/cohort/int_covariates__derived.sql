-- Covariates as the models use them: categorical ones carry the level 'unknown', so that no one is dropped for an unanswered question;
-- continuous ones stay null. Twin questions (women's and men's forms) are coalesced.
with participants as (
    select * from {{ ref('stg_ukb__participants') }}
),

included as (
    select * from {{ ref('int_participants__included') }}
),

condition_events as (
    select * from {{ ref('int_condition_events__matched') }}
),

conditions_at_baseline as (
    select
        condition_events.participant_id,
        max(case when condition_events.condition = 'rheumatoid_arthritis' then 1 else 0 end) as has_rheumatoid_arthritis,
        max(case when condition_events.condition = 'systemic_glucocorticoid' then 1 else 0 end) as takes_glucocorticoid
    from condition_events
    inner join included on condition_events.participant_id = included.participant_id
    where
        condition_events.condition in ('rheumatoid_arthritis', 'systemic_glucocorticoid')
        and (condition_events.event_date is null or condition_events.event_date <= included.baseline_date)
    group by condition_events.participant_id
),

diet as (
    select
        participant_id,
        -- three heaped tablespoons of vegetables are one portion
        fresh_fruit_pieces_per_day + cooked_vegetable_tablespoons_per_day / 3 as fruit_and_vegetable_portions_per_day,
        -- codings 100377: 0 never, 1 less than once a week, 2 once a week, 3 two to four, 4 five to six, 5 daily
        oily_fish_intake_code >= 2 as eats_oily_fish_weekly,
        processed_meat_intake_code <= 2 as eats_processed_meat_once_a_week_at_most
    from participants
),

derived as (
    select
        participants.participant_id,
        case floor(participants.ethnic_background_code / power(10, length(cast(abs(participants.ethnic_background_code) as varchar)) - 1))
            when 1 then 'white'
            when 2 then 'mixed'
            when 3 then 'asian'
            when 4 then 'black'
            when 5 then 'chinese'
            when 6 then 'other'
            else 'unknown'
        end as ethnicity_group,
        coalesce(participants.assessment_centre_code, 'unknown') as assessment_centre_code,
        participants.townsend_deprivation_index,
        coalesce(participants.highest_qualification, 'unknown') as education,
        participants.age_left_education_years,
        case participants.household_income_code
            when 1 then 'below 18,000'
            when 2 then '18,000 to 30,999'
            when 3 then '31,000 to 51,999'
            when 4 then '52,000 to 100,000'
            when 5 then 'above 100,000'
            else 'unknown'
        end as household_income,
        case participants.smoking_status_code when 0 then 'never' when 1 then 'previous' when 2 then 'current' else 'unknown' end as smoking_status,
        case participants.smoking_status_code when 1 then true when 2 then false end as is_former_smoker,
        case when participants.smoking_status_code = 0 then 0 else participants.pack_years end as pack_years,
        case participants.current_tobacco_smoking_code
            when 0 then 'no'
            when 1 then 'on most or all days'
            when 2 then 'occasionally'
            else 'unknown'
        end as current_tobacco_smoking,
        case participants.alcohol_intake_frequency_code
            when 1 then 'daily or almost daily'
            when 2 then 'three or four times a week'
            when 3 then 'once or twice a week'
            when 4 then 'one to three times a month'
            when 5 then 'special occasions only'
            when 6 then 'never'
            else 'unknown'
        end as alcohol_intake_frequency,
        case participants.ipaq_activity_group_code when 0 then 'low' when 1 then 'moderate' when 2 then 'high' else 'unknown' end as physical_activity,
        participants.total_activity_met_minutes_per_week,
        -- no activity is an answer, and has no logarithm
        ln(participants.total_activity_met_minutes_per_week + 1) as total_activity_log_met_minutes_per_week,
        case participants.meets_activity_guideline_code when 1 then 'yes' when 0 then 'no' else 'unknown' end as activity_guideline,
        {{ minutes_a_week('participants.walking_days_per_week', 'participants.walking_minutes_per_day') }} as walking_minutes_per_week,
        {{ minutes_a_week('participants.moderate_activity_days_per_week', 'participants.moderate_activity_minutes_per_day') }}
            as moderate_activity_minutes_per_week,
        {{ minutes_a_week('participants.vigorous_activity_days_per_week', 'participants.vigorous_activity_minutes_per_day') }}
            as vigorous_activity_minutes_per_week,
        participants.sleep_duration_hours_per_day,
        case
            when participants.sleep_duration_hours_per_day < 7 then 'short (under 7 h)'
            when participants.sleep_duration_hours_per_day <= 8 then 'normal (7 to 8 h)'
            when participants.sleep_duration_hours_per_day > 8 then 'long (over 8 h)'
            else 'unknown'
        end as sleep_duration_category,
        diet.fruit_and_vegetable_portions_per_day,
        coalesce(
            cast(
                (case when diet.fruit_and_vegetable_portions_per_day >= 5 then 1 when diet.fruit_and_vegetable_portions_per_day < 5 then 0 end)
                + (case when diet.eats_oily_fish_weekly then 1 when not diet.eats_oily_fish_weekly then 0 end)
                + (case when diet.eats_processed_meat_once_a_week_at_most then 1 when not diet.eats_processed_meat_once_a_week_at_most then 0 end)
                as varchar
            ),
            'unknown'
        ) as diet_score,
        case participants.diabetes_diagnosed_code when 1 then 'yes' when 0 then 'no' else 'unknown' end as diabetes,
        case
            when participants.has_heart_attack or participants.has_angina or participants.has_stroke then 'yes'
            when participants.has_heart_attack is not null then 'no'
            else 'unknown'
        end as cardiovascular_disease,
        case when conditions_at_baseline.has_rheumatoid_arthritis = 1 then 'yes' else 'no' end as rheumatoid_arthritis,
        case when conditions_at_baseline.takes_glucocorticoid = 1 then 'yes' else 'no' end as systemic_glucocorticoid,
        case
            when participants.takes_vitamin_d_supplement then 'yes'
            when not participants.takes_vitamin_d_supplement then 'no'
            else 'unknown'
        end as vitamin_d_supplement,
        case
            when participants.takes_calcium_supplement then 'yes'
            when not participants.takes_calcium_supplement then 'no'
            else 'unknown'
        end as calcium_supplement,
        case
            when coalesce(participants.takes_cholesterol_medication_women, participants.takes_cholesterol_medication_men) then 'yes'
            when not coalesce(participants.takes_cholesterol_medication_women, participants.takes_cholesterol_medication_men) then 'no'
            else 'unknown'
        end as cholesterol_medication,
        ln(participants.vitamin_d_nmol_per_l) as vitamin_d_log_nmol_per_l,
        case
            when month(included.baseline_date) in (12, 1, 2) then 'winter'
            when month(included.baseline_date) in (3, 4, 5) then 'spring'
            when month(included.baseline_date) in (6, 7, 8) then 'summer'
            else 'autumn'
        end as season,
        -- the question was put to women only: men are a level of their own, never missing
        case
            when included.sex = 'male' then 'male'
            when participants.had_menopause_code = 0 then 'no'
            when participants.had_menopause_code = 1 then 'yes'
            when participants.had_menopause_code in (2, 3) then 'unsure (hysterectomy or other)'
            else 'unknown'
        end as menopause_status,
        case
            when included.sex = 'male' then 'male'
            when participants.ever_used_hrt_code = 1 then 'yes'
            when participants.ever_used_hrt_code = 0 then 'no'
            else 'unknown'
        end as ever_used_hrt,
        case participants.falls_last_year_code when 1 then 'none' when 2 then 'one' when 3 then 'more than one' else 'unknown' end as falls_last_year,
        case participants.fracture_last_5_years_code when 1 then 'yes' when 0 then 'no' else 'unknown' end as fracture_last_5_years,
        participants.c_reactive_protein_mg_per_l,
        participants.cystatin_c_mg_per_l,
        participants.systolic_blood_pressure_mmhg,
        participants.fasting_time_hours,
        case participants.alcohol_drinker_status_code when 0 then 'never' when 1 then 'previous' when 2 then 'current' else 'unknown' end as alcohol_status,
        case participants.insomnia_code when 1 then 'never or rarely' when 2 then 'sometimes' when 3 then 'usually' else 'unknown' end as insomnia,
        case
            when included.sex = 'male' then 'male'
            when participants.age_at_menopause_years < 45 then 'yes'
            when participants.age_at_menopause_years >= 45 or participants.had_menopause_code = 0 then 'no'
            else 'unknown'
        end as early_menopause,
        case
            when included.sex = 'male' then 'male'
            when participants.bilateral_oophorectomy_code = 1 then 'yes'
            when participants.bilateral_oophorectomy_code = 0 then 'no'
            else 'unknown'
        end as bilateral_oophorectomy,
        participants.stair_climbing_code as stair_climbing_level,
        participants.acceleration_average_milligravity,
        participants.outdoors_in_summer_hours_per_day,
        participants.igf_1_nmol_per_l,
        participants.shbg_nmol_per_l,
        participants.testosterone_nmol_per_l,
        participants.albumin_g_per_l,
        participants.calcium_mmol_per_l,
        -- CKD-EPI 2012 by cystatin C (Inker 2012, N Engl J Med 367:20, table 2): creatinine is made by muscle, the exposure
        case
            when participants.cystatin_c_mg_per_l is not null
                then
                    133
                    * power(least(participants.cystatin_c_mg_per_l / 0.8, 1), -0.499)
                    * power(greatest(participants.cystatin_c_mg_per_l / 0.8, 1), -1.328)
                    * power(0.996, participants.age_at_recruitment_years)
                    * case when included.sex = 'female' then 0.932 else 1 end
        end as egfr_cystatin_c_ml_per_min_per_173_m2,
        participants.prs_osteoporosis,
        participants.prs_heel_bmd,
        {% for component in range(1, 11) -%}
        participants.genetic_pc_{{ component }},
        {% endfor -%}
        participants.genotype_array,
        -- the genetic arm: European ancestry by genotype, sexes that agree, no aneuploidy, no outlier, kinship inferred and few relatives
        coalesce(
            participants.is_white_british_by_genetics
            and participants.genetic_sex = included.sex
            and not coalesce(participants.has_sex_chromosome_aneuploidy, false)
            and not coalesce(participants.is_heterozygosity_or_missing_outlier, false)
            and participants.genetic_kinship_code in (0, 1),
            false
        ) as is_in_genetic_subset
    from participants
    inner join included on participants.participant_id = included.participant_id
    inner join diet on participants.participant_id = diet.participant_id
    left join conditions_at_baseline on participants.participant_id = conditions_at_baseline.participant_id
)

select * from derived
