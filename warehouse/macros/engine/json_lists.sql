{# Arrayed fields land as JSON lists of text; DuckDB and Spark take them apart differently. #}

{# Whether a JSON list of text holds one code. Codes hold no quotes, so a quoted match is exact on both engines. #}
{% macro json_list_holds(column, code) -%}
({{ column }} like '%"{{ code }}"%')
{%- endmacro %}

{# The list as an array of text. #}
{% macro json_list(column) -%}
    {{ return(adapter.dispatch('json_list')(column)) }}
{%- endmacro %}

{% macro default__json_list(column) -%}
from_json({{ column }}, 'array<string>')
{%- endmacro %}

{% macro duckdb__json_list(column) -%}
from_json({{ column }}, '["VARCHAR"]')
{%- endmacro %}

{# One row per element with its position from 0; `beside` is a second list read at the same positions. #}
{% macro explode_json_list(relation, keys, column, beside=none) -%}
    {{ return(adapter.dispatch('explode_json_list')(relation, keys, column, beside)) }}
{%- endmacro %}

{% macro default__explode_json_list(relation, keys, column, beside) -%}
select
    {{ keys | join(', ') }},
    element_index,
    element{% if beside %},
    get(from_json({{ beside }}, 'array<string>'), element_index) as element_beside{% endif %}
from {{ relation }}
lateral view posexplode(from_json({{ column }}, 'array<string>')) exploded as element_index, element
where {{ column }} is not null
{%- endmacro %}

{% macro duckdb__explode_json_list(relation, keys, column, beside) -%}
select
        {{ keys | join(', ') }},
        generate_subscripts(from_json({{ column }}, '["VARCHAR"]'), 1) - 1 as element_index,
        unnest(from_json({{ column }}, '["VARCHAR"]')) as element
        {%- if beside %},
        unnest(coalesce(from_json({{ beside }}, '["VARCHAR"]'), [])) as element_beside
        {%- endif %}
    from {{ relation }}
    where {{ column }} is not null
{%- endmacro %}

{# Element at a position from 0, as text. #}
{% macro json_list_element(column, position) -%}
    {{ return(adapter.dispatch('json_list_element')(column, position)) }}
{%- endmacro %}

{% macro default__json_list_element(column, position) -%}
get_json_object({{ column }}, '$[{{ position }}]')
{%- endmacro %}

{% macro duckdb__json_list_element(column, position) -%}
json_extract_string({{ column }}, '$[{{ position }}]')
{%- endmacro %}
