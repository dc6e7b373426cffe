"""Sections of the front page that are more than a table: what came in, who is analysed, what is missing, profiles."""

import csv
import json
from collections.abc import Sequence
from functools import cache
from html import escape
from itertools import groupby
from pathlib import Path
from typing import Any

from expectations.charts import share_bar, spread_bar
from expectations.page_parts import EvidenceTable, evidence_html, number_words, table_html
from expectations.suite_files import SEEDS_FOLDER
from warehouse.small_counts import merged_steps, shown_count, shown_share

# Evidence with a section of its own; everything else stands, door by door, under "All the numbers".
CAME_IN, REJECTED, FLOW, MISSING, NUMBERS = (
    "landed_files", "rejected", "eligibility_flow", "field_presence", "numeric_fields",
)  # fmt: skip
WITH_A_SECTION = frozenset({CAME_IN, REJECTED, FLOW, MISSING, NUMBERS})
NOT_DATA = "not_data"
TABLES_SHOWN = 10
MISSING_SHOWN = 12
FIELDS_SHOWN = 12
SHARE_NOTED = 0.005  # of numbers outside the plausible range
STUDIES = Path("studies") / "study.json"


def rows_of(table: EvidenceTable) -> list[dict[str, Any]]:
    return [dict(zip(table.columns, row, strict=True)) for row in table.rows]


def section(name: str, title: str, note: str, body: str) -> str:
    return f'<section id="{name}">\n<h2>{escape(title)}</h2>\n<p>{note}</p>\n{body}\n</section>'


def came_in(table: EvidenceTable) -> str:
    """Rows landed by table; the files behind them folded."""
    files = [row for row in rows_of(table) if row["landed_as"] != NOT_DATA and row["n_rows"] is not None]
    files.sort(key=lambda row: row["landed_as"])
    gathered = []
    for landed_as, group in groupby(files, key=lambda row: row["landed_as"]):
        of_table = list(group)
        n, rejected = sum(row["n_rows"] for row in of_table), sum(row["n_rejected"] for row in of_table)
        gathered.append((landed_as, len(of_table), n, rejected))
    gathered.sort(key=lambda row: -row[2])
    head = ("landed_as", "n_files", "n_rows", "n_rejected")
    shown = table_html(head, gathered[:TABLES_SHOWN])
    if len(gathered) > TABLES_SHOWN:
        shown += _folded(f"{len(gathered) - TABLES_SHOWN} smaller tables", table_html(head, gathered[TABLES_SHOWN:]))
    every = _folded(f"All {len(table.rows)} files", evidence_html(table, with_title=False))
    return section("came-in", table.title, "Rows by the table they were landed as.", f"{shown}\n{every}")


def rejected(table: EvidenceTable) -> str:
    shown = evidence_html(table, with_title=False) if table.rows else "<p><strong>Nothing.</strong></p>"
    return section("rejected", table.title, escape(table.note), shown)


def analysed(table: EvidenceTable) -> str:
    """The eligibility flow of each analysis as falling bars, arm by arm."""
    flows: list[str] = []
    for arm, of_arm in groupby(rows_of(table), key=lambda row: row["arm"]):
        flows.append(f"<h3>{escape(str(arm))}</h3>")
        for exposure, group in groupby(of_arm, key=lambda row: row["exposure"]):
            flows.append(_flow(str(exposure), list(group), is_open=len(flows) == 1))
    return section("analysed", "Who is analysed", escape(table.note), "\n".join(flows))


def _flow(exposure: str, rows: Sequence[dict[str, Any]], *, is_open: bool) -> str:
    """Steps that exclude nobody are named below; a small count is told together with its neighbour's."""
    began = rows[0]["n_in"]
    steps = merged_steps((row["reason"], row["n_excluded"], row["n_out"]) for row in rows)
    left = steps[-1].n_out if steps else began
    share = left / began if began else 0.0
    words_left = steps[-1].words_out if steps else f"{began:,}"
    title = f"{exposure}: {words_left} of {began:,} ({100 * share:.1f} %)"
    lines = [_flow_row("everybody who was landed", "", f"{began:,}", 1.0)]
    for step in steps:
        gone = f"−{shown_count(step.n_excluded)}"
        lines.append(_flow_row(" or ".join(step.reasons), gone, step.words_out, step.n_out / began))
    nobody = [row["reason"] for row in rows if not row["n_excluded"]]
    quiet = f'<p class="quiet">Nobody: {escape("; ".join(nobody))}.</p>' if nobody else ""
    return (
        f'<details class="flow"{" open" if is_open else ""}><summary>{escape(title)}</summary>\n<ol>\n'
        + "\n".join(lines)
        + f"\n</ol>\n{quiet}</details>"
    )


def _flow_row(reason: str, gone: str, left: str, share: float) -> str:
    bar = share_bar(share, label=f"{left} remain")
    return (
        f'<li><span class="what">{escape(reason)}</span><span class="gone">{gone}</span>'
        f'<span class="left">{left}</span>{bar}</li>'
    )


