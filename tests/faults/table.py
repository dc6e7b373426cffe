"""The table of fault against check: written into the docs and the quality pages, and held to be current by a test."""

import csv
import io
from pathlib import Path

from tests.faults.catalogue import FAULTS

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "models/quality/_planted_faults.md"
PAGES = ROOT / "expectations/planted_faults.csv"
COLUMNS = ("fault", "files", "door", "caught_by")


def rows() -> list[tuple[str, str, str, str]]:
    """One row per fault, in the order of the doors."""
    return [(one.what, ", ".join(one.files), one.door, "; ".join(one.caught_by)) for one in FAULTS]


def as_csv() -> str:
    """What the quality pages read."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(rows())
    return out.getvalue()


def as_docs() -> str:
    """A docs block of dbt."""
    head = (
        "{% docs planted_faults %}\n"
        f"The quality pages, `warehouse/quality/<cohort>/index.html`. {len(FAULTS)} corruptions of raw files are put\n"
        "in by the tests, one at a time; each is named by the check beside it, at the first door that can tell. At\n"
        "ingest the check is the rule of a refusal or of the ledger of rejects, elsewhere an expectation. Written by\n"
        "`python -m tests.faults`.\n\n| what happened | files | door | caught by |\n|---|---|---|---|\n"
    )
    lines = [
        f"| {what} | {files} | {door} | {caught_by if door == 'ingest' else _code(caught_by)} |"
        for what, files, door, caught_by in rows()
    ]
    return head + "\n".join(lines) + "\n{% enddocs %}\n"


def _code(names: str) -> str:
    return ", ".join(f"`{name}`" for name in names.split("; "))


def write() -> None:
    DOCS.write_text(as_docs(), encoding="utf-8")
    PAGES.write_text(as_csv(), encoding="utf-8")
