{{ config(meta={'trap': 1}) }}
-- M62 is 131934, M80 131962, M81 131964, M82 131966; the source of each is the next field. Off by two is another disease.
with expected as (
    select
        'M62' as icd10_category,
        131934 as date_field_id
    union all
    select
        'M80' as icd10_category,
        131962 as date_field_id
    union all
    select
        'M81' as icd10_category,
        131964 as date_field_id
    union all
    select
        'M82' as icd10_category,
        131966 as date_field_id
),

fields as (
    select * from {{ ref('first_occurrence_fields') }}
),

ukb_fields as (
    select * from {{ ref('ukb_fields') }}
)

select
    fields.icd10_category,
    fields.date_field_id,
    fields.source_field_id
from fields
left join expected on fields.icd10_category = expected.icd10_category
left join ukb_fields as date_field on fields.date_field_id = date_field.field_id
left join ukb_fields as source_field on fields.source_field_id = source_field.field_id
where
    fields.date_field_id != coalesce(expected.date_field_id, fields.date_field_id)
    or fields.date_field_id % 2 = 1
    or fields.source_field_id != fields.date_field_id + 1
    or coalesce(not starts_with(date_field.title, 'Date ' || fields.icd10_category), true)
    or coalesce(not starts_with(source_field.title, 'Source of report of ' || fields.icd10_category), true)

union all

-- a category of the list above that lost its row
select
    expected.icd10_category,
    expected.date_field_id,
    cast(null as integer) as source_field_id
from expected
left join fields on expected.icd10_category = fields.icd10_category
where fields.icd10_category is null
