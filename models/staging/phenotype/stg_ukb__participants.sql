-- The participant table at baseline: one row per participant, renamed, typed, missing codes out (seeds/missing_codes.csv).
{{ gate('raw') }}
{%- set rules = field_rules() %}

with participants as (
    select * from {{ source('ukb', 'participant') }}
),

typed as (
    select
        eid as participant_id,
        -- ids and time
        case p31 when '0' then 'female' when '1' then 'male' end as sex,
        cast({{ field_number('p34', rules) }} as integer) as year_of_birth,
        cast({{ field_number('p52', rules) }} as integer) as month_of_birth,
        cast({{ field_number('p21022', rules) }} as integer) as age_at_recruitment_years,
        p54_i0 as assessment_centre_code,
        {{ field_date('p53_i0', rules) }} as visit_date,
        {{ field_code('p190', rules) }} as lost_to_follow_up_reason_code,
        {{ field_date('p191', rules) }} as lost_to_follow_up_date,
        -- people and place
        {{ field_code('p21000_i0', rules) }} as ethnic_background_code,
        {{ field_number('p22189', rules) }} as townsend_deprivation_index,
        case
            when {{ json_list_holds('p6138_i0', '1') }} then 'degree'
            when {{ json_list_holds('p6138_i0', '2') }} then 'a_level'
            when {{ json_list_holds('p6138_i0', '6') }} then 'professional'
            when {{ json_list_holds('p6138_i0', '5') }} then 'nvq'
            when {{ json_list_holds('p6138_i0', '3') }} then 'o_level'
            when {{ json_list_holds('p6138_i0', '4') }} then 'cse'
            when {{ json_list_holds('p6138_i0', '-7') }} then 'none'
        end as highest_qualification,
        {{ field_code('p738_i0', rules) }} as household_income_code,
        -- body
        {{ field_number('p50_i0', rules) }} as standing_height_cm,
        {{ field_number('p21002_i0', rules) }} as weight_kg,
        {{ field_number('p21001_i0', rules) }} as body_mass_index_kg_per_m2,
        {{ field_number('p48_i0', rules) }} as waist_circumference_cm,
        {{ field_number('p49_i0', rules) }} as hip_circumference_cm,
        {{ field_number('p23099_i0', rules) }} as body_fat_percent,
        {{ field_number('p23100_i0', rules) }} as whole_body_fat_mass_kg,
        {{ field_number('p23101_i0', rules) }} as whole_body_fat_free_mass_kg,
        {{ field_number('p23102_i0', rules) }} as whole_body_water_mass_kg,
        {{ field_number('p23106_i0', rules) }} as whole_body_impedance_ohm,
        {{ field_number('p23113_i0', rules) }} as leg_fat_free_mass_right_kg,
        {{ field_number('p23117_i0', rules) }} as leg_fat_free_mass_left_kg,
        {{ field_number('p23121_i0', rules) }} as arm_fat_free_mass_right_kg,
        {{ field_number('p23125_i0', rules) }} as arm_fat_free_mass_left_kg,
        {{ field_number('p23129_i0', rules) }} as trunk_fat_free_mass_kg,
        {{ field_number('p23114_i0', rules) }} as leg_predicted_muscle_mass_right_kg,
        {{ field_number('p23118_i0', rules) }} as leg_predicted_muscle_mass_left_kg,
        {{ field_number('p23122_i0', rules) }} as arm_predicted_muscle_mass_right_kg,
        {{ field_number('p23126_i0', rules) }} as arm_predicted_muscle_mass_left_kg,
        -- muscle
        {{ field_number('p46_i0', rules) }} as grip_strength_left_kg,
        {{ field_number('p47_i0', rules) }} as grip_strength_right_kg,
        p38_i0 as dynamometer_device_id,
        {{ field_code('p924_i0', rules) }} as walking_pace_code,
        -- bone
        {{ field_number('p3148_i0', rules) }} as heel_bmd_one_heel_g_per_cm2,
        {{ field_number('p4105_i0', rules) }} as heel_bmd_left_g_per_cm2,
        {{ field_number('p4124_i0', rules) }} as heel_bmd_right_g_per_cm2,
        {{ field_number('p78_i0', rules) }} as heel_t_score_one_heel_sd,
        {{ field_number('p4106_i0', rules) }} as heel_t_score_left_sd,
        {{ field_number('p4125_i0', rules) }} as heel_t_score_right_sd,
        {{ field_number('p3144_i0', rules) }} as heel_broadband_attenuation_db_per_mhz,
        {{ field_number('p3146_i0', rules) }} as heel_speed_of_sound_m_per_s,
        {{ field_code('p19_i0', rules) }} as heel_ultrasound_method_code,
        -- lifestyle
        {{ field_code('p943_i0', rules) }} as stair_climbing_code,
        {{ field_number('p845_i0', rules) }} as age_left_education_years,
        {{ field_code('p1239_i0', rules) }} as current_tobacco_smoking_code,
        {{ field_code('p20116_i0', rules) }} as smoking_status_code,
        {{ field_number('p20161_i0', rules) }} as pack_years,
        {{ field_number('p1160_i0', rules) }} as sleep_duration_hours_per_day,
        {{ field_code('p1200_i0', rules) }} as insomnia_code,
        {{ field_number('p22040_i0', rules) }} as total_activity_met_minutes_per_week,
        {{ field_code('p22032_i0', rules) }} as ipaq_activity_group_code,
        {{ field_code('p22036_i0', rules) }} as meets_activity_guideline_code,
        {{ field_number('p864_i0', rules) }} as walking_days_per_week,
        {{ field_number('p874_i0', rules) }} as walking_minutes_per_day,
        {{ field_number('p884_i0', rules) }} as moderate_activity_days_per_week,
        {{ field_number('p894_i0', rules) }} as moderate_activity_minutes_per_day,
        {{ field_number('p904_i0', rules) }} as vigorous_activity_days_per_week,
        {{ field_number('p914_i0', rules) }} as vigorous_activity_minutes_per_day,
        -- only where worn long enough and calibrated well (90015, 90016)
        case when p90015 = '1' and p90016 = '1' then {{ field_number('p90012', rules) }} end as acceleration_average_milligravity,
        {{ field_number('p1050_i0', rules) }} as outdoors_in_summer_hours_per_day,
        {{ field_code('p20117_i0', rules) }} as alcohol_drinker_status_code,
        {{ field_code('p1558_i0', rules) }} as alcohol_intake_frequency_code,
        {{ field_number('p1309_i0', rules) }} as fresh_fruit_pieces_per_day,
        {{ field_number('p1289_i0', rules) }} as cooked_vegetable_tablespoons_per_day,
        {{ field_code('p1329_i0', rules) }} as oily_fish_intake_code,
        {{ field_code('p1349_i0', rules) }} as processed_meat_intake_code,
        {{ field_holds('p6155_i0', '4', rules) }} as takes_vitamin_d_supplement,
        {{ field_holds('p6179_i0', '3', rules) }} as takes_calcium_supplement,
        -- women, medicines and history
        {{ field_code('p2724_i0', rules) }} as had_menopause_code,
        {{ field_number('p3581_i0', rules) }} as age_at_menopause_years,
        {{ field_code('p2814_i0', rules) }} as ever_used_hrt_code,
        {{ field_code('p2834_i0', rules) }} as bilateral_oophorectomy_code,
        {{ field_holds('p6153_i0', '1', rules) }} as takes_cholesterol_medication_women,
        {{ field_holds('p6153_i0', '3', rules) }} as takes_insulin_women,
        {{ field_holds('p6153_i0', '4', rules) }} as takes_hrt_women,
        {{ field_holds('p6177_i0', '1', rules) }} as takes_cholesterol_medication_men,
        {{ field_holds('p6177_i0', '3', rules) }} as takes_insulin_men,
        {{ field_code('p2443_i0', rules) }} as diabetes_diagnosed_code,
        {{ field_holds('p6150_i0', '1', rules) }} as has_heart_attack,
        {{ field_holds('p6150_i0', '2', rules) }} as has_angina,
        {{ field_holds('p6150_i0', '3', rules) }} as has_stroke,
        {{ field_code('p2463_i0', rules) }} as fracture_last_5_years_code,
        {{ field_code('p2296_i0', rules) }} as falls_last_year_code,
        -- blood
        {{ field_number('p30890_i0', rules) }} as vitamin_d_nmol_per_l,
        {{ field_number('p30710_i0', rules) }} as c_reactive_protein_mg_per_l,
        {{ field_number('p30770_i0', rules) }} as igf_1_nmol_per_l,
        {{ field_number('p30830_i0', rules) }} as shbg_nmol_per_l,
        {{ field_number('p30850_i0', rules) }} as testosterone_nmol_per_l,
        {{ field_number('p30600_i0', rules) }} as albumin_g_per_l,
        {{ field_number('p30720_i0', rules) }} as cystatin_c_mg_per_l,
        {{ field_number('p30680_i0', rules) }} as calcium_mmol_per_l,
        {{ field_number('p30700_i0', rules) }} as creatinine_umol_per_l,
        {{ field_number('p74_i0', rules) }} as fasting_time_hours,
        {{ mean_of_readings('p4080_i0', rules) }} as systolic_blood_pressure_mmhg,
        -- genotype
        case p22001 when '0' then 'female' when '1' then 'male' end as genetic_sex,
        p22006 = '1' as is_white_british_by_genetics,
        p22019 = '1' as has_sex_chromosome_aneuploidy,
        p22027 = '1' as is_heterozygosity_or_missing_outlier,
        try_cast(p22021 as integer) as genetic_kinship_code,
        case when try_cast(p22000 as integer) < 0 then 'BiLEVE' when try_cast(p22000 as integer) > 0 then 'Axiom' end as genotype_array,
        {% for component in range(1, 11) -%}
        try_cast({{ json_list_element('p22009', component - 1) }} as double) as genetic_pc_{{ component }},
        {% endfor -%}
        {{ field_number('p26258', rules) }} as prs_osteoporosis,
        {{ field_number('p26234', rules) }} as prs_heel_bmd
    from participants
)

select * from typed
