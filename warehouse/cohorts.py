"""Which cohorts there are (seeds/cohorts.csv) and whether their landing is ready to be built from."""

import csv
from dataclasses import dataclass
from pathlib import Path

from warehouse.errors import BuildError, Fault


@dataclass(frozen=True, slots=True)
class Cohort:
    """One row of seeds/cohorts.csv."""

    name: str
    kind: str
    is_synthetic: bool
    title: str

    @property
    def database(self) -> str:
        """File stem of its study: the embedded cohort is `study`, every other one carries its name."""
        return "study" if self.name == "synthetic" else f"study_{self.name}"


def read_cohorts(seeds: Path) -> dict[str, Cohort]:
    with (seeds / "cohorts.csv").open(newline="", encoding="utf-8") as handle:
        return {
            row["cohort"]: Cohort(row["cohort"], row["kind"], row["is_synthetic"] == "true", row["title"])
            for row in csv.DictReader(handle)
        }


def find_cohort(name: str, *, seeds: Path = Path("warehouse/seeds")) -> Cohort:
    """The named cohort.

    Raises
    ------
    BuildError
        When seeds/cohorts.csv has no such row; the known ones are named.
    """
    cohorts = read_cohorts(seeds)
    if name not in cohorts:
        raise BuildError(
            [
                Fault(
                    f"cohort {name}",
                    f"is one of {', '.join(sorted(cohorts))}",
                    "choose one of them (make build COHORT=...), or add a row to warehouse/seeds/cohorts.csv",
                )
            ]
        )
    return cohorts[name]


def check_landing(name: str, *, raw: Path) -> None:
    """Refuse a build whose landing is not there.

    Raises
    ------
    BuildError
        With what to run to get the landing.
    """
    cohort = find_cohort(name)
    if not (raw / cohort.name / "profile.json").is_file():
        raise BuildError(
            [
                Fault(
                    f"{raw}/{cohort.name}",
                    "holds the landing of the cohort",
                    "run `make build` for the embedded cohort; for your own export run "
                    "`make ingest FROM=folder` and then `make build COHORT=export`",
                )
            ]
        )
