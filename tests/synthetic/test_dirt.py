"""Each kind of dirt of a real export is in the synthetic one."""

import duckdb
import pytest

# Rule: SQL that counts it; at least one row must be there.
DIRT = {
    "prefer not to answer (-3)": "select count(*) from participant where p738_i0 = '-3'",
    "do not know (-1)": "select count(*) from participant where p1160_i0 = '-1'",
    "none of the above (-7) on walking pace": "select count(*) from participant where p924_i0 = '-7'",
    "less than one (-10)": "select count(*) from participant where p1309_i0 = '-10'",
    "not sure (-5)": "select count(*) from participant where p2834_i0 = '-5'",
    "none of the above as a qualification": "select count(*) from participant where p6138_i0 = '[\"-7\"]'",
    "negative deprivation is a value": "select count(*) from participant where p22189::double < 0",
    "placeholder dates in first occurrences": """
        select count(*) from participant where p131964 in
        ('1900-01-01', '1901-01-01', '1902-02-02', '1903-03-03', '1909-09-09', '2037-07-07')
        or p131934 in ('1900-01-01', '1901-01-01', '1902-02-02', '1903-03-03', '1909-09-09', '2037-07-07')
    """,
    "second death certificates": "select count(*) from death where ins_index = '1'",
    "second instance of the death date": "select count(*) from participant where p40000_i1 is not null",
    "negative ids": "select count(*) from participant where eid like '-%'",
    "withdrawn people still in the export": (
        "select count(*) from participant where eid in (select eid from withdrawals)"
    ),
    "gaps in ins_index": """
        select count(*) from (select max(ins_index::int) + 1 - count(*) as gaps from hesin group by eid) where gaps > 0
    """,
    "episodes out of time order": """
        select count(*) from (
            select coalesce(epistart, admidate)
                < lag(coalesce(epistart, admidate)) over (partition by eid order by ins_index::int) as is_back
            from hesin
        ) where is_back
    """,
    "unfinished episodes": "select count(*) from hesin where epistat = '1'",
    "episodes without a start": "select count(*) from hesin where epistart is null and admidate is not null",
    "ICD-10 codes of three characters": "select count(*) from hesin_diag where length(diag_icd10) = 3",
    "ICD-10 codes of five characters": "select count(*) from hesin_diag where length(diag_icd10) = 5",
    "M62.84, a hand muscle": "select count(*) from hesin_diag where diag_icd10 = 'M6284'",
    "M62 that is not M62.5": (
        "select count(*) from hesin_diag where diag_icd10 like 'M62%' and diag_icd10 not like 'M625%'"
    ),
    "ICD-9 codes with leading zeros": "select count(*) from hesin_diag where diag_icd9 like '0%'",
    "the faulty dynamometer": """
        select count(*) from participant where p38_i1 = '7336' and p54_i1 = '11024'
        and p53_i1 between '2013-01-01' and '2013-06-30'
    """,
    "one heel early": "select count(*) from participant where p3148_i0 is not null and p53_i0 < '2009-04-28'",
    "both heels later": "select count(*) from participant where p4105_i0 is not null and p4124_i0 is not null",
    "grip recorded as zero": "select count(*) from participant where p46_i0 = '0' or p47_i0 = '0'",
    "values out of any plausible range": """
        select count(*) from participant where p50_i0::double < 120 or p21002_i0::double > 250
        or p3148_i0::double > 1.8 or p30890_i0::double > 400 or p46_i0::double > 90
    """,
    "lost to follow-up": "select count(*) from participant where p191 is not null and p190 is not null",
    "osteoporosis before baseline": "select count(*) from participant where p131964 between '1910-01-01' and p53_i0",
    "self-reported osteoporosis": "select count(*) from participant where p20002_i0 like '%\"1309\"%'",
    "self-report with an unknown year": "select count(*) from participant where p20008_i0_a0 = '-1'",
    "first reported by a GP": "select count(*) from participant where p131965 in ('30', '31')",
    "hospital records after the end": "select count(*) from hesin where epistart > '2022-10-31'",
    "placeholder dates in primary care": (
        "select count(*) from gp_clinical where event_dt in ('1901-01-01', '1902-02-02', '1903-03-03', '2037-07-07', "
        "'1900-01-01', '1909-09-09')"
    ),
    "shipment plates that look like numbers": (
        "select count(*) from participant where regexp_matches(p23649_i0, '^49[0-9]{10}$')"
    ),
    "metabolites of zero": "select count(*) from participant where '0' in (p23485_i0, p23486_i0, p23476_i0, p23474_i0)",
    "flags on metabolites": "select count(*) from participant where p23652_i0 = '1'",
    "samples chosen by the consortium": "select count(*) from participant where p30903_i0 = '1'",
}


