"""The dbt-duckdb plugin that lets the last hook of a clean run publish the study.

dbt's run-end hooks are SQL only; the rename that makes a publication atomic is not. So the hook calls this function.
"""

import json
import os
import weakref
from pathlib import Path
from typing import Any

import duckdb
from dbt.adapters.duckdb.plugins import BasePlugin

from warehouse.cohorts import check_landing
from warehouse.publish.database import Description, publish_database
from warehouse.seeds_check import check_seeds


class Plugin(BasePlugin):
    """Begins and ends a run that writes: what is published has passed a whole clean build and nothing failed since.

    A mark beside the scratch file says that a run has begun and not ended cleanly. While it stands, only a whole
    `dbt build` publishes: a partial one would carry out what an earlier failure left behind.
    """

    def initialize(self, plugin_config: dict[str, Any]) -> None:
        """Refuse before the first query what could only fail later and less clearly."""
        cohort = os.environ.get("COHORT", "synthetic")
        check_seeds(Path("warehouse/seeds"))
        check_landing(cohort, raw=Path("warehouse/raw"))
        Path("warehouse/build").mkdir(parents=True, exist_ok=True)
        self._was_clean = False

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        where = "select path from duckdb_databases() where database_name = current_database()"
        build = Path(conn.execute(where).fetchall()[0][0])
        mark = build.with_suffix(".unfinished")
        connection = weakref.ref(conn)

        def begin_study_run() -> bool:
            self._was_clean = build.is_file() and not mark.exists()
            mark.touch()
            return self._was_clean

        def publish_study_database(is_whole_build: bool, descriptions: str) -> str:
            if not (is_whole_build or self._was_clean):
                return "not published: an earlier run did not end cleanly; run a whole dbt build"
            parent = connection()
            if parent is None:
                raise RuntimeError("the build connection is closed")
            cursor = parent.cursor()
            try:
                target = Path("warehouse") / build.name
                n = publish_database(
                    cursor,
                    target=target,
                    parquet=Path("warehouse/parquet") / build.stem,
                    descriptions=[Description(**one) for one in json.loads(descriptions)],
                )
            finally:
                cursor.close()
            mark.unlink(missing_ok=True)
            return f"published {n} tables to {target}"

        conn.create_function("begin_study_run", begin_study_run, [], "BOOLEAN", side_effects=True)
        conn.create_function(
            "publish_study_database", publish_study_database, ["BOOLEAN", "VARCHAR"], "VARCHAR", side_effects=True
        )
