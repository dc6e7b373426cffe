-- Each gene with the stretch whose variants are its own: gwas_gene_window_upstream_bp before its start of transcription,
-- gwas_gene_window_downstream_bp behind its end (35 and 10 kb: de Leeuw 2015's files and most published tables).
-- Genes whose windows overlap, directly or in chain, share a locus: neighbours share their SNPs and are one finding.

with genes as (
    select * from {{ ref('stg_gene_locations__genes') }}
),

windowed as (
    select
        gene_id,
        symbol,
        try_cast(replace(upper(chromosome), 'X', '23') as integer) as chromosome,
        start_bp,
        stop_bp,
        strand,
        greatest(
            start_bp - case when strand = '-' then {{ var('gwas_gene_window_downstream_bp') }} else {{ var('gwas_gene_window_upstream_bp') }} end,
            0
        ) as window_start_bp,
        stop_bp + case when strand = '-' then {{ var('gwas_gene_window_upstream_bp') }} else {{ var('gwas_gene_window_downstream_bp') }} end
            as window_stop_bp
    from genes
),

reached as (
    select
        *,
        max(window_stop_bp) over (
            partition by chromosome order by window_start_bp, gene_id rows between unbounded preceding and 1 preceding
        ) as reached_bp
    from windowed
    where chromosome is not null and start_bp is not null and stop_bp is not null
),

chained as (
    select
        gene_id,
        symbol,
        chromosome,
        start_bp,
        stop_bp,
        strand,
        window_start_bp,
        window_stop_bp,
        sum(case when reached_bp is null or window_start_bp > reached_bp then 1 else 0 end) over (
            order by chromosome, window_start_bp, gene_id rows between unbounded preceding and current row
        ) as gene_locus
    from reached
)

select * from chained
