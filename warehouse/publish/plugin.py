"""The dbt-duckdb plugin that lets the last hook of a clean run publish the study.

dbt's run-end hooks are SQL only; the rename that makes a publication atomic is not. So the hook calls this function.
"""

import os
import weakref
from pathlib import Path
from typing import Any

import duckdb
from dbt.adapters.duckdb.plugins import BasePlugin

from warehouse.cohorts import check_landing
from warehouse.publish.database import publish_database
from warehouse.seeds_check import check_seeds


class Plugin(BasePlugin):
    def initialize(self, plugin_config: dict[str, Any]) -> None:
        """Refuse before the first query what could only fail later and less clearly."""
        cohort = os.environ.get("COHORT", "synthetic")
        check_seeds(Path("warehouse/seeds"))
        check_landing(cohort, raw=Path("warehouse/raw"))
        Path("warehouse/build").mkdir(parents=True, exist_ok=True)

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        build = Path(
            conn.execute("select path from duckdb_databases() where database_name = current_database()").fetchall()[0][
                0
            ]
        )
        connection = weakref.ref(conn)

        def publish_study_database() -> int:
            parent = connection()
            if parent is None:
                raise RuntimeError("the build connection is closed")
            cursor = parent.cursor()
            try:
                return publish_database(
                    cursor, target=Path("warehouse") / build.name, parquet=Path("warehouse/parquet") / build.stem
                )
            finally:
                cursor.close()

        conn.create_function("publish_study_database", publish_study_database, [], "BIGINT", side_effects=True)
