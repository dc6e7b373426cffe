-- Who is linked to primary care, by which data provider, and until when: the latest registration decides.
-- A registration without a usable date counts from before baseline: only linked people have one.
with registrations as (
    select * from {{ ref('stg_ukb__gp_registrations') }}
),

participants as (
    select * from {{ ref('int_participants__included') }}
),

ranked as (
    select
        registrations.participant_id,
        registrations.gp_provider,
        registrations.deducted_date,
        participants.baseline_date,
        min(coalesce(registrations.registered_date, participants.baseline_date))
            over (partition by registrations.participant_id) as first_registered_date,
        row_number() over (
            partition by registrations.participant_id
            order by
                registrations.registered_date desc nulls last,
                registrations.deducted_date desc nulls first,
                registrations.gp_provider asc
        ) as position_from_latest
    from registrations
    inner join participants on registrations.participant_id = participants.participant_id
),

decided as (
    select
        participant_id,
        gp_provider,
        first_registered_date,
        deducted_date as left_date,
        first_registered_date <= baseline_date and coalesce(deducted_date > baseline_date, true) as is_linked_at_baseline
    from ranked
    where position_from_latest = 1
)

select * from decided
