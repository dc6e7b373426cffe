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

{# A number below 0 of 62 bits that equal texts share and other texts all but never. #}
{% macro negative_hash_of(text) -%}
    {{ return(adapter.dispatch('negative_hash_of')(text)) }}
{%- endmacro %}

{% macro default__negative_hash_of(text) -%}
(-1 - abs(xxhash64({{ text }}) % 4611686018427387904))
{%- endmacro %}

{% macro duckdb__negative_hash_of(text) -%}
(-1 - cast(hash({{ text }}) % 4611686018427387904 as bigint))
{%- endmacro %}
