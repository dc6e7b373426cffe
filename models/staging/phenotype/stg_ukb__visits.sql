-- Assessment centre visits: one row per participant and instance that has a visit date.
-- Dynamometer 7336 read 2 to 14 kg low at Cheadle in January to June 2013 (instance 1): its readings there are no measurements.
{{ gate('raw') }}
{%- set rules = field_rules() %}

with participants as (
    select * from {{ source('ukb', 'participant') }}
),

visits as (
    select
        eid as participant_id,
        0 as instance,
        {{ field_date('p53_i0', rules) }} as visit_date,
        p54_i0 as assessment_centre_code,
        {{ field_number('p21003_i0', rules) }} as age_at_visit_years,
        {{ field_number('p50_i0', rules) }} as standing_height_cm,
        {{ field_number('p21002_i0', rules) }} as weight_kg,
        {{ field_number('p21001_i0', rules) }} as body_mass_index_kg_per_m2,
        {{ field_number('p23100_i0', rules) }} as whole_body_fat_mass_kg,
        {{ field_number('p23101_i0', rules) }} as whole_body_fat_free_mass_kg,
        {{ field_number('p23113_i0', rules) }} as leg_fat_free_mass_right_kg,
        {{ field_number('p23117_i0', rules) }} as leg_fat_free_mass_left_kg,
        {{ field_number('p23121_i0', rules) }} as arm_fat_free_mass_right_kg,
        {{ field_number('p23125_i0', rules) }} as arm_fat_free_mass_left_kg,
        {{ field_number('p46_i0', rules) }} as grip_strength_left_kg,
        {{ field_number('p47_i0', rules) }} as grip_strength_right_kg,
        p38_i0 as dynamometer_device_id,
        {{ field_code('p924_i0', rules) }} as walking_pace_code,
        {{ field_number('p4105_i0', rules) }} as heel_bmd_left_g_per_cm2,
        {{ field_number('p4124_i0', rules) }} as heel_bmd_right_g_per_cm2
    from participants
    where p53_i0 is not null

    union all

    select
        eid as participant_id,
        1 as instance,
        {{ field_date('p53_i1', rules) }} as visit_date,
        p54_i1 as assessment_centre_code,
        {{ field_number('p21003_i1', rules) }} as age_at_visit_years,
        {{ field_number('p50_i1', rules) }} as standing_height_cm,
        {{ field_number('p21002_i1', rules) }} as weight_kg,
        {{ field_number('p21001_i1', rules) }} as body_mass_index_kg_per_m2,
        {{ field_number('p23100_i1', rules) }} as whole_body_fat_mass_kg,
        {{ field_number('p23101_i1', rules) }} as whole_body_fat_free_mass_kg,
        {{ field_number('p23113_i1', rules) }} as leg_fat_free_mass_right_kg,
        {{ field_number('p23117_i1', rules) }} as leg_fat_free_mass_left_kg,
        {{ field_number('p23121_i1', rules) }} as arm_fat_free_mass_right_kg,
        {{ field_number('p23125_i1', rules) }} as arm_fat_free_mass_left_kg,
        {{ field_number('p46_i1', rules) }} as grip_strength_left_kg,
        {{ field_number('p47_i1', rules) }} as grip_strength_right_kg,
        p38_i1 as dynamometer_device_id,
        {{ field_code('p924_i1', rules) }} as walking_pace_code,
        {{ field_number('p4105_i1', rules) }} as heel_bmd_left_g_per_cm2,
        {{ field_number('p4124_i1', rules) }} as heel_bmd_right_g_per_cm2
    from participants
    where p53_i1 is not null

    union all

    select
        eid as participant_id,
        2 as instance,
        {{ field_date('p53_i2', rules) }} as visit_date,
        p54_i2 as assessment_centre_code,
        {{ field_number('p21003_i2', rules) }} as age_at_visit_years,
        {{ field_number('p50_i2', rules) }} as standing_height_cm,
        {{ field_number('p21002_i2', rules) }} as weight_kg,
        {{ field_number('p21001_i2', rules) }} as body_mass_index_kg_per_m2,
        {{ field_number('p23100_i2', rules) }} as whole_body_fat_mass_kg,
        {{ field_number('p23101_i2', rules) }} as whole_body_fat_free_mass_kg,
        {{ field_number('p23113_i2', rules) }} as leg_fat_free_mass_right_kg,
        {{ field_number('p23117_i2', rules) }} as leg_fat_free_mass_left_kg,
        {{ field_number('p23121_i2', rules) }} as arm_fat_free_mass_right_kg,
        {{ field_number('p23125_i2', rules) }} as arm_fat_free_mass_left_kg,
        {{ field_number('p46_i2', rules) }} as grip_strength_left_kg,
        {{ field_number('p47_i2', rules) }} as grip_strength_right_kg,
        p38_i2 as dynamometer_device_id,
        {{ field_code('p924_i2', rules) }} as walking_pace_code,
        {{ field_number('p4105_i2', rules) }} as heel_bmd_left_g_per_cm2,
        {{ field_number('p4124_i2', rules) }} as heel_bmd_right_g_per_cm2
    from participants
    where p53_i2 is not null

    union all

    select
        eid as participant_id,
        3 as instance,
        {{ field_date('p53_i3', rules) }} as visit_date,
        p54_i3 as assessment_centre_code,
        {{ field_number('p21003_i3', rules) }} as age_at_visit_years,
        {{ field_number('p50_i3', rules) }} as standing_height_cm,
        {{ field_number('p21002_i3', rules) }} as weight_kg,
        {{ field_number('p21001_i3', rules) }} as body_mass_index_kg_per_m2,
        {{ field_number('p23100_i3', rules) }} as whole_body_fat_mass_kg,
        {{ field_number('p23101_i3', rules) }} as whole_body_fat_free_mass_kg,
        {{ field_number('p23113_i3', rules) }} as leg_fat_free_mass_right_kg,
        {{ field_number('p23117_i3', rules) }} as leg_fat_free_mass_left_kg,
        {{ field_number('p23121_i3', rules) }} as arm_fat_free_mass_right_kg,
        {{ field_number('p23125_i3', rules) }} as arm_fat_free_mass_left_kg,
        {{ field_number('p46_i3', rules) }} as grip_strength_left_kg,
        {{ field_number('p47_i3', rules) }} as grip_strength_right_kg,
        p38_i3 as dynamometer_device_id,
        {{ field_code('p924_i3', rules) }} as walking_pace_code,
        {{ field_number('p4105_i3', rules) }} as heel_bmd_left_g_per_cm2,
        {{ field_number('p4124_i3', rules) }} as heel_bmd_right_g_per_cm2
    from participants
    where p53_i3 is not null
),

flagged as (
    select
        *,
        coalesce(
            instance = 1
            and dynamometer_device_id = '7336'
            and visit_date between cast('2013-01-01' as date) and cast('2013-06-30' as date),
            false
        ) as is_faulty_dynamometer
    from visits
)

select
    participant_id,
    instance,
    visit_date,
    assessment_centre_code,
    age_at_visit_years,
    standing_height_cm,
    weight_kg,
    body_mass_index_kg_per_m2,
    whole_body_fat_mass_kg,
    whole_body_fat_free_mass_kg,
    leg_fat_free_mass_right_kg,
    leg_fat_free_mass_left_kg,
    arm_fat_free_mass_right_kg,
    arm_fat_free_mass_left_kg,
    case when not is_faulty_dynamometer then grip_strength_left_kg end as grip_strength_left_kg,
    case when not is_faulty_dynamometer then grip_strength_right_kg end as grip_strength_right_kg,
    dynamometer_device_id,
    walking_pace_code,
    heel_bmd_left_g_per_cm2,
    heel_bmd_right_g_per_cm2,
    is_faulty_dynamometer
from flagged
