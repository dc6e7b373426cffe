-- What the synthetic cohort was made with, to lay beside what the analyses find; empty for real people.
select * from {{ ref('stg_synthetic__planted_truths') }}
