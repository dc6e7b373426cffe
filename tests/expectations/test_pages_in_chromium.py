"""The pages in a real browser: they load nothing, fit a phone, read in both colour schemes, and say no error."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import duckdb
import pytest
from conftest import WriteSuite
from small_suites import NOW, a_suite, an_asset, an_expectation

from expectations.runner import run_door

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="needs Chromium: apt-get install chromium")
FLAGS = (
    "headless no-sandbox disable-gpu disable-quic no-first-run disable-background-networking disable-sync "
    "disable-component-update disable-default-apps no-pings hide-scrollbars"
)
QUIET = [f"--{flag}" for flag in FLAGS.split()]
PHONE, DESK = 390, 1280
DARK, LIGHT = "--blink-settings=preferredColorScheme=0", "--blink-settings=preferredColorScheme=1"
OF_BROWSER = "not an origin"
LEAST_CONTRAST = 4.5  # WCAG 2.1, 1.4.3
# Measured by the browser with everything unfolded; the pages themselves hold no script.
MEASURE = """<script>
const luminance = text => {
  const part = text.match(/[\\d.]+/g).slice(0, 3).map(v => v / 255)
    .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * part[0] + 0.7152 * part[1] + 0.0722 * part[2];
};
const ground = node => {
  for (; node; node = node.parentElement) {
    const colour = getComputedStyle(node).backgroundColor;
    if (!colour.endsWith(', 0)') && colour !== 'transparent') return colour;
  }
  return 'rgb(255, 255, 255)';
};
document.querySelectorAll('details').forEach(one => one.open = true);
const contrasts = [...document.querySelectorAll('p, td, th, h1, h2, h3, a, summary, code, dt, dd, .word, .quiet')]
  .filter(node => node.textContent.trim() && node.getClientRects().length).map(node => {
    const pair = [luminance(getComputedStyle(node).color), luminance(ground(node))].sort((a, b) => b - a);
    return (pair[0] + 0.05) / (pair[1] + 0.05);
  });
const wide = [...document.querySelectorAll('body *')].filter(
  node => node.getBoundingClientRect().right > innerWidth + 1 && !node.closest('svg'));
const cut = [...document.querySelectorAll('.scroll, .cards, .gx, .gx *')].filter(
  node => node.clientWidth && node.scrollWidth > node.clientWidth + 1 && getComputedStyle(node).display !== 'inline');
// A word without a joint that stands on two lines was broken in its middle.
const letters = document.createRange();
const broken = [...document.querySelectorAll('td, th')].filter(node => [...node.childNodes].some(
  child => child.nodeType === 3 && child.textContent.split(/[\\s/_.-]+/).some(word => {
    const at = child.textContent.indexOf(word);
    if (word.length < 4 || !node.getClientRects().length) return false;
    letters.setStart(child, at); letters.setEnd(child, at + word.length);
    return letters.getClientRects().length > 1;
  })));
parent.postMessage(JSON.stringify({
  width: innerWidth, scrolled: document.documentElement.scrollWidth,
  loaded: performance.getEntriesByType('resource').length,
  ground: getComputedStyle(document.body).backgroundColor, contrast: Math.min(...contrasts),
  cut: cut.slice(0, 5).map(node => node.tagName + '.' + node.className + ' ' + node.textContent.trim().slice(0, 40)),
  broken: broken.slice(0, 5).map(node => node.textContent.trim()),
  wide: wide.slice(0, 5).map(node => node.tagName + '.' + node.className)}), '*');
</script></body>"""
# A window cannot be narrower than 500 px without a display; a frame can, and media queries follow it.
FRAME = """<!DOCTYPE html><html><head><meta name="color-scheme" content="light dark"><script>
addEventListener('message', one => document.body.setAttribute('data-measured', one.data));
</script></head><body>
<iframe style="width: {width}px; height: 2000px; border: 0" src="{page}"></iframe></body></html>"""


def browse(target: Path, scratch: Path, *options: str) -> subprocess.CompletedProcess[str]:
    profile = scratch / "profile"
    shutil.rmtree(profile, ignore_errors=True)
    command = [str(BROWSER), *QUIET, f"--user-data-dir={profile}", *options, target.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages of the default study if it was built here, else of a small suite with every kind of outcome."""
    built = Path(__file__).parents[2] / "warehouse" / "quality" / "synthetic"
    folder = tmp_path_factory.mktemp("browsed") / "pages"
    if (built / "faults.html").exists():
        shutil.copytree(built, folder)
    return folder


