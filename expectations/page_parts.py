"""Pieces every page is made of: skeleton, tables, blocks of failures. No script, no link to another machine."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from expectations.disclosure import PEOPLE, shown_row
from expectations.findings import Finding
from warehouse.cohorts import Cohort
from warehouse.small_counts import shown_count

STYLE = (Path(__file__).parent / "pages.css").read_text(encoding="utf-8")
OUTCOMES = ("critical", "warning", "accepted", "incomparable", "holds")
ROWS_SHOWN_AT_ONCE = 20
SHORT_WORD = 24
CHARACTERS_OF_A_PHONE = 36  # of the table's type, beside four columns' margins
DENSE_FROM = 12  # columns, a share counting twice
_PLAIN = re.compile(r"<[^>]*>")
NAME_JOINT = re.compile(r"(?<=\w)([_/.]+)(?=\w)")
OUTCOME_WORDS = {
    "holds": "✔ holds",
    "critical": "✘ critical",
    "warning": "⚠ warning",
    "accepted": "◦ accepted",
    "incomparable": "◌ not yet comparable",
    "unreached": "◌ not reached",
}
SYNTHETIC_NOTE = (
    "Synthetic cohort. Nobody in it exists: it was written by warehouse/synthetic, with faults on purpose, "
    "so that every step can be shown and tested."
)


@dataclass(frozen=True, slots=True)
class EvidenceTable:
    """Aggregates shown as they are. A column whose name begins with share_ is a number from 0 to 1, drawn as a bar."""

    name: str
    title: str
    note: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]

    def record(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "title": self.title,
            "note": self.note,
            "columns": list(self.columns),
            "rows": [list(row) for row in self.rows],
        }


def page(*, title: str, cohort: Cohort, body: str) -> str:
    """A whole page: its style is inside it and it loads nothing."""
    banner = f'<p class="quiet cohort">{escape(cohort.title)}</p>\n'
    if cohort.is_synthetic:
        banner = f'<p class="banner" role="note">{escape(SYNTHETIC_NOTE)}</p>\n'
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n"
        f"<header>\n<h1>{escape(title)}</h1>\n{banner}</header>\n"
        f"<main>\n{body}\n</main>\n"
        "<footer><p>Counts, shares and other aggregates only: no page holds a participant's id or value. "
        "Checked by Great Expectations; the rules are in <code>expectations/suites</code>. The same as a database: "
        "<code>quality.expectation_results</code> and <code>quality.expectation_history</code>.</p></footer>\n"
        "</body>\n</html>\n"
    )


def outcome_word(outcome: str) -> str:
    return f'<span class="word {outcome}">{OUTCOME_WORDS[outcome]}</span>'


def code_html(name: str) -> str:
    """A name of code, which has no spaces to break at."""
    return f"<code>{_breakable(name)}</code>"


def in_order(findings: Sequence[Finding]) -> list[Finding]:
    """Failures first, the gravest before; within one severity as the suite has them."""
    return sorted(findings, key=lambda f: OUTCOMES.index(f.outcome))


def counted_words(findings: Sequence[Finding]) -> str:
    """ "2 critical, 1 warning, 40 hold" """
    if not findings:
        return "nothing to check for this cohort"
    counts = {word: sum(f.outcome == word for f in findings) for word in OUTCOMES}
    parts = [f"{counts['critical']} critical"] if counts["critical"] else []
    if counts["warning"]:
        parts.append(f"{counts['warning']} warning{'s' if counts['warning'] != 1 else ''}")
    if counts["accepted"]:
        parts.append(f"{counts['accepted']} accepted")
    parts.append(f"{counts['holds']} hold")
    if counts["incomparable"]:
        parts.append(f"{counts['incomparable']} not yet comparable")
    return ", ".join(parts)


def worst_outcome(findings: Sequence[Finding]) -> str:
    """The gravest outcome; what cannot be compared yet is no failure."""
    worst = in_order(findings)[0].outcome if findings else "holds"
    return "holds" if worst == "incomparable" else worst


def failure_block(finding: Finding) -> str:
    """One failure: the rule, how many break it, why it flags, what to do."""
    column = f" on {code_html(finding.column_name)}" if finding.column_name else ""
    rows = (
        ("Found", escape(finding.message)),
        ("Expected", f"{escape(finding.bound)}{column}"),
        ("Why it flags", escape(finding.reason)),
        ("What to do", escape(finding.remedy)),
        ("Source", escape(finding.source)),
    )
    listed = "\n".join(f"<dt>{term}</dt><dd>{text}</dd>" for term, text in rows)
    return (
        f'<section class="failure {finding.outcome}">\n<p>{outcome_word(finding.outcome)} '
        f'<span class="quiet">{code_html(finding.expectation_id)}</span></p>\n'
        f"<h3>{escape(finding.rule)}</h3>\n"
        f"<dl>\n{listed}\n</dl>\n</section>"
    )


def findings_table_html(findings: Sequence[Finding]) -> str:
    """Every rule of a door with its outcome, bound and the source of the bound."""
    head = ("Outcome", "Rule", "Expected", "Found", "Source of the bound")
    rows = [
        _card_row(head, (outcome_word(f.outcome), *map(escape, (f.rule, f.bound, found_words(f), f.source))))
        for f in in_order(findings)
    ]
    return (
        '<div class="scroll cards" tabindex="0" role="region" aria-label="rules"><table class="rules">'
        f"<thead>{_head_row(head)}</thead><tbody>\n" + "\n".join(rows) + "\n</tbody></table></div>"
    )


def cards_html(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of texts, each row of which is a card on a phone, so that no column is out of sight."""
    body = "\n".join(_card_row(columns, [escape(text) for text in row]) for row in rows)
    return (
        '<div class="scroll cards" tabindex="0" role="region" aria-label="table"><table>'
        f"<thead>{_head_row(columns)}</thead><tbody>\n{body}\n</tbody></table></div>"
    )


