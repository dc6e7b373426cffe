{# Publish the study when a build ran and nothing in it failed; say so when it did not. #}
{% macro publish_study(results) -%}
    {%- if execute and flags.WHICH in ['build', 'run', 'retry'] -%}
        {%- set failed = results | selectattr('status', 'in', ['error', 'fail', 'runtime error']) | list -%}
        {%- if failed -%}
            {%- do log('Not published: ' ~ (failed | length) ~ ' of ' ~ (results | length) ~ ' nodes failed. The last good study file is untouched.', info=true) -%}
            select 1
        {%- else -%}
            select publish_study_database()
        {%- endif -%}
    {%- else -%}
        select 1
    {%- endif -%}
{%- endmacro %}
