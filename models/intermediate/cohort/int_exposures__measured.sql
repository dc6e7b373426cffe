-- Which exposures of this cohort's studies are measured in whom; exposures are seed rows, so the columns are named there.
with participants as (
    select * from {{ ref('participants') }}
),

measured as (
{%- for study, arm, exposure, column_name in study_exposures() %}
    select
        '{{ study }}' as study,
        '{{ arm }}' as arm,
        '{{ exposure }}' as exposure,
        participant_id,
        {{ column_name }} is not null as is_measured
    from participants
{%- if not loop.last %}

    union all
{% endif %}
{%- endfor %}
)

select * from measured
