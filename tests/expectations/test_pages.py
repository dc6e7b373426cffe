import re
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
    assert [page.name for page in pages] == ["index.html", "raw.html"]
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
    assert len(names) == 4
    for name in names:
        assert (first / name).read_bytes() == (second / name).read_bytes(), name


def test_front_page__shows_the_gravest_failures_first_with_count_reason_and_remedy(visit: Any) -> None:
    text = (visit(a_rich_suite()) / "index.html").read_text(encoding="utf-8")
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
    assert "<h2>Groups</h2>" in text
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
    assert text.count("✔ holds") == 4, "two doors, two rules"
    assert text.count("not reached") == 2
    later = NOW.replace(year=2027)
    visit(a_suite(an_asset(an_expectation("raw_holds", kwargs=TOO_LOW))), now=later)
    text = (folder / "index.html").read_text(encoding="utf-8")
    assert text.count("not reached") == 3, "what staging found is of an earlier landing"
    assert "before what is upstream of it" in text
    assert "| staging |  | not reached |" in (folder / "summary.md").read_text(encoding="utf-8")


def test_summary__is_short_markdown_with_verdict_and_remedies(visit: Any) -> None:
    text = (visit(a_rich_suite()) / "summary.md").read_text(encoding="utf-8")
    assert text.startswith("# Data quality, cohort synthetic\n")
    assert "| raw | 5 | 2 critical, 1 warning, 2 hold |" in text
    assert "- **critical** `raw/people/raw_stops`: Heights are very low." in text
    assert "What to do: Export it again." in text
    assert len(text.splitlines()) < 40


def test_pages__are_replaced_whole(visit: Any) -> None:
    folder = visit(a_rich_suite())
    assert not list(folder.rglob("*.part"))
