-- Who has Olink at baseline, on which plate and batch, and whether the consortium chose them (not at random).
{{ gate('raw') }}

with participants as (
    select * from {{ source('ukb', 'participant') }}
),

batches as (
    select * from {{ source('olink', 'olink_batch_number') }}
),

-- The eight panels of a plate were begun on different days; the first is when the sample was thawed.
starts as (
    select
        plateid,
        min(try_cast(processing_startdate as date)) as processing_start_date
    from {{ source('olink', 'olink_processing_start_date') }}
    group by plateid
),

samples as (
    select
        participants.eid as participant_id,
        try_cast(participants.p30900_i0 as integer) as n_proteins,
        participants.p30901_i0 as plate,
        participants.p30902_i0 as well,
        try_cast(batches.batch as integer) as batch,
        starts.processing_start_date,
        participants.p30903_i0 is not null as is_consortium_selected
    from participants
    left join batches on participants.p30901_i0 = batches.plateid
    left join starts on participants.p30901_i0 = starts.plateid
    where participants.p30900_i0 is not null
)

select * from samples
