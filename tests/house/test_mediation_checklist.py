"""Every item of the mediation checklist points at a table and column that the project declares."""

import csv
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]


def declared_columns() -> dict[str, set[str]]:
    """Columns of every model and seed, by name."""
    found: dict[str, set[str]] = {}
    files = [*ROOT.glob("models/**/*.yml"), *ROOT.glob("python_models/**/*.yml"), ROOT / "warehouse/seeds/_seeds.yml"]
    for path in files:
        read = yaml.safe_load(path.read_text()) or {}
        for node in [*read.get("models", []), *read.get("seeds", [])]:
            found[node["name"]] = {column["name"] for column in node.get("columns", [])}
    return found


def items() -> list[dict[str, str]]:
    with (ROOT / "warehouse/seeds/mediation_reporting_items.csv").open(newline="") as handle:
        return list(csv.DictReader(handle))


def test_the_checklist_has_the_items_of_both_forms() -> None:
    listed = items()
    assert [int(one["item"]) for one in listed] == list(range(1, 26))
    assert sum(one["is_in_short_form"] == "true" for one in listed) == 9


def test_every_item_points_at_a_declared_table_and_column() -> None:
    columns = declared_columns()
    astray = [
        (one["item"], one["table_name"], one["column_name"])
        for one in items()
        if one["answered_by"] != "author" and one["column_name"] not in columns.get(one["table_name"], set())
    ]
    assert astray == []
    assert all(not one["table_name"] for one in items() if one["answered_by"] == "author")
