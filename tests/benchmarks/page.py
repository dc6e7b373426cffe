"""docs/benchmarks.md: the last measurement of each kind in the ledger, with its date and how busy the machine was.

python -m tests.benchmarks.page
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.benchmarks.measure import LEDGER, shown

PAGE = Path("docs/benchmarks.md")
HEAD = """# What it costs

Written by `python -m tests.benchmarks.page` from the ledger that `make bench` appends to: the last of each kind.
Where a largest difference stands, the peer gave the same answer to the same files or arrays first. Load: how many
processes wanted a core, averaged over the quarter of an hour before; above the number of cores, wall times are those of
a busy machine. Peak memory is of a process and its children together. SYNTHETIC data throughout.
"""
COLUMNS = (
    "what",
    "size",
    "seconds",
    "peak MB",
    "peer",
    "peer seconds",
    "ratio",
    "largest difference",
    "measured",
    "load",
)


def latest(lines: Iterable[str]) -> list[dict[str, Any]]:
    """The last row of each name, size and peer, in the order of their first appearance."""
    rows: dict[tuple[str, str, str], dict[str, Any]] = {}
    for line in lines:
        row = json.loads(line)
        # Processor seconds stand in some sizes, and differ between runs of one kind.
        rows[row["name"], row["size"].split(", CPU")[0], row["peer"] or ""] = row
    return list(rows.values())


def _seconds(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def page(lines: Iterable[str]) -> str:
    """The page in Markdown."""
    rows = latest(lines)
    machines = sorted({f"{row['cores']} cores ({row['processor']}), Python {row['python']}" for row in rows})
    told = [HEAD, f"Machine: {'; '.join(machines)}.", "", f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|"]
    for row in rows:
        cells = (
            row["name"], row["size"], _seconds(row["seconds"]), shown(row["peak_mb"], ",.0f"), row["peer"] or "",
            _seconds(row["peer_seconds"]), shown(row["ratio"], ",.1f"), shown(row["largest_difference"], ".1e"),
            row["at"][:10], shown(row.get("load"), ".1f"),
        )  # fmt: skip
        told.append(f"| {' | '.join(cells)} |")
    return "\n".join(told) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(LEDGER.read_text(encoding="utf-8").splitlines()), encoding="utf-8")
