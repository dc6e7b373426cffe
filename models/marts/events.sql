-- The one event table: every dated or undated record of a condition, whatever its source.
with condition_events as (
    select * from {{ ref('int_condition_events__matched') }}
)

select
    participant_id,
    condition,
    event_date,
    date_column,
    event_source,
    record_key,
    code_system,
    code,
    level,
    nation,
    source_code,
    source_of_report,
    code_list_version
from condition_events
