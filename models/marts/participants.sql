-- Everything known of a participant at baseline that the analyses use.
with included as (
    select * from {{ ref('int_participants__included') }}
),

exposures as (
    select * from {{ ref('int_exposures__derived') }}
),

covariates as (
    select * from {{ ref('int_covariates__derived') }}
),

gp_registrations as (
    select participant_id
    from {{ ref('stg_ukb__gp_registrations') }}
    group by participant_id
),

protein_samples as (
    select * from {{ ref('stg_olink__samples') }}
),

participants as (
    select
        -- ids and time
        included.participant_id,
        included.baseline_date,
        included.nation,
        covariates.assessment_centre_code,
        covariates.season,

        -- people
        included.sex,
        coalesce(
            cast({{ days_between('included.birth_date_proxy', 'included.baseline_date') }} as double) / cast(365.25 as double),
            cast(included.age_at_recruitment_years as double)
        ) as age_years,
        covariates.ethnicity_group,
        covariates.townsend_deprivation_index,
        covariates.education,
        covariates.age_left_education_years,
        covariates.household_income,

        -- muscle, bone and body
        exposures.lean_mass_index_kg_per_m2,
        exposures.appendicular_lean_mass_index_kg_per_m2,
        exposures.grip_strength_kg,
        exposures.walking_pace_level,
        exposures.heel_bmd_g_per_cm2,
        exposures.heel_bmd_source,
        exposures.heel_t_score_sd,
        exposures.heel_broadband_attenuation_db_per_mhz,
        exposures.heel_speed_of_sound_m_per_s,
        exposures.predicted_muscle_mass_index_kg_per_m2,
        exposures.standing_height_cm,
        exposures.weight_kg,
        exposures.body_mass_index_kg_per_m2,
        exposures.fat_mass_index_kg_per_m2,
        exposures.body_fat_percent,
        exposures.whole_body_water_mass_kg,
        exposures.whole_body_impedance_ohm,
        exposures.waist_circumference_cm,
        exposures.hip_circumference_cm,

        -- lifestyle
        covariates.smoking_status,
        covariates.is_former_smoker,
        covariates.pack_years,
        covariates.current_tobacco_smoking,
        covariates.alcohol_status,
        covariates.alcohol_intake_frequency,
        covariates.physical_activity,
        covariates.total_activity_met_minutes_per_week,
        covariates.total_activity_log_met_minutes_per_week,
        covariates.activity_guideline,
        covariates.walking_minutes_per_week,
        covariates.moderate_activity_minutes_per_week,
        covariates.vigorous_activity_minutes_per_week,
        covariates.sleep_duration_hours_per_day,
        covariates.sleep_duration_category,
        covariates.insomnia,
        covariates.stair_climbing_level,
        covariates.acceleration_average_milligravity,
        covariates.outdoors_in_summer_hours_per_day,
        covariates.fruit_and_vegetable_portions_per_day,
        covariates.diet_score,

        -- health
        covariates.diabetes,
        covariates.cardiovascular_disease,
        covariates.rheumatoid_arthritis,
        covariates.systemic_glucocorticoid,
        covariates.vitamin_d_supplement,
        covariates.calcium_supplement,
        covariates.cholesterol_medication,
        covariates.vitamin_d_log_nmol_per_l,
        covariates.menopause_status,
        covariates.early_menopause,
        covariates.bilateral_oophorectomy,
        covariates.ever_used_hrt,
        covariates.falls_last_year,
        covariates.fracture_last_5_years,
        covariates.c_reactive_protein_mg_per_l,
        covariates.cystatin_c_mg_per_l,
        covariates.systolic_blood_pressure_mmhg,
        covariates.fasting_time_hours,
        covariates.egfr_cystatin_c_ml_per_min_per_173_m2,
        covariates.igf_1_nmol_per_l,
        covariates.shbg_nmol_per_l,
        covariates.testosterone_nmol_per_l,
        covariates.albumin_g_per_l,
        covariates.calcium_mmol_per_l,

        -- genotype
        covariates.prs_osteoporosis,
        covariates.prs_heel_bmd,
        {% for component in range(1, 11) -%}
        covariates.genetic_pc_{{ component }},
        {% endfor -%}
        covariates.genotype_array,
        covariates.is_in_genetic_subset,

        -- what else is held of them
        gp_registrations.participant_id is not null as is_gp_linked,
        protein_samples.participant_id is not null as has_proteins,
        coalesce(protein_samples.is_consortium_selected, false) as is_consortium_selected
    from included
    inner join exposures on included.participant_id = exposures.participant_id
    inner join covariates on included.participant_id = covariates.participant_id
    left join gp_registrations on included.participant_id = gp_registrations.participant_id
    left join protein_samples on included.participant_id = protein_samples.participant_id
)

select * from participants
