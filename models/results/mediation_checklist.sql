-- Items of AGReMA (A Guideline for Reporting Mediation Analyses), each with the table that answers it and its rows in this build.
with items as (
    select * from {{ ref('mediation_reporting_items') }}
),

answering as (
    {% for schema_name, table_name in [
        ('results', 'biomarker_associations'), ('seeds', 'arms'), ('seeds', 'cohorts'), ('marts', 'eligibility_flow'),
        ('results', 'finalist_effects'), ('seeds', 'adjustment_sets'), ('results', 'mediation_effects'), ('seeds', 'ukb_fields'),
        ('seeds', 'exposures'), ('results', 'mediation_sensitivities'),
    ] -%}
    select
        '{{ schema_name }}' as schema_name,
        '{{ table_name }}' as table_name,
        count(*) as n_rows
    from {{ ref(table_name) }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
)

select
    items.item,
    items.section,
    items.name,
    items.is_in_short_form,
    items.asks,
    items.answered_by,
    items.schema_name,
    items.table_name,
    items.column_name,
    answering.n_rows,
    items.how
from items
left join answering
    on items.schema_name = answering.schema_name and items.table_name = answering.table_name
order by items.item
