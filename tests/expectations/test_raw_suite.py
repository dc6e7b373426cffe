"""The raw door on a landing where every rule holds, and on the same landing with faults put in by hand."""

# ruff: noqa: E501  a fault a line reads as the table it is

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest
from clean_landing import Landing, clean_landing
from small_suites import NOW

from expectations.runner import run_door
from expectations.suite_files import SUITES_FOLDER


@dataclass(frozen=True, slots=True)
class Planted:
    """A fault as it happens to people, the SQL that puts it in, and the expectations that must name it."""

    fault: str
    sql: str
    caught_by: tuple[str, ...]


# Faults that do not hide one another, so that one run shows them all.
FAULTS = (
    Planted("two exports appended", "insert into participant select * from participant limit 5", ("participant_ids_unique",)),
    Planted("height in metres for a tenth", "update participant set p50_i0 = cast(cast(p50_i0 as double) / 100 as varchar) where right(eid, 1) = '1'", ("numbers_mostly_plausible",)),
    Planted("pounds for kilograms", "update participant set p21002_i0 = cast(cast(p21002_i0 as double) * 2.2046 as varchar)", ("body_mass_index_confirmed", "body_weight_confirmed")),
    Planted("trunk mass in another unit", "update participant set p23129_i0 = cast(cast(p23129_i0 as double) / 2 as varchar)", ("lean_mass_confirmed",)),
    Planted("waist in another unit", "update participant set p48_i0 = cast(cast(p48_i0 as double) + 30 as varchar)", ("means_not_elsewhere", "means_as_published")),
    Planted("meanings in place of codes", "update participant set p924_i0 = 'Brisk pace' where p924_i0 = '3'", ("codes_are_known",)),
    Planted("decimal commas", "update participant set p23099_i0 = replace(p23099_i0, '.', ',')", ("numbers_are_numbers",)),
    Planted("a column cut off", "update participant set p20116_i0 = null where right(eid, 1) > '3'", ("fields_filled_as_in_showcase",)),
    Planted("T-scores of other people", "update participant set p78_i0 = other.p78_i0 from (select eid, lag(p78_i0, 7) over (order by eid) as p78_i0 from participant) as other where participant.eid = other.eid", ("paired_columns_belong_together",)),
    Planted("deaths before the visit", "update participant set p40000_i0 = '2005-05-13' where p40000_i0 is not null and right(eid, 2) = '17'", ("deaths_after_baseline",)),
    Planted("sources out of place", "update participant set p131965 = null", ("first_occurrences_have_sources",)),
    Planted("a duplicated protein plate", "update participant set p30901_i0 = '000000000000' where p30901_i0 = '000000000001'", ("plates_hold_96", "wells_hold_one_sample")),
    Planted("a batch offset", "update olink_data set result = cast(cast(result as double) + 2 as varchar) where eid in (select eid from participant where p30901_i0 = '000000000003')", ("plates_not_offset", "plates_alike")),
    Planted("a hyphen in a protein", "update olink_data set protein = 'tnf-alpha' where protein = 'tnf'", ("proteins_are_known",)),
    Planted("counts for NPX", "update olink_data set result = cast(abs(cast(result as double)) * 1000 as varchar) where protein = 'il6'", ("protein_results_not_above_range", "protein_spreads_plausible")),
    Planted("a truncated protein file", "delete from olink_data where eid > 'SYN000400'", ("facts_agree", "proteins_mostly_measured")),
    Planted("shifted NMR columns", "update participant set p23401_i0 = p23402_i0, p23402_i0 = p23401_i0", ("cholesterol_adds_up",)),
    Planted("logged NMR values", "update participant set p23405_i0 = cast(ln(cast(p23405_i0 as double)) - 1 as varchar)", ("metabolites_not_negative",)),
    Planted("NMR plates read as short numbers", "update participant set p23649_i0 = left(p23649_i0, 4)", ("metabolite_plates_hold_96",)),
    Planted("wells out of place", "update participant set p23660_i0 = 'Z99' where right(eid, 1) = '5'", ("metabolite_wells_are_wells",)),
    Planted("episodes cut off", "delete from hesin where ins_index = '3' and right(eid, 1) > '4'", ("records_have_their_parent",)),
    Planted("shuffled ids in one table", "update death set eid = 'SYN' || lpad(cast(cast(right(eid, 6) as integer) + 1 as varchar), 6, '0')", ("facts_agree",)),
    Planted("ids of another application", "update gp_scripts set eid = 'OTHER' || eid", ("records_not_of_strangers", "records_belong_to_participants")),
    Planted("dates in the future", "update hesin set disdate = '2090-01-20' where right(eid, 2) = '20'", ("dates_not_in_future",)),
    Planted("dates that are none", "update gp_clinical set event_dt = '31/12/2010' where right(eid, 2) = '20'", ("dates_are_dates",)),
    Planted("a list that is no list of withdrawals", "insert into withdrawals select eid from participant limit 1500", ("share_withdrawn_small", "share_withdrawn_not_large")),
    Planted("a file misread", "update files set n_rejected = 900 where entity = 'hesin'", ("few_lines_rejected", "lines_not_rejected_in_number")),
    Planted("alleles exchanged in one file", "update gwas set effect_allele = other_allele, other_allele = effect_allele where trait = 'osteoporosis'", ("gwas_frequencies_agree",)),
    Planted("an inflated sample size", "update gwas set n = cast(5 * cast(n as double) as varchar), n_cases = cast(5 * cast(n_cases as double) as varchar) where trait = 'osteoporosis'", ("gwas_errors_fit_sample_size",)),
    Planted("log10 p for p", "update gwas set p_value = cast(2 - log10(cast(p_value as double)) as varchar) where trait = 'osteoporosis'", ("gwas_p_values_possible", "gwas_p_values_of_effects")),
    Planted("effects without their sign", "update gwas set beta = cast(abs(cast(beta as double)) as varchar) where trait = 'sarcopenia'", ("gwas_effects_centred",)),
    Planted("frequencies in percent", "update gwas set effect_allele_frequency = cast(100 * cast(effect_allele_frequency as double) as varchar) where trait = 'sarcopenia'", ("gwas_frequencies_possible",)),
    Planted("another panel", "update ld_scores set rsid = 'chr1:' || base_pair_location", ("variants_in_ld_panel",)),
)  # fmt: skip
# Faults of the whole table, which the others would hide.
SWEEPING = (
    Planted("swapped sexes", "update participant set p31 = case p31 when '1' then '0' else '1' end", ("sexes_differ_as_they_do", "sex_confirmed_genetically", "answers_fit_sex")),
    Planted("day and month swapped", "update participant set p53_i0 = case when day(cast(p53_i0 as date)) <= 12 then strftime(cast(p53_i0 as date), '%Y-%d-%m') end", ("days_and_months_not_swapped", "required_fields_filled")),
    Planted("a shifted column", "update participant set p21022 = p22189, p22189 = p21022", ("age_fits_birth_and_visit", "means_not_elsewhere")),
    Planted("hospital codes of other people", "update participant set p41270 = other.p41270 from (select eid, lag(p41270) over (order by eid) as p41270 from participant) as other where participant.eid = other.eid", ("facts_agree",)),
    Planted("no women", "update participant set p31 = '1' where right(eid, 1) < '6'", ("share_female_as_published",)),
)  # fmt: skip


