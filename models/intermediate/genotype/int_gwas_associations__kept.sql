-- The lines that break no rule on their own, or strand ambiguity (A/T, C/G) and nothing else, with their Z: the one copy of the long
-- files, read by all that follows. Regressions leave the ambiguous lines out, regions do not (int_gwas_associations__regional).
-- Names become numbers: an rs number is its digits, any other name a number below 0 that it all but never shares.

with screened as (
    select
        *,
        {{ rs_digits('rsid') }} as digits
    from {{ ref('int_gwas_associations__screened') }}
    where rule_beside_strand is null
),

with_p as (
    select
        *,
        {{ variant_key('rsid', 'digits') }} as variant_key,
        {{ central_of_neg_log10_p('neg_log10_p_value') }} as p_central,
        {{ root_of_neg_log10_p('neg_log10_p_value') }} as p_root
    from screened
),

-- for every line: where lines are picked the long formula takes ten times as long
with_z as (
    select
        *,
        {{ z_of_tail('neg_log10_p_value', 'p_central', 'p_root') }} as z_of_p
    from with_p
),

kept as (
    select
        trait,
        line_number,
        chromosome,
        base_pair_location,
        variant_key,
        case when variant_key < 0 then rsid end as other_name,
        effect_allele,
        other_allele,
        effect_allele_frequency,
        minor_allele_frequency,
        n_total,
        sample_prevalence,
        is_case_control,
        is_sized_by_cases,
        beta,
        case when beta is null then signed_effect end as z_without_beta,
        standard_error,
        z_basis,
        is_p_repaired,
        is_strand_ambiguous,
        case
            when z_basis = 'effect' then z_of_effect
            when signed_effect < 0 then -z_of_p
            else z_of_p
        end as z_score
    from with_z
)

select * from kept
