-- Where each variant of the regional analyses lies, on one build for all traits. rs numbers join traits on any build; positions do not.
-- The study's build is that of the LD score panel, else of the first trait by name: a trait whose positions disagree with it
-- (quality.gwas_builds) lends none, so its variants outside the panel have no place and take part in no locus and no gene.

with regional as (
    select * from {{ ref('int_gwas_associations__regional') }}
),

gwas_builds as (
    select * from {{ ref('gwas_builds') }}
),

panel as (
    select
        rsid,
        any_value(try_cast(replace(upper(chromosome), 'X', '23') as integer)) as chromosome,
        any_value(base_pair_location) as base_pair_location
    from {{ ref('stg_ldsc__ld_scores') }}
    group by rsid
),

located_by_traits as (
    select
        regional.rsid,
        regional.variant_key,
        min(case when gwas_builds.is_on_study_build then regional.chromosome end) as chromosome,
        min(case when gwas_builds.is_on_study_build then regional.base_pair_location end) as base_pair_location,
        max(case when regional.is_strand_ambiguous then 0 else 1 end) = 1 as has_known_strand
    from regional
    inner join gwas_builds on regional.trait = gwas_builds.trait
    group by regional.rsid, regional.variant_key
),

located as (
    select
        located_by_traits.rsid,
        located_by_traits.variant_key,
        coalesce(panel.chromosome, located_by_traits.chromosome) as chromosome,
        case
            when panel.chromosome is null then located_by_traits.base_pair_location
            else panel.base_pair_location
        end as base_pair_location,
        located_by_traits.has_known_strand,
        panel.rsid is not null as is_in_ld_panel
    from located_by_traits
    left join panel on located_by_traits.rsid = panel.rsid
)

select * from located
where chromosome is not null and base_pair_location is not null
