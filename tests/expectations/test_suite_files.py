import json
from pathlib import Path
from typing import Any

import pytest
from conftest import WriteSuite
from small_suites import META, a_suite, an_asset, an_expectation

from expectations.suite_files import DOORS, ExpectationSuiteError, load_suite
from warehouse.cohorts import Cohort

EXPORT = Cohort("export", "ukb", False, "An export")
NHEFS = Cohort("nhefs", "nhefs", False, "NHEFS")


def faults_of(folder: Path, door: Any = "raw") -> list[str]:
    with pytest.raises(ExpectationSuiteError) as refusal:
        load_suite(door, folder=folder)
    assert refusal.value.exit_code == 7
    return [str(fault) for fault in refusal.value.faults]


def test_load_suite__reads_what_is_written(write_suite: WriteSuite) -> None:
    suite = load_suite("raw", folder=write_suite(a_suite()))
    (asset,) = suite.assets
    (expectation,) = asset.expectations
    assert asset.query == "select *\nfrom people"
    assert not asset.is_aggregate
    assert (expectation.columns, expectation.severity, expectation.remedy) == (
        ("height_m",),
        "critical",
        META["remedy"],
    )


HEIGHT = {"column": "height_m", "min_value": 1}
# What is written, the text on whose line the fault is, and what the fault says.
BROKEN: dict[str, tuple[dict[str, Any], str, str]] = {
    "misspelt type": (
        {"type": "expect_column_values_to_be_betwen"},
        '"type"',
        "did you mean expect_column_values_to_be_",
    ),
    "type that DuckDB cannot run": (
        {"type": "expect_column_values_to_match_regex"},
        '"type"',
        "no expectation this door",
    ),
    "type that shows a value": ({"type": "expect_column_max_to_be_between"}, '"type"', "only for aggregates"),
    "unknown keyword": ({"kwargs": {**HEIGHT, "minimum": 1}}, '"kwargs"', "minimum: extra fields not permitted"),
    "keyword of a wrong type": ({"kwargs": {**HEIGHT, "mostly": "most"}}, '"kwargs"', "mostly"),
    "no keyword at all": ({"kwargs": {}}, '"kwargs"', "column: field required"),
    "keyword that stands beside": (
        {"kwargs": {**HEIGHT, "severity": "info"}},
        '"kwargs"',
        "severity: not a keyword here",
    ),
    "unknown severity": ({"severity": "fatal"}, '"severity"', "severity is critical or warning"),
    "missing severity": ({"severity": None}, "{", "an expectation has its severity"),
    "missing rule": ({"rule": None}, "{", "an expectation has its rule"),
    "missing reason": ({"meta": {**META, "reason": ""}}, '"reason"', "a meta has its reason"),
    "missing remedy": ({"meta": {k: v for k, v in META.items() if k != "remedy"}}, '"meta"', "a meta has its remedy"),
    "missing source": ({"meta": {k: v for k, v in META.items() if k != "source"}}, '"meta"', "a meta has its source"),
    "misspelt key": ({"sevrity": "critical"}, '"sevrity"', "did you mean severity?"),
    "unknown cohort": ({"applies_to": ["ukbb"]}, '"applies_to"', "'ukbb' is the name or kind of a cohort"),
    "dollar sign": ({"rule": "Costs less than 5 $."}, '"rule"', "no dollar sign"),
}


@pytest.mark.parametrize(("changes", "at", "says"), BROKEN.values(), ids=BROKEN)
def test_load_suite__names_file_line_and_remedy(
    changes: dict[str, Any], at: str, says: str, write_suite: WriteSuite
) -> None:
    folder = write_suite(a_suite(an_asset(an_expectation(**changes))))
    (fault,) = faults_of(folder)
    lines = (folder / "raw.json").read_text(encoding="utf-8").splitlines()
    begins = lines.index('     "name": "heights_plausible",')
    line = next(number for number in range(begins - 1, len(lines)) if at in lines[number]) + 1
    assert fault.startswith(f"expectations/suites/raw.json, line {line}: ")
    assert says in fault


def test_load_suite__collects_every_fault(write_suite: WriteSuite) -> None:
    broken = [an_expectation("a", severity="fatal"), an_expectation("b", type="expect_nothing"), an_expectation("b")]
    faults = faults_of(write_suite(a_suite(an_asset(*broken), an_asset(an_expectation("c"), query=None))))
    for rule in (
        "severity is",
        "'expect_nothing' is",
        "'b' stands on line",
        "has its query",
        "'people' stands on line",
    ):
        assert sum(rule in fault for fault in faults) == 1, rule
    assert len(faults) == 5


def test_load_suite__names_the_line_of_broken_json(write_suite: WriteSuite) -> None:
    text = json.dumps(a_suite(), indent=1).replace('"door": "raw",', '"door": "raw"')
    (fault,) = faults_of(write_suite(text))
    assert "line 3: the file is JSON" in fault


def test_load_suite__sees_a_key_that_stands_twice(write_suite: WriteSuite) -> None:
    text = json.dumps(a_suite(), indent=1).replace(
        '"severity": "critical"', '"severity": "critical", "severity": "warning"'
    )
    (fault,) = faults_of(write_suite(text))
    assert "'severity' stands twice" in fault


def test_load_suite__a_key_may_not_name_participants(write_suite: WriteSuite) -> None:
    (fault,) = faults_of(write_suite(a_suite(an_asset(key=["participant_id"]))))
    assert "a key names no participant" in fault


def test_load_suite__door_and_file_agree(write_suite: WriteSuite) -> None:
    (fault,) = faults_of(write_suite(a_suite(door="marts")))
    assert "the door is 'raw'" in fault


def test_load_suite__a_missing_file_and_an_unknown_door_are_named(tmp_path: Path) -> None:
    assert "raw.json" in faults_of(tmp_path)[0]
    assert "use one of raw, staging, marts, results" in faults_of(tmp_path, door="cellar")[0]


def test_for_cohort__keeps_what_applies_by_name_or_kind(write_suite: WriteSuite) -> None:
    everywhere, ukb, nhefs = (
        an_expectation("a"),
        an_expectation("b", applies_to=["ukb"]),
        an_expectation("c", applies_to=["nhefs"]),
    )
    only_ukb = an_asset(an_expectation("d"), name="biobank", applies_to=["ukb"])
    suite = load_suite("raw", folder=write_suite(a_suite(an_asset(everywhere, ukb, nhefs), only_ukb)))

    def names(cohort: Cohort) -> list[str]:
        return [e.name for asset in suite.for_cohort(cohort).assets for e in asset.expectations]

    assert names(EXPORT) == ["a", "b", "d"]
    assert names(NHEFS) == ["a", "c"]


@pytest.mark.parametrize("door", DOORS)
def test_suites_of_the_house__can_be_read_and_say_where_a_bound_comes_from(door: Any) -> None:
    suite = load_suite(door)
    assert suite.assets
    for asset in suite.assets:
        assert asset.grain.startswith("One row "), asset.name
        for expectation in asset.expectations:
            assert expectation.rule.endswith("."), expectation.name
            low, high = expectation.kwargs.get("min_value"), expectation.kwargs.get("max_value")
            assert low is None or high is None or low < high, expectation.name


def test_suites_of_the_house__names_are_unique_over_all_doors() -> None:
    names = [e.name for door in DOORS for asset in load_suite(door).assets for e in asset.expectations]
    assert sorted(names) == sorted(set(names))
