"""Run the suite of one door over an open DuckDB connection: findings as an Arrow table, pages beside it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from expectations.accepted_exceptions import SEED, AcceptedException, load_accepted_exceptions
from expectations.findings import Finding, findings_table
from expectations.gx_validation import ONE_AT_A_TIME, Validator
from expectations.pages import EvidenceTable, write_door
from expectations.safe_messages import safe_engine_message
from expectations.suite_files import (
    PARTICIPANT_ID_COLUMNS,
    SEEDS_FOLDER,
    SUITES_FOLDER,
    Asset,
    Door,
    Evidence,
    Expectation,
    ExpectationSuiteError,
    Suite,
    load_suite,
)
from warehouse.cohorts import Cohort, find_cohort
from warehouse.errors import Fault

ROWS = "expectation_rows"
# An aggregate may hold this column; where it is smaller than the floor, the aggregate is close to a person's value.
GROUP_SIZE_COLUMN = "n_participants"
SMALLEST_GROUP_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Run:
    """What one run of one door has at hand."""

    connection: duckdb.DuckDBPyConnection
    suite: Suite
    cohort: Cohort
    raw_folder: str
    run_at: datetime

    def filled_in(self, text: str) -> str:
        """`text` with {raw}, {seeds}, {cohort} and {today} filled in; other braces are SQL."""
        places = {"raw": self.raw_folder, "seeds": str(SEEDS_FOLDER), "cohort": self.cohort.name}
        for name, value in {**places, "today": self.run_at.date().isoformat()}.items():
            text = text.replace(f"{{{name}}}", value)
        return text


def run_door(
    connection: duckdb.DuckDBPyConnection,
    *,
    door: Door,
    cohort: str,
    raw_folder: str,
    pages_folder: Path,
    now: datetime | None = None,
    suites_folder: Path = SUITES_FOLDER,
    accepted_exceptions: Path = SEED,
) -> pa.Table:
    """Check every expectation of `door`, write its pages, return one row per expectation (findings.SCHEMA).

    raw_folder : landing of the cohort, fills {raw} in queries.
    pages_folder : folder of this cohort's pages; holds one page per door, index.html and summary.md.
    now : time of the run, naive or in UTC; the present if None. Same data and same `now` give the same pages.

    Raises
    ------
    BuildError
        seeds/cohorts.csv has no such cohort.
    ExpectationSuiteError
        The suite or the accepted exceptions are faulty, or a query does not fit the tables: every fault by file and
        line. Data never raise: they make findings.
    """
    run_at = (now or datetime.now(UTC)).replace(tzinfo=None, microsecond=0)
    whole_suite = load_suite(door, folder=suites_folder)
    accepted = load_accepted_exceptions(whole_suite, seed=accepted_exceptions)
    of_seed = find_cohort(cohort, seeds=SEEDS_FOLDER)
    run = Run(connection, whole_suite.for_cohort(of_seed), of_seed, raw_folder, run_at)
    columns = _described(run)
    findings: list[Finding] = []
    tables: list[EvidenceTable] = []
    results = []
    with ONE_AT_A_TIME:
        validator = Validator(connection)
        for asset in run.suite.assets:
            asset_findings, result = _check_asset(run, asset, columns[asset.name], validator, tables)
            findings += [_with_exception(finding, accepted, run_at) for finding in asset_findings]
            results.append((asset, result))
    findings += _expired(run, accepted)
    tables += [_evidence(run, item, run.filled_in(item.query)) for item in run.suite.evidence]
    write_door(
        suite=run.suite,
        cohort=of_seed,
        run_at=run_at,
        findings=findings,
        evidence=tables,
        results=results,
        folder=pages_folder,
    )
    return findings_table(findings)


def _described(run: Run) -> dict[str, tuple[str, ...]]:
    """Columns of each asset and table, or every query that does not bind and every column that is not there."""
    faults: list[Fault] = []
    columns: dict[str, tuple[str, ...]] = {}
    items: tuple[Asset | Evidence, ...] = (*run.suite.assets, *run.suite.evidence)
    for item in items:
        where = f"{run.suite.file}, line {item.line}"
        try:
            described = run.connection.execute(f"describe {run.filled_in(item.query)}").fetchall()
        except duckdb.Error as error:
            remedy = f"mend the query or build what it reads: {safe_engine_message(error)}"
            faults.append(Fault(where, f"the query of {item.name} can be run", remedy))
            continue
        present = columns[item.name] = tuple(row[0] for row in described)
        if isinstance(item, Evidence) or item.is_aggregate:
            faults += [
                Fault(where, f"aggregates hold no participant, {item.name} has {column}", "drop the column")
                for column in sorted(PARTICIPANT_ID_COLUMNS.intersection(present))
            ]
        if isinstance(item, Asset):
            faults += _missing_columns(run.suite, item, present)
    if faults:
        raise ExpectationSuiteError(faults)
    return columns


def _missing_columns(suite: Suite, asset: Asset, present: Sequence[str]) -> list[Fault]:
    have = f"the columns of {asset.name} are {', '.join(present)}"
    faults = [
        Fault(f"{suite.file}, line {asset.line}", f"the key of {asset.name} is a column, {column!r} is not", have)
        for column in asset.key
        if column not in present
    ]
    for expectation in asset.expectations:
        for column in expectation.columns:
            if column not in present:
                rule = f"{expectation.name} reads a column that exists, {column!r} does not"
                faults.append(Fault(f"{suite.file}, line {expectation.line}", rule, have))
    return faults


def _check_asset(
    run: Run, asset: Asset, columns: Sequence[str], validator: Validator, tables: list[EvidenceTable]
) -> tuple[list[Finding], Any]:
    """Findings of one asset in the order of its file, and what Great Expectations returned, if it was asked."""
    # An expectation re-reads its rows for each metric, so the query is run once, for the columns that are asked for.
    needed = set(columns) if asset.is_aggregate else {column for e in asset.expectations for column in e.columns}
    selected = ", ".join(f'"{column}"' for column in columns if column in needed) or "1 as row_exists"
    try:
        run.connection.execute(
            f"create or replace temp table {ROWS} as select {selected} from ({run.filled_in(asset.query)}\n) as asked"
        )
    except duckdb.Error as error:
        message = f"The query failed: {safe_engine_message(error)}."
        return [
            _finding(run, asset, e, is_success=False, is_error=True, message=message) for e in asset.expectations
        ], None
    try:
        if asset.shown_as:
            tables.append(_evidence(run, asset.shown_as, f"select * from {ROWS}"))
        counted = run.connection.execute(f"select count(*) from {ROWS}").fetchall()
        if counted[0][0] == 0:
            return [_finding_without_rows(run, asset, e) for e in asset.expectations], None
        query = f"select * from {ROWS}"
        result, failing = validator.validate(
            name=asset.name, query=query, expectations=asset.expectations, key=asset.key
        )
        by_name = {one.expectation_config.meta["name"]: one for one in result.results}
        findings = [_judged(run, asset, e, one=by_name[e.name], failing=failing[e.name]) for e in asset.expectations]
        return findings, result
    finally:
        run.connection.execute(f"drop table if exists {ROWS}")


def _finding(run: Run, asset: Asset, expectation: Expectation, **outcome: Any) -> Finding:
    door = run.suite.door
    return Finding.of(
        run_at=run.run_at, cohort=run.cohort.name, door=door, asset=asset, expectation=expectation, **outcome
    )


def _finding_without_rows(run: Run, asset: Asset, expectation: Expectation) -> Finding:
    """No rows satisfy every rule, except one about the number of rows."""
    counts_rows = expectation.type.startswith("expect_table_row_count")
    low = expectation.kwargs.get("min_value", expectation.kwargs.get("value")) or 0
    is_success = not counts_rows or low == 0
    message = "No rows to check." if is_success else "There are no rows."
    return _finding(
        run,
        asset,
        expectation,
        is_success=is_success,
        element_count=0,
        observed_value="0" if counts_rows else None,
        message=message,
    )


def _judged(run: Run, asset: Asset, expectation: Expectation, *, one: Any, failing: list[dict[str, Any]]) -> Finding:
    """The finding of one expectation that Great Expectations computed."""
    if one.exception_info["raised_exception"]:
        message = f"The check failed to run: {one.exception_info['exception_message']}."
        return _finding(run, asset, expectation, is_success=False, is_error=True, message=message)
    unexpected, elements = one.result.get("unexpected_count"), one.result.get("element_count")
    observed = _observed_text(one.result.get("observed_value"))
    if one.success:
        message = "No values to check." if elements and elements == one.result.get("missing_count") else ""
    elif unexpected is not None:
        checked = None if elements is None else elements - (one.result.get("missing_count") or 0)
        message = f"{unexpected:,} values break it." if checked is None else f"{unexpected:,} of {checked:,} break it."
        message += _failing_text(run, asset, expectation, failing)
    else:
        message = f"Observed {observed}." if observed else "There are no values."
    return _finding(
        run,
        asset,
        expectation,
        is_success=bool(one.success),
        unexpected_count=unexpected,
        element_count=elements,
        observed_value=observed,
        message=message,
    )


def _observed_text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, float):
        return f"{value:.6g}"
    return json.dumps(value, default=str) if isinstance(value, dict | list) else str(value)


def _failing_text(run: Run, asset: Asset, expectation: Expectation, failing: list[dict[str, Any]]) -> str:
    """The keys of aggregates that break a rule, each with its value unless the group behind it is small."""
    if not failing:
        return ""
    present = {row[0] for row in run.connection.execute(f"describe {ROWS}").fetchall()}
    column = expectation.columns[0] if len(expectation.columns) == 1 else None
    shown = f'"{column}"' if column else "null"
    size = GROUP_SIZE_COLUMN if GROUP_SIZE_COLUMN in present else "null"
    same_key = " and ".join(f'"{k}" is not distinct from ?' for k in asset.key)
    texts = []
    for row in failing:
        query = f"select {shown}, {size} from {ROWS} where {same_key} limit 1"
        values = run.connection.execute(query, [row[k] for k in asset.key]).fetchall()
        value, group = values[0] if values else (None, None)
        is_shown = value is not None and column not in asset.key and (group is None or group >= SMALLEST_GROUP_SHOWN)
        texts.append(" ".join(str(row[k]) for k in asset.key) + (f" ({_observed_text(value)})" if is_shown else ""))
    return f" {'; '.join(sorted(texts))}."


def _with_exception(finding: Finding, accepted: Sequence[AcceptedException], run_at: datetime) -> Finding:
    if finding.is_success:
        return finding
    for one in accepted:
        if one.covers(asset=finding.asset, expectation=finding.expectation, column_name=finding.column_name):
            if one.is_expired(run_at.date()):
                note = f"Its accepted exception ended on {one.until_date} ({one.where})."
                return replace(finding, message=f"{finding.message} {note}".strip())
            until = one.until_date.isoformat()
            return finding.with_accepted(reason=one.reason, accepted_by=one.accepted_by, until=until)
    return finding


def _expired(run: Run, accepted: Sequence[AcceptedException]) -> list[Finding]:
    """One warning per exception past its date: what it excused has its own severity again."""
    return [
        Finding(
            run_at=run.run_at,
            cohort=run.cohort.name,
            door=run.suite.door,
            asset=one.asset,
            expectation=f"{one.expectation}__exception_has_ended",
            expectation_type="accepted_exception",
            column_name=one.column_name,
            rule="An accepted exception has not ended.",
            bound=f"through {one.until_date}",
            severity="warning",
            is_success=False,
            is_error=False,
            unexpected_count=1,
            element_count=1,
            observed_value=None,
            message=f"{one.where}: the exception for {one.expectation} ended on {one.until_date}.",
            reason="An exception is accepted for a time, so that it is looked at again.",
            remedy="Remove the row if the fault is gone; else renew until_date with a reason that still holds.",
            source="warehouse/seeds/accepted_exceptions.csv",
        )
        for one in accepted
        if one.is_expired(run.run_at.date())
    ]


def _evidence(run: Run, item: Evidence, query: str) -> EvidenceTable:
    """Rows of a query for the front page; of a group that is close to one person only its size is shown."""
    try:
        executed = run.connection.execute(query)
        columns = tuple(column[0] for column in executed.description)
        rows = executed.fetchall()
    except duckdb.Error as error:
        return EvidenceTable(item.name, item.title, f"{item.note} Not shown: {safe_engine_message(error)}.", (), ())
    if GROUP_SIZE_COLUMN in columns:
        size = columns.index(GROUP_SIZE_COLUMN)
        rows = [row if row[size] >= SMALLEST_GROUP_SHOWN else _without_measures(row, size) for row in rows]
    return EvidenceTable(item.name, item.title, item.note, columns, tuple(rows))


def _without_measures(row: tuple[Any, ...], size: int) -> tuple[Any, ...]:
    return tuple(value if k == size or isinstance(value, str) else None for k, value in enumerate(row))
