{# Nothing behind a door is built before the door's expectations have run and passed. #}
{% macro gate(door) -%}
-- depends_on: {{ ref(door ~ '_expectations') }}
{%- endmacro %}
