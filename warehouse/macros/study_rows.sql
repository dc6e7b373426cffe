{# Exposures of the studies that run on this cohort, read from the seeds when the query runs. #}
{% macro study_exposures() -%}
    {%- set exposures = ref('exposures') -%}
    {%- set studies = ref('studies') -%}
    {%- set cohorts = ref('cohorts') -%}
    {%- if execute -%}
        {%- set rows = run_query(
            "select exposures.study, exposures.arm, exposures.exposure, exposures.column_name "
            ~ "from " ~ exposures ~ " as exposures "
            ~ "inner join " ~ studies ~ " as studies on exposures.study = studies.study "
            ~ "inner join " ~ cohorts ~ " as cohorts on studies.cohort_kind = cohorts.kind "
            ~ "where cohorts.cohort = '" ~ env_var('COHORT', 'synthetic') ~ "' order by 1, 2, 3"
        ).rows -%}
    {%- else -%}
        {%- set rows = [('study', 'arm', 'exposure', 'participant_id')] -%}
    {%- endif -%}
    {{ return(rows) }}
{%- endmacro %}
