"""python -m tests.benchmarks [part ...]: without a name, all parts."""

import argparse

from tests.benchmarks.estimators import estimator_measurements
from tests.benchmarks.genetics import genetics_measurements
from tests.benchmarks.landing import landing_measurements
from tests.benchmarks.measure import record
from tests.benchmarks.mediation import mediation_measurements
from tests.benchmarks.panels import panel_measurements
from tests.benchmarks.scans import scan_measurements
from tests.benchmarks.stages import stage_measurements

PARTS = {
    "estimators": estimator_measurements,
    "scans": scan_measurements,
    "panels": panel_measurements,
    "genetics": genetics_measurements,
    "mediation": mediation_measurements,
    "landing": landing_measurements,
    "stages": stage_measurements,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("parts", nargs="*", metavar="part", help=f"one or more of {', '.join(PARTS)}")
    chosen = parser.parse_args().parts or list(PARTS)
    unknown = [part for part in chosen if part not in PARTS]
    if unknown:
        parser.error(f"{', '.join(unknown)}: choose from {', '.join(PARTS)}")
    record([measurement for part in chosen for measurement in PARTS[part]()])
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
