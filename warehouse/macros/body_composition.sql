{# Appendicular lean mass as DXA would read it, kg, from the fat-free mass of the four limbs by bioimpedance (fields 23113, 23117, 23121, 23125):
   0.958 x limbs - 0.166 x male - 0.308 (Powell 2020, UK Biobank imaging). The trunk (23129) is no part of it. #}
{% macro calibrated_alm_kg(limb_fat_free_mass_kg, sex) -%}
(0.958 * {{ limb_fat_free_mass_kg }} - 0.166 * (case when {{ sex }} = 'male' then 1 else 0 end) - 0.308)
{%- endmacro %}

{# The greater of two hands, or the one that was tested; a recorded 0 is a hand that could not be tested, no measurement of strength. #}
{% macro best_hand_kg(left, right) -%}
nullif(greatest(coalesce({{ left }}, {{ right }}), coalesce({{ right }}, {{ left }})), 0)
{%- endmacro %}

{# Kilograms over squared height. #}
{% macro per_square_metre(kilograms, height_cm) -%}
({{ kilograms }}) / (({{ height_cm }} / 100) * ({{ height_cm }} / 100))
{%- endmacro %}
