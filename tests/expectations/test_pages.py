import csv
import re
from html import escape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import WriteSuite
from small_suites import NOW, a_suite, an_asset, an_expectation

from expectations.runner import run_door

TOO_LOW = {"column": "height_m", "max_value": 1.0}
RESOURCE_ATTRIBUTES = ("src", "href", "srcset", "data", "action", "poster", "background")


class Resources(HTMLParser):
    """Everything a page would load or lead to, and whether its tags close."""

    def __init__(self) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name in RESOURCE_ATTRIBUTES and value is not None:
                self.targets.append(value)
            if name == "id" and value is not None:
                self.ids.append(value)


def resources(page: str) -> Resources:
    parser = Resources()
    parser.feed(page)
    return parser


@pytest.fixture
def visit(connection: duckdb.DuckDBPyConnection, write_suite: WriteSuite, no_exceptions: Path, tmp_path: Path) -> Any:
    """Runs a suite at its door and gives the folder of the pages."""

    def run(suite: dict[str, Any], *, cohort: str = "synthetic", now: Any = NOW, folder: str = "pages") -> Path:
        door = suite["door"]
        run_door(
            connection,
            door=door,
            cohort=cohort,
            raw_folder="nowhere",
            pages_folder=tmp_path / folder,
            now=now,
            suites_folder=write_suite(suite, door),
            accepted_exceptions=no_exceptions,
        )
        return tmp_path / folder

    return run


def a_rich_suite(door: str = "raw") -> dict[str, Any]:
    by_group = (
        "select grp, count(*) as n_participants, avg(is_even::int) as share_even from people group by grp order by grp"
    )
    return a_suite(
        an_asset(
            an_expectation(f"{door}_holds"),
            an_expectation(f"{door}_warns", kwargs=TOO_LOW, severity="warning", rule="Heights are <b>low</b> & few."),
            an_expectation(f"{door}_stops", kwargs=TOO_LOW, rule="Heights are very low."),
            an_expectation(f"{door}_errs", kwargs={"column": "grp", "min_value": 1}),
        ),
        an_asset(
            an_expectation(f"{door}_shares", kwargs={"column": "share_even", "min_value": 0, "max_value": 1}),
            name="groups",
            key=["grp"],
            query=by_group,
            shown_as={"title": "Groups", "note": "People by group."},
        ),
        door=door,
    )


def test_pages__load_nothing_and_lead_nowhere_but_to_each_other(visit: Any) -> None:
    folder = visit(a_rich_suite())
    pages = sorted(folder.glob("*.html"))
    assert [page.name for page in pages] == ["faults.html", "index.html", "raw.html"]
    for page in pages:
        text = page.read_text(encoding="utf-8")
        found = resources(text)
        assert not {"script", "link", "img", "iframe", "object", "embed"}.intersection(found.tags), page.name
        assert "@import" not in text
        assert "url(" not in text
        assert not re.search(r"\bon(click|load|error)=", text)
        for target in found.targets:
            assert target.startswith("#") or (folder / target).exists(), f"{page.name} leads to {target}"


def test_pages__show_what_great_expectations_renders_without_its_ids(visit: Any) -> None:
    text = (visit(a_rich_suite()) / "raw.html").read_text(encoding="utf-8")
    assert "fa-check-circle" in text, "its mark of what holds, drawn by our style sheet"
    assert "Observed Value" in text
    assert not resources(text).ids


def test_pages__are_the_same_for_the_same_data_and_time(visit: Any) -> None:
    first, second = visit(a_rich_suite(), folder="first"), visit(a_rich_suite(), folder="second")
    names = sorted(path.relative_to(first) for path in first.rglob("*") if path.is_file())
    assert len(names) == 5
    for name in names:
        assert (first / name).read_bytes() == (second / name).read_bytes(), name


def test_front_page__shows_the_gravest_failures_first_with_count_reason_and_remedy(visit: Any) -> None:
    text = (visit(a_rich_suite()) / "index.html").read_text(encoding="utf-8").replace("<wbr>", "")
    places = [text.index(f"raw/people/raw_{name}<") for name in ("stops", "errs", "warns")]
    assert places == sorted(places)
    for words in (
        "1,003 of 1,003 break it.",
        "It is in another unit.",
        "Export it again.",
        "2 critical, 1 warning, 2 hold",
    ):
        assert words in text
    assert "The data are not fit to be analysed" in text


def test_front_page__shows_evidence_and_folds_what_was_checked(visit: Any) -> None:
    text = (visit(a_rich_suite()) / "index.html").read_text(encoding="utf-8")
    assert "<h3>Groups</h3>" in text
    assert "group 3" in text
    assert "% even" in text
    assert "<summary>Raw landing: 5 rules" in text


def test_pages__write_text_as_text(visit: Any) -> None:
    folder = visit(a_rich_suite())
    for name in ("index.html", "raw.html"):
        text = (folder / name).read_text(encoding="utf-8")
        assert "&lt;b&gt;low&lt;/b&gt; &amp; few" in text
        assert "<b>low</b>" not in text


def test_pages__say_synthetic_only_of_the_synthetic_cohort(visit: Any) -> None:
    synthetic, real = visit(a_rich_suite(), folder="a"), visit(a_rich_suite(), folder="b", cohort="nhefs")
    for name in ("index.html", "raw.html", "summary.md"):
        assert "Nobody in it exists" in (synthetic / name).read_text(encoding="utf-8"), name
        assert "Nobody in it exists" not in (real / name).read_text(encoding="utf-8"), name


