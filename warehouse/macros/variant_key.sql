{# The digits of an rs number, for variant_key; null where there are none. #}
{% macro rs_digits(rsid) -%}
try_cast(substr({{ rsid }}, 3) as bigint)
{%- endmacro %}

{# A variant's name as a number, which is joined and grouped in half the time: an rs number is its digits, any other name a number below 0. #}
{% macro variant_key(rsid, digits) -%}
case when concat('rs', {{ digits }}) = {{ rsid }} then {{ digits }} else {{ negative_hash_of(rsid) }} end
{%- endmacro %}
