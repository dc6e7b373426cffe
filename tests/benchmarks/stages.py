"""Every stage of a build as a process of its own, in a copy of the project."""

import sys
import tempfile
from pathlib import Path

from tests.benchmarks.measure import Measurement, time_command
from tests.pipeline.conftest import copy_project

# The default study, and UK Biobank's size with phenotype and outcomes only.
SIZES = {
    "50,000, all layers": ["--participants", "50000"],
    "502,000, phenotype, outcomes": ["--participants", "502000", "--proteins", "0", "--metabolomic-share", "0"],
}
EXPORT = "warehouse/export/synthetic"
MARTS = ("path:warehouse/seeds", "+path:models/marts", "+marts_expectations")


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
                print(f"bench: {name}, {size} ...", file=sys.stderr, flush=True)
                one = time_command(name, size, command, folder=project.folder, environment=environment)
                print(f"bench: {one.seconds:.0f} s, {one.peak_mb:,.0f} MB", file=sys.stderr, flush=True)
                measured.append(one)
    return measured
