-- Muscle and bone at baseline. Each participant's best hand is their grip; heel BMD comes from the early one-heel scan
-- or the mean of both heels, and the source is kept, because the two eras differ.
-- ALM is calibrated to DXA: 0.958 x (sum of the four limbs) - 0.166 x male - 0.308 (kg); the trunk (23129) is no part of it.
with participants as (
    select * from {{ ref('stg_ukb__participants') }}
),

included as (
    select participant_id from {{ ref('int_participants__included') }}
),

combined as (
    select
        participants.participant_id,
        participants.sex,
        participants.standing_height_cm,
        participants.weight_kg,
        participants.body_mass_index_kg_per_m2,
        participants.whole_body_fat_free_mass_kg,
        participants.whole_body_fat_mass_kg,
        participants.leg_fat_free_mass_right_kg
        + participants.leg_fat_free_mass_left_kg
        + participants.arm_fat_free_mass_right_kg
        + participants.arm_fat_free_mass_left_kg as limb_fat_free_mass_kg,
        {{ best_hand_kg('participants.grip_strength_left_kg', 'participants.grip_strength_right_kg') }} as grip_strength_kg,
        participants.leg_predicted_muscle_mass_right_kg
        + participants.leg_predicted_muscle_mass_left_kg
        + participants.arm_predicted_muscle_mass_right_kg
        + participants.arm_predicted_muscle_mass_left_kg as limb_predicted_muscle_mass_kg,
        participants.waist_circumference_cm,
        participants.hip_circumference_cm,
        participants.body_fat_percent,
        participants.walking_pace_code as walking_pace_level,
        coalesce(
            participants.heel_t_score_one_heel_sd,
            (
                coalesce(participants.heel_t_score_left_sd, participants.heel_t_score_right_sd)
                + coalesce(participants.heel_t_score_right_sd, participants.heel_t_score_left_sd)
            ) / 2
        ) as heel_t_score_sd,
        coalesce(
            participants.heel_bmd_one_heel_g_per_cm2,
            (
                coalesce(participants.heel_bmd_left_g_per_cm2, participants.heel_bmd_right_g_per_cm2)
                + coalesce(participants.heel_bmd_right_g_per_cm2, participants.heel_bmd_left_g_per_cm2)
            ) / 2
        ) as heel_bmd_g_per_cm2,
        case
            when participants.heel_bmd_one_heel_g_per_cm2 is not null then 'one heel (3148)'
            when participants.heel_bmd_left_g_per_cm2 is not null and participants.heel_bmd_right_g_per_cm2 is not null
                then 'both heels (4105, 4124)'
            when coalesce(participants.heel_bmd_left_g_per_cm2, participants.heel_bmd_right_g_per_cm2) is not null
                then 'one of two heels (4105 or 4124)'
        end as heel_bmd_source,
        participants.heel_broadband_attenuation_db_per_mhz,
        participants.heel_speed_of_sound_m_per_s,
        participants.whole_body_water_mass_kg,
        participants.whole_body_impedance_ohm
    from participants
    inner join included on participants.participant_id = included.participant_id
),

derived as (
    select
        participant_id,
        standing_height_cm,
        weight_kg,
        body_mass_index_kg_per_m2,
        {{ per_square_metre('whole_body_fat_free_mass_kg', 'standing_height_cm') }} as lean_mass_index_kg_per_m2,
        {{ per_square_metre('whole_body_fat_mass_kg', 'standing_height_cm') }} as fat_mass_index_kg_per_m2,
        {{ per_square_metre(calibrated_alm_kg('limb_fat_free_mass_kg', 'sex'), 'standing_height_cm') }} as appendicular_lean_mass_index_kg_per_m2,
        {{ per_square_metre('limb_predicted_muscle_mass_kg', 'standing_height_cm') }} as predicted_muscle_mass_index_kg_per_m2,
        waist_circumference_cm,
        hip_circumference_cm,
        body_fat_percent,
        heel_t_score_sd,
        grip_strength_kg,
        walking_pace_level,
        heel_bmd_g_per_cm2,
        heel_bmd_source,
        heel_broadband_attenuation_db_per_mhz,
        heel_speed_of_sound_m_per_s,
        whole_body_water_mass_kg,
        whole_body_impedance_ohm
    from combined
)

select * from derived
