"""The page of measurements: the last of each kind, told as it was measured."""

import json

from tests.benchmarks.page import latest, page

ROW = {
    "name": "scan", "size": "10 x 5, CPU 3 s", "seconds": 1234.5, "peak_mb": None, "peer": "coxph",
    "peer_seconds": 2.0, "largest_difference": 1e-9, "ratio": 200.0, "at": "2026-01-01T00:00:00Z",
    "cores": 2, "processor": "x", "python": "3",
}  # fmt: skip


def test_the_last_measurement_of_a_kind_stands() -> None:
    lines = [
        json.dumps(ROW),
        json.dumps({**ROW, "size": "10 x 5, CPU 4 s", "ratio": 3.0}),
        json.dumps({**ROW, "peer": None}),
    ]
    assert [row["ratio"] for row in latest(lines)] == [3.0, 200.0]


def test_a_row_is_told_with_date_and_load_where_known() -> None:
    told = page([json.dumps(ROW), json.dumps({**ROW, "name": "build", "load": 2.25})])
    assert "| scan | 10 x 5, CPU 3 s | 1,234 |" in told
    assert "| 2026-01-01 | 2.2 |" in told
    assert told.count("| 2026-01-01 |  |") == 1
