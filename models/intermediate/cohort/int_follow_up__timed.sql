-- Time at risk: from baseline to the first of event, death, loss to follow-up and the end of records of nation and source.
-- An event after that end is not an event. Time is whole days. A death ends follow-up only where it is not itself the outcome.
-- Deaths compete, so follow-up ends no later than the death register does, where it has an end: who died later would count as alive.
-- Where primary care ends follow-up, the population is those linked to it, and leaving the last practice ends it too.
with outcomes as (
    select * from {{ ref('int_outcomes__dated') }}
),

participants as (
    select * from {{ ref('int_participants__included') }}
),

deaths as (
    select * from {{ ref('int_deaths__deduplicated') }}
),

follow_up_ends as (
    select * from {{ ref('int_follow_up_ends__decided') }}
),

gp_linkages as (
    select * from {{ ref('int_gp_linkages__decided') }}
),

register_ends as (
    select
        nation,
        end_date
    from follow_up_ends
    where event_source = 'death'
),

ends as (
    select
        outcomes.participant_id,
        outcomes.outcome_definition,
        case
            when follow_up_ends.end_date is not null
                then least(follow_up_ends.end_date, coalesce(register_ends.end_date, follow_up_ends.end_date))
        end as end_date
    from outcomes
    inner join participants on outcomes.participant_id = participants.participant_id
    left join gp_linkages on outcomes.participant_id = gp_linkages.participant_id
    left join follow_up_ends
        on
            outcomes.follow_up_source = follow_up_ends.event_source
            and case when outcomes.follow_up_source = 'gp' then gp_linkages.gp_provider else participants.nation end
            = follow_up_ends.nation
    left join register_ends on participants.nation = register_ends.nation
),

dated as (
    select
        outcomes.participant_id,
        outcomes.outcome,
        outcomes.outcome_definition,
        outcomes.is_prevalent,
        outcomes.is_prevalent_by_record,
        outcomes.follow_up_source != 'gp' or coalesce(gp_linkages.is_linked_at_baseline, false) as is_in_population,
        participants.nation,
        participants.baseline_date as entry_date,
        outcomes.first_event_date,
        deaths.death_date,
        participants.lost_to_follow_up_date,
        ends.end_date as administrative_end_date,
        least(
            ends.end_date,
            coalesce(deaths.death_date, ends.end_date),
            coalesce(participants.lost_to_follow_up_date, ends.end_date),
            coalesce(case when outcomes.follow_up_source = 'gp' then gp_linkages.left_date end, ends.end_date)
        ) as censoring_date
    from outcomes
    inner join participants on outcomes.participant_id = participants.participant_id
    left join deaths on outcomes.participant_id = deaths.participant_id
    left join gp_linkages on outcomes.participant_id = gp_linkages.participant_id
    inner join ends
        on
            outcomes.participant_id = ends.participant_id
            and outcomes.outcome_definition = ends.outcome_definition
),

timed as (
    select
        participant_id,
        outcome,
        outcome_definition,
        is_prevalent,
        is_prevalent_by_record,
        is_in_population,
        nation,
        entry_date,
        administrative_end_date,
        least(coalesce(first_event_date, censoring_date), censoring_date) as exit_date,
        case
            when first_event_date <= censoring_date then 'event'
            when death_date <= censoring_date then 'death'
            when lost_to_follow_up_date <= censoring_date then 'lost'
            else 'administrative'
        end as exit_kind
    from dated
)

select
    participant_id,
    outcome,
    outcome_definition,
    is_prevalent,
    is_prevalent_by_record,
    is_in_population,
    nation,
    entry_date,
    administrative_end_date,
    exit_date,
    exit_kind,
    {{ days_between('entry_date', 'exit_date') }} as follow_up_days
from timed
