"""Every stage of a build as a process of its own, in a copy of the project."""

import sys
import tempfile
from pathlib import Path

import duckdb

from tests.benchmarks.measure import Measurement, time_command
from tests.pipeline.conftest import copy_project

# The default study, and UK Biobank's size with phenotype and outcomes only.
SIZES = {
    "50,000, all layers": ["--participants", "50000"],
    "502,000, phenotype, outcomes": ["--participants", "502000", "--proteins", "0", "--metabolomic-share", "0"],
}
# All that UK Biobank holds at once; the rest of its 18 million diagnoses is written by `lengthen_diagnoses`.
FULL_SIZE = {
    "502,000, 2,923 proteins in 53,000, 18 million diagnoses": [
        *(
            "--participants",
            "502000",
            "--proteins",
            "2923",
            "--proteomic-share",
            "0.1056",
            "--metabolomic-share",
            "0.25",
        ),
    ],
}
DIAGNOSES = 18_000_000
EXPORT = "warehouse/export/synthetic"
MARTS = ("path:warehouse/seeds", "+path:models/marts", "+marts_expectations")


def lengthen_diagnoses(table: Path, *, rows: int) -> None:
    """Repeat diagnoses within their episodes up to so many rows: arr_index goes up, so that the keys stay unique."""
    read = f"read_csv('{table}', all_varchar = true, header = true)"
    longer = table.with_suffix(".longer")
    with duckdb.connect() as connection:
        connection.execute("set memory_limit = '1GB'")
        ((held,),) = connection.sql(f"select count(*) from {read}").fetchall()
        index = '"hesin_diag.arr_index"'
        connection.execute(
            f"copy (select * from {read} union all "
            f"select * replace ({index}::integer + 1000 as {index}) from {read} limit {max(rows, held)}) "
            f"to '{longer}' (format csv, header true)"
        )
    longer.replace(table)


def stage_measurements(sizes: dict[str, list[str]] = SIZES) -> list[Measurement]:
    """Generation, ingest and dbt build by layer, at each size."""
    dbt = str(Path(sys.executable).parent / "dbt")
    measured = []
    for size, options in sizes.items():
        commands = {
            "write the synthetic cohort": [sys.executable, "-m", "warehouse.synthetic", *options, "--out", EXPORT],
            "ingest": [sys.executable, "-m", "warehouse.ingest", "--from", EXPORT, "--cohort", "synthetic"],
            "dbt build, seeds to marts": [dbt, "--quiet", "build", "--select", *MARTS],
            "dbt build, survival": [dbt, "--quiet", "build", "--select", "survival", "analysis_choices"],
            "dbt build, whole": [dbt, "--quiet", "build"],
            # The doors are nodes of the build as well; alone they are the cost of quality.
            "quality, all four doors": [sys.executable, "-m", "expectations"],
        }
        with tempfile.TemporaryDirectory() as scratch:
            project = copy_project(Path(scratch))
            environment = project.environment(PYTHONPATH=str(project.folder))
            for name, command in commands.items():
                if name == "dbt build, survival" and size in FULL_SIZE:
                    continue  # measured without the other layers
                print(f"bench: {name}, {size} ...", file=sys.stderr, flush=True)
                one = time_command(name, size, command, folder=project.folder, environment=environment)
                print(f"bench: {one.seconds:.0f} s, {one.peak_mb:,.0f} MB", file=sys.stderr, flush=True)
                measured.append(one)
                if name == "write the synthetic cohort" and size in FULL_SIZE:
                    lengthen_diagnoses(project.folder / EXPORT / "hesin_diag.csv", rows=DIAGNOSES)
    return measured


def full_size_measurements() -> list[Measurement]:
    """The same with every layer at UK Biobank's size: two hours and 40 GB of disk."""
    return stage_measurements(FULL_SIZE)
