"""An identity between columns is dbt's: no suite counts again the rows that break it."""

from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest
import sqlglot
import yaml
from sqlglot import exp

from expectations.suite_files import Asset, load_suites

ROOT = Path(__file__).parents[2]
LAYERS = {"staging", "intermediate", "marts", "results"}
# What is compared: these columns, by their values or only by whether they are there.
Comparison = tuple[frozenset[str], bool]


def comparison(condition: exp.Expression) -> Comparison:
    """The columns of a condition, and whether it only asks which of them are null."""
    columns = frozenset(column.name for column in condition.find_all(exp.Column))
    return columns, all(isinstance(column.parent, exp.Is) for column in condition.find_all(exp.Column))


def identities() -> Iterator[tuple[str, Comparison]]:
    """Each identity that dbt tests on a model."""
    for path in [*ROOT.glob("models/**/*.yml"), *ROOT.glob("python_models/**/*.yml")]:
        for model in (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get("models", []):
            for test in model.get("data_tests", []):
                if isinstance(test, dict) and "identity_holds" in test:
                    text = test["identity_holds"]["arguments"]["identity"]
                    yield model["name"], comparison(sqlglot.parse_one(text, dialect="duckdb"))


def comparisons_of(asset: Asset) -> Iterator[tuple[str, Comparison]]:
    """What an asset's query counts or calls true, of each table it reads, by the names that the tables have for it."""
    query = sqlglot.parse_one(asset.query, dialect="duckdb")
    tables = {table.name for table in query.find_all(exp.Table) if table.db in LAYERS}
    renamed: dict[str, set[str]] = {}
    for alias in query.find_all(exp.Alias):
        if isinstance(alias.this, exp.Column):
            renamed.setdefault(alias.alias, set()).add(alias.this.name)
    conditions = [one.expression for one in query.find_all(exp.Filter)]
    conditions += [one.this for one in query.find_all(exp.Alias) if one.alias.startswith(("is_", "agrees_"))]
    for condition in conditions:
        columns, is_of_nulls = comparison(condition)
        for names in product(*({column, *renamed.get(column, ())} for column in sorted(columns))):
            for table in tables:
                yield table, (frozenset(names), is_of_nulls)


def test_no_suite_counts_what_an_identity_of_dbt_tests() -> None:
    tested = {pair for pair in identities() if len(pair[1][0]) > 1}
    assert len(tested) > 40
    twice = [
        f"{suite.door}/{asset.name} counts again an identity of {table}: {', '.join(sorted(columns))}"
        for suite in load_suites()
        for asset in suite.assets
        for table, (columns, is_of_nulls) in set(comparisons_of(asset))
        if (table, (columns, is_of_nulls)) in tested
    ]
    assert twice == []


@pytest.mark.parametrize(
    ("query", "is_told"),
    [
        ("select count(*) filter (refusal is null and log_hazard_ratio is null) as n from results.t", True),
        ("with e as (select log_hazard_ratio as x, refusal from results.t) "
         "select count(*) filter (x is null and refusal is null) as n from e", True),
        ("select refusal is not null and log_hazard_ratio is not null as is_both from results.t", True),
        ("select count(*) filter (refusal is null and log_hazard_ratio > 3) as n from results.t", False),
        ("select count(*) filter (refusal is null and p_value is null) as n from results.t", False),
        ("select count(*) filter (refusal is null and log_hazard_ratio is null) as n from results.other", False),
    ],
)  # fmt: skip
def test_a_suite_that_would_is_told(query: str, is_told: bool) -> None:
    asset = Asset("a", "One row.", ("n",), query, (), (), None, 1)
    identity = comparison(sqlglot.parse_one("(log_hazard_ratio is null) = (refusal is not null)"))
    assert (("t", identity) in set(comparisons_of(asset))) == is_told
