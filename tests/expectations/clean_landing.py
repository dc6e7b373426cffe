"""A small landing in which every rule of the raw door holds, so that a test can break one thing at a time.

Not the embedded cohort: only the columns that the raw door reads are filled, by arithmetic that can be read here.
"""

import csv
import json
from dataclasses import dataclass
from math import erfc
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from expectations.suite_files import SEEDS_FOLDER

N_PARTICIPANTS = 3000
N_SAMPLES = 800
N_VARIANTS = 12000
LEAN_SHARES = {"23113": 0.17, "23117": 0.17, "23121": 0.055, "23125": 0.055, "23129": 0.55}
Column = npt.NDArray[np.object_]

RECORD_TABLES = (
    "hesin hesin_diag hesin_oper death death_cause gp_clinical gp_registrations gp_scripts withdrawals "
    "olink_data olink_batch_number ld_scores gwas_traits"
)
GWAS_COLUMNS = (
    "trait source_format chromosome base_pair_location variant_id rsid effect_allele other_allele "
    "effect_allele_frequency minor_allele_frequency info n n_cases n_controls beta odds_ratio standard_error "
    "z_score p_value neg_log10_p_value"
)
# Tables that follow from participants, episodes and summary statistics.
RECORDS = """
create table hesin_diag as
select
    eid, ins_index, '0' as arr_index, '1' as level, cast(null as varchar) as diag_icd9,
    case when cast(right(eid, 2) as integer) < 6 then 'M810' else 'M' || right(eid, 2) || '9' end as diag_icd10
from hesin;
update participant set p41270 = (
    select to_json(list_sort(list(distinct diag_icd10))) from hesin_diag where hesin_diag.eid = participant.eid
);
update participant set p30900_i0 = '5' where p30901_i0 is not null;
create table hesin_oper as
select eid, ins_index, '0' as arr_index, '1' as level, epistart as opdate, 'W371' as oper4 from hesin limit 300;
create table death as
select eid, '0' as ins_index, 'E/W' as dsource, 'NHSCR' as source, p40000_i0 as date_of_death
from participant where p40000_i0 is not null;
create table death_cause as
select eid, ins_index, '0' as arr_index, '1' as level, 'I219' as cause_icd10 from death;
create table gp_clinical as
select
    eid, '3' as data_provider, epistart as event_dt, cast(null as varchar) as read_2, 'N3300' as read_3,
    '' as value1, '' as value2, '' as value3
from hesin limit 1500;
create table gp_registrations as
select eid, '3' as data_provider, p53_i0 as reg_date, cast(null as varchar) as deduct_date from participant limit 1400;
create table gp_scripts as
select
    eid, '3' as data_provider, p53_i0 as issue_date, '' as read_2, '' as bnf_code, '' as dmd_code, '' as drug_name,
    '' as quantity
from participant limit 1400;
create table withdrawals as select eid from participant limit 3;
create table ld_scores as
select
    chromosome, rsid, base_pair_location, '0' as cm,
    cast(least(cast(effect_allele_frequency as double), 1 - cast(effect_allele_frequency as double)) as varchar) as maf,
    '20' as l2
from gwas where trait = 'osteoporosis' limit 6000;
create table olink_batch_number as
select distinct p30901_i0 as "PlateID", cast(cast(right(p30901_i0, 1) as integer) % 3 as varchar) as "Batch"
from participant where p30901_i0 is not null;
create table gwas_traits as select distinct trait, '400000' as n, cast(null as varchar) as n_cases from gwas;
create table files as select * from (values
    ('participant.csv', 'participant', 3000, 0),
    ('hesin.csv', 'hesin', 6000, 1)
) as listed (file, entity, n_rows, n_rejected);
"""


@dataclass(frozen=True, slots=True)
class Landing:
    """A landing open for changes: tables of text, as ingest writes them."""

    connection: duckdb.DuckDBPyConnection

    def write(self, folder: Path) -> Path:
        """Write the tables as Parquet, with the profile that ingest leaves beside them."""
        (folder / "gwas").mkdir(parents=True)
        for table in ("participant", *RECORD_TABLES.split()):
            self.connection.execute(f"copy {table} to '{folder}/{table}.parquet' (format parquet)")
        self.connection.execute(f"copy gwas to '{folder}/gwas/osteoporosis.parquet' (format parquet)")
        self.connection.execute(f"copy (from gwas limit 0) to '{folder}/gwas/_none.parquet' (format parquet)")
        files = self.connection.execute("select file, entity, n_rows, n_rejected from files order by file").fetchall()
        profile = {
            "files": [dict(zip(("file", "entity", "n_rows", "n_rejected"), row, strict=True)) for row in files],
            "rejected": [],
        }
        (folder / "profile.json").write_text(json.dumps(profile), encoding="utf-8")
        return folder


