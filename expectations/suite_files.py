"""Suites as people write them: one JSON file per door, read whole, every fault found and named by file and line."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from json import JSONDecodeError
from math import isfinite
from pathlib import Path
from typing import Any, Literal, get_args

from expectations.located_json import DuplicateKeyError, LocatedObject, parse_located_json
from warehouse.cohorts import Cohort, read_cohorts
from warehouse.errors import Fault, StudyError, did_you_mean

Door = Literal["raw", "staging", "marts", "results"]
Severity = Literal["critical", "warning"]
DOORS: tuple[Door, ...] = get_args(Door)
SUITES_FOLDER = Path(__file__).parent / "suites"
SEEDS_FOLDER = Path(__file__).parents[1] / "warehouse" / "seeds"

# Expectations whose result is a count, a share or a mean: safe where a row is a person, a visit or a record.
TYPES_ON_RECORDS = frozenset(
    {
        "expect_column_values_to_be_between",
        "expect_column_values_to_be_in_set",
        "expect_column_values_to_not_be_in_set",
        "expect_column_values_to_be_null",
        "expect_column_values_to_not_be_null",
        "expect_column_values_to_be_unique",
        "expect_column_value_lengths_to_be_between",
        "expect_column_value_lengths_to_equal",
        "expect_column_mean_to_be_between",
        "expect_column_stdev_to_be_between",
        "expect_column_sum_to_be_between",
        "expect_column_proportion_of_non_null_values_to_be_between",
        "expect_column_proportion_of_unique_values_to_be_between",
        "expect_column_unique_value_count_to_be_between",
        "expect_column_pair_values_a_to_be_greater_than_b",
        "expect_column_pair_values_to_be_equal",
        "expect_compound_columns_to_be_unique",
        "expect_multicolumn_sum_to_equal",
        "expect_multicolumn_values_to_be_equal",
        "expect_table_row_count_to_be_between",
        "expect_table_row_count_to_equal",
    }
)
# Expectations whose result is a value of the column itself: only where a row already is an aggregate.
TYPES_ON_AGGREGATES = TYPES_ON_RECORDS | {
    "expect_column_min_to_be_between",
    "expect_column_max_to_be_between",
    "expect_column_median_to_be_between",
    "expect_column_quantile_values_to_be_between",
    "expect_column_distinct_values_to_be_in_set",
    "expect_column_distinct_values_to_contain_set",
    "expect_column_distinct_values_to_equal_set",
    "expect_column_most_common_value_to_be_in_set",
}
PARTICIPANT_ID_COLUMNS = frozenset({"eid", "participant_id"})


class ExpectationSuiteError(StudyError):
    exit_code = 7
    headline = "The expectation suites cannot be run"


@dataclass(frozen=True, slots=True)
class Expectation:
    """One named check: what should hold, how grave it is if not, why it flags and what to do."""

    name: str
    rule: str
    type: str
    kwargs: dict[str, Any]
    severity: Severity
    reason: str
    remedy: str
    source: str
    applies_to: tuple[str, ...]
    line: int

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns the check reads."""
        single = [self.kwargs[key] for key in ("column", "column_A", "column_B") if key in self.kwargs]
        return tuple(single + list(self.kwargs.get("column_list", ())))


@dataclass(frozen=True, slots=True)
class Asset:
    """Rows to check, as SQL. Where `key` is given each row is an aggregate and its key may be named on a page."""

    name: str
    grain: str
    key: tuple[str, ...]
    query: str
    applies_to: tuple[str, ...]
    expectations: tuple[Expectation, ...]
    shown_as: "Evidence | None"
    line: int

    @property
    def is_aggregate(self) -> bool:
        return bool(self.key)


