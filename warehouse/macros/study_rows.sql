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

{# First-occurrence fields that the project lands, read from the seed when the query runs. #}
{% macro first_occurrence_fields() -%}
    {%- set fields = ref('first_occurrence_fields') -%}
    {%- if execute -%}
        {%- set rows = run_query("select icd10_category, date_field_id, source_field_id from " ~ fields ~ " order by 1").rows -%}
    {%- else -%}
        {%- set rows = [('M81', 131964, 131965)] -%}
    {%- endif -%}
    {{ return(rows) }}
{%- endmacro %}

{# Continuous covariates of each arm's primary adjustment set: who lacks one is not in the arm's primary models. #}
{% macro primary_continuous_covariates() -%}
    {%- set arms = ref('arms') -%}
    {%- set adjustment_sets = ref('adjustment_sets') -%}
    {%- set covariates = ref('covariates') -%}
    {%- set found = {} -%}
    {%- if execute -%}
        {%- set rows = run_query(
            "select arms.study, arms.arm, covariates.column_name from " ~ arms ~ " as arms "
            ~ "inner join " ~ adjustment_sets ~ " as sets "
            ~ "on arms.study = sets.study and arms.primary_adjustment_set = sets.adjustment_set "
            ~ "inner join " ~ covariates ~ " as covariates on sets.covariate = covariates.covariate "
            ~ "where covariates.value_kind = 'continuous' order by 1, 2, 3"
        ).rows -%}
        {%- for row in rows -%}
            {%- do found.setdefault(row[0] ~ '/' ~ row[1], []).append(row[2]) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(found) }}
{%- endmacro %}

{# Covariates of every adjustment set of the studies that run on this cohort: study, adjustment set, column, kind of value. #}
{% macro adjustment_columns() -%}
    {%- set adjustment_sets = ref('adjustment_sets') -%}
    {%- set covariates = ref('covariates') -%}
    {%- set studies = ref('studies') -%}
    {%- set cohorts = ref('cohorts') -%}
    {%- set rows = [] -%}
    {%- if execute -%}
        {%- set rows = run_query(
            "select sets.study, sets.adjustment_set, covariates.column_name, covariates.value_kind "
            ~ "from " ~ adjustment_sets ~ " as sets "
            ~ "inner join " ~ covariates ~ " as covariates on sets.covariate = covariates.covariate "
            ~ "inner join " ~ studies ~ " as studies on sets.study = studies.study "
            ~ "inner join " ~ cohorts ~ " as cohorts on studies.cohort_kind = cohorts.kind "
            ~ "where cohorts.cohort = '" ~ env_var('COHORT', 'synthetic') ~ "' order by 1, 2, 3"
        ).rows -%}
    {%- endif -%}
    {{ return(rows) }}
{%- endmacro %}

{# Subgroups of the studies that run on this cohort, each with its condition on marts.participants. #}
{% macro subgroup_conditions() -%}
    {%- set subgroups = ref('subgroups') -%}
    {%- set studies = ref('studies') -%}
    {%- set cohorts = ref('cohorts') -%}
    {%- set found = [] -%}
    {%- if execute -%}
        {%- set rows = run_query(
            "select subgroups.study, subgroups.grouping || ': ' || subgroups.subgroup, subgroups.column_name, rule, value "
            ~ "from " ~ subgroups ~ " as subgroups "
            ~ "inner join " ~ studies ~ " as studies on subgroups.study = studies.study "
            ~ "inner join " ~ cohorts ~ " as cohorts on studies.cohort_kind = cohorts.kind "
            ~ "where cohorts.cohort = '" ~ env_var('COHORT', 'synthetic') ~ "' order by 1, 2"
        ).rows -%}
        {%- for row in rows -%}
            {%- set comparison = {'equals': "= '" ~ row[4] ~ "'", 'below': '< ' ~ row[4], 'at_least': '>= ' ~ row[4]}[row[3]] -%}
            {%- do found.append((row[0], row[1], row[2] ~ ' ' ~ comparison)) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(found) }}
{%- endmacro %}

{# Exposures, covariates and measures of the body of each study that runs on this cohort, as (study, characteristic, column, kind, title): the rows of Table 1. #}
{% macro study_characteristics() -%}
    {%- set exposures = ref('exposures') -%}
    {%- set adjustment_sets = ref('adjustment_sets') -%}
    {%- set covariates = ref('covariates') -%}
    {%- set studies = ref('studies') -%}
    {%- set cohorts = ref('cohorts') -%}
    {%- if execute -%}
        {%- set rows = run_query(
            "select studies.study, named.characteristic, named.column_name, named.value_kind, min(named.title) from ("
            ~ "select study, exposure as characteristic, column_name, value_kind, title from " ~ exposures
            ~ " union all select sets.study, covariates.covariate, covariates.column_name, covariates.value_kind, covariates.title from "
            ~ adjustment_sets ~ " as sets inner join " ~ covariates ~ " as covariates on sets.covariate = covariates.covariate"
            ~ " union all select study, 'body_mass_index', 'body_mass_index_kg_per_m2', 'continuous', 'Body mass index' from " ~ studies
            ~ " union all select study, 'appendicular_lean_mass_index', 'appendicular_lean_mass_index_kg_per_m2', 'continuous', "
            ~ "'Appendicular lean mass index' from " ~ studies
            ~ ") as named inner join " ~ studies ~ " as studies on named.study = studies.study "
            ~ "inner join " ~ cohorts ~ " as cohorts on studies.cohort_kind = cohorts.kind "
            ~ "where cohorts.cohort = '" ~ env_var('COHORT', 'synthetic') ~ "' group by 1, 2, 3, 4 order by 1, 4, 2"
        ).rows -%}
    {%- else -%}
        {%- set rows = [('study', 'age', 'age_years', 'continuous', 'Age')] -%}
    {%- endif -%}
    {{ return(rows) }}
{%- endmacro %}
