-- Self-reported non-cancer illnesses of the verbal interview (20002), with the interpolated year (20008) at the same index.
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
        p20002_i{{ instance }} as codes_json,
        p20008_i{{ instance }} as years_json
    from participants
    where p20002_i{{ instance }} is not null
    {% if not loop.last %}union all{% endif %}
    {% endfor -%}
),

answers as (
    {{ explode_json_list('listed', ['eid', 'instance'], 'codes_json', beside='years_json') }}
),

illnesses as (
    select
        eid as participant_id,
        cast(instance as integer) as instance,
        cast(element_index as integer) as array_index,
        element as illness_code,
        -- coding 13: -1 uncertain, -3 not answered; years before 1900 are typing errors
        case when try_cast(element_beside as double) >= 1900 then try_cast(element_beside as double) end as first_diagnosed_year
    from answers
    where element is not null
)

select * from illnesses
