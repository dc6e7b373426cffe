"""Check a published database again and write its pages: python -m expectations --cohort synthetic (make quality)."""

import argparse
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow.compute as pc

from expectations.suite_files import DOORS, SEEDS_FOLDER, SUITES_FOLDER, Door
from warehouse.cohorts import find_cohort
from warehouse.errors import Fault, StudyError
from warehouse.progress import progress

ROOT = Path(__file__).parents[1]


class QualityError(StudyError):
    exit_code = 2
    headline = "The doors cannot be checked"


def check_doors(
    *, cohort: str, warehouse: Path, doors: Sequence[Door] = DOORS, suites_folder: Path = SUITES_FOLDER
) -> int:
    """Run the doors in order over the published database, read only; 1 if anything critical failed, else 0."""
    database = warehouse / f"{find_cohort(cohort, seeds=SEEDS_FOLDER).database}.duckdb"
    landing = warehouse / "raw" / cohort
    build = "make build" if cohort == "synthetic" else f"make build COHORT={cohort}"
    faults = [
        Fault(where=os.path.relpath(path), rule=f"the {what} of cohort {cohort} is there", remedy=f"run {build}")
        for path, what in ((database, "published database"), (landing, "raw landing"))
        if not path.exists()
    ]
    if faults:
        raise QualityError(faults)
    # Great Expectations takes some seconds to import, and nothing above needs it.
    from expectations.runner import recheck, run_door

    folder, now = warehouse / "quality" / cohort, datetime.now(UTC)
    identity = recheck(now.replace(tzinfo=None), landing)
    critical = 0
    chosen = [door for door in DOORS if door in doors]
    # As much as a build may take: left alone, the database fills most of a machine's memory with what it has read.
    limit = os.environ.get("STUDY_MEMORY_LIMIT", "2GB")
    with (
        duckdb.connect(str(database), read_only=True, config={"memory_limit": limit}) as connection,
        progress("quality", len(chosen), "doors") as step,
    ):
        for door in chosen:
            findings = run_door(
                connection,
                door=door,
                cohort=cohort,
                raw_folder=os.path.relpath(landing),
                pages_folder=folder,
                now=now,
                suites_folder=suites_folder,
                identity=identity,
            )
            is_critical = pc.and_(pc.equal(findings["severity"], "critical"), pc.invert(findings["is_success"]))
            critical += is_critical.to_pylist().count(True)
            step()
    print((folder / "summary.md").read_text(encoding="utf-8"))
    print(f"Pages: {os.path.relpath(folder / 'index.html')}")
    return 1 if critical else 0


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m expectations", description=__doc__)
    parser.add_argument("--cohort", default=os.environ.get("COHORT", "synthetic"), help="cohort to check (synthetic)")
    parser.add_argument(
        "--warehouse", type=Path, default=ROOT / "warehouse", help="folder of databases, raw and quality"
    )
    parser.add_argument("--door", action="append", choices=DOORS, dest="doors", help="only this door; may be repeated")
    options = parser.parse_args(arguments)
    try:
        return check_doors(cohort=options.cohort, warehouse=options.warehouse, doors=options.doors or DOORS)
    except StudyError as error:
        print(error, file=sys.stderr)
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
