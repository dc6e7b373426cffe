"""The README's table is what the default build finds."""

from pathlib import Path

import duckdb
import pytest

from warehouse.publish.readme import results_table, with_results

ROOT = Path(__file__).parents[2]
STUDY = ROOT / "warehouse" / "study.duckdb"
DEFAULT_SIZE = 50_000


def test_the_table_of_results_is_current() -> None:
    if not STUDY.is_file():
        pytest.skip("needs the default study: make build")
    with duckdb.connect(str(STUDY), read_only=True) as connection:
        landed = connection.execute("select max(n_in) from marts.eligibility_flow").fetchall()[0][0]
    if landed != DEFAULT_SIZE:
        pytest.skip(f"the study here is of {landed:,} participants, the README's of {DEFAULT_SIZE:,}")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert readme == with_results(readme, results_table(STUDY)), "run python -m warehouse.publish.readme"
