-- The cohort: participants whom no general rule excludes, with what every later model needs of them.
with participants as (
    select * from {{ ref('stg_ukb__participants') }}
),

screened as (
    select * from {{ ref('int_participants__screened') }}
),

centres as (
    select * from {{ ref('assessment_centres') }}
),

included as (
    select
        participants.participant_id,
        participants.sex,
        participants.visit_date as baseline_date,
        -- the day of birth is not released: the 15th of the month is at most 16 days off
        case
            when participants.year_of_birth is not null and participants.month_of_birth is not null
                then make_date(participants.year_of_birth, participants.month_of_birth, 15)
        end as birth_date_proxy,
        participants.age_at_recruitment_years,
        participants.assessment_centre_code,
        coalesce(centres.nation, 'unknown') as nation,
        participants.lost_to_follow_up_date
    from participants
    inner join screened on participants.participant_id = screened.participant_id
    left join centres on participants.assessment_centre_code = centres.centre
    where screened.exclusion_reason is null
)

select * from included