def clean_landing(seed: int = 1) -> Landing:
    """The tables of a landing that breaks no rule."""
    rng = np.random.default_rng(seed)
    connection = duckdb.connect()
    people = _people(rng)
    _create(connection, "participant", _participant_columns(), people)
    eids = people["eid"]
    episodes = _episodes(rng, eids)
    _create(connection, "hesin", list(episodes), episodes)
    proteins = _proteins(rng, eids)
    _create(connection, "olink_data", list(proteins), proteins)
    _create(connection, "gwas", GWAS_COLUMNS.split(), _gwas(rng))
    connection.execute(RECORDS)
    return Landing(connection)


def _participant_columns() -> list[str]:
    """Every column ingest lands for the fields and biomarkers of the seeds."""
    columns = ["eid"]
    with (SEEDS_FOLDER / "ukb_fields.csv").open(newline="", encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            instances = range(int(row["last_instance"]) + 1)
            names = [f"p{row['field_id']}_i{instance}" for instance in instances]
            columns += names if row["is_instanced"] == "true" else [f"p{row['field_id']}"]
    with (SEEDS_FOLDER / "nmr_biomarkers.csv").open(newline="", encoding="utf-8") as stream:
        columns += [f"p{row['field_id']}_i{instance}" for row in csv.DictReader(stream) for instance in (0, 1)]
    return columns


def _create(connection: duckdb.DuckDBPyConnection, table: str, columns: list[str], filled: dict[str, Column]) -> None:
    n = len(next(iter(filled.values())))
    empty = pa.nulls(n, pa.string())
    arrays = [pa.array(filled[column].tolist(), pa.string()) if column in filled else empty for column in columns]
    landed = pa.Table.from_arrays(arrays, names=columns)
    connection.register("landed", landed)
    connection.execute(f"create table {table} as select * from landed")
    connection.unregister("landed")


def _text(values: npt.ArrayLike, decimals: int = 2) -> Column:
    return np.array([f"{value:.{decimals}f}" for value in np.asarray(values)], dtype=object)


def _only(values: Column, where: npt.NDArray[np.bool_]) -> Column:
    return np.where(where, values, None)


def _people(rng: np.random.Generator) -> dict[str, Column]:
    n = N_PARTICIPANTS
    number = np.arange(n)
    is_male = rng.random(n) < 0.456
    months = rng.integers(0, 12 * 30, n)
    birth = np.datetime64("1938-01") + months
    visit = (np.datetime64("2006-04-01") + rng.integers(0, 1600, n)).astype("datetime64[D]")
    days_old = (visit - (birth.astype("datetime64[D]") + 14)).astype(int)
    height = np.where(is_male, 175.5, 162.5) + rng.normal(0, 6.5, n)
    lean = np.where(is_male, 63.0, 44.0) + 0.35 * (height - np.where(is_male, 175.5, 162.5)) + rng.normal(0, 4, n)
    fat = np.clip(np.where(is_male, 21.0, 26.0) + rng.normal(0, 7, n), 6, None)
    weight = lean + fat
    body_mass_index = weight / (height / 100) ** 2
    waist = 90 + 1.9 * (body_mass_index - 27) + rng.normal(0, 8, n) + np.where(is_male, 5, -4)
    hip = 103 + 1.2 * (body_mass_index - 27) + rng.normal(0, 6, n)
    grip = np.where(is_male, 41.0, 25.0) + rng.normal(0, 6, n)
    hands = np.clip(np.round(grip[:, None] + rng.normal(0, 2, (n, 2))), 8, 70).astype(int)
    bmd = np.where(is_male, 0.57, 0.52) + rng.normal(0, 0.12, n)
    one_heel = number % 100 < 55
    both_heels = number % 100 >= 58
    right = bmd + rng.normal(0, 0.06, n)
    repeat = (number % 25 == 3) & (visit < np.datetime64("2010-06-01"))
    died = number % 12 == 5
    death = visit + 2000 + rng.integers(0, 2500, n)
    m81 = number % 100 < 6
    m62 = number % 11 == 10  # eight times the Showcase, as the embedded cohort is planned
    ldl, hdl, remnant = (
        np.clip(rng.normal(mean, sd, n), 0.2, None) for mean, sd in ((1.7, 0.4), (1.3, 0.3), (1.5, 0.6))
    )
    total = ldl + hdl + remnant
    sampled = number < N_SAMPLES
    plate, well = number // 90, number % 90
    letters = np.array([f"{'ABCDEFGH'[w % 8]}{w // 8 + 1:02d}" for w in well], dtype=object)

    def choose(codes: list[str], shares: list[float]) -> Column:
        return rng.choice(np.array(codes, dtype=object), n, p=shares)

    def constant(code: str) -> Column:
        return np.full(n, code, dtype=object)

    def number_near(mean: float, sd: float) -> Column:
        return _text(np.clip(rng.normal(mean, sd, n), mean / 3, mean * 3))

    filled: dict[str, Column] = {
        "eid": np.array([f"SYN{i:06d}" for i in number], dtype=object),
        "p31": np.where(is_male, "1", "0").astype(object),
        "p22001": np.where(is_male, "1", "0").astype(object),
        "p34": (birth.astype("datetime64[Y]").astype(int) + 1970).astype(str).astype(object),
        "p52": (birth.astype(int) % 12 + 1).astype(str).astype(object),
        "p21022": np.floor(days_old / 365.25).astype(int).astype(str).astype(object),
        "p21003_i0": np.floor(days_old / 365.25).astype(int).astype(str).astype(object),
        "p53_i0": visit.astype(str).astype(object),
        "p53_i1": _only((visit + 900 + number % 300).astype(str).astype(object), repeat),
        "p54_i0": choose(["11001", "11010", "11004", "11003"], [0.5, 0.3, 0.1, 0.1]),
        "p50_i0": _text(height, 4),
        "p21002_i0": _text(weight, 4),
        "p21001_i0": _text(body_mass_index, 4),
        "p23100_i0": _text(fat, 4),
        "p23101_i0": _text(lean, 4),
        "p23099_i0": _text(100 * fat / weight, 4),
        **{f"p{field}_i0": _text(lean * share, 4) for field, share in LEAN_SHARES.items()},
        "p48_i0": _text(waist),
        "p49_i0": _text(hip),
        "p46_i0": hands[:, 0].astype(str).astype(object),
        "p47_i0": hands[:, 1].astype(str).astype(object),
        "p924_i0": choose(["1", "2", "3", "-7"], [0.08, 0.52, 0.39, 0.01]),
        "p3148_i0": _only(_text(bmd, 3), one_heel),
        "p78_i0": _only(_text((bmd - 0.57) / 0.14, 3), one_heel),
        "p4105_i0": _only(_text(bmd, 3), both_heels),
        "p4106_i0": _only(_text((bmd - 0.57) / 0.14, 3), both_heels),
        "p4124_i0": _only(_text(right, 3), both_heels),
        "p4125_i0": _only(_text((right - 0.57) / 0.14, 3), both_heels),
        "p22189": _text(rng.normal(-1.4, 3.0, n).clip(-6, 10)),
        "p21000_i0": choose(["1001", "3001", "4001", "-3"], [0.945, 0.03, 0.02, 0.005]),
        "p20116_i0": choose(["0", "1", "2", "-3"], [0.548, 0.343, 0.104, 0.005]),
        "p20117_i0": choose(["2", "1", "0"], [0.9, 0.05, 0.05]),
        "p1558_i0": choose(["1", "3", "6"], [0.3, 0.5, 0.2]),
        "p738_i0": choose(["1", "2", "3", "4", "5", "-1", "-3"], [0.2, 0.22, 0.22, 0.17, 0.05, 0.04, 0.1]),
        "p6138_i0": choose(['["1","2"]', '["3"]', '["-7"]'], [0.34, 0.5, 0.16]),
        "p6155_i0": choose(['["4"]', '["-7"]'], [0.1, 0.9]),
        "p6179_i0": choose(['["3"]', '["-7"]'], [0.1, 0.9]),
        "p6150_i0": choose(['["1","3"]', '["-7"]'], [0.05, 0.95]),
        "p6153_i0": _only(choose(['["1"]', '["-7"]'], [0.2, 0.8]), ~is_male),
        "p6177_i0": _only(choose(['["1"]', '["-7"]'], [0.2, 0.8]), is_male),
        "p2724_i0": _only(choose(["0", "1"], [0.3, 0.7]), ~is_male),
        "p2814_i0": _only(choose(["0", "1"], [0.6, 0.4]), ~is_male),
        "p22032_i0": _only(choose(["0", "1", "2"], [0.2, 0.4, 0.4]), number % 100 < 79),
        "p22040_i0": _only(number_near(2600, 1500), number % 100 < 79),
        "p20161_i0": _only(number_near(20, 10), number % 100 < 31),
        "p20002_i0": _only(choose(['["1065"]', '["1309","1065"]'], [0.97, 0.03]), number % 100 < 80),
        "p20003_i0": _only(constant('["1140861958"]'), number % 100 < 76),
        "p40000_i0": _only(death.astype(str).astype(object), died),
        "p191": _only((visit + 700).astype(str).astype(object), number % 400 == 7),
        "p190": _only(constant("2"), number % 400 == 7),
        "p131964": _only((visit + 1500).astype(str).astype(object), m81),
        "p131965": _only(constant("40"), m81),
        "p131934": _only((visit + 900).astype(str).astype(object), m62),
        "p131935": _only(constant("30"), m62),
        "p26258": _text(rng.normal(0, 1, n)),
        "p26234": _text(rng.normal(0, 1, n)),
        "p22009": constant('["0.1","0.2"]'),
        "p23400_i0": _text(total, 5),
        "p23401_i0": _text(total - hdl, 5),
        "p23402_i0": _text(remnant, 5),
        "p23405_i0": _text(ldl, 5),
        "p23406_i0": _text(hdl, 5),
        "p23649_i0": np.array([f"49{p:010d}" for p in plate], dtype=object),
        "p23660_i0": letters,
        "p23650_i0": (number % 6 + 1).astype(str).astype(object),
        "p30901_i0": _only(np.array([f"{p:012d}" for p in plate], dtype=object), sampled),
        "p30902_i0": _only(letters, sampled),
    }  # fmt: skip
    filled |= {f"p{field}_i0": choose(["0", "1"], [0.9, 0.1]) for field in ("2443", "2463")}
    filled |= {f"p{field}_i0": choose(["1", "2", "3"], [0.7, 0.2, 0.1]) for field in ("2296", "1200", "1329", "1349")}
    near = {"1160": 7, "1309": 2, "1289": 3, "74": 4, "30890": 48, "30710": 2, "30770": 21, "30830": 50, "30850": 6}
    near |= {"30600": 45, "30720": 0.9, "30680": 2.4, "30700": 72, "4080": 138}
    filled |= {f"p{field}_i0": number_near(mean, mean / 8) for field, mean in near.items()}
    return filled


def _episodes(rng: np.random.Generator, eids: Column) -> dict[str, Column]:
    people = np.repeat(eids, 2)
    start = (np.datetime64("2000-01-01") + rng.integers(0, 8000, len(people))).astype(str).astype(object)
    return {
        "eid": people,
        "ins_index": np.tile(np.array(["0", "3"], dtype=object), len(eids)),
        "dsource": np.full(len(people), "HES", dtype=object),
        "epistart": start,
        "epiend": start,
        "admidate": start,
        "disdate": start,
        "epistat": np.full(len(people), "3", dtype=object),
    }


def _proteins(rng: np.random.Generator, eids: Column) -> dict[str, Column]:
    proteins = np.array(["a1bg", "il6", "lep", "sost", "tnf"], dtype=object)
    return {
        "eid": np.repeat(eids[:N_SAMPLES], len(proteins)),
        "ins_index": np.full(N_SAMPLES * len(proteins), "0", dtype=object),
        "protein": np.tile(proteins, N_SAMPLES),
        "result": _text(rng.normal(0, 0.8, N_SAMPLES * len(proteins)), 4),
    }


def _gwas(rng: np.random.Generator) -> dict[str, Column]:
    """Two traits on the same variants: null effects with the errors that sample size and frequency give."""
    frequency = rng.uniform(0.05, 0.95, N_VARIANTS)
    columns: dict[str, list[Column]] = {name: [] for name in GWAS_COLUMNS.split()}
    for trait, cases in (("osteoporosis", 15000), ("sarcopenia", 4000)):
        n = 400_000
        z = rng.normal(0, 1.05, N_VARIANTS)
        error = 1 / np.sqrt(2 * frequency * (1 - frequency) * cases * (1 - cases / n))
        tail = np.array([erfc(abs(value) / np.sqrt(2)) for value in z])
        measured = frequency + rng.normal(0, 0.002, N_VARIANTS)
        values: dict[str, Column] = {
            "trait": np.full(N_VARIANTS, trait, dtype=object),
            "source_format": np.full(N_VARIANTS, "gwas_ssf", dtype=object),
            "chromosome": (np.arange(N_VARIANTS) % 22 + 1).astype(str).astype(object),
            "base_pair_location": (np.arange(N_VARIANTS) * 100 + 1000).astype(str).astype(object),
            "rsid": np.array([f"rs{i}" for i in range(N_VARIANTS)], dtype=object),
            "effect_allele": np.where(np.arange(N_VARIANTS) % 2, "A", "C").astype(object),
            "other_allele": np.where(np.arange(N_VARIANTS) % 2, "G", "T").astype(object),
            "effect_allele_frequency": _text(measured, 5),
            "n": np.full(N_VARIANTS, str(n), dtype=object),
            "n_cases": np.full(N_VARIANTS, str(cases), dtype=object),
            "n_controls": np.full(N_VARIANTS, str(n - cases), dtype=object),
            "beta": np.array([repr(float(v)) for v in z * error], dtype=object),
            "standard_error": np.array([repr(float(v)) for v in error], dtype=object),
            "p_value": np.array([repr(float(v)) for v in tail], dtype=object),
        }
        for name, parts in columns.items():
            parts.append(values.get(name, np.full(N_VARIANTS, None, dtype=object)))
    return {name: np.concatenate(parts) for name, parts in columns.items()}
