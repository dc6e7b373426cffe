-- What each visit measured of muscle and bone, as seeds/visit_criteria.csv judges it. Height of a visit without one is the baseline's.
-- ALM is calibrated to DXA, as at baseline. Readings of the faulty dynamometer are gone, except where the name says any_device.
with visits as (
    select * from {{ ref('stg_ukb__visits') }}
),

included as (
    select * from {{ ref('int_participants__included') }}
),

baseline_heights as (
    select
        participant_id,
        standing_height_cm
    from visits
    where instance = 0
),

combined as (
    select
        visits.participant_id,
        visits.instance,
        visits.visit_date,
        included.sex,
        included.baseline_date,
        coalesce(visits.standing_height_cm, baseline_heights.standing_height_cm) as standing_height_cm,
        visits.weight_kg,
        visits.body_mass_index_kg_per_m2,
        visits.whole_body_fat_free_mass_kg,
        visits.leg_fat_free_mass_right_kg
        + visits.leg_fat_free_mass_left_kg
        + visits.arm_fat_free_mass_right_kg
        + visits.arm_fat_free_mass_left_kg as limb_fat_free_mass_kg,
        {{ best_hand_kg('visits.grip_strength_left_kg', 'visits.grip_strength_right_kg') }} as grip_strength_kg,
        {{ best_hand_kg('visits.grip_strength_left_any_device_kg', 'visits.grip_strength_right_any_device_kg') }} as grip_strength_any_device_kg,
        visits.walking_pace_code as walking_pace_level
    from visits
    inner join included on visits.participant_id = included.participant_id
    left join baseline_heights on visits.participant_id = baseline_heights.participant_id
),

derived as (
    select
        participant_id,
        instance,
        visit_date,
        sex,
        {{ days_between('baseline_date', 'visit_date') }} as days_since_baseline,
        grip_strength_kg,
        grip_strength_any_device_kg,
        cast(walking_pace_level as double) as walking_pace_level,
        {{ per_square_metre('whole_body_fat_free_mass_kg', 'standing_height_cm') }} as lean_mass_index_kg_per_m2,
        {{ per_square_metre(calibrated_alm_kg('limb_fat_free_mass_kg', 'sex'), 'standing_height_cm') }} as appendicular_lean_mass_index_kg_per_m2,
        {{ calibrated_alm_kg('limb_fat_free_mass_kg', 'sex') }}
        / coalesce(body_mass_index_kg_per_m2, {{ per_square_metre('weight_kg', 'standing_height_cm') }}) as appendicular_lean_mass_by_bmi_m2
    from combined
)

select * from derived