def run(landing: Landing, folder: Path, suites_folder: Path = SUITES_FOLDER) -> dict[str, dict[str, Any]]:
    """Rows of the raw door by expectation."""
    raw = landing.write(folder / "raw")
    with duckdb.connect() as connection:
        table = run_door(
            connection,
            door="raw",
            cohort="synthetic",
            raw_folder=str(raw),
            pages_folder=folder / "pages",
            now=NOW,
            suites_folder=suites_folder,
        )
    return {row["expectation"]: row for row in table.to_pylist()}


def suite_of(expectations: set[str], folder: Path) -> Path:
    """The raw suite with only the assets that hold `expectations`: the others cannot change the outcome."""
    suite = json.loads((SUITES_FOLDER / "raw.json").read_text(encoding="utf-8"))
    suite["assets"] = [a for a in suite["assets"] if expectations.intersection(e["name"] for e in a["expectations"])]
    (folder / "raw.json").write_text(json.dumps(suite), encoding="utf-8")
    return folder


def run_with(planted: Sequence[Planted], folder: Path) -> dict[str, dict[str, Any]]:
    landing = clean_landing()
    for one in planted:
        landing.connection.execute(one.sql)
    caught_by = {name for one in planted for name in one.caught_by}
    rows = run(landing, folder, suite_of(caught_by, folder))
    landing.connection.close()
    return rows


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    landing = clean_landing()
    rows = run(landing, tmp_path_factory.mktemp("clean"))
    landing.connection.close()
    return rows


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    return run_with(FAULTS, tmp_path_factory.mktemp("faulty"))


@pytest.fixture(scope="module")
def faulty_everywhere(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    return run_with(SWEEPING, tmp_path_factory.mktemp("everywhere"))


def test_raw_door__holds_on_a_clean_landing(clean: dict[str, dict[str, Any]]) -> None:
    assert {name: row["message"] for name, row in clean.items() if not row["is_success"]} == {}


def test_raw_door__has_something_to_check_everywhere_on_a_full_landing(clean: dict[str, dict[str, Any]]) -> None:
    assert {name for name, row in clean.items() if row["message"].startswith("No ")} == set()


@pytest.mark.parametrize("planted", FAULTS, ids=lambda planted: planted.fault)
def test_raw_door__catches(planted: Planted, faulty: dict[str, dict[str, Any]]) -> None:
    assert not [name for name in planted.caught_by if faulty[name]["is_success"]]


@pytest.mark.parametrize("planted", SWEEPING, ids=lambda planted: planted.fault)
def test_raw_door__catches_what_is_wrong_everywhere(
    planted: Planted, faulty_everywhere: dict[str, dict[str, Any]]
) -> None:
    assert not [name for name in planted.caught_by if faulty_everywhere[name]["is_success"]]


def test_raw_door__faults_of_the_data_are_findings_and_no_errors(
    faulty: dict[str, dict[str, Any]], faulty_everywhere: dict[str, dict[str, Any]]
) -> None:
    assert not [name for rows in (faulty, faulty_everywhere) for name, row in rows.items() if row["is_error"]]


def test_raw_door__is_empty_handed_but_whole_on_an_empty_export(tmp_path: Path) -> None:
    landing = clean_landing()
    for table in ("participant", "hesin", "hesin_diag", "death", "olink_data", "gwas", "ld_scores", "withdrawals"):
        landing.connection.execute(f"delete from {table}")
    rows = run(landing, tmp_path)
    landing.connection.close()
    assert not rows["participants_landed"]["is_success"]
    assert [name for name, row in rows.items() if row["is_error"]] == []
