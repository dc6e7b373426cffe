-- Lines of an rsid that an earlier line of the same trait has given, among the lines that break no rule on their own.
-- Every rsid is grouped once as one number: a long file's names would not fit into memory. Few numbers occur twice, and
-- names settle those.

with screened as (
    select
        trait,
        line_number,
        rsid,
        {{ hash_of('rsid') }} as rsid_key
    from {{ ref('int_gwas_associations__screened') }}
    where broken_rule is null
),

keys_met_twice as (
    select
        trait,
        rsid_key
    from screened
    group by trait, rsid_key
    having count(*) > 1
),

candidates as (
    select
        screened.trait,
        screened.line_number,
        row_number() over (partition by screened.trait, screened.rsid order by screened.line_number) as occurrence
    from screened
    inner join keys_met_twice on screened.trait = keys_met_twice.trait and screened.rsid_key = keys_met_twice.rsid_key
)

select
    trait,
    line_number
from candidates
where occurrence > 1
