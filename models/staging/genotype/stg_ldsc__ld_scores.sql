{{ gate('raw') }}

with ld_scores as (
    select
        *,
        {{ rs_digits('rsid') }} as digits
    from {{ source('gwas', 'ld_scores') }}
),

typed as (
    select
        chromosome,
        rsid,
        {{ variant_key('rsid', 'digits') }} as variant_key,
        try_cast(base_pair_location as integer) as base_pair_location,
        try_cast(l2 as double) as ld_score
    from ld_scores
)

select * from typed
