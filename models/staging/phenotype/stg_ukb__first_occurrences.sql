-- First occurrences: one field holds the date, the next its source. Coding 819 dates parse as dates but date no event.
{{ gate('raw') }}
{%- set rules = field_rules() %}

with participants as (
    select * from {{ source('ukb', 'participant') }}
),

first_occurrences as (
    {% for icd10_category, date_field, source_field in first_occurrence_fields() -%}
    select
        eid as participant_id,
        '{{ icd10_category }}' as icd10_category,
        {{ field_date('p' ~ date_field, rules) }} as first_reported_date,
        p{{ date_field }} in ({{ special_dates(rules) }}) as is_special_date,
        p{{ source_field }} as source_code
    from participants
    where p{{ date_field }} is not null
    {% if not loop.last %}union all{% endif %}
    {% endfor -%}
)

select * from first_occurrences
