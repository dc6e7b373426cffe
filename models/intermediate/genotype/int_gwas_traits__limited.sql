-- What the rules on all lines of a trait compare each with: its smallest sample size and its median effect, and the share of cases
-- at the largest studies. Of lines that break no rule on their own, strand ambiguity included, and repeat no rsid.

-- The steps that are read more than once are repeated in the SQL: written down in between they would cost three times as much.
{%- set candidates %}
(
    select
        kept.trait,
        kept.n_total,
        kept.sample_prevalence,
        kept.is_sized_by_cases,
        coalesce(kept.beta, kept.z_without_beta) as signed_effect,
        kept.z_score is not null as has_z
    from {{ ref('int_gwas_associations__kept') }} as kept
    left join {{ ref('int_gwas_associations__repeated') }} as repeated
        on kept.trait = repeated.trait and kept.line_number = repeated.line_number
    where not kept.is_strand_ambiguous and repeated.line_number is null
) as candidates
{%- endset %}
{%- set sized %}
(
    select
        candidates.trait,
        candidates.signed_effect,
        candidates.has_z,
        {{ gwas_n('candidates', 'shares_at_largest') }} as n
    from {{ candidates }}
    left join shares_at_largest on candidates.trait = shares_at_largest.trait
) as sized
{%- endset %}

with largest_studies as (
    select
        trait,
        max(n_total) as n_total
    from {{ candidates }}
    where is_sized_by_cases
    group by trait
),

shares_at_largest as (
    select
        candidates.trait,
        avg(candidates.sample_prevalence) as sample_prevalence
    from {{ candidates }}
    inner join largest_studies on candidates.trait = largest_studies.trait and candidates.n_total = largest_studies.n_total
    group by candidates.trait
),

size_limits as (
    select
        trait,
        coalesce(cast({{ var('gwas_n_min') }} as double), percentile_cont(0.9) within group (order by n) / 1.5) as n_min
    from {{ sized }}
    group by trait
),

median_effects as (
    select
        sized.trait,
        median(sized.signed_effect) as median_effect
    from {{ sized }}
    inner join size_limits on sized.trait = size_limits.trait
    where sized.has_z and not coalesce(sized.n < size_limits.n_min, false)
    group by sized.trait
)

select
    size_limits.trait,
    size_limits.n_min,
    shares_at_largest.sample_prevalence as sample_prevalence_at_largest,
    median_effects.median_effect
from size_limits
left join shares_at_largest on size_limits.trait = shares_at_largest.trait
left join median_effects on size_limits.trait = median_effects.trait
