"""The way of a column back to raw fields, read by sqlglot from the SQL that dbt compiled.

    python -m warehouse.lineage marts.participants.grip_strength_kg
    python -m warehouse.lineage --write-dictionary

Lineage follows values: columns that only filter or join rows are not part of it. It ends at raw fields, at seeds and
at Python models, whose inputs are named instead.
"""

import argparse
import csv
import json
import logging
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
import sqlglot
from rich.console import Console
from rich.tree import Tree
from sqlglot import exp
from sqlglot.lineage import Node, lineage
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, build_scope
from sqlglot.schema import MappingSchema

from warehouse.errors import Fault, StudyError, did_you_mean

MANIFEST = Path("target/manifest.json")
DICTIONARY = Path("models/marts/_data_dictionary.md")
FIELD = re.compile(r"^p(\d+)(?:_i\d+)?$")
DIALECT = "duckdb"
LONGEST_EXPRESSION = 110
WIDTH_OF_A_LOG = 200
# sqlglot does not look inside UNPIVOT and says so at length: the lineage of an unpivoted column ends there.
logging.getLogger("sqlglot").setLevel(logging.ERROR)
DICTIONARY_SCHEMAS = ("marts", "results")


class LineageError(StudyError):
    exit_code = 8
    headline = "The lineage cannot be told"


@dataclass(frozen=True, slots=True)
class Step:
    """A column of a relation: the expression that gives it and the columns it reads, as (schema.table, column)."""

    relation: str
    column: str
    expression: str
    parents: tuple[tuple[str, str], ...]


class CompiledProject:
    """The manifest of the last compiled dbt run: relations, their columns, and where each column comes from."""

    def __init__(self, manifest: dict[str, Any]) -> None:
        self.nodes: dict[str, dict[str, Any]] = {
            f"{node['schema']}.{node['alias']}": node
            for node in manifest["nodes"].values()
            if node["resource_type"] in ("model", "seed")
        }
        self.sources: dict[str, dict[str, Any]] = {
            f"raw.{source['identifier']}": source for source in manifest["sources"].values()
        }
        self._scopes: dict[str, Scope] = {}
        self._steps: dict[tuple[str, str], Step] = {}

    @cached_property
    def _schema(self) -> MappingSchema:
        """Columns of every relation: raw ones from their Parquet, the others as their YAML documents them (all are)."""
        schema = MappingSchema(dialect=DIALECT, normalize=True)
        for name, source in self.sources.items():
            schema.add_table(name, dict.fromkeys(_parquet_columns(source["relation_name"]), "varchar"))
        for name, node in self.nodes.items():
            schema.add_table(name, dict.fromkeys(node["columns"], "varchar"))
        return schema

    def is_sql(self, relation: str) -> bool:
        node = self.nodes.get(relation)
        return node is not None and node["resource_type"] == "model" and node["language"] == "sql"

    def _scope(self, relation: str) -> Scope:
        """The qualified query of a SQL model; qualified once."""
        if relation not in self._scopes:
            sql = self.nodes[relation]["compiled_code"]
            for source_name, source in self.sources.items():
                sql = sql.replace(source["relation_name"], source_name)
            query = sqlglot.parse_one(sql, dialect=DIALECT)
            for table in query.find_all(exp.Table):
                table.set("catalog", None)
            qualified = qualify(
                query, dialect=DIALECT, schema=self._schema, validate_qualify_columns=False, identify=False
            )
            scope = build_scope(qualified)
            if scope is None:
                raise LineageError([Fault(relation, "is a select statement", "mend its SQL")])
            self._scopes[relation] = scope
        return self._scopes[relation]

    def columns(self, relation: str) -> list[str]:
        """Columns a relation really has, in order."""
        if not self.is_sql(relation):
            return list(self.nodes[relation]["columns"])
        query = self._scope(relation).expression
        assert isinstance(query, exp.Query)
        return query.named_selects

    def step(self, relation: str, column: str) -> Step | None:
        """Where a column of a SQL model comes from; None for raw columns, seeds and Python models."""
        if not self.is_sql(relation):
            return None
        if (relation, column) not in self._steps:
            scope = self._scope(relation)
            node = lineage(
                column,
                scope.expression,
                schema=self._schema,
                dialect=DIALECT,
                scope=scope,
                copy=False,
                trim_selects=False,
            )
            assert isinstance(node, Node)
            expression = node.expression.unalias().sql(dialect=DIALECT, comments=False)
            self._steps[relation, column] = Step(relation, column, expression, tuple(dict.fromkeys(_leaves(node))))
        return self._steps[relation, column]

    def fields(self, relation: str, column: str) -> tuple[list[int], list[str]]:
        """UK Biobank fields, and raw columns that are not fields, that a column's values come from."""
        fields: set[int] = set()
        others: set[str] = set()
        seen: set[tuple[str, str]] = set()
        waiting = [(relation, column)]
        while waiting:
            here = waiting.pop()
            if here in seen:
                continue
            seen.add(here)
            step = self.step(*here)
            if step is not None:
                waiting += step.parents
            elif here[0].startswith("raw."):
                match = FIELD.match(here[1])
                if match:
                    fields.add(int(match[1]))
                elif here[1] != "eid":
                    others.add(f"{here[0].removeprefix('raw.')}.{here[1]}")
        return sorted(fields), sorted(others)

    def described(self, relation: str, column: str) -> tuple[str, str]:
        """Description and unit of a column, as its YAML gives them."""
        node = self.nodes.get(relation, {})
        documented = node.get("columns", {}).get(column, {})
        meta = documented.get("config", {}).get("meta") or documented.get("meta") or {}
        return documented.get("description", ""), str(meta.get("unit", ""))


