{# A run that writes has begun: until it ends cleanly, only a whole build may publish. #}
{% macro begin_study_run() -%}
    {%- if execute and flags.WHICH in ['build', 'run', 'seed', 'retry'] -%}
        select begin_study_run()
    {%- else -%}
        select 1
    {%- endif -%}
{%- endmacro %}

{# Publish the study when a build ran its tests and nothing in it failed; say so when it did not. #}
{% macro publish_study(results) -%}
    {%- if execute and flags.WHICH == 'build' -%}
        {%- set failed = results | selectattr('status', 'in', ['error', 'fail', 'runtime error']) | list -%}
        {%- set is_whole = not (invocation_args_dict.get('select') or invocation_args_dict.get('exclude')) -%}
        {%- if failed -%}
            {%- do log('Not published: ' ~ (failed | length) ~ ' of ' ~ (results | length) ~ ' nodes failed. The last good study file is untouched.', info=true) -%}
            select 1
        {%- else -%}
            {%- set words = published_descriptions() | replace("'", "''") -%}
            {%- set outcome = run_query("select publish_study_database(" ~ (is_whole | lower) ~ ", '" ~ words ~ "')") -%}
            {%- do log(outcome.columns[0].values()[0], info=true) -%}
            select 1
        {%- endif -%}
    {%- else -%}
        select 1
    {%- endif -%}
{%- endmacro %}

{# What the YAML says of every table and column, as JSON: it goes into the published file as comments. #}
{% macro published_descriptions() -%}
    {%- set found = [] -%}
    {%- set tables = graph.nodes.values() | selectattr('resource_type', 'in', ['model', 'seed']) | list -%}
    {%- for node in tables -%}
        {%- set columns = {} -%}
        {%- for column in node.columns.values() -%}
            {%- do columns.update({column.name: column.description}) -%}
        {%- endfor -%}
        {%- do found.append({'schema': node.schema, 'table': node.alias, 'description': node.description, 'columns': columns}) -%}
    {%- endfor -%}
    {{ return(tojson(found)) }}
{%- endmacro %}
