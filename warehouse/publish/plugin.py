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
from dbt.adapters.events.logging import AdapterLogger
from dbt.flags import get_flags
from dbt_common.exceptions import DbtRuntimeError

from warehouse.cohorts import check_landing
from warehouse.errors import StudyError
from warehouse.publish.database import Description, publish_database
from warehouse.seeds_check import check_seeds

logger = AdapterLogger("Study")


def _check_before_the_first_query() -> None:
    cohort = os.environ.get("COHORT", "synthetic")
    check_seeds(Path("warehouse/seeds"))
    check_landing(cohort, raw=Path("warehouse/raw"))
    if _is_whole_build():
        # The raw door imports Great Expectations anyway; a build of a few nodes need not wait for it.
        from expectations.accepted_exceptions import check_suites

        for ended in check_suites():
            logger.warning(ended.ended_words)


def _is_whole_build() -> bool:
    flags = get_flags()
    chosen = (getattr(flags, name, None) for name in ("SELECT", "EXCLUDE", "SELECTOR"))
    return getattr(flags, "WHICH", None) == "build" and not any(chosen)


class Plugin(BasePlugin):
    """Begins and ends a run that writes: what is published has passed a whole clean build and nothing failed since.

    A mark beside the scratch file says that a run has begun and not ended cleanly. While it stands, only a whole
    `dbt build` publishes: a partial one would carry out what an earlier failure left behind.
    """

    def initialize(self, plugin_config: dict[str, Any]) -> None:
        """Refuse before the first query what could only fail later and less clearly."""
        try:
            _check_before_the_first_query()
        except StudyError as error:
            # dbt tells its own errors without a traceback.
            raise DbtRuntimeError(str(error)) from error
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
