"""The front page and its Markdown twin: is it fit, what failed, what came in, who is analysed, what is missing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from pathlib import Path

from expectations import front_sections as sections
from expectations.charts import outcome_bar
from expectations.findings import Finding
from expectations.page_parts import (
    OUTCOMES,
    SYNTHETIC_NOTE,
    EvidenceTable,
    code_html,
    counted_words,
    evidence_html,
    failure_block,
    findings_table_html,
    in_order,
    outcome_word,
    page,
    worst_outcome,
)
from expectations.suite_files import DOORS
from warehouse.cohorts import Cohort

DOOR_TITLES = {"raw": "Raw landing", "staging": "Staging", "marts": "Marts", "results": "Results"}
NUMBERS_TITLES = {
    "raw": "As it came",
    "staging": "Records, visit by visit",
    "marts": "The cohort that is analysed",
    "results": "Estimates",
}
FAILURES_IN_SUMMARY = 20


@dataclass(frozen=True, slots=True)
class DoorRecord:
    """What the last run of one door left behind."""

    door: str
    description: str
    run_at: datetime
    findings: tuple[Finding, ...]
    evidence: tuple[EvidenceTable, ...]

    @property
    def outcome(self) -> str:
        """The gravest outcome at this door."""
        return worst_outcome(self.findings)


def reached(records: Sequence[DoorRecord]) -> list[DoorRecord]:
    """Records of the newest pass: a door that ran before a door upstream of it is left from an earlier pass."""
    kept: list[DoorRecord] = []
    for record in sorted(records, key=lambda r: DOORS.index(r.door)):  # type: ignore[arg-type]
        if not kept or record.run_at >= max(r.run_at for r in kept):
            kept.append(record)
    return kept


def front_page(*, cohort: Cohort, records: Sequence[DoorRecord], quality: Path | None = None) -> str:
    """quality : folder of all cohorts' pages, where a study of cohorts with known truth may stand."""
    current = reached(records)
    findings = [finding for record in current for finding in record.findings]
    failures = [finding for finding in in_order(findings) if not finding.is_success]
    to_mend = [f for f in failures if f.outcome != "accepted"]
    accepted = [f for f in failures if f.outcome == "accepted"]
    last = max(record.run_at for record in current)
    evidence = {table.name: table for record in current for table in record.evidence}
    worst = worst_outcome(findings)
    incomparable = [f for f in findings if f.outcome == "incomparable"]
    parts = [
        f'<p class="verdict {worst}"><span class="mark">{outcome_word(worst)}</span> '
        f"<strong>{escape(_verdict(findings))}</strong></p>",
        f'<p class="quiet">Cohort {escape(cohort.name)}, last checked {last:%Y-%m-%d %H:%M} UTC. '
        '<a href="faults.html">What these checks are known to catch</a>.</p>',
        f'<div class="doors">\n{_door_cards(records, current)}\n</div>',
        _contents(evidence),
        sections.section("failed", "What is suspicious", _failed_note(to_mend), _blocks(to_mend)),
    ]
    if accepted:
        note = "Looked at and accepted for a time: rows of <code>warehouse/seeds/accepted_exceptions.csv</code>."
        parts.append(sections.section("accepted", "What is accepted", note, _blocks(accepted)))
    if incomparable:
        note = "Nothing to judge by so far: these rules are not counted among those that hold."
        parts.append(sections.section("incomparable", "What is not yet comparable", note, _listed(incomparable)))
    parts += _sections(evidence)
    parts += [_numbers(record) for record in current]
    if cohort.is_synthetic and quality is not None:
        parts.append(sections.known_truth(quality))
    parts.append(_checked(current))
    return page(
        title=f"Data quality, cohort {cohort.name}", cohort=cohort, body="\n".join(part for part in parts if part)
    )


def _failed_note(to_mend: Sequence[Finding]) -> str:
    if not to_mend:
        return "Nothing: no rule is broken."
    return "The gravest first. Critical stops the build, a warning goes on."


def _contents(evidence: dict[str, EvidenceTable]) -> str:
    links = [("failed", "Suspicious")]
    links += [
        (anchor, title)
        for name, anchor, title in (
            (sections.CAME_IN, "came-in", "Came in"),
            (sections.REJECTED, "rejected", "Rejected"),
            (sections.FLOW, "analysed", "Analysed"),
            (sections.MISSING, "missing", "Missing"),
            (sections.NUMBERS, "profiles", "Fields"),
        )
        if name in evidence
    ]
    links.append(("checked", "Every rule"))
    return "<nav>" + " ".join(f'<a href="#{anchor}">{title}</a>' for anchor, title in links) + "</nav>"


