{{ gate('raw') }}

with ld_score_counts as (
    select * from {{ source('gwas', 'ld_score_counts') }}
),

typed as (
    select
        chromosome,
        try_cast(m_5_50 as double) as n_reference_snps
    from ld_score_counts
)

select * from typed