def missing(table: EvidenceTable) -> str:
    """The fields with the most missing, beside the Showcase; the rest folded."""
    # A field that fewer people have than may be told has no share.
    rows = [row for row in rows_of(table) if row["share_present"] is not None]
    rows.sort(key=lambda row: row["share_present"])
    bars = [_missing_row(row) for row in rows]
    legend = (
        '<p class="quiet">Bar: participants with an entry. Tick: share in the UK Biobank Showcase. '
        "A bar that ends far before its tick has lost people.</p>"
    )
    shown = _bars(bars, MISSING_SHOWN, "more fields, fuller than these")
    return section("missing", "What is missing", "The emptiest fields first.", f"{legend}\n{shown}")


def _missing_row(row: dict[str, Any]) -> str:
    share, showcase = row["share_present"], row["share_in_showcase"]
    filled = shown_share(share, row["n_participants"] / share if share else None)
    label = f"{filled} filled, {100 * showcase:.1f} % in the Showcase"
    bar = share_bar(share, beside=showcase, label=label)
    what = f'<span class="what">{_field(row["field_column"])}</span>'
    return f'<li>{what}<span class="left">{escape(filled)}</span>{bar}</li>'


def profiles(table: EvidenceTable) -> str:
    """Each numeric field on its plausible range, as it came."""
    drawn = [_profile_row(row) for row in rows_of(table) if row.get("median") is not None]
    drawn = [row for row in drawn if row]
    legend = (
        '<p class="quiet">Line: the plausible range of the field. Bar: fifth to ninety-fifth percentile. '
        "Tick: median.</p>"
    )
    shown = _bars(drawn, FIELDS_SHOWN, "more fields")
    every = _folded(f"All {len(table.rows)} fields as a table", evidence_html(table, with_title=False))
    return section("profiles", "Field by field", escape(table.note), f"{legend}\n{shown}\n{every}")


def _profile_row(row: dict[str, Any]) -> str:
    least, greatest = row["least_plausible"], row["greatest_plausible"]
    if least is None or greatest is None or least >= greatest:
        return ""
    low, middle, high = row["fifth_percentile"], row["median"], row["ninety_fifth_percentile"]
    middle_words, low_words, high_words, least_words, greatest_words = map(
        number_words, (middle, low, high, least, greatest)
    )
    label = f"median {middle_words}, from {low_words} to {high_words}, plausible {least_words} to {greatest_words}"
    bar = spread_bar(low=low, middle=middle, high=high, least=least, greatest=greatest, label=label)
    odd = row["share_implausible"] + row["share_not_numeric"]
    words = escape(shown_share(odd, row["n_participants"]))
    flag = f' <span class="word warning">⚠ {words} implausible</span>' if odd > SHARE_NOTED else ""
    what = f"{_field(row['field_column'])}{flag}"
    texts = (least_words, f"{low_words} to {high_words}", greatest_words)
    ends = "".join(f"<span>{text}</span>" for text in texts)
    return (
        f'<li><span class="what">{what}</span><span class="left">{middle_words}</span>{bar}'
        f'<span class="quiet ends">{ends}</span></li>'
    )


def known_truth(folder: Path) -> str:
    """What the whole pipeline finds on cohorts whose truth is known, where such a study was run here."""
    path = folder / STUDIES
    if not path.exists():
        return ""
    titles = {"none": "Nothing planted", "full": "Everything planted"}
    tables = []
    content = json.loads(path.read_text(encoding="utf-8"))
    for kind, title in titles.items():
        rows = [
            (row["name"], row["expected"], row["share"], row["error"], row["cohorts"], row["n"])
            for row in content.get(kind, [])
            if row["share"] is not None
        ]
        if rows:
            head = ("what is asked", "expected", "found", "Monte-Carlo error", "cohorts", "estimates")
            tables.append(f"<h3>{title}</h3>\n{table_html(head, rows)}")
    note = (
        "Shares over cohorts that were written, landed and analysed whole, as this one "
        "(<code>python -m tests.recovery.whole_pipeline</code>)."
    )
    return (
        section("known-truth", "Does it find what is there, and nothing else?", note, "\n".join(tables))
        if tables
        else ""
    )


def _folded(title: str, body: str) -> str:
    return f"<details><summary>{title}</summary>\n{body}\n</details>"


def _bars(rows: Sequence[str], shown: int, rest: str) -> str:
    """The first bars, the others folded under the words of `rest`."""
    first = f'<ul class="bars">\n{chr(10).join(rows[:shown])}\n</ul>'
    if len(rows) <= shown:
        return first
    others = f'<ul class="bars">\n{chr(10).join(rows[shown:])}\n</ul>'
    return f"{first}\n{_folded(f'{len(rows) - shown} {rest}', others)}"


@cache
def _field_titles() -> dict[str, str]:
    """Showcase titles of the fields by column stem, p and the number."""
    with (SEEDS_FOLDER / "ukb_fields.csv").open(newline="", encoding="utf-8") as stream:
        return {f"p{row['field_id']}": row["title"] for row in csv.DictReader(stream)}


def _field(column: str) -> str:
    """A field by its Showcase title, the repeat visit, and its column."""
    stem, _, instance = column.partition("_i")
    visit = "" if instance in ("", "0") else f", visit {instance}"
    return f"{escape(_field_titles().get(stem, ''))}{visit} <code>{escape(column)}</code>"