def _leaves(node: Node) -> Iterator[tuple[str, str]]:
    for inner in node.walk():
        if isinstance(inner.expression, exp.Table) and not inner.downstream:
            table = inner.expression
            yield f"{table.db}.{table.name}", inner.name.rpartition(".")[2].strip('"')


def _parquet_columns(relation_name: str) -> list[str]:
    with duckdb.connect() as connection:
        return [row[0] for row in connection.execute(f"describe select * from {relation_name}").fetchall()]


def load_project(manifest: Path = MANIFEST) -> CompiledProject:
    """The project compiled for the cohort in COHORT; dbt compiles it first where the last run left SQL uncompiled,
    or was of another cohort, whose studies are other SQL.

    Raises
    ------
    LineageError
        When dbt cannot compile it.
    """

    landing = f"warehouse/raw/{os.environ.get('COHORT', 'synthetic')}/"

    def read() -> dict[str, Any] | None:
        if not manifest.is_file():
            return None
        loaded: dict[str, Any] = json.loads(manifest.read_text(encoding="utf-8"))
        models = [node for node in loaded["nodes"].values() if node["resource_type"] == "model"]
        is_compiled = all(node.get("compiled_code") for node in models)
        is_of_cohort = all(landing in source["relation_name"] for source in loaded["sources"].values())
        return loaded if is_compiled and is_of_cohort else None

    loaded = read()
    if loaded is None:
        from dbt.cli.main import dbtRunner

        outcome = dbtRunner().invoke(["--quiet", "compile", "--log-level", "none"])
        loaded = read()
        if not outcome.success or loaded is None:
            remedy = "run make build first: compiled SQL needs the landing and the seeds"
            raise LineageError([Fault("dbt compile", "compiles every model", remedy)])
    return CompiledProject(loaded)


def _parse_column(project: CompiledProject, name: str) -> tuple[str, str]:
    relation, _, column = name.rpartition(".")
    if relation not in project.nodes:
        otherwise = "name a column such as marts.participants.grip_strength_kg"
        remedy = did_you_mean(relation, project.nodes, otherwise=otherwise)
        raise LineageError([Fault(name, "is schema.table.column of this project", remedy)])
    columns = project.columns(relation)
    if column not in columns:
        remedy = did_you_mean(column, columns, otherwise=f"its columns are {', '.join(columns)}")
        raise LineageError([Fault(name, f"is a column of {relation}", remedy)])
    return relation, column


