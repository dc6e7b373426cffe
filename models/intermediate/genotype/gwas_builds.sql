-- Whether the positions of each trait are on the build of the study: those of the LD score panel, else of the first trait by name.
-- Judged from positions, not from what a file claims: most files claim nothing.
{{ config(schema='quality') }}

{%- set fewest_compared = 20 %}

with judged as (
    select * from {{ ref('int_gwas_associations__judged') }}
    where broken_rule is null and not is_strand_ambiguous
),

gwas_traits as (
    select * from {{ ref('stg_gwas__traits') }}
),

panel as (
    select
        rsid,
        any_value(try_cast(replace(upper(chromosome), 'X', '23') as integer)) as chromosome,
        any_value(base_pair_location) as base_pair_location
    from {{ ref('stg_ldsc__ld_scores') }}
    where base_pair_location is not null
    group by rsid
),

panel_size as (
    select count(*) as n_panel from panel
),

first_trait as (
    select min(trait) as trait from judged
),

reference_positions as (
    select
        rsid,
        chromosome,
        base_pair_location
    from panel

    union all

    select
        judged.rsid,
        judged.chromosome,
        judged.base_pair_location
    from judged
    inner join first_trait on judged.trait = first_trait.trait
    cross join panel_size
    where panel_size.n_panel = 0
),

compared as (
    select
        judged.trait,
        count(*) as n_variants,
        sum(case when judged.base_pair_location is not null then 1 else 0 end) as n_with_position,
        sum(case when judged.base_pair_location is not null and reference_positions.base_pair_location is not null then 1 else 0 end)
            as n_compared,
        sum(
            case
                when
                    judged.base_pair_location = reference_positions.base_pair_location
                    and judged.chromosome = reference_positions.chromosome
                    then 1
                else 0
            end
        ) as n_same_position
    from judged
    left join reference_positions on judged.rsid = reference_positions.rsid
    group by judged.trait
),

decided as (
    select
        compared.trait,
        gwas_traits.genome_assembly,
        compared.n_variants,
        compared.n_with_position,
        cast(compared.n_compared as bigint) as n_compared,
        cast(compared.n_same_position as bigint) as n_same_position,
        case when panel_size.n_panel > 0 then 'LD score panel' else first_trait.trait end as compared_with,
        -- without enough variants to compare nothing speaks against the file
        compared.n_compared < {{ fewest_compared }} or compared.n_same_position >= 0.5 * compared.n_compared as is_on_study_build
    from compared
    cross join panel_size
    cross join first_trait
    left join gwas_traits on compared.trait = gwas_traits.trait
),

advised as (
    select
        *,
        case
            when not is_on_study_build
                then 'positions on another genome build: lift the file over, or its variants outside the LD score panel are in no locus and no gene'
            when n_with_position = 0
                then 'no positions: its variants outside the LD score panel are in no locus and no gene'
        end as what_to_do
    from decided
)

select * from advised
