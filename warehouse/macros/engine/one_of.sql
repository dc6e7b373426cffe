{# A text that is one of few, null where it is another: DuckDB keeps it as a number of one byte and compares it with texts. #}
{% macro one_of(text, choices) -%}
    {{ return(adapter.dispatch('one_of')(text, choices)) }}
{%- endmacro %}

{% macro default__one_of(text, choices) -%}
case when {{ text }} in ('{{ choices | join("', '") }}') then {{ text }} end
{%- endmacro %}

{% macro duckdb__one_of(text, choices) -%}
try_cast({{ text }} as enum ('{{ choices | join("', '") }}'))
{%- endmacro %}