def test_front_page__gathers_the_doors_and_says_which_were_not_reached(visit: Any) -> None:
    for door in ("raw", "staging"):
        folder = visit(a_suite(an_asset(an_expectation(f"{door}_holds")), door=door))
    text = (folder / "index.html").read_text(encoding="utf-8")
    assert text.count("✔ holds") == 5, "the verdict, two doors, two rules"
    assert text.count("not reached") == 2
    later = NOW.replace(year=2027)
    visit(a_suite(an_asset(an_expectation("raw_holds", kwargs=TOO_LOW))), now=later)
    text = (folder / "index.html").read_text(encoding="utf-8")
    assert text.count("not reached") == 3, "what staging found is of an earlier landing"
    assert "before what is upstream of it" in text
    assert "| staging |  | not reached |" in (folder / "summary.md").read_text(encoding="utf-8")


def of_ukb() -> dict[str, Any]:
    """A suite with the evidence that has a section of its own, as the house suites have it."""
    flow = (
        "select 'Muscle to bone' as arm, 'Grip strength' as exposure, step, reason, n_in, n_in - n_out as n_excluded, "
        "n_out from (values (1, 'negative id', 1003, 1000), (2, 'withdrew consent', 1000, 990), "
        "(3, 'sex not recorded', 990, 990)) as steps (step, reason, n_in, n_out)"
    )
    evidence = [
        {"name": "rejected", "title": "What was rejected", "note": "By rule.", "query": "select 1 as n where false"},
        {"name": "eligibility_flow", "title": "Eligibility flow", "note": "Each exclusion once.", "query": flow},
    ]
    fields = (
        "select 'p46_i0' as field_column, count(*) as n_participants, 0.6 as share_present, 0.99 as share_in_showcase "
        "from people"
    )
    numbers = (
        "select 'p46_i0' as field_column, 'grip_strength_left_kg' as field_name, count(*) as n_participants, "
        "0.0 as share_not_numeric, 0.02 as share_implausible, 0.0 as least_plausible, 90.0 as greatest_plausible, "
        "15.0 as fifth_percentile, 30.0 as median, 48.0 as ninety_fifth_percentile from people"
    )
    files = "select 'hesin.csv' as file, 'hesin' as landed_as, 1200 as n_rows, 3 as n_rejected"
    assets = [
        an_asset(
            an_expectation(f"{name}_there", kwargs={"column": column, "min_value": 0}), name=name, key=[key],
            query=query, shown_as={"title": title, "note": "Counts."},
        )
        for name, key, column, title, query in (
            ("landed_files", "file", "n_rows", "What came in", files),
            ("field_presence", "field_column", "share_present", "Missingness", fields),
            ("numeric_fields", "field_column", "median", "Numeric fields", numbers),
        )
    ]  # fmt: skip
    return a_suite(*assets, evidence=evidence)


def test_front_page__tells_the_way_of_the_data_in_sections(visit: Any) -> None:
    text = (visit(of_ukb()) / "index.html").read_text(encoding="utf-8")
    titles = ("What came in", "What was rejected", "Who is analysed", "What is missing", "Field by field", "Every rule")
    places = [text.index(f"<h2>{title}</h2>") for title in titles]
    assert places == sorted(places)
    assert "<strong>Nothing.</strong>" in text, "nothing was rejected"
    assert "<h3>Muscle to bone</h3>" in text
    assert "Grip strength: 990 of 1,003 (98.7 %)" in text
    assert '<span class="what">negative id or withdrew consent</span><span class="gone">−13</span>' in text
    assert "−3" not in text, "a small count is told together with its neighbour's"
    assert "Nobody: sex not recorded." in text
    assert "Hand grip strength (left) <code>p46_i0</code>" in text, "a field by its Showcase title"
    assert "⚠ 2.0 % implausible" in text
    assert "median 30, from 15 to 48, plausible 0 to 90" in text


def test_faults_page__lists_every_fault_with_its_check(visit: Any) -> None:
    text = (visit(a_rich_suite()) / "faults.html").read_text(encoding="utf-8")
    with (Path(__file__).parents[2] / "expectations/planted_faults.csv").open(newline="", encoding="utf-8") as stream:
        faults = list(csv.DictReader(stream))
    assert len(faults) >= 40
    assert all(escape(fault["fault"]) in text and escape(fault["caught_by"]) in text for fault in faults)


def test_summary__is_short_markdown_with_verdict_and_remedies(visit: Any) -> None:
    text = (visit(a_rich_suite()) / "summary.md").read_text(encoding="utf-8")
    assert text.startswith("# Data quality, cohort synthetic\n")
    assert "| raw | 5 | 2 critical, 1 warning, 2 hold |" in text
    assert "- **critical**: Heights are very low. `raw/people/raw_stops`" in text
    assert "  - Found: 1,003 of 1,003 break it.\n  - Expected: at most 1.0\n  - What to do: Export it again." in text
    assert len(text.splitlines()) < 40


def test_pages__are_replaced_whole(visit: Any) -> None:
    folder = visit(a_rich_suite())
    assert not list(folder.rglob("*.part"))


def test_door_page__shows_what_was_found_beside_the_bound(visit: Any) -> None:
    page = (visit(a_rich_suite()) / "raw.html").read_text(encoding="utf-8")
    assert "Expected: between 0 and 1." in page
    # Means of the groups, and a rule that holds for each of the people.
    assert ">from 0 to 1<" in page
    assert ">0 of 1,003 break it<" in page
    assert "unexpected" not in page, "Great Expectations' own words would count a handful of people"
    assert '<p class="verdict critical">' in page
