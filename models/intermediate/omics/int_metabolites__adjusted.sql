-- noqa: disable=layout.indent,layout.spacing,layout.long_lines,aliasing.self_alias.column,structure.join_condition_order,structure.unused_cte
-- (columns and conditions below are written by loops over the seeds and options)
-- Non-derived NMR biomarkers without technical variation (Ritchie 2023, Sci Data 10:64): the estimated effects of delay, well
-- and drift are taken off the log level; values on plates whose median lies too far from the others' are left out. With the
-- var nmr_technical_adjustment at none the levels are as recorded.
{%- set names = metabolite_names('non_derived') %}
{%- set is_adjusted = known_option('nmr_technical_adjustment', ['published', 'none']) != 'none' %}
{%- set leaves_flagged_out = known_option('nmr_flagged_values', ['keep', 'missing']) == 'missing' %}
with recorded as (
    select * from {{ ref('stg_nmr__metabolite_levels') }}
),

flags as (
    select * from {{ ref('stg_nmr__quality_flags') }}
),

samples as (
    select * from {{ ref('int_nmr_samples__placed') }}
),

effects as (
    select * from {{ ref('int_nmr_effects__estimated') }}
),

unflagged as (
    select
        recorded.participant_id,
        {% for name in names -%}
            cast(recorded.{{ name }} is not null as integer){{ " +" if not loop.last }}
        {% endfor -%}
        as n_values,
        {% for name in names -%}
            cast(recorded.{{ name }} is not null and flags.{{ name }} is not null as integer){{ " +" if not loop.last }}
        {% endfor -%}
        as n_flagged,
        {%- for name in names %}
        {% if leaves_flagged_out %}case when flags.{{ name }} is null then recorded.{{ name }} end{% else %}recorded.{{ name }}{% endif %} as {{ name }}{{ "," if not loop.last }}
        {%- endfor %}
    from recorded
    left join flags on recorded.participant_id = flags.participant_id
),

{% if is_adjusted -%}
taken_off as (
    select
        unflagged.participant_id,
        unflagged.n_values,
        unflagged.n_flagged,
        samples.shipment_plate,
        {%- for name in names %}
        case
            when unflagged.{{ name }} >= 0 then greatest(
                exp(
                    ln(unflagged.{{ name }} + log_offsets.{{ name }}) + shifts.{{ name }}
                    - coalesce(slopes.{{ name }} * ln(samples.hours_to_measurement), 0)
                    - coalesce(row_effects.{{ name }}, 0) - coalesce(column_effects.{{ name }}, 0) - coalesce(drifts.{{ name }}, 0)
                ) - log_offsets.{{ name }},
                0
            )
            else unflagged.{{ name }}
        end as {{ name }}{{ "," if not loop.last }}
        {%- endfor %}
    from unflagged
    inner join samples on unflagged.participant_id = samples.participant_id
    inner join effects as log_offsets on log_offsets.effect = 'log_offset'
    inner join effects as shifts on shifts.effect = 'shift'
    inner join effects as slopes on slopes.effect = 'slope_of_log_hours'
    left join effects as row_effects
        on
            row_effects.effect = 'well_row'
            and row_effects.stratum = cast(samples.processing_batch as varchar)
            and row_effects.level = samples.well_row
    left join effects as column_effects
        on
            column_effects.effect = 'well_column'
            and column_effects.stratum = cast(samples.processing_batch as varchar)
            and column_effects.level = cast(samples.well_column as varchar)
    left join effects as drifts
        on
            drifts.effect = 'drift'
            and drifts.stratum = cast(samples.spectrometer as varchar)
            and drifts.level = cast(samples.drift_bin as varchar)
),

plate_medians as (
    select
        shipment_plate,
        {%- for name in names %}
        median({{ name }}) as {{ name }}{{ "," if not loop.last }}
        {%- endfor %}
    from taken_off
    where shipment_plate is not null
    group by shipment_plate
),

limits as (
    select
        {%- for name in names %}
        avg({{ name }}) - {{ var('nmr_outlier_plate_sd') }} * stddev_samp({{ name }}) as {{ name }}_lower,
        avg({{ name }}) + {{ var('nmr_outlier_plate_sd') }} * stddev_samp({{ name }}) as {{ name }}_upper{{ "," if not loop.last }}
        {%- endfor %}
    from plate_medians
),

adjusted as (
    select
        taken_off.participant_id,
        taken_off.n_values,
        taken_off.n_flagged,
        {% for name in names -%}
            cast(
                taken_off.{{ name }} is not null
                and coalesce(plate_medians.{{ name }} < limits.{{ name }}_lower or plate_medians.{{ name }} > limits.{{ name }}_upper, false)
                as integer
            ){{ " +" if not loop.last }}
        {% endfor -%}
        as n_on_outlier_plates,
        {%- for name in names %}
        case
            when plate_medians.{{ name }} < limits.{{ name }}_lower or plate_medians.{{ name }} > limits.{{ name }}_upper then null
            else taken_off.{{ name }}
        end as {{ name }}{{ "," if not loop.last }}
        {%- endfor %}
    from taken_off
    cross join limits
    left join plate_medians on taken_off.shipment_plate = plate_medians.shipment_plate
)
{%- else -%}
adjusted as (
    select
        *,
        0 as n_on_outlier_plates
    from unflagged
)
{%- endif %}

select * from adjusted
