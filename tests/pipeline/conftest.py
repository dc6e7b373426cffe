"""A small study built whole, once per test run, in a copy of the project: the tests change nothing here."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

ROOT = Path(__file__).parents[2]
# What a clone holds; nothing a machine wrote comes along.
PARTS = (
    "dbt_project.yml",
    "profiles.yml",
    ".dbtignore",
    "models",
    "python_models",
    "expectations",
    "warehouse",
    "tests/dbt",
)
WRITTEN = shutil.ignore_patterns("export", "raw", "build", "parquet", "quality", "release", "*.duckdb*", "__pycache__")
SMALL = ("--participants", "4000", "--proteins", "60", "--proteomic-share", "0.3", "--metabolomic-share", "0.2")


@dataclass(frozen=True)
class Project:
    """A copy of the project that a test may build in and break."""

    folder: Path

    def environment(self, **more: str) -> dict[str, str]:
        return {**os.environ, "DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "GX_ANALYTICS_ENABLED": "false", **more}

    def run(self, *command: str, text_in: str = "", **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *command],
            cwd=self.folder,
            env=self.environment(**more),
            input=text_in,
            capture_output=True,
            text=True,
            check=False,
        )

    def build(self, *options: str) -> subprocess.CompletedProcess[str]:
        return self.run("-m", "warehouse.build", *options)

    def query(self, sql: str, *, cohort: str = "synthetic") -> list[tuple[object, ...]]:
        name = "study" if cohort == "synthetic" else f"study_{cohort}"
        with duckdb.connect(str(self.folder / "warehouse" / f"{name}.duckdb"), read_only=True) as connection:
            return connection.execute(sql).fetchall()


def copy_project(folder: Path) -> Project:
    folder.mkdir(parents=True, exist_ok=True)
    for part in PARTS:
        if (ROOT / part).is_dir():
            ignore = WRITTEN if part == "warehouse" else shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / part, folder / part, ignore=ignore)
        elif (ROOT / part).is_file():
            shutil.copy(ROOT / part, folder / part)
    return Project(folder)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The synthetic study of 4,000 participants, built once; read it, do not change it."""
    project = copy_project(tmp_path_factory.mktemp("project"))
    finished = project.build(*SMALL)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return project


@pytest.fixture
def unbuilt(tmp_path: Path) -> Callable[[], Project]:
    return lambda: copy_project(tmp_path / "project")


@pytest.fixture
def rebuilt(built: Project, tmp_path: Path) -> Project:
    """A copy of the built study that a test may break."""
    return Project(Path(shutil.copytree(built.folder, tmp_path / "rebuilt")))
