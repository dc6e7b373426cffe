"""The one-line overrides that settle what a file itself leaves open: KEY=VALUE, or KEY:FILE=VALUE for one file."""

from collections.abc import Container, Iterable
from dataclasses import dataclass, field

from warehouse.ingest.faults import Faults

# Every key, the values it takes (None = free text) and what it settles.
KEYS: dict[str, tuple[tuple[str, ...] | None, str]] = {
    "date_order": (("ymd", "dmy", "mdy"), "the order of day and month in dates"),
    "encoding": (None, "the text encoding, by its Python name (latin-1, cp1252, utf-16)"),
    "delimiter": (("comma", "tab", "semicolon", "pipe", "space"), "the cell delimiter"),
    "coding": (("raw", "replace"), "whether cells hold codes or their meanings"),
    "entity": (None, "which table the file is (participant, hesin_diag, gwas:regenie, ...)"),
    "instance": (("0", "1", "2", "3"), "the visit an Olink file belongs to"),
    "trait": (None, "the trait name of a GWAS file"),
    "skip": (("yes",), "leave the file out"),
    "unreadable": (None, "the share of rows, and of each column's cells, that may be left out as unreadable (0.01)"),
    "ignore_column": (None, "leave a column out, by its header or its canonical name: ignore_column:p924_i0=yes"),
    "ignore_field": (None, "leave a field out: ignore_field:20003=yes"),
    "title": (None, "the field a column title stands for: title:Albumin=30600"),
    "titles": (("study",), "that titles other fields bear too stand for the study's fields"),
    "nmr_content": (("values", "flags"), "what a ukbnmr file holds whose first rows are empty"),
    "nmr": (("raw", "corrected"), "which NMR values to land when both are in the folder"),
}


# Keys whose subject is a file of the export.
FILE_KEYS = (
    "date_order",
    "encoding",
    "delimiter",
    "coding",
    "entity",
    "instance",
    "trait",
    "skip",
    "unreadable",
    "nmr_content",
)


@dataclass(frozen=True, slots=True)
class Overrides:
    """Overrides by (key, subject); the empty subject applies to every file."""

    values: dict[tuple[str, str], str] = field(default_factory=dict)

    def get(self, key: str, subject: str = "") -> str | None:
        return self.values.get((key, subject), self.values.get((key, "")))

    def subjects(self, key: str) -> dict[str, str]:
        return {subject: value for (found, subject), value in self.values.items() if found == key}


def refuse_unknown_files(overrides: Overrides, files: Container[str], faults: Faults) -> None:
    """A fault for every override of a file that is not in the export."""
    for key, subject in overrides.values:
        if key in FILE_KEYS and subject and subject not in files:
            faults.add(
                f"--override {key}:{subject}",
                f"{subject} is a file of the export",
                "name it as the messages do: its path below the folder given by --from",
            )


def _is_share(text: str) -> bool:
    try:
        return 0 <= float(text) <= 1
    except ValueError:
        return False


def parse_overrides(lines: Iterable[str]) -> Overrides:
    """Read KEY=VALUE and KEY:SUBJECT=VALUE lines.

    Raises IngestError naming the allowed keys and values.
    """
    faults = Faults()
    values: dict[tuple[str, str], str] = {}
    for line in lines:
        left, equals, value = line.partition("=")
        key, _, subject = left.strip().partition(":")
        value = value.strip()
        if not equals or key not in KEYS:
            faults.add(
                f"--override {line}", "an override reads KEY=VALUE or KEY:FILE=VALUE", f"keys: {', '.join(KEYS)}"
            )
            continue
        allowed = KEYS[key][0]
        if key == "unreadable" and not _is_share(value):
            faults.add(f"--override {line}", f"{key} settles {KEYS[key][1]}", "values: a share such as 0.05")
            continue
        if not value or (allowed is not None and value not in allowed):
            faults.add(
                f"--override {line}",
                f"{key} settles {KEYS[key][1]}",
                f"values: {', '.join(allowed or ('any text',))}",
            )
            continue
        values[key, subject.strip()] = value
    faults.stop()
    return Overrides(values=values)