def _sections(evidence: dict[str, EvidenceTable]) -> list[str]:
    """Those for which there is evidence, in the order of the data's way."""
    drawn = (
        (sections.CAME_IN, sections.came_in),
        (sections.REJECTED, sections.rejected),
        (sections.FLOW, sections.analysed),
        (sections.MISSING, sections.missing),
        (sections.NUMBERS, sections.profiles),
    )
    return [draw(evidence[name]) for name, draw in drawn if name in evidence and evidence[name].columns]


def _numbers(record: DoorRecord) -> str:
    tables = [table for table in record.evidence if table.name not in sections.WITH_A_SECTION]
    if not tables:
        return ""
    shown = "\n".join(evidence_html(table) for table in tables)
    return sections.section(f"numbers-{record.door}", NUMBERS_TITLES[record.door], "", shown)


def _checked(current: Sequence[DoorRecord]) -> str:
    folded = []
    for record in current:
        title = f"{DOOR_TITLES[record.door]}: {len(record.findings)} rules, {counted_words(record.findings)}"
        table = findings_table_html(record.findings)
        folded.append(f"<details><summary>{escape(title)}</summary>\n{table}\n</details>")
    note = "Each with what was found and where its bound comes from."
    return sections.section("checked", "Every rule", note, "\n".join(folded))


def summary(*, cohort: Cohort, records: Sequence[DoorRecord]) -> str:
    """Markdown for a CI log or a pull request."""
    current = reached(records)
    findings = [finding for record in current for finding in record.findings]
    lines = [f"# Data quality, cohort {cohort.name}", ""]
    lines += [f"> {SYNTHETIC_NOTE}", ""] if cohort.is_synthetic else []
    lines += [f"**{_verdict(findings)}**", "", "| door | rules | outcome |", "|---|---:|---|"]
    by_door = {record.door: record for record in current}
    for door in DOORS:
        record = by_door.get(door)
        outcome = counted_words(record.findings) if record else "not reached"
        lines.append(f"| {door} | {len(record.findings) if record else ''} | {outcome} |")
    incomparable = [f for f in findings if f.outcome == "incomparable"]
    if incomparable:
        lines += ["", "Not yet comparable, and not counted as held:", ""]
        lines += [f"- `{f.expectation_id}`: {f.rule}" for f in incomparable]
    failures = [f for f in in_order(findings) if not f.is_success]
    if failures:
        lines += ["", "## What is suspicious"]
    for finding in failures[:FAILURES_IN_SUMMARY]:
        lines += [
            "",
            f"- **{finding.outcome}**: {finding.rule} `{finding.expectation_id}`",
            f"  - Found: {finding.message}",
            f"  - Expected: {finding.bound}",
            f"  - What to do: {finding.remedy}",
        ]
    if len(failures) > FAILURES_IN_SUMMARY:
        lines += ["", f"and {len(failures) - FAILURES_IN_SUMMARY} more on the front page."]
    return "\n".join(lines) + "\n"


def _verdict(findings: Sequence[Finding]) -> str:
    critical = sum(f.outcome == "critical" for f in findings)
    warnings = sum(f.outcome == "warning" for f in findings)
    if critical:
        return f"The data are not fit to be analysed: {counted_words(findings)}."
    if warnings:
        return f"The data can be analysed, with a look at the warnings: {counted_words(findings)}."
    return f"The data are as expected: {counted_words(findings)}."


def _door_cards(records: Sequence[DoorRecord], current: Sequence[DoorRecord]) -> str:
    by_door = {record.door: record for record in records}
    cards = []
    for door in DOORS:
        record = by_door.get(door)
        if record is None:
            text = "<p class='quiet'>Not checked yet.</p>"
            title = f"<h3>{DOOR_TITLES[door]}</h3>"
            cards.append(f'<div class="door unreached">{title}<p>{outcome_word("unreached")}</p>{text}</div>')
            continue
        is_current = record in current
        outcome = record.outcome if is_current else "unreached"
        when = f"{record.run_at:%Y-%m-%d %H:%M} UTC" + ("" if is_current else ", before what is upstream of it")
        counts = {word: sum(f.outcome == word for f in record.findings) for word in OUTCOMES}
        cards.append(
            f'<div class="door {outcome}"><h3><a href="{door}.html">{DOOR_TITLES[door]}</a></h3>'
            f"<p>{outcome_word(outcome)}</p>{outcome_bar(counts) if is_current else ''}"
            f"<p>{escape(counted_words(record.findings))}</p>"
            f'<p class="quiet">{escape(record.description)}</p><p class="quiet">{escape(when)}</p></div>'
        )
    return "\n".join(cards)


def _listed(findings: Sequence[Finding]) -> str:
    rows = [f"<li>{escape(f.rule)} {code_html(f.expectation_id)}</li>" for f in findings]
    return "<ul>\n" + "\n".join(rows) + "\n</ul>"


def _blocks(findings: Sequence[Finding]) -> str:
    return "\n".join(failure_block(finding) for finding in findings)
