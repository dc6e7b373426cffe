-- First occurrences: one field holds the date, the next its source. Coding 819 dates parse as dates but date no event.
-- What a source code means is read from the labels of its own field's coding.
{{ gate('raw') }}
{%- set rules = field_rules() %}

with participants as (
    select * from {{ source('ukb', 'participant') }}
),

source_fields as (
    select
        field_id,
        encoding_id
    from {{ ref('ukb_fields') }}
),

value_labels as (
    select * from {{ ref('value_labels') }}
),

first_occurrences as (
    {% for icd10_category, date_field, source_field in first_occurrence_fields() -%}
    select
        eid as participant_id,
        '{{ icd10_category }}' as icd10_category,
        {{ field_date('p' ~ date_field, rules) }} as first_reported_date,
        p{{ date_field }} in ({{ special_dates(rules) }}) as is_special_date,
        p{{ source_field }} as source_code,
        {{ source_field }} as source_field_id
    from participants
    where p{{ date_field }} is not null
    {% if not loop.last %}union all{% endif %}
    {% endfor -%}
),

labelled as (
    select
        first_occurrences.participant_id,
        first_occurrences.icd10_category,
        first_occurrences.first_reported_date,
        first_occurrences.is_special_date,
        first_occurrences.source_code,
        value_labels.label as source_of_report
    from first_occurrences
    left join source_fields on first_occurrences.source_field_id = source_fields.field_id
    left join value_labels
        on
            source_fields.encoding_id = value_labels.encoding_id
            and first_occurrences.source_code = value_labels.code
)

select * from labelled