@pytest.fixture
def index(pages: Path, connection: duckdb.DuckDBPyConnection, write_suite: WriteSuite, no_exceptions: Path) -> Path:
    if not pages.exists():
        low = {"column": "height_m", "max_value": 1.0}
        by_group = "select grp, count(*) as n_participants, avg(is_even::int) as share_even from people group by grp"
        groups = an_asset(
            an_expectation("shares", kwargs={"column": "share_even", "min_value": 0}), name="groups", key=["grp"],
            query=by_group, shown_as={"title": "Groups", "note": "People by group."},
        )  # fmt: skip
        failing = [an_expectation(f"is_{one}", kwargs=low, severity=one) for one in ("critical", "warning")]
        suite = a_suite(an_asset(an_expectation(), *failing), groups)
        run_door(
            connection, door="raw", cohort="synthetic", raw_folder="nowhere", pages_folder=pages, now=NOW,
            suites_folder=write_suite(suite), accepted_exceptions=no_exceptions,
        )  # fmt: skip
    return pages / "index.html"


def measured(page: Path, scratch: Path, *options: str, width: int = DESK) -> dict[str, Any]:
    """What the browser says of a copy of the page that measures itself."""
    copy = page.with_name(f"measured_{page.name}")
    copy.write_text(page.read_text(encoding="utf-8").replace("</body>", MEASURE), encoding="utf-8")
    frame = page.with_name(f"framed_{page.name}")
    frame.write_text(FRAME.format(width=width, page=copy.name), encoding="utf-8")
    shown = browse(frame, scratch, "--dump-dom", "--virtual-time-budget=5000", "--window-size=1400,2000", *options)
    found = re.search(r'data-measured="([^"]*)"', shown.stdout)
    assert found, shown.stderr[-2000:]
    return dict(json.loads(found[1].replace("&quot;", '"')))


@pytest.mark.parametrize("name", ["index", "raw", "faults", "results"])
@pytest.mark.parametrize("width", [PHONE, DESK])
def test_page__fits_its_width_with_everything_unfolded(name: str, width: int, index: Path, tmp_path: Path) -> None:
    page = index.with_name(f"{name}.html")
    if not page.exists():
        pytest.skip("this door was not visited: the default study is not built here")
    found = measured(page, tmp_path, width=width)
    assert found["width"] == width
    assert (found["scrolled"], found["wide"], found["cut"], found["broken"]) == (width, [], [], []), (
        "nothing to scroll sideways to"
    )
    assert found["loaded"] == 0


@pytest.mark.parametrize("name", ["index", "raw", "faults"])
def test_page__reads_in_light_and_dark(name: str, index: Path, tmp_path: Path) -> None:
    page = index.with_name(f"{name}.html")
    light, dark = (measured(page, tmp_path, scheme) for scheme in (LIGHT, DARK))
    assert light["ground"] == "rgb(255, 255, 255)"
    assert dark["ground"] != light["ground"]
    assert min(light["contrast"], dark["contrast"]) >= LEAST_CONTRAST


def test_page__asks_the_network_for_nothing_and_logs_no_error(index: Path, tmp_path: Path) -> None:
    log = tmp_path / "net.json"
    picture = tmp_path / "page.png"
    shown = browse(
        index, tmp_path, f"--log-net-log={log}", "--enable-logging=stderr", "--v=0", f"--screenshot={picture}",
        f"--window-size={PHONE},2400",
    )  # fmt: skip
    assert picture.stat().st_size > 20_000, "something was drawn"
    assert "CONSOLE" not in shown.stderr
    events = [one.get("params", {}) for one in json.loads(log.read_text(encoding="utf-8"))["events"]]
    asked = [one for one in events if str(one.get("url", "")).startswith(("http", "ws"))]
    # The browser asks for its own updates; what a page asks for has the page as its initiator.
    assert [one["url"] for one in asked if one.get("initiator", OF_BROWSER) != OF_BROWSER] == []
