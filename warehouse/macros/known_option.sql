{# The value of a dbt var that must be one of a few; another stops the build and names them. #}
{% macro known_option(name, allowed) -%}
    {%- set value = var(name, allowed[0]) -%}
    {%- if value not in allowed and execute -%}
        {{ exceptions.raise_compiler_error(name ~ ": " ~ value ~ " is not one of " ~ allowed | join(', ')) }}
    {%- endif -%}
    {{ return(value) }}
{%- endmacro %}
