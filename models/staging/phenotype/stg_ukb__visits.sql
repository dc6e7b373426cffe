-- Assessment centre visits: one row per participant and instance that has a visit date.
-- Dynamometer 7336 read 2 to 14 kg low at Cheadle in January to June 2013 (instance 1): its readings there are no measurements.
{{ gate('raw') }}
{%- set rules = field_rules() %}

with participants as (
    select * from {{ source('ukb', 'participant') }}
),

visits as (
    {% for instance in [0, 1, 2, 3] -%}
    select
        eid as participant_id,
        {{ instance }} as instance,
        {{ field_date('p53_i' ~ instance, rules) }} as visit_date,
        p54_i{{ instance }} as assessment_centre_code,
        {{ field_number('p21003_i' ~ instance, rules) }} as age_at_visit_years,
        {{ field_number('p50_i' ~ instance, rules) }} as standing_height_cm,
        {{ field_number('p21002_i' ~ instance, rules) }} as weight_kg,
        {{ field_number('p21001_i' ~ instance, rules) }} as body_mass_index_kg_per_m2,
        {{ field_number('p23100_i' ~ instance, rules) }} as whole_body_fat_mass_kg,
        {{ field_number('p23101_i' ~ instance, rules) }} as whole_body_fat_free_mass_kg,
        {{ field_number('p23113_i' ~ instance, rules) }} as leg_fat_free_mass_right_kg,
        {{ field_number('p23117_i' ~ instance, rules) }} as leg_fat_free_mass_left_kg,
        {{ field_number('p23121_i' ~ instance, rules) }} as arm_fat_free_mass_right_kg,
        {{ field_number('p23125_i' ~ instance, rules) }} as arm_fat_free_mass_left_kg,
        {{ field_number('p46_i' ~ instance, rules) }} as grip_strength_left_kg,
        {{ field_number('p47_i' ~ instance, rules) }} as grip_strength_right_kg,
        p38_i{{ instance }} as dynamometer_device_id,
        {{ field_code('p924_i' ~ instance, rules) }} as walking_pace_code,
        {{ field_number('p4105_i' ~ instance, rules) }} as heel_bmd_left_g_per_cm2,
        {{ field_number('p4124_i' ~ instance, rules) }} as heel_bmd_right_g_per_cm2
    from participants
    where p53_i{{ instance }} is not null
    {% if not loop.last %}union all{% endif %}
    {% endfor -%}
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
    grip_strength_left_kg as grip_strength_left_any_device_kg,
    grip_strength_right_kg as grip_strength_right_any_device_kg,
    dynamometer_device_id,
    walking_pace_code,
    heel_bmd_left_g_per_cm2,
    heel_bmd_right_g_per_cm2,
    is_faulty_dynamometer
from flagged
