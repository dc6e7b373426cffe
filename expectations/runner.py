"""Run the suite of one door over an open DuckDB connection: findings as an Arrow table, pages beside it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa

from expectations.accepted_exceptions import SEED, AcceptedException, load_accepted_exceptions
from expectations.asset_checks import Run, check_asset, evidence_table
from expectations.findings import Finding, findings_table
from expectations.gx_validation import ONE_AT_A_TIME, Validator
from expectations.history import Observation, remember_door
from expectations.pages import EvidenceTable, write_door
from expectations.run_identity import RunIdentity, landing_hash, spec_hash
from expectations.safe_messages import safe_engine_message
from expectations.suite_columns import missing_columns
from expectations.suite_files import (
    PARTICIPANT_ID_COLUMNS,
    SEEDS_FOLDER,
    SUITES_FOLDER,
    Asset,
    Door,
    Evidence,
    ExpectationSuiteError,
    load_suite,
)
from warehouse.cohorts import find_cohort
from warehouse.errors import Fault


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
    identity: RunIdentity | None = None,
) -> pa.Table:
    """Check every expectation of `door`, write its pages, add to the history, return one row per expectation.

    Columns: findings.SCHEMA. The history stands beside the cohorts' folders of pages.

    raw_folder : landing of the cohort, fills {raw} in queries.
    pages_folder : folder of this cohort's pages; holds one page per door, index.html and summary.md.
    identity : which run this is; a recheck of what is there if None.
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
    accepted = load_accepted_exceptions(whole_suite, seed=accepted_exceptions, today=run_at.date())
    of_seed = find_cohort(cohort, seeds=SEEDS_FOLDER)
    run = Run(connection, whole_suite.for_cohort(of_seed), of_seed, raw_folder, run_at)
    columns = _described(run)
    findings: list[Finding] = []
    tables: list[EvidenceTable] = []
    results = []
    observations: list[Observation] = []
    with ONE_AT_A_TIME:
        validator = Validator(connection)
        for asset in run.suite.assets:
            checked = check_asset(run, asset, columns[asset.name], validator)
            findings += [_with_exception(finding, accepted, run_at) for finding in checked.findings]
            tables += [checked.table] if checked.table else []
            observations += checked.observations
            results.append((asset, checked.result))
    findings += _expired(run, accepted)
    tables += [evidence_table(run, item, run.filled_in(item.query)) for item in run.suite.evidence]
    write_door(
        suite=run.suite,
        cohort=of_seed,
        run_at=run_at,
        findings=findings,
        evidence=tables,
        results=results,
        folder=pages_folder,
    )
    identity = identity or recheck(run_at, Path(raw_folder))
    remember_door(
        pages_folder.parent,
        identity=identity,
        run_at=run_at,
        cohort=of_seed.name,
        door=door,
        findings=findings,
        observations=observations,
    )
    return findings_table(findings, identity=identity)


def recheck(run_at: datetime, landing: Path) -> RunIdentity:
    """A look at what is there, outside a build."""
    return RunIdentity(f"recheck-{run_at:%Y%m%dT%H%M%S}", "recheck", landing_hash(landing), spec_hash())


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
            faults += missing_columns(run.suite, item, present)
    if faults:
        raise ExpectationSuiteError(faults)
    return columns


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
            observed_low=None,
            observed_median=None,
            observed_high=None,
            message=f"{one.where}: the exception for {one.expectation} ended on {one.until_date}.",
            reason="An exception is accepted for a time, so that it is looked at again.",
            remedy="Remove the row if the fault is gone; else renew until_date with a reason that still holds.",
            source="warehouse/seeds/accepted_exceptions.csv",
        )
        for one in accepted
        if one.is_expired(run.run_at.date())
    ]
