"""A door of the build: its expectations run over the open connection, on the cohort that is being built."""

from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from dbt.adapters.events.logging import AdapterLogger

from expectations.runner import Door, run_door
from python_models.frames.build import cohort_of_build

logger = AdapterLogger("Study")


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
        pages_folder=Path("warehouse/quality") / cohort,
        now=datetime.now(UTC),
    )
    for finding in findings.filter(pc.invert(findings["is_success"])).to_pylist():
        tell = logger.error if finding["severity"] == "critical" else logger.info
        n = finding["unexpected_count"]
        counted = "" if n is None else f" {n:,} of {finding['element_count'] or 0:,} break it."
        where = f"{door} door, {finding['severity']}: {finding['asset']}/{finding['expectation']}"
        tell(f"{where}: {finding['rule']}{counted} {finding['message']} -> {finding['remedy']}")
    return findings
