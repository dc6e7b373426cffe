"""The readable profile of a landing: for each file what it is, by which evidence, and what was decided."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from warehouse.ingest.rejects import Rejects

RULES_SHOWN, FILES_SHOWN = 3, 5


@dataclass(slots=True)
class FileProfile:
    """What ingest concluded about one file."""

    file: str
    entity: str
    evidence: list[str]
    decision: str
    n_rows: int | None = None
    n_rejected: int = 0


@dataclass(slots=True)
class Profile:
    """What ingest concluded about an export; no participant's id or value is in it."""

    cohort: str
    fingerprint: str
    files: list[FileProfile] = field(default_factory=list)
    tables: dict[str, int] = field(default_factory=dict)
    overrides: dict[str, str] = field(default_factory=dict)
    rejected: list[dict[str, str | int]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add_rejects(self, rejects: Rejects) -> None:
        """What the ledger counts, and whether rows or cells of them."""
        self.rejected = [
            {
                "file": file,
                "column_name": column,
                "rule": rule,
                "count": n,
                "of": "rows" if rejects.is_of_rows((file, column, rule)) else "cells",
            }
            for (file, column, rule), n in sorted(rejects.counts.items())
        ]

    def write(self, folder: Path) -> None:
        text = json.dumps(asdict(self), indent=2, ensure_ascii=False)
        (folder / "profile.json").write_text(text + "\n", encoding="utf-8")
        (folder / "profile.md").write_text(self.as_markdown(), encoding="utf-8")

    def as_markdown(self) -> str:
        lines = [f"# What ingest concluded about the export `{self.cohort}`", ""]
        lines += ["| file | table | rows | rejected | evidence | decision |", "|---|---|---:|---:|---|---|"]
        for file in self.files:
            rows = "" if file.n_rows is None else f"{file.n_rows:,}"
            evidence = "; ".join(file.evidence).replace("|", "\\|")
            lines.append(
                f"| {file.file} | {file.entity} | {rows} | {file.n_rejected:,} | {evidence} "
                f"| {file.decision.replace('|', chr(92) + '|')} |"
            )
        lines += ["", "## Tables landed", "", "| table | rows |", "|---|---:|"]
        lines += [f"| {table} | {rows:,} |" for table, rows in self.tables.items()]
        if self.rejected:
            lines += ["", "## Rejected (every line is in rejects.parquet)", "", "| file | column | rule | count | of |"]
            lines += ["|---|---|---|---:|---|"]
            lines += [
                f"| {r['file']} | {r['column_name']} | {r['rule']} | {r['count']:,} | {r['of']} |"
                for r in self.rejected
            ]
        if self.overrides:
            lines += ["", "## Overrides given", ""] + [f"- `{key}={value}`" for key, value in self.overrides.items()]
        if self.notes:
            lines += ["", "## Notes", ""] + [f"- {note}" for note in self.notes]
        return "\n".join(lines) + "\n"


def said_of(folder: Path) -> list[str]:
    """What a landing in place lost and left out, one line per file, and its notes."""
    told = json.loads((folder / "profile.json").read_text(encoding="utf-8"))
    lines: list[str] = []
    of_file: dict[str, list[dict[str, Any]]] = {}
    for one in told["rejected"]:
        of_file.setdefault(one["file"], []).append(one)
    for file, ones in of_file.items():
        said = []
        for kind, fate in (("rows", "left out"), ("cells", "unreadable")):
            of_kind = [one for one in ones if one.get("of", "rows") == kind]
            rules: Counter[str] = Counter()
            for one in of_kind:
                rules[f"{one['rule']}" + (f" ({one['column_name']})" if kind == "cells" else "")] += one["count"]
            if rules:
                named = "; ".join(f"{n:,}: {rule}" for rule, n in rules.most_common(RULES_SHOWN))
                more = f"; and {len(rules) - RULES_SHOWN:,} other columns" if len(rules) > RULES_SHOWN else ""
                n_lost = sum(rules.values())
                said.append(f"{n_lost:,} {kind if n_lost != 1 else kind[:-1]} {fate} ({named}{more})")
        lines.append(f"{file}: {', '.join(said)}; every line: {folder / 'rejects.parquet'}")
    left_out = [one["file"] for one in told["files"] if one["entity"] in ("unread", "genotypes", "not_data")]
    if left_out:
        named = ", ".join(left_out[:FILES_SHOWN]) + (" ..." if len(left_out) > FILES_SHOWN else "")
        lines.append(f"files not read, {len(left_out):,}: {named}")
    return lines + list(told["notes"])


def read_fingerprint(folder: Path) -> str | None:
    """The fingerprint of a landing in place; None where there is none."""
    try:
        said: Mapping[str, object] = json.loads((folder / "profile.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    value = said.get("fingerprint")
    return value if isinstance(value, str) else None
