"""What earlier runs found: Parquet files per run and door, added to and never rewritten, for all cohorts together.

The published database is replaced whole by every build, so its history lives beside it and is copied into it.
Aggregates only. The oldest runs of a cohort leave when there are more than RUNS_KEPT.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from expectations.findings import SCHEMA, Finding, findings_table
from expectations.run_identity import RunIdentity

FOLDER = "history"
RUNS_KEPT = 100
TABLES = "tables"
# What a rule says is in quality.expectation_results; the history keeps what was found.
LEFT_OUT = frozenset({"rule", "reason", "remedy", "source", "expectation_type"})
HISTORY_SCHEMA = pa.schema([field for field in SCHEMA if field.name not in LEFT_OUT])
RUN_FIELDS = [
    pa.field("run_id", pa.string(), nullable=False),
    pa.field("run_kind", pa.string(), nullable=False),
    pa.field("run_at", pa.timestamp("us"), nullable=False),
    pa.field("cohort", pa.string(), nullable=False),
    pa.field("landing_hash", pa.string(), nullable=False),
    pa.field("spec_hash", pa.string(), nullable=False),
]
OBSERVATION_SCHEMA = pa.schema(
    [
        *RUN_FIELDS,
        pa.field("door", pa.string(), nullable=False),
        pa.field("asset", pa.string(), nullable=False),
        pa.field("observed_of", pa.string(), nullable=False),
        pa.field("measure", pa.string(), nullable=False),
        pa.field("observed_number", pa.float64(), nullable=False),
    ]
)
FINGERPRINT_SCHEMA = pa.schema(
    [
        *RUN_FIELDS,
        pa.field("table_schema", pa.string(), nullable=False),
        pa.field("table_name", pa.string(), nullable=False),
        pa.field("n_rows", pa.int64(), nullable=False),
        pa.field("content_hash", pa.string(), nullable=False),
    ]
)
SCHEMAS = {"findings": HISTORY_SCHEMA, "observations": OBSERVATION_SCHEMA, TABLES: FINGERPRINT_SCHEMA}


@dataclass(frozen=True, slots=True)
class Observation:
    """One number of one aggregate: of which rows (the key in words), which column, and its value."""

    asset: str
    observed_of: str
    measure: str
    observed_number: float


def remember_door(
    quality: Path,
    *,
    identity: RunIdentity,
    run_at: datetime,
    cohort: str,
    door: str,
    findings: Sequence[Finding],
    observations: Sequence[Observation],
) -> None:
    """Add the findings and observed aggregates of one door of one run.

    quality : warehouse/quality, the folder of all cohorts' pages.
    """
    found = findings_table(findings, identity=identity).select(HISTORY_SCHEMA.names)
    _add(quality, cohort=cohort, run_at=run_at, run_id=identity.run_id, part=f"findings.{door}", table=found)
    rows = [
        {**_run(identity, run_at=run_at, cohort=cohort), "door": door, "asset": one.asset,
         "observed_of": one.observed_of, "measure": one.measure, "observed_number": one.observed_number}
        for one in observations
    ]  # fmt: skip
    seen = pa.Table.from_pylist(rows, schema=OBSERVATION_SCHEMA)
    _add(quality, cohort=cohort, run_at=run_at, run_id=identity.run_id, part=f"observations.{door}", table=seen)


def remember_tables(
    quality: Path, *, identity: RunIdentity, run_at: datetime, cohort: str, fingerprints: Sequence[dict[str, object]]
) -> pa.Table:
    """Add size and content of every table of a run; gives them as a table."""
    rows = [{**_run(identity, run_at=run_at, cohort=cohort), **one} for one in fingerprints]
    table = pa.Table.from_pylist(rows, schema=FINGERPRINT_SCHEMA)
    _add(quality, cohort=cohort, run_at=run_at, run_id=identity.run_id, part=TABLES, table=table)
    return table


def read_history(quality: Path, kind: str) -> pa.Table:
    """Everything kept of one kind (findings, observations, tables), oldest run first; no rows without a history."""
    schema = SCHEMAS[kind]
    files = sorted((quality / FOLDER).glob(f"*/*.{kind}*.parquet"), key=lambda path: (path.name, path.parent.name))
    # A file of an older version may lack a column, and never has one that is not asked for.
    tables = [_as(pq.read_table(path), schema) for path in files]
    return pa.concat_tables(tables) if tables else schema.empty_table()


def _as(table: pa.Table, schema: pa.Schema) -> pa.Table:
    columns = [
        table[field.name].cast(field.type) if field.name in table.column_names else pa.nulls(len(table), field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=pa.schema([field.with_nullable(True) for field in schema]))


def _run(identity: RunIdentity, *, run_at: datetime, cohort: str) -> dict[str, object]:
    return {
        "run_id": identity.run_id,
        "run_kind": identity.kind,
        "run_at": run_at,
        "cohort": cohort,
        "landing_hash": identity.landing_hash,
        "spec_hash": identity.spec_hash,
    }


def _add(quality: Path, *, cohort: str, run_at: datetime, run_id: str, part: str, table: pa.Table) -> None:
    """Write whole or not at all, then let the oldest runs go."""
    folder = quality / FOLDER / cohort
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{run_at:%Y%m%dT%H%M%S}_{run_id}.{part}.parquet"
    beside = folder / f".{name}.{os.getpid()}.part"
    pq.write_table(table, beside, compression="zstd")
    os.replace(beside, folder / name)
    _let_go(folder)


def _let_go(folder: Path) -> None:
    """A door of a run has its own minute: a run is as new as its newest file."""
    newest: dict[str, str] = {}
    for path in sorted(folder.glob("*.parquet")):
        newest[_run_id(path)] = path.name
    kept = set(sorted(newest, key=lambda run: newest[run])[-RUNS_KEPT:])
    for path in folder.glob("*.parquet"):
        if _run_id(path) not in kept:
            path.unlink(missing_ok=True)


def _run_id(path: Path) -> str:
    return path.name.split("_", maxsplit=1)[1].split(".", maxsplit=1)[0]