@pytest.mark.parametrize("rule", sorted(DIRT))
def test_dirt__is_there(tables: duckdb.DuckDBPyConnection, rule: str) -> None:
    assert tables.execute(DIRT[rule]).fetchall()[0][0] > 0


CLEAN = {
    "men have no menopause answer": (
        "select count(*) from participant where p31 = '1' and (p2724_i0 is not null or p2814_i0 is not null)"
    ),
    "men have no women's form": "select count(*) from participant where p31 = '1' and p6153_i0 is not null",
    "women have no men's form": "select count(*) from participant where p31 = '0' and p6177_i0 is not null",
    "never smokers have no pack years": (
        "select count(*) from participant where p20116_i0 = '0' and p20161_i0 is not null"
    ),
    "nobody has both an early and a late heel scan": (
        "select count(*) from participant where p3148_i0 is not null and p4105_i0 is not null"
    ),
    "visits follow each other": (
        "select count(*) from participant where p53_i1 <= p53_i0 or p53_i2 <= p53_i1 or p53_i3 <= p53_i2"
    ),
    "codes of one sex are given to that sex": """
        select count(*) from participant join hesin_diag using (eid)
        where (p31 = '1' and diag_icd9 = '650') or (p31 = '0' and diag_icd10 in ('N40', 'C61'))
        or (p31 = '1' and diag_icd10 = 'N819')
    """,
    "ins_index names an episode": ("select count(*) - count(distinct (eid, ins_index)) from hesin"),
    "a diagnosis row has one key": "select count(*) - count(distinct (eid, ins_index, arr_index)) from hesin_diag",
    "every diagnosis has its episode": """
        select count(*) from hesin_diag anti join hesin using (eid, ins_index)
    """,
    "nothing is coded in hospital after death": """
        select count(*) from hesin join death using (eid) where death.ins_index = '0' and epistart > date_of_death
    """,
    "a disease under study never hangs on an unfinished episode": """
        select count(*) from hesin join hesin_diag using (eid, ins_index)
        where epistat = '1' and (diag_icd10 like 'M625%' or diag_icd10 similar to 'M8[012].*')
    """,
    "primary care ends with its provider": """
        select count(*) from gp_clinical where event_dt > '2017-08-31' and event_dt <> '2037-07-07'
    """,
    "the unlinked have no primary care": """
        select count(*) from participant where p131965 = '30' and eid not in (select eid from gp_registrations)
    """,
    "a GP first report has its GP row": """
        select count(*) from participant where p131965 = '30' and p131964 > '1910-01-01' and p131964 < '2030-01-01'
        and not exists (
            select 1 from gp_clinical where gp_clinical.eid = participant.eid and event_dt = p131964
            and coalesce(read_2, read_3) similar to '(N33|NyuB).*'
        )
    """,
    "a hospital first report has its hospital row": """
        select count(*) from participant where p131965 = '40' and p131964 > '1910-01-01' and p131964 < '2030-01-01'
        and not exists (
            select 1 from hesin join hesin_diag using (eid, ins_index) where hesin.eid = participant.eid
            and coalesce(epistart, admidate) = p131964 and diag_icd10 similar to 'M8[01].*'
        )
    """,
}


@pytest.mark.parametrize("rule", sorted(CLEAN))
def test_what_holds_in_real_exports_holds_here(tables: duckdb.DuckDBPyConnection, rule: str) -> None:
    assert tables.execute(CLEAN[rule]).fetchall()[0][0] == 0
