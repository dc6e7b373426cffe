{# IPAQ asks for days a week, then for minutes on such a day: of none, the minutes are not asked and are 0. #}
{% macro minutes_a_week(days, minutes_a_day) -%}
case when {{ days }} = 0 then 0 else {{ days }} * {{ minutes_a_day }} end
{%- endmacro %}
