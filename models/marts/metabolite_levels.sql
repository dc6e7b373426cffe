-- noqa: disable=layout.indent,structure.unused_cte,layout.spacing
-- (columns and conditions below are written by loops over the seeds and options)
-- NMR metabolite levels at baseline of the cohort. Non-derived biomarkers are adjusted for technical variation; composites,
-- ratios and percentages are computed anew from them (seeds/nmr_biomarkers.csv), or stand as recorded without adjustment.
{%- set is_adjusted = var('nmr_technical_adjustment') != 'none' or var('nmr_flagged_values') == 'missing' %}
{%- set outlier_sd = var('biomarkers_outlier_sd', none) %}
{%- set derivations = metabolite_derivations() if is_adjusted else [] %}
with recorded as (
    select * from {{ ref('stg_nmr__metabolite_levels') }}
),

adjusted as (
    select * from {{ ref('int_metabolites__adjusted') }}
),

participants as (
    select participant_id from {{ ref('participants') }}
),
{% for round in derivations %}
derived_{{ loop.index }} as (
    select
        *,
        {%- for name, formula in round %}
        {{ formula }} as {{ name }}{{ "," if not loop.last }}
        {%- endfor %}
    from {{ "derived_" ~ loop.index0 if loop.index0 else "adjusted" }}
),
{% endfor %}
levels as (
    select
        recorded.participant_id,
        recorded.shipment_plate,
        recorded.well,
        recorded.spectrometer,
        recorded.processing_batch,
        recorded.measured_at,
        recorded.prepared_at,
        recorded.has_high_lactate,
        recorded.has_high_pyruvate,
        recorded.has_low_glucose,
        recorded.has_low_protein,
        {%- for name in metabolite_names() %}
        {{ "derived" if is_adjusted else "recorded" }}.{{ name }}{{ "," if not loop.last }}
        {%- endfor %}
    from recorded
    inner join participants on recorded.participant_id = participants.participant_id
    {%- if is_adjusted %}
    inner join {{ "derived_" ~ derivations | length if derivations else "adjusted" }} as derived
        on recorded.participant_id = derived.participant_id
    {%- endif %}
)
{%- if outlier_sd is none %}

select
    *,
    0 as n_outliers
from levels
{%- else %},

spread as (
    select
        {%- for name in metabolite_names() %}
        avg(ln(nullif({{ name }}, 0))) as {{ name }}_mean,
        stddev_samp(ln(nullif({{ name }}, 0))) as {{ name }}_sd{{ "," if not loop.last }}
        {%- endfor %}
    from levels
),

without_outliers as (
    select
        levels.participant_id,
        levels.shipment_plate,
        levels.well,
        levels.spectrometer,
        levels.processing_batch,
        levels.measured_at,
        levels.prepared_at,
        levels.has_high_lactate,
        levels.has_high_pyruvate,
        levels.has_low_glucose,
        levels.has_low_protein,
        {%- for name in metabolite_names() %}
        case
            when abs(ln(nullif(levels.{{ name }}, 0)) - spread.{{ name }}_mean) > {{ outlier_sd }} * spread.{{ name }}_sd then null
            else levels.{{ name }}
        end as {{ name }},
        {%- endfor %}
        {% for name in metabolite_names() -%}
            cast(
                coalesce(abs(ln(nullif(levels.{{ name }}, 0)) - spread.{{ name }}_mean) > {{ outlier_sd }} * spread.{{ name }}_sd, false) as integer
            ){{ " +" if not loop.last }}
        {% endfor -%}
        as n_outliers
    from levels
    cross join spread
)

select * from without_outliers
{%- endif %}
