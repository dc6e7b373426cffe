-- Each locus planted for the two diseases of the synthetic cohort, beside what the analyses of single loci make of it; empty for real data.
-- A causal variant whose line a munge rule drops cannot be found, only its neighbours: is_causal_variant_kept tells.
with planted_truths as (
    select * from {{ ref('planted_truths') }}
),

munged as (
    select * from {{ ref('int_gwas_associations__munged') }}
),

shared_loci as (
    select * from {{ ref('shared_loci') }}
    where locus is not null
),

colocalisations as (
    select * from {{ ref('colocalisations') }}
),

gene_associations as (
    select * from {{ ref('gene_associations') }}
    where method = 'acat'
),

loci as (
    select
        planted_truths.mediator as planted_locus,
        planted_truths.note as kind,
        planted_truths.exposure as trait_1,
        planted_truths.outcome as trait_2,
        hypotheses.note as planted_hypothesis,
        try_cast(split_part(planted_truths.mediator, ':', 1) as integer) as chromosome,
        try_cast(split_part(split_part(planted_truths.mediator, ':', 2), '-', 1) as integer) as start_bp,
        try_cast(split_part(planted_truths.mediator, '-', 2) as integer) as end_bp
    from planted_truths
    inner join planted_truths as hypotheses
        on planted_truths.mediator = hypotheses.mediator and hypotheses.quantity = 'colocalisation'
    where planted_truths.quantity = 'locus'
),

causal_variants as (
    select
        planted_truths.outcome as planted_locus,
        loci.trait_1 = planted_truths.exposure as is_first,
        planted_truths.mediator as rsid,
        planted_truths.planted_coefficient as planted_z,
        munged.rsid is not null as is_kept
    from planted_truths
    inner join loci on planted_truths.outcome = loci.planted_locus
    left join munged on planted_truths.mediator = munged.rsid and planted_truths.exposure = munged.trait
    where planted_truths.quantity = 'causal_variant'
),

planted_variants as (
    select
        planted_locus,
        max(case when is_first then rsid end) as causal_rsid_1,
        max(case when not is_first then rsid end) as causal_rsid_2,
        max(case when is_first then planted_z end) as planted_z_1,
        max(case when not is_first then planted_z end) as planted_z_2,
        min(case when is_kept then 1 else 0 end) = 1 as is_causal_variant_kept
    from causal_variants
    group by planted_locus
),

causal_genes as (
    select
        planted_truths.outcome as planted_locus,
        count(*) as n_causal_genes,
        sum(case when gene_associations.is_significant then 1 else 0 end) as n_causal_genes_found
    from planted_truths
    left join gene_associations
        on planted_truths.mediator = gene_associations.gene_id and planted_truths.exposure = gene_associations.trait
    where planted_truths.quantity = 'causal_gene'
    group by planted_truths.outcome
),

found as (
    select
        loci.planted_locus,
        max(case when shared_loci.evidence = 'both_genome_wide' then 1 else 0 end) = 1 as is_both_genome_wide,
        max(case when shared_loci.evidence = 'placo_plus' then 1 else 0 end) = 1 as is_found_by_placo_plus,
        max(case when shared_loci.evidence = 'conjunctional_fdr' then 1 else 0 end) = 1 as is_found_by_conjunctional_fdr
    from loci
    left join shared_loci
        on
            loci.trait_1 = shared_loci.trait_1
            and loci.trait_2 = shared_loci.trait_2
            and loci.chromosome = shared_loci.chromosome
            and loci.start_bp <= shared_loci.end_bp
            and loci.end_bp >= shared_loci.start_bp
    group by loci.planted_locus
),

-- a locus may be named by several kinds of evidence: the region that holds a causal variant, genome-wide evidence first
examined as (
    select
        loci.planted_locus,
        colocalisations.supported_hypothesis,
        colocalisations.posterior_h3,
        colocalisations.posterior_h4,
        colocalisations.likeliest_rsid,
        row_number() over (partition by loci.planted_locus order by colocalisations.evidence, colocalisations.region_start_bp) as place
    from loci
    inner join shared_loci
        on
            loci.trait_1 = shared_loci.trait_1
            and loci.trait_2 = shared_loci.trait_2
            and loci.chromosome = shared_loci.chromosome
            and loci.start_bp <= shared_loci.end_bp
            and loci.end_bp >= shared_loci.start_bp
    inner join colocalisations
        on
            shared_loci.trait_1 = colocalisations.trait_1
            and shared_loci.trait_2 = colocalisations.trait_2
            and shared_loci.evidence = colocalisations.evidence
            and shared_loci.locus = colocalisations.locus
),

compared as (
    select
        loci.planted_locus,
        loci.kind,
        loci.trait_1,
        loci.trait_2,
        planted_variants.causal_rsid_1,
        planted_variants.causal_rsid_2,
        planted_variants.planted_z_1,
        planted_variants.planted_z_2,
        planted_variants.is_causal_variant_kept,
        found.is_both_genome_wide,
        found.is_found_by_placo_plus,
        found.is_found_by_conjunctional_fdr,
        loci.planted_hypothesis,
        examined.supported_hypothesis,
        examined.posterior_h3,
        examined.posterior_h4,
        examined.likeliest_rsid,
        cast(causal_genes.n_causal_genes as bigint) as n_causal_genes,
        cast(causal_genes.n_causal_genes_found as bigint) as n_causal_genes_found
    from loci
    left join planted_variants on loci.planted_locus = planted_variants.planted_locus
    left join causal_genes on loci.planted_locus = causal_genes.planted_locus
    left join found on loci.planted_locus = found.planted_locus
    left join examined on loci.planted_locus = examined.planted_locus and examined.place = 1
)

select * from compared
