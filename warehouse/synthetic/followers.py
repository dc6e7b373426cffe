"""What M2 finds for biomarkers that do nothing to a hazard but follow what does, and that M2 does not hold.

Adiposity, statins, diabetes, exposures and menopause move biomarkers and hazards alike. Given M2 a biomarker w is
G'x + noise in these causes x, and log hazards are linear in x. Where the outcome is rare and x normal, the hazard given
w alone is exp(c' E[x | w]), so that the log hazard ratio per SD of w is

    cov(w, x | M2)' c / var(w | M2) x SD(w)

with c the log hazard ratios of the causes given each other and M2. c and the moments come from millions of simulated
people (calibrate_followers.py), once: they are the generator's, whatever the panel. c is taken from biomarkers that
follow one cause each, loosely, so that it holds what follow-up does to all of them. Proteins are linear in x: theirs is
algebra. Metabolites are ranks of levels, sums and ratios of log-normal ones; their covariances are simulated too.

References: Prentice 1982, Biometrika 69:331, section 3 (regression calibration for rare outcomes).
"""

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from warehouse.synthetic import mediators
from warehouse.synthetic.estimand import PRIMARY
from warehouse.synthetic.population import Floats
from warehouse.synthetic.proteins import BATCH_SD, MARKERS, PLATE_SD, Panel

MOMENTS_FILE = Path(__file__).with_name("follower_moments.csv")
METABOLITES_FILE = Path(__file__).with_name("follower_metabolites.csv")
# What moves biomarkers and hazards and is not in M2; then what moves biomarkers and is.
CAUSES = ("adiposity", "statin", "diabetes", "lean_mass", "grip", "pace", "heel_bmd", "postmenopausal", "hrt")
HELD = ("age", "female")


@dataclass(frozen=True, slots=True)
class Moments:
    """total: covariance of CAUSES and HELD, (11, 11). given_m2: of CAUSES given M2, (9, 9).

    slopes: log hazard ratios of CAUSES by outcome, (9,); errors: their Monte-Carlo errors.
    """

    total: Floats
    given_m2: Floats
    slopes: dict[str, Floats]
    errors: dict[str, Floats]


@cache
def moments() -> Moments:
    """Of follower_moments.csv."""
    with MOMENTS_FILE.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    names = (*CAUSES, *HELD)

    def matrix(kind: str, names: tuple[str, ...]) -> Floats:
        found = {(row["first"], row["second"]): float(row["value"]) for row in rows if row["moment"] == kind}
        return np.array([[found[first, second] for second in names] for first in names])

    def column(outcome: str, name: str) -> Floats:
        found = {row["first"]: float(row[name]) for row in rows if row["second"] == PRIMARY[outcome]}
        return np.array([found[cause] for cause in CAUSES])

    return Moments(
        total=matrix("covariance", names),
        given_m2=matrix("covariance_given_m2", CAUSES),
        slopes={outcome: column(outcome, "value") for outcome in PRIMARY},
        errors={outcome: column(outcome, "monte_carlo_error") for outcome in PRIMARY},
    )


@cache
def _metabolites() -> dict[tuple[str, str], tuple[float, float]]:
    with METABOLITES_FILE.open(newline="") as lines:
        return {
            (row["metabolite"], row["outcome_definition"]): (
                float(row["large_sample_value"]),
                float(row["monte_carlo_error"]),
            )
            for row in csv.DictReader(lines)
        }


def metabolite_value(name: str, outcome: str) -> tuple[float, float]:
    """log hazard ratio per SD under M2 and its Monte-Carlo error."""
    return _metabolites()[name, PRIMARY[outcome]]


def linear_value(slopes: dict[str, float], outcome: str, noise: float) -> tuple[float, float]:
    """The same of a biomarker that is linear in its causes, with this variance of its own."""
    found = moments()
    every = np.array([slopes.get(name, 0.0) for name in (*CAUSES, *HELD)])
    mine = every[: len(CAUSES)]
    given = mine @ found.given_m2
    scale = np.sqrt(every @ found.total @ every + noise) / (given @ mine + noise)
    value = scale * (given @ found.slopes[outcome])
    return float(value), float(scale * np.sqrt(given**2 @ found.errors[outcome] ** 2))


def protein_value(panel: Panel, k: int, outcome: str) -> tuple[float, float]:
    """The same of protein k of a panel: a marker or one that follows adiposity."""
    slopes = dict(MARKERS.get(panel.names[k], {}))
    if not slopes:
        slopes = {"adiposity": panel.adiposity[k], "age": panel.age[k], "female": panel.female[k]}
    shared = float((panel.modules[k] ** 2).sum())
    return linear_value(slopes, outcome, shared + 1.0 - min(shared, 0.8) + BATCH_SD**2 + PLATE_SD**2)


def planted_value(planted: mediators.Planted, outcome: str) -> tuple[float, float]:
    """The same of a planted biomarker on the outcome on which it has no effect: that of the exposure that moves it."""
    if planted.cause not in CAUSES:
        return 0.0, 0.0
    if planted.platform == mediators.METABOLITE:
        return metabolite_value(planted.name, outcome)
    return linear_value({planted.cause: planted.a}, outcome, 1.0 + BATCH_SD**2 + PLATE_SD**2)
