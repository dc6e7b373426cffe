-- How far the Z scores of two studies are correlated without any genetic signal: the people they share.
-- Intercepts of LD score regression, heritability's on the diagonal (Bulik-Sullivan 2015b); what tools that assume
-- independent samples need to be told.
with heritabilities as (
    select * from {{ ref('heritabilities') }}
    where estimator = 'one_step'
),

genetic_correlations as (
    select * from {{ ref('genetic_correlations') }}
    where estimator = 'one_step'
),

cells as (
    select
        trait as trait_1,
        trait as trait_2,
        intercept,
        intercept_standard_error
    from heritabilities

    union all

    select
        trait_1,
        trait_2,
        intercept,
        intercept_standard_error
    from genetic_correlations

    union all

    select
        trait_2 as trait_1,
        trait_1 as trait_2,
        intercept,
        intercept_standard_error
    from genetic_correlations
),

own_intercepts as (
    select
        trait,
        case when intercept > 0 then intercept end as intercept
    from heritabilities
),

correlated as (
    select
        cells.trait_1,
        cells.trait_2,
        cells.intercept,
        cells.intercept_standard_error,
        cells.intercept / sqrt(first_trait.intercept * second_trait.intercept) as z_correlation
    from cells
    left join own_intercepts as first_trait on cells.trait_1 = first_trait.trait
    left join own_intercepts as second_trait on cells.trait_2 = second_trait.trait
),

with_refusal as (
    select
        *,
        case when z_correlation is null then 'a regression of the pair was refused: see heritabilities and genetic_correlations' end as refusal
    from correlated
)

select * from with_refusal
