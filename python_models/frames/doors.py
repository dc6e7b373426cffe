"""A door of the build: its expectations run over the open connection, on the cohort that is being built."""

from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa

from expectations.runner import Door, run_door
from python_models.frames.build import cohort_of_build


def run_door_of_build(session: duckdb.DuckDBPyConnection, *, door: Door) -> pa.Table:
    """One row per expectation of the door; its pages are written to warehouse/quality/<cohort>."""
    cohort = cohort_of_build()
    return run_door(
        session,
        door=door,
        cohort=cohort,
        raw_folder=f"warehouse/raw/{cohort}",
        pages_folder=Path("warehouse/quality") / cohort,
        now=datetime.now(UTC),
    )
