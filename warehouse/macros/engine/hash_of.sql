{# A 64-bit number that equal texts share and other texts all but never: check the texts where it matters. #}
{% macro hash_of(text) -%}
    {{ return(adapter.dispatch('hash_of')(text)) }}
{%- endmacro %}

{% macro default__hash_of(text) -%}
xxhash64({{ text }})
{%- endmacro %}

{% macro duckdb__hash_of(text) -%}
hash({{ text }})
{%- endmacro %}
