"""Small suites, written as a person writes them; each helper gives something that holds and lets a test change it."""

from datetime import datetime
from typing import Any

NOW = datetime(2026, 1, 2, 3, 4, 5)
META = {"reason": "It is in another unit.", "remedy": "Export it again.", "source": "arithmetic"}


def an_expectation(name: str = "heights_plausible", **changes: Any) -> dict[str, Any]:
    """An expectation of the asset below that holds."""
    given: dict[str, Any] = {
        "name": name,
        "rule": "Heights lie between 1 and 3 m.",
        "type": "expect_column_values_to_be_between",
        "kwargs": {"column": "height_m", "min_value": 1, "max_value": 3},
        "severity": "critical",
        "meta": dict(META),
    }
    return {key: value for key, value in {**given, **changes}.items() if value is not None}


def an_asset(*expectations: dict[str, Any], **changes: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "name": "people",
        "grain": "One row per participant.",
        "query": ["select *", "from people"],
        "expectations": list(expectations) or [an_expectation()],
    }
    return {key: value for key, value in {**given, **changes}.items() if value is not None}


def a_suite(*assets: dict[str, Any], door: str = "raw", **changes: Any) -> dict[str, Any]:
    return {"door": door, "description": "A door.", "assets": list(assets) or [an_asset()], **changes}
