{# What the seeds say of each field: its missing codes, replacements and plausible range. Read once per model. #}
{% macro field_rules() -%}
    {%- set fields = ref('ukb_fields') -%}
    {%- set codes = ref('missing_codes') -%}
    {%- set rules = {} -%}
    {%- if execute -%}
        {%- set rows = run_query(
            "select field.field_id, field.plausible_min, field.plausible_max, code.code, code.replacement "
            ~ "from " ~ fields ~ " as field left join " ~ codes ~ " as code on field.encoding_id = code.encoding_id "
            ~ "order by field.field_id, code.code"
        ) -%}
        {%- for row in rows.rows -%}
            {%- set rule = rules.setdefault(row[0] | int, {'min': row[1], 'max': row[2], 'codes': []}) -%}
            {%- if row[3] is not none -%}
                {%- do rule['codes'].append({'code': row[3], 'replacement': row[4]}) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(rules) }}
{%- endmacro %}

{# A quantity of the participant table: missing codes out or replaced, then kept only inside its plausible range. #}
{% macro field_number(column, rules) -%}
    {%- set rule = rules.get(column[1:].split('_')[0] | int, {'min': none, 'max': none, 'codes': []}) -%}
    {%- set replaced = [] -%}
    {%- for code in rule['codes'] -%}
        {%- do replaced.append("when try_cast(" ~ column ~ " as double) = " ~ code['code'] ~ " then " ~ (code['replacement'] if code['replacement'] is not none else 'null')) -%}
    {%- endfor -%}
    {%- set kept -%}
        {%- if replaced -%}
case {{ replaced | join(' ') }} else try_cast({{ column }} as double) end
        {%- else -%}
try_cast({{ column }} as double)
        {%- endif -%}
    {%- endset -%}
    {%- if rule['min'] is not none and rule['max'] is not none -%}
case when {{ kept }} between {{ rule['min'] }} and {{ rule['max'] }} then {{ kept }} end
    {%- else -%}
{{ kept }}
    {%- endif -%}
{%- endmacro %}

{# A coded answer as its integer code, missing codes out. #}
{% macro field_code(column, rules) -%}
    {%- set rule = rules.get(column[1:].split('_')[0] | int, {'codes': []}) -%}
    {%- set missing = rule['codes'] | map(attribute='code') | list -%}
    {%- if missing -%}
case when try_cast({{ column }} as integer) not in ({{ missing | join(', ') }}) then try_cast({{ column }} as integer) end
    {%- else -%}
try_cast({{ column }} as integer)
    {%- endif -%}
{%- endmacro %}

{# A date, placeholder dates of its coding out. #}
{% macro field_date(column, rules) -%}
    {%- set rule = rules.get(column[1:].split('_')[0] | int, {'codes': []}) -%}
    {%- set missing = rule['codes'] | map(attribute='code') | list -%}
    {%- if missing -%}
case when {{ column }} not in ('{{ missing | join("', '") }}') then try_cast({{ column }} as date) end
    {%- else -%}
try_cast({{ column }} as date)
    {%- endif -%}
{%- endmacro %}

{# Whether a multi-select answer holds a code: null when the question was not answered or answered with a missing code only. #}
{% macro field_holds(column, code, rules) -%}
    {%- set rule = rules.get(column[1:].split('_')[0] | int, {'codes': []}) -%}
    {%- set missing = rule['codes'] | map(attribute='code') | list -%}
case
        when {{ column }} is null then null
        {%- if missing %}
        when {% for answer in missing %}{{ json_list_holds(column, answer) }}{{ ' or ' if not loop.last }}{% endfor %} then null
        {%- endif %}
        else {{ json_list_holds(column, code) }}
    end
{%- endmacro %}

{# The special dates of first occurrences and primary care (coding 819), quoted for an `in (...)`: they parse as dates but date no event. #}
{% macro special_dates(rules) -%}
    {%- set codes = rules.get(131962, {'codes': [{'code': '1900-01-01'}]})['codes'] | map(attribute='code') | list -%}
'{{ codes | join("', '") }}'
{%- endmacro %}

{# The mean of two readings of an arrayed quantity (a JSON list), or the one that is there. #}
{% macro mean_of_readings(column, rules) -%}
    {%- set first = json_list_element(column, 0) -%}
    {%- set second = json_list_element(column, 1) -%}
    {%- set rule = rules.get(column[1:].split('_')[0] | int, {'min': none, 'max': none}) -%}
    {%- set kept = [] -%}
    {%- for reading in [first, second] -%}
        {%- do kept.append("case when try_cast(" ~ reading ~ " as double) between " ~ (rule['min'] or 0) ~ " and " ~ (rule['max'] or 0) ~ " then try_cast(" ~ reading ~ " as double) end") -%}
    {%- endfor -%}
(coalesce({{ kept[0] }}, {{ kept[1] }}) + coalesce({{ kept[1] }}, {{ kept[0] }})) / 2
{%- endmacro %}
