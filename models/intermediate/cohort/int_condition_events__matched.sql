-- Every record that matches a code of a condition, from every source, with the column that dated it.
-- Codes are matched anchored (exact, or prefix from the first character): an unanchored search would find M80 inside other codes.
-- An undated event (special dates, self-report without a year, interview answers) keeps a null date.
{{ gate('staging') }}

with codes as (
    select * from {{ ref('condition_codes') }}
),

participants as (
    select * from {{ ref('int_participants__included') }}
),

first_occurrences as (
    select * from {{ ref('stg_ukb__first_occurrences') }}
),

hospital_diagnoses as (
    select * from {{ ref('stg_ukb__hospital_diagnoses') }}
),

hospital_episodes as (
    select * from {{ ref('stg_ukb__hospital_episodes') }}
),

deaths as (
    select * from {{ ref('int_deaths__deduplicated') }}
),

death_causes as (
    select * from {{ ref('stg_ukb__death_causes') }}
),

self_reported_illnesses as (
    select * from {{ ref('stg_ukb__self_reported_illnesses') }}
),

treatments as (
    select * from {{ ref('stg_ukb__treatments') }}
),

visits as (
    select * from {{ ref('stg_ukb__visits') }}
),

gp_events as (
    select * from {{ ref('stg_ukb__gp_events') }}
),

coded_records as (
    select
        participant_id,
        icd10_category as record_key,
        'first_occurrence' as event_source,
        'icd10_category' as code_system,
        icd10_category as code,
        cast(null as varchar) as level,
        first_reported_date as event_date,
        'first reported' as date_column,
        cast(null as varchar) as nation,
        source_code,
        source_of_report
    from first_occurrences

    union all

    select
        hospital_diagnoses.participant_id,
        cast(hospital_diagnoses.episode_index as varchar) || '/' || cast(hospital_diagnoses.diagnosis_index as varchar) as record_key,
        'hospital' as event_source,
        hospital_diagnoses.code_system,
        hospital_diagnoses.code,
        hospital_diagnoses.level,
        hospital_episodes.episode_date as event_date,
        hospital_episodes.date_column,
        hospital_episodes.nation,
        cast(null as varchar) as source_code,
        cast(null as varchar) as source_of_report
    from hospital_diagnoses
    inner join hospital_episodes
        on
            hospital_diagnoses.participant_id = hospital_episodes.participant_id
            and hospital_diagnoses.episode_index = hospital_episodes.episode_index

    union all

    select
        death_causes.participant_id,
        cast(death_causes.certificate_index as varchar) || '/' || cast(death_causes.cause_index as varchar) as record_key,
        'death' as event_source,
        'icd10' as code_system,
        death_causes.code,
        death_causes.level,
        deaths.death_date as event_date,
        'date_of_death' as date_column,
        cast(null as varchar) as nation,
        cast(null as varchar) as source_code,
        cast(null as varchar) as source_of_report
    from death_causes
    inner join deaths on death_causes.participant_id = deaths.participant_id

    union all

    select
        participant_id,
        'death' as record_key,
        'death_register' as event_source,
        'any' as code_system,
        '*' as code,
        cast(null as varchar) as level,
        death_date as event_date,
        'date_of_death' as date_column,
        cast(null as varchar) as nation,
        cast(null as varchar) as source_code,
        cast(null as varchar) as source_of_report
    from deaths

    union all

    select
        self_reported_illnesses.participant_id,
        cast(self_reported_illnesses.instance as varchar)
        || '/' || cast(self_reported_illnesses.array_index as varchar) as record_key,
        'self_report' as event_source,
        'ukb_illness' as code_system,
        self_reported_illnesses.illness_code as code,
        cast(null as varchar) as level,
        -- a decimal year is dated to its day of the year, but never after the visit that reported it: the year is interpolated
        case
            when self_reported_illnesses.first_diagnosed_year is not null
                then
                    least(
                        make_date(cast(floor(self_reported_illnesses.first_diagnosed_year) as integer), 1, 1)
                        + cast(floor((self_reported_illnesses.first_diagnosed_year - floor(self_reported_illnesses.first_diagnosed_year)) * 365) as integer),
                        visits.visit_date
                    )
        end as event_date,
        'interpolated year' as date_column,
        cast(null as varchar) as nation,
        cast(null as varchar) as source_code,
        cast(null as varchar) as source_of_report
    from self_reported_illnesses
    inner join visits
        on
            self_reported_illnesses.participant_id = visits.participant_id
            and self_reported_illnesses.instance = visits.instance
    -- an undated report says 'before this visit': only at baseline does that make the condition prevalent
    where self_reported_illnesses.instance = 0 or self_reported_illnesses.first_diagnosed_year is not null

    union all

    select
        participant_id,
        cast(instance as varchar) || '/' || cast(array_index as varchar) as record_key,
        'treatment' as event_source,
        'ukb_treatment' as code_system,
        treatment_code as code,
        cast(null as varchar) as level,
        cast(null as date) as event_date,
        cast(null as varchar) as date_column,
        cast(null as varchar) as nation,
        cast(null as varchar) as source_code,
        cast(null as varchar) as source_of_report
    from treatments
    where instance = 0

    union all

    select
        participant_id,
        cast(event_date as varchar) || '/' || code_system || '/' || code as record_key,
        'gp' as event_source,
        code_system,
        code,
        cast(null as varchar) as level,
        event_date,
        'event_dt' as date_column,
        nation,
        cast(null as varchar) as source_code,
        cast(null as varchar) as source_of_report
    from gp_events
),

matched as (
    select
        coded_records.participant_id,
        codes.condition,
        coded_records.event_source,
        coded_records.record_key,
        coded_records.code_system,
        coded_records.code,
        coded_records.level,
        coded_records.event_date,
        coded_records.date_column,
        coalesce(coded_records.nation, participants.nation) as nation,
        coded_records.source_code,
        coded_records.source_of_report,
        codes.code_list_version
    from coded_records
    inner join codes
        on
            coded_records.event_source = codes.event_source
            and coded_records.code_system = codes.code_system
            and (
                coded_records.code = codes.code
                or (codes.match = 'prefix' and starts_with(coded_records.code, codes.code))
            )
    inner join participants on coded_records.participant_id = participants.participant_id
    -- overlapping code lists (M80 and M800 both listed) still give one event per record and condition
    qualify
        row_number() over (
            partition by
                coded_records.participant_id, codes.condition, coded_records.event_source, coded_records.record_key
            order by length(codes.code) desc
        ) = 1
)

select * from matched
