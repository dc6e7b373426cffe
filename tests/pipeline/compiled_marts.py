"""Marts of any landing without dbt: the SQL that dbt compiled for a built study, run over another landing.

dbt takes a minute to read the project and to write its tables one by one; this takes seconds, so that every raw format
can be followed to the marts. That it makes what dbt makes is a test of its own.
"""

import importlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb

DATABASE = "study"  # as the compiled SQL names it
LANDING = "warehouse/raw/synthetic/"  # as the sources name it
# The one Python model before the marts, by the frame it calls.
PYTHON_MODELS = {"int_nmr_effects__estimated": ("python_models.frames.biomarkers.nmr_effect_rows", "nmr_effect_rows")}
# It writes files beside its rows, and reads nothing but other marts.
LEFT_OUT = ("biomarker_panels",)


@dataclass(frozen=True)
class CompiledMarts:
    """The models of the marts and of all before them, in the order in which they can be built."""

    nodes: tuple[dict[str, Any], ...]
    seeds: tuple[str, ...]
    built: Path

    @classmethod
    def of(cls, project: Path) -> "CompiledMarts":
        """The models as dbt compiled them when it built `project`."""
        known = json.loads((project / "target/manifest.json").read_text(encoding="utf-8"))["nodes"]
        met: dict[str, dict[str, Any]] = {}

        def visit(key: str) -> None:
            if key in met or key not in known or known[key].get("schema") == "quality":
                return
            for parent in known[key].get("depends_on", {}).get("nodes", []):
                visit(parent)
            met[key] = known[key]

        for key, node in known.items():
            if node["resource_type"] == "model" and node["schema"] == "marts" and node["name"] not in LEFT_OUT:
                visit(key)
        return cls(
            nodes=tuple(node for node in met.values() if node["resource_type"] == "model"),
            seeds=tuple(node["name"] for node in met.values() if node["resource_type"] == "seed"),
            built=project / "warehouse/build/study.duckdb",
        )

    @property
    def marts(self) -> list[str]:
        return sorted(node["name"] for node in self.nodes if node["schema"] == "marts")

    def sql(self) -> Iterator[str]:
        """The SQL of every SQL model."""
        return (node["compiled_code"] for node in self.nodes if node["language"] == "sql")

    def upstream_of(self, *marts: str) -> "CompiledMarts":
        """The models of some marts only."""
        needed, wanted = set(marts), []
        for node in reversed(self.nodes):
            if node["name"] in needed:
                wanted.append(node)
                needed |= {parent.rsplit(".", 1)[-1] for parent in node["depends_on"]["nodes"]}
        return replace(self, nodes=tuple(reversed(wanted)))

    def build(self, landing: Path, folder: Path) -> Path:
        """Build the marts of a landing as a database in `folder`; nothing but the landing and the seeds can be read."""
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / f"{DATABASE}.duckdb"
        with duckdb.connect(str(target)) as connection:
            connection.execute(f"attach '{self.built}' as built (read_only)")
            for schema in ("seeds", *sorted({node["schema"] for node in self.nodes})):
                connection.execute(f"create schema {schema}")
            for seed in self.seeds:
                connection.execute(f"create table seeds.{seed} as from built.seeds.{seed}")
            connection.execute("detach built")
            connection.execute(f"set allowed_directories = ['{landing}/']")
            connection.execute("set enable_external_access = false")
            for node in self.nodes:
                self._build_one(connection, node, landing)
        return target

    def _build_one(self, connection: duckdb.DuckDBPyConnection, node: dict[str, Any], landing: Path) -> None:
        if node["language"] == "sql":
            kind = "view" if node["config"]["materialized"] == "view" else "table"
            sql = node["compiled_code"].replace(LANDING, f"{landing}/")
            connection.execute(f"create {kind} {node['relation_name']} as {sql}")
            return
        module, function = PYTHON_MODELS[node["name"]]
        connection.register("made", getattr(importlib.import_module(module), function)(connection))
        connection.execute(f"create table {node['relation_name']} as from made")
        connection.unregister("made")


def differing_rows(one: Path, other: Path, table: str, columns: str = "*") -> tuple[int, int]:
    """Rows of a table that the other database lacks, each way; columns as SQL."""
    with duckdb.connect() as connection:
        connection.execute(f"attach '{one}' as one (read_only)")
        connection.execute(f"attach '{other}' as other (read_only)")
        found = [
            connection.execute(
                f"select count(*) from (select {columns} from {a}.{table} except all select {columns} from {b}.{table})"
            ).fetchone()
            for a, b in (("one", "other"), ("other", "one"))
        ]
    first, second = (row[0] if row else 0 for row in found)
    return int(first), int(second)
