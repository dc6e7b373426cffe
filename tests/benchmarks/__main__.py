"""python -m tests.benchmarks [part ...]: without a name, all parts but the largest."""

import argparse

from tests.benchmarks.estimators import estimator_measurements
from tests.benchmarks.genetics import genetics_measurements
from tests.benchmarks.landing import landing_measurements
from tests.benchmarks.measure import record
from tests.benchmarks.mediation import mediation_measurements
from tests.benchmarks.panels import largest_panel_measurements, panel_measurements
from tests.benchmarks.scans import scan_measurements
from tests.benchmarks.stages import full_size_measurements, stage_measurements

PARTS = {
    "estimators": estimator_measurements,
    "scans": scan_measurements,
    "panels": panel_measurements,
    "genetics": genetics_measurements,
    "mediation": mediation_measurements,
    "landing": landing_measurements,
    "stages": stage_measurements,
    "largest_panel": largest_panel_measurements,
    "full_size": full_size_measurements,
}
# An hour each and most of the disk: only by name.
LARGEST = ("largest_panel", "full_size")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("parts", nargs="*", metavar="part", help=f"one or more of {', '.join(PARTS)}")
    chosen = parser.parse_args().parts or [part for part in PARTS if part not in LARGEST]
    unknown = [part for part in chosen if part not in PARTS]
    if unknown:
        parser.error(f"{', '.join(unknown)}: choose from {', '.join(PARTS)}")
    record([measurement for part in chosen for measurement in PARTS[part]()])
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