def _head_row(columns: Sequence[str]) -> str:
    return "<tr>" + "".join(f"<th>{escape(column)}</th>" for column in columns) + "</tr>"


def _card_row(columns: Sequence[str], cells: Sequence[str]) -> str:
    """Cells, HTML already, that carry the name of their column: where rows are cards it stands above each."""
    pairs = zip(columns, cells, strict=True)
    return "<tr>" + "".join(f'<td data-column="{escape(column)}">{cell}</td>' for column, cell in pairs) + "</tr>"


def found_words(finding: Finding) -> str:
    """What was seen: the message of a failure, the span of an aggregate, or how many values were checked."""
    if finding.message:
        return finding.message
    low, high = finding.observed_low, finding.observed_high
    if low is not None and high is not None:
        shown = [f"{one:,.0f}" if abs(one) >= 1000 else f"{one:.4g}" for one in (low, high)]
        return shown[0] if low == high else f"from {shown[0]} to {shown[1]}"
    if finding.observed_value is not None:
        return finding.observed_value
    if finding.element_count is None:
        return ""
    return f"{shown_count(finding.unexpected_count or 0)} of {finding.element_count:,} break it"


def evidence_html(table: EvidenceTable, *, with_title: bool = True) -> str:
    """The rows, folded where they are many."""
    shown = table_html(table.columns, table.rows) if table.rows else '<p class="quiet">Nothing to show.</p>'
    if not with_title:
        return shown
    if len(table.rows) > ROWS_SHOWN_AT_ONCE:
        shown = f"<details><summary>Show {len(table.rows):,} rows</summary>\n{shown}\n</details>"
    return f"<h3>{escape(table.title)}</h3>\n<p>{escape(table.note)}</p>\n{shown}"


def table_html(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A table of aggregates, small counts hidden. On a phone the rows of a wide one are cards of named numbers.

    Where it still is wider than the page it scrolls by itself, and its first column stays in sight.
    """
    shown = [shown_row(columns, row) for row in rows]
    values = list(zip(*shown, strict=True)) if shown else [()] * len(columns)
    classes = [_alignment(column, of_column) for column, of_column in zip(columns, values, strict=True)]
    if values and values[0] and all(str(value).isdigit() for value in values[0]):
        # A number names nothing by itself: on a card its column stands before it.
        classes[0] = ' class="short ordinal"'
    names = [_heading(column) for column in columns]
    head = "".join(f"<th{c}>{escape(name)}</th>" for name, c in zip(names, classes, strict=True))
    body = "\n".join(
        "<tr>"
        + "".join(
            f'<td{c} data-column="{escape(name)}">{_shown(column, value)}</td>'
            for column, name, value, c in zip(columns, names, row, classes, strict=True)
        )
        + "</tr>"
        for row in shown
    )
    # Bars take room: where there are many columns, or many of them are shares, the numbers stand alone.
    is_dense = len(columns) + sum(column.startswith("share_") for column in columns) > DENSE_FROM
    kind = "scroll" + ("" if _fits_a_phone(names, shown) else " tiles") + (" dense" if is_dense else "")
    # A box that scrolls is reached by keyboard only if it takes the focus.
    return (
        f'<div class="{kind}" tabindex="0" role="region" aria-label="table"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>\n{body}\n</tbody></table></div>"
    )


def _fits_a_phone(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> bool:
    """Whether the widest words of all columns stand beside each other; a figure is as long as its text at most."""
    widest = 0
    for k, name in enumerate(names):
        shown = [_PLAIN.sub("", _shown("", row[k])) for row in rows if not isinstance(row[k], str)]
        broken = [name, *(row[k] for row in rows if isinstance(row[k], str))]
        words = [*shown, *(word for text in broken for word in NAME_JOINT.sub(r"\1 ", text).split())]
        widest += max(map(len, words), default=0)
    return widest <= CHARACTERS_OF_A_PHONE


def _heading(column: str) -> str:
    if column.startswith("share_"):
        return f"% {column.removeprefix('share_').replace('_', ' ')}"
    return column.removeprefix("n_").replace("_", " ")


def _alignment(column: str, values: Sequence[Any]) -> str:
    """Numbers to the right, short words unbroken."""
    filled = [value for value in values if value is not None]
    if column.startswith("share_") or column in PEOPLE or (filled and all(isinstance(v, int | float) for v in filled)):
        return ' class="number"'
    return ' class="short"' if all(len(str(value)) <= SHORT_WORD for value in filled) else ""


def _shown(column: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return _breakable(value)
    if column.startswith("share_"):
        percent = min(max(float(value), 0.0), 1.0) * 100
        return f'<span class="share"><i style="width:{percent:.1f}%"></i></span>{100 * float(value):.1f} %'
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and column.endswith("_year") and not column.startswith("n_"):
        return str(value)
    return number_words(value) if isinstance(value, int | float) else escape(str(value))


def _breakable(text: str) -> str:
    """Names of columns and tables have no spaces to break at: they may break at their joints."""
    return NAME_JOINT.sub(r"\1<wbr>", escape(text))


def number_words(value: float) -> str:
    """Four digits; thousands of counts set apart, of measures from 10,000 on: a year is a measure too."""
    if isinstance(value, int) or abs(value) >= 10_000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}"
