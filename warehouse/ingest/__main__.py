"""`python -m warehouse.ingest --from FOLDER --cohort NAME`: land raw files as text Parquet."""

import argparse
import re
import sys
from pathlib import Path

from warehouse.errors import StudyError
from warehouse.ingest.ingest import ingest
from warehouse.ingest.mapped_cohort import ingest_mapped
from warehouse.ingest.profile import said_of

RAW = Path("warehouse/raw")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m warehouse.ingest", description=__doc__)
    parser.add_argument(
        "--from", dest="source", required=True, help="folder of raw files (or, with --mapping, a table)"
    )
    parser.add_argument("--cohort", required=True, help="name of the landing: lower case letters, digits, underscores")
    parser.add_argument("--to", type=Path, default=RAW, help="where landings live (default: %(default)s)")
    parser.add_argument("--mapping", type=Path, help="CSV from another cohort's columns to UK Biobank fields")
    parser.add_argument(
        "--override", action="append", default=[], metavar="KEY=VALUE", help="settle what a file leaves open"
    )
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run ingest from the command line; returns the exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if not re.fullmatch(r"[a-z][a-z0-9_]*", options.cohort):
        parser.error(f"--cohort is lower case letters, digits and underscores, not {options.cohort!r}")
    try:
        if options.mapping:
            target, is_new = ingest_mapped(
                options.source,
                mapping=options.mapping,
                cohort=options.cohort,
                to=options.to,
                overrides=options.override,
            )
        else:
            target, is_new = ingest(
                Path(options.source), cohort=options.cohort, to=options.to, overrides=options.override
            )
    except StudyError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    if is_new:
        print(f"Landed in {target}; what was concluded: {target / 'profile.md'}")
    else:
        print(f"{target} is up to date: same files, same choices")
    for line in said_of(target):
        print(f"  {line}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
