-- Diagnoses of hospital episodes, ICD-10 and ICD-9 side by side as recorded.
{{ gate('raw') }}

with hesin_diag as (
    select * from {{ source('ukb', 'hesin_diag') }}
),

diagnoses as (
    select
        eid as participant_id,
        try_cast(ins_index as integer) as episode_index,
        try_cast(arr_index as integer) as diagnosis_index,
        case try_cast(level as integer) when 1 then 'primary' when 2 then 'secondary' when 3 then 'external cause' end as level,
        case when diag_icd10 is not null then 'icd10' when diag_icd9 is not null then 'icd9' end as code_system,
        upper(coalesce(diag_icd10, diag_icd9)) as code
    from hesin_diag
)

select * from diagnoses
