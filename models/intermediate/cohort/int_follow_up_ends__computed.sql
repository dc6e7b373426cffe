-- The last day for which records are complete, per nation and source, from the user's own records; primary care per data provider.
-- UK Biobank's rule: the last month with more than 90 % of the mean number of records of the three months before it. Where that mean m is from
-- 10 to 100 records, a complete month fails it by chance (one in four at 40), so there it may fall short by 2 standard errors: counts are
-- Poisson, 90 % of a month has variance 0.9 m, 90 % of the mean of three 0.27 m. Below 10 noise and late records cannot be told apart.
-- A month must also reach half of the median month of the two years before it: after the end a handful of late records can pass the first rule by chance.
{{ gate('staging') }}

with hospital_records as (
    select
        'hospital' as event_source,
        nation,
        episode_date as record_date
    from {{ ref('stg_ukb__hospital_episodes') }}
),

death_records as (
    select
        'death' as event_source,
        register as nation,
        death_date as record_date
    from {{ ref('stg_ukb__deaths') }}
    where certificate_index = 0
),

gp_records as (
    select
        'gp' as event_source,
        gp_provider as nation,
        event_date as record_date
    from {{ ref('stg_ukb__gp_events') }}
),

records as (
    select * from hospital_records
    union all
    select * from death_records
    union all
    select * from gp_records
),

monthly as (
    select
        event_source,
        nation,
        cast(date_trunc('month', record_date) as date) as record_month,
        count(*) as n_records
    from records
    where record_date is not null and nation is not null
    group by event_source, nation, cast(date_trunc('month', record_date) as date)
),

compared as (
    select
        event_source,
        nation,
        record_month,
        n_records,
        avg(n_records) over (
            partition by event_source, nation order by record_month
            rows between 3 preceding and 1 preceding
        ) as mean_of_three_months_before,
        median(n_records) over (
            partition by event_source, nation order by record_month
            rows between 24 preceding and 1 preceding
        ) as median_of_two_years_before
    from monthly
),

complete_months as (
    select
        event_source,
        nation,
        record_month
    from compared
    where
        n_records > 0.9 * mean_of_three_months_before
        - case when mean_of_three_months_before >= 10 and mean_of_three_months_before < 100 then 2 * sqrt(1.17 * mean_of_three_months_before) else 0 end
        and n_records >= 0.5 * median_of_two_years_before
),

ends as (
    select
        event_source,
        nation,
        last_day(max(record_month)) as end_date
    from complete_months
    group by event_source, nation
)

select * from ends
