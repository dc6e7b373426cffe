-- On which genome build the positions of the study are, judged from landmarks whose places on GRCh37 and GRCh38 are known: common variants
-- and genes that moved by more than their own length (seeds/anchor_variants.csv, anchor_genes.csv). Files state their build rarely and wrongly.
-- A landmark is compared by its name where the chromosome agrees too: ids that are numbers of rows are no Entrez ids.
{{ config(schema='quality') }}

{%- set fewest_compared = 5 %}
{%- set agreeing_share = 0.8 %}

with located as (
    select * from {{ ref('int_gwas_variants__located') }}
),

genes as (
    select
        upper(symbol) as symbol,
        case when symbol = gene_id then gene_id end as only_name,
        try_cast(replace(upper(chromosome), 'X', '23') as integer) as chromosome,
        start_bp,
        stop_bp
    from {{ ref('stg_gene_locations__genes') }}
),

anchor_variants as (
    select * from {{ ref('anchor_variants') }}
),

anchor_genes as (
    select * from {{ ref('anchor_genes') }}
),

compared as (
    select
        'variants' as positions_of,
        located.base_pair_location = anchor_variants.base_pair_grch37 as is_at_grch37,
        located.base_pair_location = anchor_variants.base_pair_grch38 as is_at_grch38
    from anchor_variants
    inner join located on anchor_variants.rsid = located.rsid and anchor_variants.chromosome = located.chromosome

    union all

    select
        'genes' as positions_of,
        genes.start_bp <= anchor_genes.stop_bp_grch37 and genes.stop_bp >= anchor_genes.start_bp_grch37 as is_at_grch37,
        genes.start_bp <= anchor_genes.stop_bp_grch38 and genes.stop_bp >= anchor_genes.start_bp_grch38 as is_at_grch38
    from anchor_genes
    inner join genes
        on
            anchor_genes.chromosome = genes.chromosome
            and (anchor_genes.symbol = genes.symbol or anchor_genes.entrez_id = genes.only_name)
),

sizes as (
    select
        'variants' as positions_of,
        count(*) as n_positions
    from located

    union all

    select
        'genes' as positions_of,
        count(*) as n_positions
    from genes
),

counted as (
    select
        sizes.positions_of,
        sizes.n_positions,
        count(compared.positions_of) as n_anchors_compared,
        count(case when compared.is_at_grch37 then 1 end) as n_at_grch37,
        count(case when compared.is_at_grch38 then 1 end) as n_at_grch38
    from sizes
    left join compared on sizes.positions_of = compared.positions_of
    group by sizes.positions_of, sizes.n_positions
),

built as (
    select
        *,
        case
            when n_anchors_compared < {{ fewest_compared }} then null
            when n_at_grch37 >= {{ agreeing_share }} * n_anchors_compared then 'GRCh37'
            when n_at_grch38 >= {{ agreeing_share }} * n_anchors_compared then 'GRCh38'
            else 'neither'
        end as genome_build
    from counted
),

judged as (
    select
        built.positions_of,
        built.n_positions,
        built.n_anchors_compared,
        built.n_at_grch37,
        built.n_at_grch38,
        built.genome_build,
        of_variants.genome_build as study_build,
        -- without both builds nothing speaks against the file
        coalesce(built.genome_build = of_variants.genome_build, true) as is_on_study_build
    from built
    inner join built as of_variants on of_variants.positions_of = 'variants'
),

advised as (
    select
        positions_of,
        n_positions,
        n_anchors_compared,
        n_at_grch37,
        n_at_grch38,
        genome_build,
        is_on_study_build,
        case
            when n_positions = 0 then 'none landed'
            when genome_build is null
                then concat('holds ', n_anchors_compared, ' landmarks, fewer than {{ fewest_compared }}: its build is not told, and nothing speaks against it')
            when positions_of = 'variants' then concat('the build of the study: ', genome_build)
            when study_build is null then concat(genome_build, '; the build of the variants is not told, and nothing speaks against it')
            when is_on_study_build then concat(genome_build, ', as the variants')
            else concat(genome_build, ', the variants ', study_build)
        end as verdict,
        case
            when not is_on_study_build
                then concat(
                    'the gene locations are on another genome build than the variants (genes ', genome_build, ', variants ', study_build,
                    '): land a gene.loc file of the build of the variants (of MAGMA''s, NCBI37.3.gene.loc is GRCh37, NCBI38.gene.loc GRCh38)'
                )
            when genome_build = 'neither'
                then 'positions on neither GRCh37 nor GRCh38: lift the files over to one of them, so that their build can be compared'
        end as what_to_do
    from judged
)

select * from advised
