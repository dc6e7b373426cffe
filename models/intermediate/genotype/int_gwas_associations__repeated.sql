-- Lines of a variant that an earlier line of the same trait has given, among the lines that break no rule on their own. A strand-ambiguous
-- line counts behind all others: it never takes the place of one that the regressions read.
-- The long table is named twice: a step read twice would be written down in between.

with keys_met_twice as (
    select
        trait,
        variant_key
    from {{ ref('int_gwas_associations__kept') }}
    group by trait, variant_key
    having count(*) > 1
),

candidates as (
    select
        kept.trait,
        kept.line_number,
        row_number() over (
            partition by kept.trait, kept.variant_key, kept.other_name order by kept.is_strand_ambiguous, kept.line_number
        ) as occurrence
    from {{ ref('int_gwas_associations__kept') }} as kept
    inner join keys_met_twice on kept.trait = keys_met_twice.trait and kept.variant_key = keys_met_twice.variant_key
)

select
    trait,
    line_number
from candidates
where occurrence > 1
