-- Who has Olink at baseline, on which plate and batch, and whether the consortium chose them (not at random).
{{ gate('raw') }}

with participants as (
    select * from {{ source('ukb', 'participant') }}
),

batches as (
    select * from {{ source('olink', 'olink_batch_number') }}
),

samples as (
    select
        participants.eid as participant_id,
        try_cast(participants.p30900_i0 as integer) as n_proteins,
        participants.p30901_i0 as plate,
        participants.p30902_i0 as well,
        try_cast(batches.batch as integer) as batch,
        participants.p30903_i0 is not null as is_consortium_selected
    from participants
    left join batches on participants.p30901_i0 = batches.plateid
    where participants.p30900_i0 is not null
)

select * from samples
