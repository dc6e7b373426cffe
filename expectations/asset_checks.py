"""One asset of a suite: run its query once, let Great Expectations validate the rows, put the outcome into words."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import duckdb

from expectations.disclosure import PEOPLE, is_share_of_group, may_be_shown
from expectations.findings import NOTHING_TO_COMPARE, Finding
from expectations.gx_validation import Validator
from expectations.history import Observation
from expectations.page_parts import EvidenceTable
from expectations.safe_messages import safe_engine_message
from expectations.suite_files import SEEDS_FOLDER, Asset, Evidence, Expectation, Suite
from warehouse.cohorts import Cohort
from warehouse.small_counts import FEWER, SMALLEST_CELL, shown_count

ROWS = "expectation_rows"
# An aggregate may hold this column; where it is smaller than the floor, the aggregate is close to a person's value.
GROUP_SIZE_COLUMN = "n_participants"
SMALLEST_GROUP_SHOWN = 10
# Of a longer table of aggregates (proteins, plates) the history keeps least, middle and greatest.
AGGREGATES_REMEMBERED = 200


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


@dataclass(frozen=True, slots=True)
class Checked:
    """One asset: its findings in the order of its file, its rows if shown, and what Great Expectations returned."""

    findings: list[Finding]
    table: EvidenceTable | None = None
    result: Any = None
    observations: tuple[Observation, ...] = ()


def check_asset(run: Run, asset: Asset, columns: Sequence[str], validator: Validator) -> Checked:
    # An expectation re-reads its rows for each metric, so the query is run once, for the columns that are asked for.
    needed = set(columns) if asset.is_aggregate else {column for e in asset.expectations for column in e.columns}
    selected = ", ".join(f'"{column}"' for column in columns if column in needed) or "1 as row_exists"
    try:
        run.connection.execute(
            f"create or replace temp table {ROWS} as select {selected} from ({run.filled_in(asset.query)}\n) as asked"
        )
    except duckdb.Error as error:
        message = f"The query failed: {safe_engine_message(error)}."
        return Checked(
            [_finding(run, asset, e, is_success=False, is_error=True, message=message) for e in asset.expectations]
        )
    try:
        table = evidence_table(run, asset.shown_as, f"select * from {ROWS}") if asset.shown_as else None
        counted = run.connection.execute(f"select count(*) from {ROWS}").fetchall()
        if counted[0][0] == 0:
            return Checked([_finding_without_rows(run, asset, e) for e in asset.expectations], table)
        query = f"select * from {ROWS}"
        result, failing = validator.validate(
            name=asset.name, query=query, expectations=asset.expectations, key=asset.key
        )
        by_name = {one.expectation_config.meta["name"]: one for one in result.results}
        findings = [_judged(run, asset, e, one=by_name[e.name], failing=failing[e.name]) for e in asset.expectations]
        if not asset.is_aggregate:
            return Checked(findings, table, result)
        spans = _spans(run)
        findings = [_with_span(finding, spans) for finding in findings]
        return Checked(findings, table, result, _observations(run, asset, list(spans)))
    finally:
        run.connection.execute(f"drop table if exists {ROWS}")


def _numeric_columns(run: Run) -> list[str]:
    types = ("INT", "DOUBLE", "FLOAT", "DECIMAL", "BOOL")
    described = run.connection.execute(f"describe {ROWS}").fetchall()
    return [column for column, kind, *_ in described if any(one in kind for one in types)]


def _large_enough(columns: Sequence[str]) -> str:
    return f"where coalesce({GROUP_SIZE_COLUMN}, 0) >= {SMALLEST_GROUP_SHOWN}" if GROUP_SIZE_COLUMN in columns else ""


def _spans(run: Run) -> dict[str, tuple[float | None, float | None, float | None]]:
    """Least, middle and greatest of every numeric column of the aggregates, but of small groups."""
    columns = _numeric_columns(run)
    if not columns:
        return {}
    asked = ", ".join(
        f'{how}(case when {_is_shown(column, columns)} then cast("{column}" as double) end)'
        for column in columns
        for how in ("min", "median", "max")
    )
    (values,) = run.connection.execute(f"select {asked} from {ROWS} {_large_enough(columns)}").fetchall()
    return {column: tuple(values[3 * k : 3 * k + 3]) for k, column in enumerate(columns)}


def _is_shown(column: str, columns: Sequence[str]) -> str:
    """SQL of whether a value may be told: finite, no count of 1 to 4 people and no share that stands for one."""
    rules = [f'isfinite(cast("{column}" as double))']
    if column in PEOPLE:
        rules.append(f'not "{column}" between 1 and {SMALLEST_CELL - 1}')
    elif is_share_of_group(column) and GROUP_SIZE_COLUMN in columns:
        few = f"between 1 and {SMALLEST_CELL - 1}"
        n_in = f'round("{column}" * {GROUP_SIZE_COLUMN})'
        is_some = f"{n_in} between 1 and {GROUP_SIZE_COLUMN} - 1"
        rules.append(f"not coalesce({is_some} and ({n_in} {few} or {GROUP_SIZE_COLUMN} - {n_in} {few}), false)")
    return " and ".join(rules)


def _with_span(finding: Finding, spans: dict[str, tuple[float | None, float | None, float | None]]) -> Finding:
    span = spans.get(finding.column_name)
    if span is None:
        return finding
    if span[0] is None and is_share_of_group(finding.column_name) and finding.is_success and not finding.message:
        return replace(finding, observed_value=f"a share that stands for {FEWER} people")
    return replace(finding, observed_low=span[0], observed_median=span[1], observed_high=span[2])


def _observations(run: Run, asset: Asset, columns: list[str]) -> tuple[Observation, ...]:
    """Every number of the aggregates by key, where they are few: what two exports are compared by."""
    listed = ", ".join(f'"{column}"' for column in (*asset.key, *columns))
    query = f"select {listed} from {ROWS} {_large_enough(columns)} limit {AGGREGATES_REMEMBERED + 1}"
    rows = run.connection.execute(query).fetchall()
    if len(rows) > AGGREGATES_REMEMBERED:
        return ()
    n_key = len(asset.key)
    return tuple(
        Observation(asset.name, " ".join(str(part) for part in row[:n_key]), column, float(value))
        for row in rows
        for column, value in zip(columns, row[n_key:], strict=True)
        if value is not None and math.isfinite(float(value))
    )


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
        message = NOTHING_TO_COMPARE if elements and elements == one.result.get("missing_count") else ""
    elif unexpected is not None:
        checked = None if elements is None else elements - (one.result.get("missing_count") or 0)
        # A record may be a person; an aggregate is none.
        n = f"{unexpected:,}" if asset.is_aggregate else shown_count(unexpected)
        message = f"{n} values break it." if checked is None else f"{n} of {checked:,} break it."
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
        name = " ".join(str(row[k]) for k in asset.key)
        is_small_group = group is not None and group < SMALLEST_GROUP_SHOWN
        if value is None or column is None or column in asset.key or is_small_group:
            texts.append(name)
        elif may_be_shown(column, value, group):
            texts.append(f"{name} ({_observed_text(value)})")
        else:
            texts.append(f"{name} ({FEWER} people, or all but so few)")
    return f" {'; '.join(sorted(texts))}."


def evidence_table(run: Run, item: Evidence, query: str) -> EvidenceTable:
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
