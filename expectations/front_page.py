"""The front page and its short Markdown twin: what came in, what was checked, what failed and what to do about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape

from expectations.findings import Finding
from expectations.page_parts import (
    SYNTHETIC_NOTE,
    EvidenceTable,
    counted_words,
    evidence_html,
    failure_block,
    findings_table_html,
    in_order,
    outcome_word,
    page,
)
from expectations.suite_files import DOORS
from warehouse.cohorts import Cohort

DOOR_TITLES = {"raw": "Raw landing", "staging": "Staging", "marts": "Marts", "results": "Results"}
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
        return in_order(self.findings)[0].outcome if self.findings else "holds"


def reached(records: Sequence[DoorRecord]) -> list[DoorRecord]:
    """Records of the newest pass: a door that ran before a door upstream of it is left from an earlier pass."""
    kept: list[DoorRecord] = []
    for record in sorted(records, key=lambda r: DOORS.index(r.door)):  # type: ignore[arg-type]
        if not kept or record.run_at >= max(r.run_at for r in kept):
            kept.append(record)
    return kept


def front_page(*, cohort: Cohort, records: Sequence[DoorRecord]) -> str:
    current = reached(records)
    findings = [finding for record in current for finding in record.findings]
    failures = [finding for finding in in_order(findings) if not finding.is_success]
    to_mend = [f for f in failures if f.outcome != "accepted"]
    accepted = [f for f in failures if f.outcome == "accepted"]
    last = max(record.run_at for record in current)
    parts = [
        f'<p class="verdict"><strong>{escape(_verdict(findings))}</strong></p>',
        f'<p class="quiet">Cohort {escape(cohort.name)}, last checked {last:%Y-%m-%d %H:%M} UTC.</p>',
        f'<div class="doors">\n{_door_cards(records, current)}\n</div>',
        f"<h2>What failed</h2>\n{_blocks(to_mend) or '<p>Nothing: every rule holds.</p>'}",
    ]
    if accepted:
        note = "<p>Looked at and accepted for a time: rows of warehouse/seeds/accepted_exceptions.csv.</p>"
        parts.append(f"<h2>What is accepted</h2>\n{note}\n{_blocks(accepted)}")
    parts += [evidence_html(table) for record in current for table in record.evidence]
    parts.append("<h2>What was checked</h2>")
    for record in current:
        title = f"{DOOR_TITLES[record.door]}: {len(record.findings)} rules, {counted_words(record.findings)}"
        table = findings_table_html(record.findings)
        parts.append(f"<details><summary>{escape(title)}</summary>\n{table}\n</details>")
    return page(title=f"Data quality, cohort {cohort.name}", cohort=cohort, body="\n".join(parts))


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
    failures = [f for f in in_order(findings) if not f.is_success]
    for finding in failures[:FAILURES_IN_SUMMARY]:
        lines += [
            "",
            f"- **{finding.outcome}** `{finding.expectation_id}`: {finding.rule}",
            f"  {finding.message}".rstrip(),
            f"  What to do: {finding.remedy}",
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
            cards.append(
                f'<div class="door"><h3>{DOOR_TITLES[door]}</h3><p>{outcome_word("unreached")}</p>{text}</div>'
            )
            continue
        is_current = record in current
        when = f"{record.run_at:%Y-%m-%d %H:%M} UTC" + ("" if is_current else ", before what is upstream of it")
        cards.append(
            f'<div class="door"><h3><a href="{door}.html">{DOOR_TITLES[door]}</a></h3>'
            f"<p>{outcome_word(record.outcome if is_current else 'unreached')}</p>"
            f"<p>{escape(counted_words(record.findings))}</p>"
            f'<p class="quiet">{escape(record.description)}</p><p class="quiet">{escape(when)}</p></div>'
        )
    return "\n".join(cards)


def _blocks(findings: Sequence[Finding]) -> str:
    return "\n".join(failure_block(finding) for finding in findings)
