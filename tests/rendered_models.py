"""SQL models rendered and run without dbt, for tests and benchmarks of their SQL on tables of their own.

Knows what these models use: ref, source, var, config, gate and the macros of single files. Every model becomes a table
or, as dbt would, a view where it says so.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import jinja2
import yaml  # type: ignore[import-untyped]

ROOT = Path(__file__).parents[1]
MODELS = ROOT / "models"
# Macros by file: those without dbt's own tags, which plain jinja cannot read.
MACRO_FILES = ("z_of_p.sql", "gwas_n.sql", "variant_key.sql")
LAYER_OF_FOLDER = {"staging": "staging", "intermediate": "intermediate", "marts": "marts", "results": "results"}


def project_vars() -> dict[str, Any]:
    """The vars of dbt_project.yml."""
    said: dict[str, Any] = yaml.safe_load((ROOT / "dbt_project.yml").read_text())["vars"]
    return said


def model_path(name: str) -> Path:
    """The one .sql file of a model."""
    (path,) = MODELS.rglob(f"{name}.sql")
    return path


def schema_of(path: Path) -> str:
    """Schema of a model: its own config's, else its layer's."""
    said = re.search(r"config\([^)]*schema='(\w+)'", path.read_text())
    return said.group(1) if said else LAYER_OF_FOLDER[path.relative_to(MODELS).parts[0]]


def render(name: str, *, sources: Mapping[str, str] | None = None, options: Mapping[str, Any] | None = None) -> str:
    """The model's SQL; `sources` gives the SQL of each source table, `options` replaces project vars."""
    given, chosen = dict(sources or {}), {**project_vars(), **(options or {})}

    def ref(other: str) -> str:
        found = list(MODELS.rglob(f"{other}.sql"))
        if found:
            return f"{schema_of(found[0])}.{other}"
        return f"results.{other}" if list((ROOT / "python_models").glob(f"*/{other}.py")) else f"seeds.{other}"

    context = {
        "ref": ref,
        "source": lambda _, table: given[table],
        "var": lambda key, *default: chosen.get(key, *default),
        "config": lambda **_: "",
        "gate": lambda _: "",
        "negative_hash_of": "(-1 - cast(hash({}) % 4611686018427387904 as bigint))".format,
        "one_of": lambda text, choices: f"try_cast({text} as enum ({', '.join(map(repr, choices))}))",
    }
    environment = jinja2.Environment()
    for file in MACRO_FILES:
        template = environment.from_string((ROOT / "warehouse/macros" / file).read_text())
        module = template.make_module({key: context[key] for key in ("var", "negative_hash_of")})
        context |= {key: value for key, value in vars(module).items() if not key.startswith("_")}
    return environment.from_string(model_path(name).read_text()).render(**context)


def load_seeds(connection: duckdb.DuckDBPyConnection, *names: str) -> None:
    """The project's seeds, with their declared types."""
    folder = ROOT / "warehouse/seeds"
    declared = {one["name"]: one for one in yaml.safe_load((folder / "_seeds.yml").read_text())["seeds"]}
    connection.execute("create schema if not exists seeds")
    for name in names:
        types = declared[name]["config"]["column_types"]
        read = f"read_csv('{folder / name}.csv', header = true, columns = {types})"
        connection.execute(f"create or replace table seeds.{name} as select * from {read}")


def build(
    connection: duckdb.DuckDBPyConnection,
    names: Sequence[str],
    *,
    sources: Mapping[str, str] | None = None,
    options: Mapping[str, Any] | None = None,
) -> None:
    """Build the models in this order."""
    for name in names:
        path = model_path(name)
        kind = "view" if "materialized='view'" in path.read_text() else "table"
        connection.execute(f"create schema if not exists {schema_of(path)}")
        sql = render(name, sources=sources, options=options)
        connection.execute(f"create or replace {kind} {schema_of(path)}.{name} as {sql}")
