"""Great Expectations over one open DuckDB connection: an ephemeral context, query assets, no files, no telemetry."""

import logging
import os
import threading
from collections.abc import Sequence
from html import escape
from typing import Any

os.environ["GX_ANALYTICS_ENABLED"] = "false"

import duckdb
import great_expectations as gx
from great_expectations.core import ExpectationSuiteValidationResult
from great_expectations.data_context.types.base import DataContextConfig, InMemoryStoreBackendDefaults
from great_expectations.expectations.registry import get_expectation_impl

from expectations.duckdb_dialect import URL, engine_arguments
from expectations.findings import bound_text
from expectations.safe_messages import safe_message
from expectations.suite_files import Expectation

# It logs SQL errors with the values they quote; what went wrong is reported by the findings instead.
logging.getLogger("great_expectations").setLevel(logging.CRITICAL + 1)
# Great Expectations keeps one current context per process; dbt may run two doors in two threads.
ONE_AT_A_TIME = threading.Lock()
FAILING_KEYS_SHOWN = 8
# The only keys of a result that leave this module: counts, shares and aggregates.
RESULT_KEYS_KEPT = frozenset(
    {
        "element_count",
        "unexpected_count",
        "unexpected_percent",
        "unexpected_percent_total",
        "unexpected_percent_nonmissing",
        "missing_count",
        "missing_percent",
        "observed_value",
    }
)


class Validator:
    """Validates queries of one connection."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        # The default configuration would make a folder for a documentation site that nobody reads.
        configuration = DataContextConfig(
            store_backend_defaults=InMemoryStoreBackendDefaults(),
            progress_bars={"globally": False},
            analytics_enabled=False,
        )
        context = gx.get_context(mode="ephemeral", project_config=configuration)
        self._source = context.data_sources.add_sql(
            "warehouse", connection_string=URL, kwargs=engine_arguments(connection)
        )

    def validate(
        self, *, name: str, query: str, expectations: Sequence[Expectation], key: Sequence[str]
    ) -> tuple[ExpectationSuiteValidationResult, dict[str, list[dict[str, Any]]]]:
        """Validate the rows of `query`: the result, without any value of a row, and the failing keys by expectation.

        key : columns that name a row, where rows are aggregates; empty where they are records.
        """
        asset = self._source.add_query_asset(name=name, query=query)
        suite = gx.ExpectationSuite(name=name, expectations=[_domain_object(e) for e in expectations])
        result_format: dict[str, Any] = {"result_format": "SUMMARY", "partial_unexpected_count": 0}
        if key:
            result_format["partial_unexpected_count"] = FAILING_KEYS_SHOWN
            result_format["unexpected_index_column_names"] = list(key)
        batch = asset.add_batch_definition_whole_table("all").get_batch()
        result = batch.validate(suite, result_format=result_format)
        failing = {}
        for one in result.results:
            rows = one.result.get("partial_unexpected_index_list") or []
            failing[one.expectation_config.meta["name"]] = [{column: row[column] for column in key} for row in rows]
            one.result = {k: v for k, v in one.result.items() if k in RESULT_KEYS_KEPT}
            one.exception_info = _safe_exception_info(one.exception_info or {})
        # Load times, batch ids and the query are no findings, and would make every page differ from the last.
        result.meta = {"great_expectations_version": gx.__version__}
        return result, failing


def _safe_exception_info(info: dict[str, Any]) -> dict[str, Any]:
    """What went wrong in one line; Great Expectations never raises, it keeps one note per metric."""
    notes = [info] if "raised_exception" in info else list(info.values())
    messages = sorted({safe_message(note["exception_message"] or "") for note in notes if note.get("raised_exception")})
    message = " / ".join(messages) or None
    return {"raised_exception": bool(messages), "exception_message": message, "exception_traceback": ""}


def _domain_object(expectation: Expectation) -> Any:
    return get_expectation_impl(expectation.type)(
        **expectation.kwargs,
        severity=expectation.severity,
        # Great Expectations puts it into its pages as it is.
        description=escape(f"{expectation.rule} Expected: {bound_text(expectation.type, expectation.kwargs)}."),
        meta={"name": expectation.name},
    )
