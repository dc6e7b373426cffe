-- Where and when each NMR sample was run, as technical adjustment sees it (Ritchie 2023, Sci Data 10:64): hours from
-- preparation to measurement, row and column of the well, and a bin of the plate's date within its spectrometer. Bins hold
-- about nmr_samples_per_drift_bin samples, as in version 2 of the published algorithm; a spectrometer with few samples is
-- still cut into up to ten, as in version 1. Plates measured on one day share a bin.
with samples as (
    select * from {{ ref('stg_nmr__metabolite_levels') }}
),

timed as (
    select
        participant_id,
        shipment_plate,
        spectrometer,
        processing_batch,
        upper(substr(well, 1, 1)) as well_row,
        try_cast(substr(well, 2) as integer) as well_column,
        cast(measured_at as date) as measured_date,
        case
            when date_diff('second', prepared_at, measured_at) > 0
                then cast(date_diff('second', prepared_at, measured_at) as double) / 3600.0
        end as hours_to_measurement
    from samples
),

plate_days as (
    select
        shipment_plate,
        measured_date,
        count(*) as n_samples
    from timed
    where shipment_plate is not null and measured_date is not null
    group by shipment_plate, measured_date
),

ranked_plate_days as (
    select
        *,
        row_number() over (partition by shipment_plate order by n_samples desc, measured_date asc) as place
    from plate_days
),

-- The plate's hours stand in for a sample without a time of preparation, everybody's for such a plate.
all_hours as (
    select avg(hours_to_measurement) as hours_to_measurement
    from timed
),

plate_hours as (
    select
        shipment_plate,
        avg(hours_to_measurement) as hours_to_measurement
    from timed
    group by shipment_plate
),

dated as (
    select
        timed.participant_id,
        timed.shipment_plate,
        timed.spectrometer,
        timed.processing_batch,
        timed.well_row,
        timed.well_column,
        ranked_plate_days.measured_date as plate_measured_date,
        coalesce(timed.hours_to_measurement, plate_hours.hours_to_measurement, all_hours.hours_to_measurement) as hours_to_measurement
    from timed
    left join ranked_plate_days
        on timed.shipment_plate = ranked_plate_days.shipment_plate and ranked_plate_days.place = 1
    left join plate_hours on timed.shipment_plate = plate_hours.shipment_plate
    cross join all_hours
),

spectrometer_days as (
    select
        spectrometer,
        plate_measured_date,
        count(*) as n_samples
    from dated
    where spectrometer is not null and plate_measured_date is not null
    group by spectrometer, plate_measured_date
),

cumulated as (
    select
        *,
        sum(n_samples) over (partition by spectrometer order by plate_measured_date) - 0.5 * n_samples as n_until_midday,
        sum(n_samples) over (partition by spectrometer) as n_of_spectrometer
    from spectrometer_days
),

binned as (
    select
        spectrometer,
        plate_measured_date,
        cast(floor(
            n_until_midday / n_of_spectrometer
            * greatest(
                1,
                round(n_of_spectrometer / {{ var('nmr_samples_per_drift_bin') }}),
                least(10, floor(n_of_spectrometer / {{ var('nmr_samples_per_drift_bin_min') }}))
            )
        ) as integer) as drift_bin
    from cumulated
),

placed as (
    select
        dated.participant_id,
        dated.shipment_plate,
        dated.spectrometer,
        dated.processing_batch,
        dated.well_row,
        dated.well_column,
        dated.plate_measured_date,
        dated.hours_to_measurement,
        binned.drift_bin
    from dated
    left join binned
        on dated.spectrometer = binned.spectrometer and dated.plate_measured_date = binned.plate_measured_date
)

select * from placed
