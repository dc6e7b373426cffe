-- Participants who withdrew consent: nothing of theirs may be analysed.
{{ gate('raw') }}

with withdrawals as (
    select * from {{ source('ukb', 'withdrawals') }}
),

withdrawn as (
    select eid as participant_id
    from withdrawals
    group by eid
)

select * from withdrawn
