{# Columns of metabolite_levels that are biomarkers, from the seed when the query runs. #}
{% macro metabolite_names() -%}
    {%- set nmr_biomarkers = ref('nmr_biomarkers') -%}
    {%- set names = ['total_c'] -%}
    {%- if execute -%}
        {%- set names = run_query("select name from " ~ nmr_biomarkers ~ " order by field_id").columns[0].values() -%}
    {%- endif -%}
    {{ return(names) }}
{%- endmacro %}