def _label(project: CompiledProject, relation: str, column: str, fields: dict[int, str]) -> str:
    if relation.startswith("raw."):
        match = FIELD.match(column)
        title = fields.get(int(match[1]), "") if match else ""
        return f"[bold]{relation}.{column}[/bold]  {title}"
    step = project.step(relation, column)
    text = f"[bold]{relation}.{column}[/bold]"
    if step is not None:
        bare = re.sub(r'"?\w+"?\."?(\w+)"?', r"\1", step.expression)
        if bare.strip('"') != column and len(bare) <= LONGEST_EXPRESSION:
            text += f"  = {bare}".replace("[", r"\[")
    return text


def column_tree(project: CompiledProject, name: str) -> Tree:
    """The way of schema.table.column back to raw fields, as a tree to print."""
    relation, column = _parse_column(project, name)
    fields = _field_titles()
    description, unit = project.described(relation, column)
    root = Tree(f"[bold]{relation}.{column}[/bold]  {description}" + (rf" \[{unit}]" if unit else ""))

    def grow(branch: Tree, here: tuple[str, str], passed: frozenset[tuple[str, str]]) -> None:
        node = project.nodes.get(here[0])
        if node is not None and node.get("language") == "python":
            read = set(node["depends_on"]["nodes"])
            inputs = ", ".join(name for name, other in project.nodes.items() if other["unique_id"] in read)
            branch.add(f"computed by {node['original_file_path']} from {inputs}")
            return
        step = project.step(*here)
        for parent in step.parents if step else ():
            if parent not in passed:
                grow(branch.add(_label(project, *parent, fields)), parent, passed | {parent})

    grow(root, (relation, column), frozenset({(relation, column)}))
    return root


def _field_titles() -> dict[int, str]:
    titles = {}
    for seed in ("ukb_fields", "nmr_biomarkers"):
        with Path(f"warehouse/seeds/{seed}.csv").open(newline="", encoding="utf-8") as handle:
            for row in csv.DictReader(handle):
                title = row.get("title") or row.get("description") or ""
                unit = f", {row['units']}" if row["units"] else ""
                titles[int(row["field_id"])] = f"field {row['field_id']}, {title}{unit}"
    return titles


def dictionary_markdown(project: CompiledProject) -> str:
    """The data dictionary as the overview page of the dbt docs: column, fields, unit, description."""
    lines = [
        "{% docs __overview__ %}",
        "# Data dictionary",
        "",
        "Written by `make docs` from the compiled SQL; a test keeps it current. Fields are those that a column's",
        "values come from, by lineage; `make lineage COLUMN=schema.table.column` prints the way.",
    ]
    for relation in sorted(name for name in project.nodes if name.split(".")[0] in DICTIONARY_SCHEMAS):
        node = project.nodes[relation]
        lines += ["", f"## {relation}", "", " ".join(node["description"].split()), ""]
        lines += ["| column | UK Biobank fields | unit | description |", "|---|---|---|---|"]
        for column in node["columns"]:
            fields, others = project.fields(relation, column)
            shown = ", ".join([*map(str, fields), *others])
            description, unit = project.described(relation, column)
            lines.append(f"| {column} | {shown} | {unit} | {' '.join(description.split()).replace('|', '/')} |")
    return "\n".join([*lines, "", "{% enddocs %}", ""])


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m warehouse.lineage", description="The way of a column to raw fields."
    )
    parser.add_argument("column", nargs="?", help="schema.table.column")
    parser.add_argument("--write-dictionary", action="store_true", help=f"write {DICTIONARY}")
    options = parser.parse_args(arguments)
    os.environ.setdefault("DBT_SEND_ANONYMOUS_USAGE_STATS", "false")
    try:
        project = load_project()
        if options.write_dictionary:
            DICTIONARY.write_text(dictionary_markdown(project), encoding="utf-8")
        if options.column:
            Console(width=None if sys.stdout.isatty() else WIDTH_OF_A_LOG).print(column_tree(project, options.column))
    except StudyError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
