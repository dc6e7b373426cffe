{# Columns of metabolite_levels that are biomarkers (of a kind, where one is named), from the seed when the query runs. #}
{% macro metabolite_names(kind=none) -%}
    {%- set nmr_biomarkers = ref('nmr_biomarkers') -%}
    {%- set names = ['glucose_lactate'] -%}
    {%- if execute -%}
        {%- set filter = "where biomarker_type = '" ~ kind ~ "' " if kind else "" -%}
        {%- set names = run_query("select name from " ~ nmr_biomarkers ~ " " ~ filter ~ "order by field_id").columns[0].values() -%}
    {%- endif -%}
    {{ return(names) }}
{%- endmacro %}

{# Derived biomarkers in rounds, each round computable from the ones before: lists of (name, expression). A quotient by 0 is null. #}
{% macro metabolite_derivations() -%}
    {%- set nmr_biomarkers = ref('nmr_biomarkers') -%}
    {%- set rounds = [] -%}
    {%- if execute -%}
        {%- set known = [] -%}
        {%- set waiting = [] -%}
        {%- for row in run_query("select name, lower(formula) as formula, biomarker_type from " ~ nmr_biomarkers ~ " order by field_id").rows -%}
            {%- if row[2] == 'non_derived' -%}
                {%- do known.append(row[0]) -%}
            {%- else -%}
                {%- do waiting.append({'name': row[0], 'formula': row[1], 'needs': modules.re.findall('[a-z][a-z0-9_]*', row[1])}) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- for _ in range(8) if waiting -%}
            {%- set ready = [] -%}
            {%- for one in waiting if one['needs'] | reject('in', known) | list | length == 0 -%}
                {%- do ready.append(one) -%}
            {%- endfor -%}
            {%- if ready -%}
                {%- set round = [] -%}
                {%- for one in ready -%}
                    {%- do round.append((one['name'], modules.re.sub('/ *([a-z][a-z0-9_]*)', '/ nullif(\\1, 0)', one['formula']))) -%}
                    {%- do known.append(one['name']) -%}
                    {%- do waiting.remove(one) -%}
                {%- endfor -%}
                {%- do rounds.append(round) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- if waiting -%}
            {{ exceptions.raise_compiler_error("seeds/nmr_biomarkers.csv: no order in which to compute " ~ waiting | map(attribute='name') | join(', ')) }}
        {%- endif -%}
    {%- endif -%}
    {{ return(rounds) }}
{%- endmacro %}
