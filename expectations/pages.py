"""Pages people read: one per door with what Great Expectations renders, a front page, a summary in Markdown.

Each door leaves its findings in doors/<door>.json, and every run rewrites the front page from all of them, so that the
page is whole although a build visits the doors one by one. Pages open from disk: one file each, no network.
"""

import csv
import json
import os
from collections.abc import Sequence
from dataclasses import fields
from datetime import date, datetime
from decimal import Decimal
from html import escape
from pathlib import Path
from typing import Any

from expectations.findings import Finding, finding_record
from expectations.front_page import DOOR_TITLES, DoorRecord, front_page, summary
from expectations.gx_sections import rendered_sections
from expectations.page_parts import (
    EvidenceTable,
    cards_html,
    counted_words,
    failure_block,
    found_words,
    in_order,
    outcome_word,
    page,
    worst_outcome,
)
from expectations.suite_files import DOORS, Asset, Suite
from warehouse.cohorts import Cohort

PLANTED_FAULTS = Path(__file__).parent / "planted_faults.csv"
FINDING_FIELDS = {field.name for field in fields(Finding)}


def write_door(
    *,
    suite: Suite,
    cohort: Cohort,
    run_at: datetime,
    findings: Sequence[Finding],
    evidence: Sequence[EvidenceTable],
    results: Sequence[tuple[Asset, Any]],
    folder: Path,
) -> None:
    """Write the page of one door and, from all doors seen so far, the front page and the summary."""
    record = {
        "door": suite.door,
        "description": suite.description,
        "run_at": run_at.isoformat(),
        "findings": [finding_record(finding) for finding in findings],
        "evidence": [table.record() for table in evidence],
    }
    text = json.dumps(record, indent=1, ensure_ascii=False, default=_plain)
    _replace(folder / "doors" / f"{suite.door}.json", f"{text}\n")
    _replace(folder / f"{suite.door}.html", _door_page(suite, cohort, run_at, findings, results))
    records = saved_doors(folder)
    _replace(folder / "index.html", front_page(cohort=cohort, records=records, quality=folder.parent))
    _replace(folder / "faults.html", faults_page(cohort))
    _replace(folder / "summary.md", summary(cohort=cohort, records=records))


def saved_doors(folder: Path) -> list[DoorRecord]:
    """What the doors left behind, in the order of the doors."""
    records = []
    for door in DOORS:
        path = folder / "doors" / f"{door}.json"
        content = json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
        # What an older version left has other fields; it is as if the door had not been visited.
        if content and all(f.keys() == FINDING_FIELDS for f in content["findings"]):
            findings = [Finding(**{**f, "run_at": datetime.fromisoformat(f["run_at"])}) for f in content["findings"]]
            evidence = [
                EvidenceTable(e["name"], e["title"], e["note"], tuple(e["columns"]), tuple(map(tuple, e["rows"])))
                for e in content["evidence"]
            ]
            run_at = datetime.fromisoformat(content["run_at"])
            records.append(DoorRecord(door, content["description"], run_at, tuple(findings), tuple(evidence)))
    return records


def _door_page(
    suite: Suite, cohort: Cohort, run_at: datetime, findings: Sequence[Finding], results: Sequence[tuple[Asset, Any]]
) -> str:
    failures = [failure_block(finding) for finding in in_order(findings) if not finding.is_success]
    found = {(finding.asset, finding.expectation): found_words(finding) for finding in findings}
    worst = worst_outcome(findings)
    parts = [
        f'<p><a href="index.html">All doors</a></p>\n<p>{escape(suite.description)}</p>',
        f'<p class="verdict {worst}"><span class="mark">{outcome_word(worst)}</span> '
        f"<strong>{escape(counted_words(findings))}</strong></p>",
        f'<p class="quiet">Cohort {escape(cohort.name)}, checked {run_at:%Y-%m-%d %H:%M} UTC.</p>',
        *failures,
        "<h2>As Great Expectations shows it</h2>",
    ]
    for asset, result in results:
        parts.append(f"<h3>{escape(asset.name)}</h3>\n<p>{escape(asset.grain)}</p>")
        observed = {name: words for (of_asset, name), words in found.items() if of_asset == asset.name}
        shown = f'<div class="gx">{rendered_sections(result, observed=observed)}</div>' if result else ""
        parts.append(shown or "<p>Not computed.</p>")
    return page(title=f"{DOOR_TITLES[suite.door]}: data quality", cohort=cohort, body="\n".join(parts))


def faults_page(cohort: Cohort) -> str:
    """Which corruption of which raw files is named by which check, as the tests show it."""
    with PLANTED_FAULTS.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    parts = [
        '<p><a href="index.html">All doors</a></p>',
        f"<p>{len(rows)} ways in which raw files go wrong. Each is put into a clean export by the tests, one at a "
        "time, and must be named by the check beside it, at the first door that can tell.</p>",
    ]
    titles = {"ingest": "Ingest: refused, or counted in the ledger of rejects", **DOOR_TITLES}
    for door, title in titles.items():
        of_door = [(row["fault"], row["files"], row["caught_by"]) for row in rows if row["door"] == door]
        if of_door:
            head = ("what happened", "files", "caught by")
            parts.append(f"<h2>{escape(title)}</h2>\n{cards_html(head, of_door)}")
    return page(title="Faults these checks catch", cohort=cohort, body="\n".join(parts))


def _plain(value: Any) -> Any:
    """Values of DuckDB that JSON does not know."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"{type(value).__name__} is no value for a page")


def _replace(path: Path, text: str) -> None:
    """Write whole or not at all: a reader never sees half a page."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.part")
    beside.write_text(text, encoding="utf-8")
    os.replace(beside, path)
