{# The three quartiles of a number, interpolated, as a list: one pass and one copy of the values where three medians take three. #}
{% macro quartiles_of(number) -%}
    {{ return(adapter.dispatch('quartiles_of')(number)) }}
{%- endmacro %}

{% macro default__quartiles_of(number) -%}
percentile({{ number }}, array(0.25, 0.5, 0.75))
{%- endmacro %}

{% macro duckdb__quartiles_of(number) -%}
quantile_cont({{ number }}, [0.25, 0.5, 0.75])
{%- endmacro %}

{# The first, second or third of them. #}
{% macro quartile(quartiles, k) -%}
    {{ return(adapter.dispatch('quartile')(quartiles, k)) }}
{%- endmacro %}

{% macro default__quartile(quartiles, k) -%}
element_at({{ quartiles }}, {{ k }})
{%- endmacro %}

{% macro duckdb__quartile(quartiles, k) -%}
list_extract({{ quartiles }}, {{ k }})
{%- endmacro %}