@dataclass(frozen=True, slots=True)
class Evidence:
    """A table of aggregates for the front page: what came in, what was rejected, who was excluded."""

    name: str
    title: str
    note: str
    query: str
    applies_to: tuple[str, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Suite:
    door: Door
    description: str
    file: str
    assets: tuple[Asset, ...]
    evidence: tuple[Evidence, ...]

    def for_cohort(self, cohort: Cohort) -> "Suite":
        """What applies to `cohort`, by its name or kind; assets left without expectations are dropped."""

        def applies(item: Asset | Expectation | Evidence) -> bool:
            return not item.applies_to or bool({cohort.name, cohort.kind}.intersection(item.applies_to))

        assets = [replace(a, expectations=tuple(filter(applies, a.expectations))) for a in self.assets if applies(a)]
        kept = tuple(asset for asset in assets if asset.expectations)
        return replace(self, assets=kept, evidence=tuple(filter(applies, self.evidence)))


def load_suite(door: Door, *, folder: Path = SUITES_FOLDER) -> Suite:
    """Read and check the suite of one door.

    Raises
    ------
    ExpectationSuiteError
        With every fault of the file: JSON, missing or unknown keys, unknown expectation types and keywords, names used
        twice, kinds of cohort nobody knows.
    """
    if door not in DOORS:
        raise ExpectationSuiteError(
            [Fault(where=f"door {door!r}", rule="a door is known", remedy=f"use one of {', '.join(DOORS)}")]
        )
    path = folder / f"{door}.json"
    reader = _SuiteReader(path)
    suite = reader.read(door)
    if reader.faults or suite is None:
        raise ExpectationSuiteError(reader.faults)
    return suite


def load_suites(folder: Path = SUITES_FOLDER) -> tuple[Suite, ...]:
    """The suites of all doors.

    Raises
    ------
    ExpectationSuiteError
        With every fault of every file.
    """
    suites: list[Suite] = []
    faults: list[Fault] = []
    for door in DOORS:
        try:
            suites.append(load_suite(door, folder=folder))
        except ExpectationSuiteError as error:
            faults += error.faults
    if faults:
        raise ExpectationSuiteError(faults)
    return tuple(suites)


class _SuiteReader:
    """Reads one file and collects its faults."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file = f"{path.parent.parent.name}/{path.parent.name}/{path.name}"
        self.faults: list[Fault] = []
        cohorts = read_cohorts(SEEDS_FOLDER).values()
        self.known_cohorts = {cohort.name for cohort in cohorts} | {cohort.kind for cohort in cohorts}

    def fault(self, line: int, rule: str, remedy: str) -> None:
        self.faults.append(Fault(where=f"{self.file}, line {line}", rule=rule, remedy=remedy))

    def read(self, door: Door) -> Suite | None:
        try:
            content = parse_located_json(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            self.faults.append(Fault(where=self.file, rule="each door has a suite file", remedy="restore the file"))
            return None
        except UnicodeDecodeError:
            self.faults.append(Fault(where=self.file, rule="a suite file is UTF-8", remedy="save it as UTF-8"))
            return None
        except JSONDecodeError as error:
            self.fault(error.lineno, "the file is JSON", f"mend the syntax: {error.msg} at column {error.colno}")
            return None
        except DuplicateKeyError as error:
            self.fault(error.line, f"a key stands once in its object, {error.key!r} stands twice", "remove one")
            return None
        if not isinstance(content, LocatedObject):
            self.fault(1, "the file holds one JSON object", 'begin with {"door": ..., "assets": [...]}')
            return None
        self.keys(content, required=("door", "description", "assets"), optional=("evidence",), what="suite")
        if content.get("door") != door:
            self.fault(
                content.line_of("door"), f"the door is {door!r}, as the file name says", "mend door or file name"
            )
        assets = tuple(self.asset(item) for item in self.objects(content, "assets"))
        evidence = tuple(self.evidence(item) for item in self.objects(content, "evidence"))
        self.no_name_twice("asset", assets)
        self.no_name_twice("expectation", [e for asset in assets for e in asset.expectations])
        self.no_name_twice("evidence", evidence)
        return Suite(door, str(content.get("description", "")), self.file, assets, evidence)

    def asset(self, item: LocatedObject) -> Asset:
        self.keys(
            item,
            required=("name", "grain", "query", "expectations"),
            optional=("key", "applies_to", "shown_as"),
            what="asset",
        )
        key = item.get("key", [])
        if not isinstance(key, list) or not all(isinstance(column, str) for column in key):
            self.fault(item.line_of("key"), "key is a list of column names", "list the columns that name a row")
            key = []
        for column in PARTICIPANT_ID_COLUMNS.intersection(key):
            self.fault(
                item.line_of("key"), f"a key names no participant, {column!r} does", "drop the key: rows are records"
            )
        expectations = tuple(self.expectation(e, is_aggregate=bool(key)) for e in self.objects(item, "expectations"))
        if "expectations" in item and not expectations:
            self.fault(item.line_of("expectations"), "an asset has expectations", "write one, or make it evidence")
        return Asset(
            name=self.text(item, "name"),
            grain=self.text(item, "grain"),
            key=tuple(key),
            query=self.query(item),
            applies_to=self.applies_to(item),
            expectations=expectations,
            shown_as=self.shown_as(item),
            line=item.line,
        )

    def shown_as(self, item: LocatedObject) -> Evidence | None:
        """Title and note under which the rows of an asset of aggregates stand on the front page."""
        shown = item.get("shown_as")
        if shown is None:
            return None
        if not isinstance(shown, LocatedObject) or not item.get("key"):
            self.fault(item.line_of("shown_as"), "shown_as gives title and note of an asset with a key", "mend it")
            return None
        self.keys(shown, required=("title", "note"), optional=(), what="shown_as")
        return Evidence(
            self.text(item, "name"), self.text(shown, "title"), self.text(shown, "note"), "", (), shown.line
        )

    def expectation(self, item: LocatedObject, *, is_aggregate: bool) -> Expectation:
        required = ("name", "rule", "type", "kwargs", "severity", "meta")
        self.keys(item, required=required, optional=("applies_to",), what="expectation")
        meta = item.get("meta")
        if not isinstance(meta, LocatedObject):
            meta = LocatedObject()
            meta.text, meta.start, meta.end = item.text, item.start, item.end
        if "meta" in item:
            self.keys(meta, required=("reason", "remedy", "source"), optional=(), what="meta")
        severity = item.get("severity")
        if "severity" in item and severity not in get_args(Severity):
            self.fault(item.line_of("severity"), "severity is critical or warning", f"{severity!r} is neither")
        kwargs = item.get("kwargs")
        if "kwargs" in item and not isinstance(kwargs, dict):
            self.fault(item.line_of("kwargs"), "kwargs is an object", "write the keywords of the expectation")
        kwargs = dict(kwargs) if isinstance(kwargs, dict) else {}
        if isinstance(item.get("type"), str):
            self.type_and_kwargs(item, item["type"], kwargs, is_aggregate=is_aggregate)
        return Expectation(
            name=self.text(item, "name"),
            rule=self.text(item, "rule"),
            type=self.text(item, "type"),
            kwargs=kwargs,
            severity="warning" if severity == "warning" else "critical",
            reason=self.text(meta, "reason"),
            remedy=self.text(meta, "remedy"),
            source=self.text(meta, "source"),
            applies_to=self.applies_to(item),
            line=item.line,
        )

    def type_and_kwargs(self, item: LocatedObject, name: str, kwargs: dict[str, Any], *, is_aggregate: bool) -> None:
        """The type exists, suits the grain and is given keywords it knows."""
        line = item.line_of("type")
        allowed = TYPES_ON_AGGREGATES if is_aggregate else TYPES_ON_RECORDS
        if name not in allowed:
            if name in TYPES_ON_AGGREGATES:
                rule = f"{name} shows a value of its column, so it is only for aggregates"
                self.fault(line, rule, "give the asset a key, or count with expect_column_values_to_be_between")
            else:
                otherwise = "compute it in the query and expect its column in a set"
                remedy = did_you_mean(name, allowed, otherwise=otherwise)
                self.fault(line, f"{name!r} is no expectation this door can run", remedy)
            return
        low, high = kwargs.get("min_value"), kwargs.get("max_value")
        bounds = [bound for bound in (low, high) if isinstance(bound, int | float)]
        if any(not isfinite(bound) for bound in bounds):
            self.fault(item.line_of("kwargs"), "a bound is a number", "write a finite min_value and max_value")
        elif len(bounds) == 2 and bounds[0] > bounds[1]:
            self.fault(item.line_of("kwargs"), "min_value is not above max_value", "exchange them or mend one")
        for message in expectation_keyword_faults(name, kwargs):
            self.fault(item.line_of("kwargs"), f"{name} is given keywords it knows", message)

    def evidence(self, item: LocatedObject) -> Evidence:
        self.keys(item, required=("name", "title", "note", "query"), optional=("applies_to",), what="evidence")
        name, title, note = (self.text(item, key) for key in ("name", "title", "note"))
        return Evidence(name, title, note, self.query(item), self.applies_to(item), item.line)

    def keys(self, item: LocatedObject, *, required: tuple[str, ...], optional: tuple[str, ...], what: str) -> None:
        for key in item:
            if key not in required + optional:
                known = required + optional
                remedy = did_you_mean(key, known, otherwise=f"a key is one of {', '.join(known)}")
                self.fault(item.line_of(key), f"{key!r} is no key of {_article(what)}", remedy)
        for key in required:
            if key not in item or item[key] in ("", None):
                self.fault(item.line_of(key), f"{_article(what)} has its {key}", f"write the {key}")

    def objects(self, item: LocatedObject, key: str) -> list[LocatedObject]:
        value = item.get(key, [])
        if not isinstance(value, list) or not all(isinstance(element, LocatedObject) for element in value):
            self.fault(item.line_of(key), f"{key} is a list of objects", "write [{...}, {...}]")
            return []
        return value

    def text(self, item: LocatedObject, key: str) -> str:
        value = item.get(key, "")
        if not isinstance(value, str):
            self.fault(item.line_of(key), f"{key} is text", "put it in quotes")
            return ""
        if "$" in value:
            self.fault(
                item.line_of(key), f"{key} holds no dollar sign, Great Expectations fills in after one", "drop it"
            )
        return value

    def query(self, item: LocatedObject) -> str:
        """SQL as one text or, as JSON has no long lines, a list of lines."""
        value = item.get("query", "")
        lines = value if isinstance(value, list) else [value]
        if not all(isinstance(line, str) for line in lines):
            self.fault(item.line_of("query"), "query is text or a list of lines", "put each line in quotes")
            return ""
        return "\n".join(lines)

    def applies_to(self, item: LocatedObject) -> tuple[str, ...]:
        value = item.get("applies_to", [])
        if not isinstance(value, list) or not all(isinstance(kind, str) for kind in value):
            self.fault(
                item.line_of("applies_to"), "applies_to is a list of cohorts or kinds of cohort", 'write ["ukb"]'
            )
            return ()
        for word in sorted(set(value) - self.known_cohorts):
            remedy = f"use {', '.join(sorted(self.known_cohorts))}, or add a row to seeds/cohorts.csv"
            self.fault(item.line_of("applies_to"), f"{word!r} is the name or kind of a cohort", remedy)
        return tuple(value)

    def no_name_twice(self, what: str, items: Iterable[Asset | Expectation | Evidence]) -> None:
        seen: dict[str, int] = {}
        for item in items:
            if item.name and item.name in seen:
                rule = f"{_article(what)} has its own name, {item.name!r} stands on line {seen[item.name]} already"
                self.fault(item.line, rule, "rename one")
            seen.setdefault(item.name, item.line)


def _article(what: str) -> str:
    return f"{'an' if what[0] in 'aeiou' else 'a'} {what}"


def expectation_keyword_faults(name: str, kwargs: dict[str, Any]) -> list[str]:
    """What Great Expectations says against building `name` from `kwargs`."""
    # No telemetry, whatever the user's environment says; read by Great Expectations when it is imported.
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    from great_expectations.compatibility.pydantic import ValidationError
    from great_expectations.expectations.registry import get_expectation_impl

    implementation = get_expectation_impl(name)
    # Suites say these once, outside kwargs, where pages and tables read them.
    reserved = {"severity", "meta", "notes", "description", "id"} & kwargs.keys()
    if reserved:
        return [f"{', '.join(sorted(reserved))}: not a keyword here, the suite says it beside kwargs"]
    try:
        implementation(**kwargs)
    except ValidationError as error:
        # A bound may be of several types, and each says no: the first one speaks for its keyword.
        first = {str(e["loc"][0]): f"{e['loc'][0]}: {e['msg']}" for e in reversed(error.errors())}
        root = first.pop("__root__", None)
        return list(reversed(first.values())) or [str(root).removeprefix("__root__: ")]
    except (TypeError, ValueError) as error:
        return [str(error)]
    return []
