"""Rows of the record-level tables as columns of text, in the column order of the real entities."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from warehouse.synthetic import catalogue, write
from warehouse.synthetic import parameters as p
from warehouse.synthetic.hospital import CODES, ICD9_CODES, Diagnoses, Episodes
from warehouse.synthetic.outcomes import NEVER, Outcomes
from warehouse.synthetic.population import Ints
from warehouse.synthetic.records import CAUSES, Deaths, PrimaryCare

HESIN = (
    "eid", "ins_index", "dsource", "source", "epistart", "epiend", "epidur", "bedyear", "epistat", "epitype",
    "epiorder", "spell_index", "spell_seq", "spelbgin", "spelend", "speldur", "pctcode", "gpprpct", "category",
    "elecdate", "elecdur", "admidate", "admimeth_uni", "admimeth", "admisorc_uni", "admisorc", "firstreg",
    "classpat_uni", "classpat", "intmanag_uni", "intmanag", "mainspef_uni", "mainspef", "tretspef_uni", "tretspef",
    "operstat", "disdate", "dismeth_uni", "dismeth", "disdest_uni", "disdest", "carersi",
)  # fmt: skip
HESIN_DIAG = (
    "eid", "ins_index", "arr_index", "level", "diag_icd9", "diag_icd9_nb", "diag_icd10", "diag_icd10_nb",
)  # fmt: skip
HESIN_OPER = (
    "eid", "ins_index", "arr_index", "level", "opdate", "oper3", "oper3_nb", "oper4", "oper4_nb", "posopdur",
    "preopdur",
)  # fmt: skip
DEATH = ("eid", "ins_index", "dsource", "source", "date_of_death")
DEATH_CAUSE = ("eid", "ins_index", "arr_index", "level", "cause_icd10")
GP_CLINICAL = ("eid", "data_provider", "event_dt", "read_2", "read_3", "value1", "value2", "value3")
GP_SCRIPTS = ("eid", "data_provider", "issue_date", "read_2", "bnf_code", "dmd_code", "drug_name", "quantity")
GP_REGISTRATIONS = ("eid", "data_provider", "reg_date", "deduct_date")
HEADERS: dict[str, Sequence[str]] = {
    "hesin": HESIN,
    "hesin_diag": HESIN_DIAG,
    "hesin_oper": HESIN_OPER,
    "death": DEATH,
    "death_cause": DEATH_CAUSE,
    "gp_clinical": GP_CLINICAL,
    "gp_scripts": GP_SCRIPTS,
    "gp_registrations": GP_REGISTRATIONS,
}
_DATA_SOURCE = ("HES", "SMR", "PEDW")
_EXTRACT_SOURCE = (6, 2, 8)  # `source`: which extract the row came in by


def _fill(names: Sequence[str], given: dict[str, pa.Array], n: int) -> list[pa.Array]:
    return [given[name] if name in given else write.empty(n) for name in names]


def hesin_rows(rng: np.random.Generator, eid: pa.Array, episodes: Episodes) -> list[pa.Array]:
    """One row per episode; where epistart is missing the admission date is the date."""
    n = len(episodes)
    starts = np.where(episodes.has_epistart, episodes.day, NEVER)
    ends = np.where(episodes.is_unfinished, NEVER, episodes.day + episodes.length_days)
    admitted = episodes.day - np.where(episodes.has_epistart, episodes.days_in_before, 0)
    discharged = np.where(episodes.is_unfinished, NEVER, ends + (rng.random(n) < 0.05))
    is_elective = rng.random(n) < 0.55
    waited = rng.integers(5, 200, n)
    first_of_person = np.flatnonzero(np.r_[True, episodes.person[1:] != episodes.person[:-1]][:n])
    spell = np.arange(n) - np.repeat(first_of_person, np.diff(np.r_[first_of_person, n]))
    stay = episodes.length_days + np.where(episodes.has_epistart, episodes.days_in_before, 0)
    given = {
        "eid": eid.take(pa.array(episodes.person)),
        "ins_index": write.whole(episodes.ins_index),
        "dsource": write.labels(episodes.nation, _DATA_SOURCE),
        "source": write.whole(np.array(_EXTRACT_SOURCE)[episodes.nation]),
        "epistart": write.days(starts),
        "epiend": write.days(ends),
        "epidur": write.whole(np.where(episodes.is_unfinished, np.nan, episodes.length_days)),
        "bedyear": write.whole(np.minimum(episodes.length_days, 365)),
        "epistat": write.whole(np.where(episodes.is_unfinished, 1, 3)),
        "epitype": write.whole(np.ones(n)),
        "epiorder": write.whole(np.ones(n)),
        "spell_index": write.whole(spell),
        "spell_seq": write.whole(np.zeros(n)),
        "spelbgin": write.whole(np.full(n, 2)),
        "spelend": write.labels(episodes.is_unfinished.astype(np.int64), ("Y", "N")),
        "speldur": write.whole(np.where(episodes.is_unfinished, np.nan, stay)),
        "elecdate": write.days(np.where(is_elective, admitted - waited, NEVER)),
        "elecdur": write.whole(np.where(is_elective, waited, np.nan)),
        "admidate": write.days(admitted),
        "admimeth_uni": write.whole(np.where(is_elective, 1001, 2001)),
        "admimeth": write.whole(np.where(is_elective, 11, 21)),
        "admisorc_uni": write.whole(np.full(n, 1000)),
        "classpat_uni": write.whole(np.where(episodes.length_days == 0, 2000, 1000)),
        "mainspef_uni": write.whole(np.array([1000, 1100, 1300, 3000])[rng.integers(0, 4, n)]),
        "tretspef_uni": write.whole(np.array([1000, 1100, 1300, 3000])[rng.integers(0, 4, n)]),
        "operstat": write.whole(np.where(episodes.operation >= 0, 1, 8)),
        "disdate": write.days(discharged),
        "dismeth_uni": write.whole(np.where(episodes.is_unfinished, np.nan, 1000)),
        "disdest_uni": write.whole(np.where(episodes.is_unfinished, np.nan, 1000)),
    }
    return _fill(HESIN, given, n)


def hesin_diag_rows(eid: pa.Array, episodes: Episodes, diagnoses: Diagnoses) -> list[pa.Array]:
    """One row per coded diagnosis."""
    n = len(diagnoses.episode)
    given = {
        "eid": eid.take(pa.array(episodes.person[diagnoses.episode])),
        "ins_index": write.whole(episodes.ins_index[diagnoses.episode]),
        "arr_index": write.whole(diagnoses.arr_index),
        "level": write.whole(diagnoses.level),
        "diag_icd9": write.labels(np.where(diagnoses.is_icd9, diagnoses.code, -1), ICD9_CODES),
        "diag_icd10": write.labels(np.where(diagnoses.is_icd9, -1, diagnoses.code), CODES),
    }
    return _fill(HESIN_DIAG, given, n)


def hesin_oper_rows(eid: pa.Array, episodes: Episodes) -> list[pa.Array]:
    """One row per operation."""
    at = np.flatnonzero(episodes.operation >= 0)
    given = {
        "eid": eid.take(pa.array(episodes.person[at])),
        "ins_index": write.whole(episodes.ins_index[at]),
        "arr_index": write.whole(np.zeros(len(at))),
        "level": write.whole(np.ones(len(at))),
        "opdate": write.days(episodes.day[at] + np.minimum(episodes.length_days[at], 1)),
        "oper4": write.labels(episodes.operation[at], tuple(code for code, _ in catalogue.OPCS4)),
    }
    return _fill(HESIN_OPER, given, len(at))


def death_rows(eid: pa.Array, deaths: Deaths) -> list[pa.Array]:
    """One row per certificate."""
    in_scotland = (deaths.nation == p.SCOTLAND).astype(np.int64)
    given = {
        "eid": eid.take(pa.array(deaths.person)),
        "ins_index": write.whole(deaths.ins_index),
        "dsource": write.labels(in_scotland, ("E/W", "SCOT")),
        "source": write.whole(np.array([1, 2])[in_scotland]),
        "date_of_death": write.days(deaths.day),
    }
    return _fill(DEATH, given, len(deaths.person))


def death_cause_rows(eid: pa.Array, deaths: Deaths) -> list[pa.Array]:
    """One row per cause on a certificate; level 1 is the underlying one."""
    given = {
        "eid": eid.take(pa.array(deaths.person[deaths.cause_certificate])),
        "ins_index": write.whole(deaths.ins_index[deaths.cause_certificate]),
        "arr_index": write.whole(deaths.cause_arr_index),
        "level": write.whole(deaths.cause_level),
        "cause_icd10": write.labels(deaths.cause, CAUSES),
    }
    return _fill(DEATH_CAUSE, given, len(deaths.cause))


def gp_rows(
    rng: np.random.Generator, eid: pa.Array, outcomes: Outcomes, care: PrimaryCare
) -> dict[str, list[pa.Array]]:
    """The three primary-care tables; provider 3 (TPP) codes in CTV3 (read_3), the others in Read v2 (read_2)."""
    codes = (*(code for code, _ in catalogue.READ_BACKGROUND), *catalogue.READ_OSTEOPOROSIS)
    n_background = len(catalogue.READ_BACKGROUND)
    n = len(care.event_person)
    bone = n_background + rng.integers(0, len(catalogue.READ_OSTEOPOROSIS), n)
    code = np.where(care.event_code < 0, bone, care.event_code)
    provider = outcomes.gp_provider[care.event_person]
    is_ctv3 = provider == 3
    pressure, weight = care.event_code == 0, care.event_code == 1
    value1 = np.where(
        pressure, np.round(rng.normal(138, 17, n)), np.where(weight, rng.normal(78, 15, n).round(1), np.nan)
    )
    clinical = {
        "eid": eid.take(pa.array(care.event_person)),
        "data_provider": write.whole(provider),
        "event_dt": write.days(care.event_day),
        "read_2": write.labels(np.where(is_ctv3, -1, code), codes),
        "read_3": write.labels(np.where(is_ctv3, code, -1), codes),
        "value1": write.reals(value1),
        "value2": write.reals(np.where(pressure, np.round(rng.normal(82, 10, n)), np.nan)),
    }
    drugs = (*((bnf, name) for bnf, _, name, _ in catalogue.BNF_DRUGS), catalogue.BNF_BONE_DRUG[::2])
    drug: Ints = np.where(care.script_drug < 0, len(drugs) - 1, care.script_drug)
    m = len(drug)
    scripts = {
        "eid": eid.take(pa.array(care.script_person)),
        "data_provider": write.whole(outcomes.gp_provider[care.script_person]),
        "issue_date": write.days(care.script_day),
        "bnf_code": write.labels(drug, tuple(bnf for bnf, _ in drugs)),
        "drug_name": write.labels(drug, tuple(name for _, name in drugs)),
        "quantity": write.labels(rng.integers(0, 3, m), ("28.000", "56.000", "4.000")),
    }
    registrations = {
        "eid": eid.take(pa.array(care.registered_person)),
        "data_provider": write.whole(outcomes.gp_provider[care.registered_person]),
        "reg_date": write.days(care.registered_day),
        "deduct_date": write.days(care.left_day),
    }
    return {
        "gp_clinical": _fill(GP_CLINICAL, clinical, n),
        "gp_scripts": _fill(GP_SCRIPTS, scripts, m),
        "gp_registrations": _fill(GP_REGISTRATIONS, registrations, len(care.registered_person)),
    }
