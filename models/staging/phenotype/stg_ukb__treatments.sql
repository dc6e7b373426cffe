-- Treatments and medications named in the verbal interview (20003).
{{ gate('raw') }}
{%- set instances = [0, 1, 2, 3] %}

with participants as (
    select * from {{ source('ukb', 'participant') }}
),

listed as (
    {% for instance in instances -%}
    select
        eid,
        {{ instance }} as instance,
        p20003_i{{ instance }} as codes_json
    from participants
    where p20003_i{{ instance }} is not null
    {% if not loop.last %}union all{% endif %}
    {% endfor -%}
),

answers as (
    {{ explode_json_list('listed', ['eid', 'instance'], 'codes_json') }}
),

treatments as (
    select
        eid as participant_id,
        cast(instance as integer) as instance,
        cast(element_index as integer) as array_index,
        element as treatment_code
    from answers
    where element is not null
)

select * from treatments
