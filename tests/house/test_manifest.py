"""The house rules that the dbt manifest can show."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
# A layer reads its own and the ones before it; quality stands at every door and may be read by what is behind it.
LAYERS = {"seeds": 0, "staging": 1, "intermediate": 2, "marts": 3, "results": 4}
KEY_TESTS = {"unique", "unique_combination"}


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    target = tmp_path_factory.mktemp("target")
    subprocess.run(
        [Path(sys.executable).parent / "dbt", "--quiet", "parse", "--target-path", target, "--no-partial-parse"],
        cwd=ROOT,
        check=True,
        env={**os.environ, "DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "DBT_LOG_PATH": str(target)},
    )
    loaded: dict[str, Any] = json.loads((target / "manifest.json").read_text())
    return loaded


@pytest.fixture(scope="module")
def models(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    return [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]


def parents(manifest: dict[str, Any], node: dict[str, Any]) -> list[dict[str, Any]]:
    return [manifest["nodes"].get(parent) or manifest["sources"][parent] for parent in node["depends_on"]["nodes"]]


def test_references_only_look_upstream(manifest: dict[str, Any], models: list[dict[str, Any]]) -> None:
    upward = [
        f"{node['name']} reads {parent['name']}"
        for node in models
        if node["schema"] in LAYERS
        for parent in parents(manifest, node)
        if parent["resource_type"] != "source" and LAYERS.get(parent["schema"], 0) > LAYERS[node["schema"]]
    ]
    assert upward == []


def test_only_staging_reads_sources(manifest: dict[str, Any], models: list[dict[str, Any]]) -> None:
    readers = {
        node["name"]
        for node in models
        for parent in parents(manifest, node)
        if parent["resource_type"] == "source" and node["schema"] != "staging"
    }
    assert readers == set()


def test_every_model_begins_with_its_grain(models: list[dict[str, Any]]) -> None:
    assert [node["name"] for node in models if not node["description"].strip().startswith("One row per ")] == []


def test_every_model_has_a_tested_key(manifest: dict[str, Any], models: list[dict[str, Any]]) -> None:
    keyed = {
        node["attached_node"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "test" and (node.get("test_metadata") or {}).get("name") in KEY_TESTS
    }
    assert [node["name"] for node in models if node["unique_id"] not in keyed] == []


def test_every_column_in_yaml_is_described(models: list[dict[str, Any]]) -> None:
    bare = [
        f"{node['name']}.{column['name']}"
        for node in models
        for column in node["columns"].values()
        if not column["description"].strip()
    ]
    assert bare == []


def test_every_model_lives_in_a_schema_named_after_a_layer(models: list[dict[str, Any]]) -> None:
    assert {node["schema"] for node in models} <= {*LAYERS, "quality"}


def test_no_result_documents_a_participant_id(models: list[dict[str, Any]]) -> None:
    exposed = [node["name"] for node in models if node["schema"] == "results" and "participant_id" in node["columns"]]
    assert exposed == []


def test_every_model_is_described_in_its_twin_or_with_its_kind(models: list[dict[str, Any]]) -> None:
    """A file of several models begins with an underscore, as in dbt's own projects."""
    described_in = {node["name"]: Path(node["patch_path"] or "nowhere") for node in models}
    lost = [name for name, path in described_in.items() if path.stem != name and not path.name.startswith("_")]
    assert lost == []


def test_every_table_of_marts_and_results_is_fingerprinted(
    manifest: dict[str, Any], models: list[dict[str, Any]]
) -> None:
    (fingerprints,) = (node for node in models if node["name"] == "table_fingerprints")
    looked_at = {parent["name"] for parent in parents(manifest, fingerprints)}
    tables = {node["name"] for node in models if node["schema"] in ("marts", "results")}
    assert tables - looked_at == set(), "name it in python_models/quality/table_fingerprints.py"
    kept = {node["name"] for node in models if node["config"]["materialized"] in ("table", "incremental")}
    assert tables - kept == set(), "only tables are fingerprinted"


def test_every_staging_model_stands_behind_the_raw_door(manifest: dict[str, Any], models: list[dict[str, Any]]) -> None:
    staging = [node for node in models if "staging" in Path(node["original_file_path"]).parts]
    gated = {
        node["name"] for node in staging if "raw_expectations" in {parent["name"] for parent in parents(manifest, node)}
    }
    assert {node["name"] for node in staging} == gated


TRAPS = ROOT / "tests" / "dbt" / "traps" / "README.md"


def test_every_trap_of_uk_biobank_has_its_named_test_and_the_table_says_which(manifest: dict[str, Any]) -> None:
    """The 19 ways in which UK Biobank data mislead: one dbt test each, marked `meta: trap`, listed in the table."""
    marked: dict[int, set[str]] = {}
    for node in [*manifest["nodes"].values(), *manifest["unit_tests"].values()]:
        trap = node["config"].get("meta", {}).get("trap")
        if trap is not None:
            marked.setdefault(trap, set()).add(node["name"])
            rule = node.get("description") or node.get("raw_code", "").partition("-- ")[2]
            assert len(rule) > 40, f"{node['name']} does not state its rule"
    cells = [line.split(" | ") for line in TRAPS.read_text().splitlines() if line.startswith("| ")]
    listed = {int(row[0].strip("| ")): row[2].strip("| `") for row in cells if row[0].strip("| ").isdigit()}
    assert sorted(marked) == list(range(1, 20))
    assert {trap: {name} for trap, name in listed.items()} == marked
