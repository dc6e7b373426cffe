{{ config(meta={'trap': 15}) }}
-- The dictionary lacks fields that the platform's own list names, and flags without a flagged sample: what was not exported is an
-- empty column, never a missing one.
{%- set levels = ref('stg_nmr__metabolite_levels') %}
{%- set columns = adapter.get_columns_in_relation(levels) | map(attribute='name') | list if execute else ['a'] %}
select name
from {{ ref('nmr_biomarkers') }}
where name not in ('{{ columns | join("', '") }}')
