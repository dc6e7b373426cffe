"""A door of the build: its expectations run over the open connection, on the cohort that is being built."""

from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from dbt.adapters.events.logging import AdapterLogger
from dbt.flags import get_flags
from dbt_common.invocation import get_invocation_id

from expectations.history import read_history, remember_tables
from expectations.run_identity import RunIdentity, landing_hash, spec_hash
from expectations.runner import Door, run_door
from python_models.frames.build import cohort_of_build

logger = AdapterLogger("Study")
QUALITY = Path("warehouse/quality")


def run_door_of_build(session: duckdb.DuckDBPyConnection, *, door: Door) -> pa.Table:
    """One row per expectation of the door; its pages are written to warehouse/quality/<cohort>.

    What is not met is also logged, critical ones as errors: the test that stops the build counts them only.
    """
    cohort = cohort_of_build()
    findings = run_door(
        session,
        door=door,
        cohort=cohort,
        raw_folder=f"warehouse/raw/{cohort}",
        pages_folder=QUALITY / cohort,
        now=datetime.now(UTC),
        identity=identity_of_build(),
    )
    for finding in findings.filter(pc.invert(findings["is_success"])).to_pylist():
        tell = logger.error if finding["severity"] == "critical" else logger.info
        where = f"{door} door, {finding['severity']}: {finding['asset']}/{finding['expectation']}"
        tell(f"{where}: {finding['rule']} {finding['message']} -> {finding['remedy']}")
    return findings


def identity_of_build() -> RunIdentity:
    """This dbt invocation, the landing it reads and the specification it follows."""
    return _identity(get_invocation_id(), cohort_of_build())


@cache
def _identity(invocation: str, cohort: str) -> RunIdentity:
    options = repr(sorted(dict(getattr(get_flags(), "VARS", None) or {}).items()))
    return RunIdentity(invocation, "build", landing_hash(Path("warehouse/raw") / cohort), spec_hash(options=options))


def history_of(kind: str) -> pa.Table:
    """What all runs of all cohorts left, this one included."""
    return read_history(QUALITY, kind)


def fingerprint_tables(session: duckdb.DuckDBPyConnection) -> pa.Table:
    """Rows and content of every table of marts and results, also kept in the history.

    Content is the sum of the rows' hashes, so that order does not matter; reals count to seven significant digits.
    """
    listed = session.execute(
        "select table_schema, table_name from information_schema.tables "
        "where table_schema in ('marts', 'results') and table_type = 'BASE TABLE' order by all"
    ).fetchall()
    found: list[dict[str, object]] = []
    for schema, table in listed:
        columns = session.execute(f'describe {schema}."{table}"').fetchall()
        row = ", ".join(_hashed(name, kind) for name, kind, *_ in columns)
        query = f"select count(*), coalesce(cast(sum(hash({row})) as varchar), '0') from {schema}.\"{table}\""
        n, content = session.execute(query).fetchall()[0]
        found.append({"table_schema": schema, "table_name": table, "n_rows": n, "content_hash": content})
    now = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    return remember_tables(
        QUALITY, identity=identity_of_build(), run_at=now, cohort=cohort_of_build(), fingerprints=found
    )


def _hashed(name: str, kind: str) -> str:
    return f'cast("{name}" as float)' if kind == "DOUBLE" else f'"{name}"'
