"""The readable profile of a landing: for each file what it is, by which evidence, and what was decided."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path


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
            lines += ["", "## Rejected (every line is in rejects.parquet)", "", "| file | column | rule | count |"]
            lines += ["|---|---|---|---:|"]
            lines += [f"| {r['file']} | {r['column_name']} | {r['rule']} | {r['count']:,} |" for r in self.rejected]
        if self.overrides:
            lines += ["", "## Overrides given", ""] + [f"- `{key}={value}`" for key, value in self.overrides.items()]
        if self.notes:
            lines += ["", "## Notes", ""] + [f"- {note}" for note in self.notes]
        return "\n".join(lines) + "\n"


def read_fingerprint(folder: Path) -> str | None:
    """The fingerprint of a landing in place; None where there is none."""
    try:
        said: Mapping[str, object] = json.loads((folder / "profile.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    value = said.get("fingerprint")
    return value if isinstance(value, str) else None
