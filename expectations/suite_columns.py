"""Columns that expectations read, against those their query gives: by its text before a build, by tables at a door."""

from collections.abc import Sequence

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from expectations.suite_files import Asset, Suite
from warehouse.errors import Fault, did_you_mean


def missing_columns(suite: Suite, asset: Asset, present: Sequence[str]) -> list[Fault]:
    """A fault for every column of the key and of an expectation that is not in `present`."""
    have = f"the columns of {asset.name} are {', '.join(present)}"
    faults = [
        Fault(f"{suite.file}, line {asset.line}", f"the key of {asset.name} is a column, {column!r} is not", have)
        for column in asset.key
        if column not in present
    ]
    for expectation in asset.expectations:
        for column in expectation.columns:
            if column not in present:
                rule = f"{expectation.name} reads a column that exists, {column!r} does not"
                remedy = did_you_mean(column, present, otherwise=have)
                faults.append(Fault(f"{suite.file}, line {expectation.line}", rule, remedy))
    return faults


def columns_told_wrong(suites: Sequence[Suite]) -> list[Fault]:
    """Faults that the text of the queries shows; no table is there yet, so those with a star are left to the door."""
    faults: list[Fault] = []
    for suite in suites:
        for asset in suite.assets:
            named = _named_columns(asset.query)
            faults += missing_columns(suite, asset, named) if named else []
    return faults


def _named_columns(query: str) -> tuple[str, ...]:
    """What the last select gives, where each of its columns has a name; else nothing."""
    try:
        # {raw} and its like stand inside quotes, so the text is SQL without them being filled in.
        tree = sqlglot.parse_one(query, dialect="duckdb")
    except SqlglotError:
        return ()
    names = tuple(tree.named_selects) if isinstance(tree, exp.Query) else ()
    return () if any(name in ("", "*") for name in names) else names
