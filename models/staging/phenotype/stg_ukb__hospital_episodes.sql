-- Hospital in-patient episodes. The date of an episode is its start, else its admission: the column that gave it is kept.
{{ gate('raw') }}

with hesin as (
    select * from {{ source('ukb', 'hesin') }}
),

episodes as (
    select
        eid as participant_id,
        try_cast(ins_index as integer) as episode_index,
        case dsource when 'HES' then 'England' when 'SMR' then 'Scotland' when 'PEDW' then 'Wales' end as nation,
        coalesce(try_cast(epistart as date), try_cast(admidate as date)) as episode_date,
        case
            when try_cast(epistart as date) is not null then 'epistart'
            when try_cast(admidate as date) is not null then 'admidate'
        end as date_column,
        try_cast(try_cast(epistat as double) as integer) = 1 as is_unfinished
    from hesin
)

select * from episodes
