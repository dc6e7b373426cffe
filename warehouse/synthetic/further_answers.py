"""Baseline answers and readings that no planted effect runs through and no adjustment set of the study reads.

Each agrees with the answer that decides it: the two halves of the heel scan with its density, the six questions of IPAQ
with the summed MET minutes, current smoking with smoking status, the age at leaving school with the qualifications.
"""

from collections.abc import Mapping

import numpy as np

from warehouse.synthetic import dirt
from warehouse.synthetic import parameters as p
from warehouse.synthetic.population import Bools, Floats, Ints, Population

# The device's density is linear in the sum of attenuation and speed of sound (Hologic Sahara, manufacturer's formula).
DENSITY_PER_UNIT, DENSITY_AT_ZERO = 0.0025926, -3.687
# MET of an hour at each kind of activity, with the questions on days a week and minutes a day (IPAQ 2005, scoring).
WALKING, MODERATE, VIGOROUS = (3.3, "p864", "p874"), (4.0, "p884", "p894"), (8.0, "p904", "p914")
USUAL_SHARE = (0.42, 0.33, 0.25)  # of the MET minutes, by kind [choice]
LONGEST_DAY = 600.0  # minutes; who does more does it on more days
GUIDELINE_MINUTES = 150.0  # moderate a week, or half as many vigorous (field 22036)
WORE_SHARE = 0.206  # of everyone sent an accelerometer and kept it on [showcase: 103,660 of 501,938]
SCHOOL_LEAVING_AGE = {"none": 15.3, "cse": 15.6, "nvq": 16.0, "o_level": 16.3, "professional": 17.4, "a_level": 17.8}


def further_cells(
    rng: np.random.Generator, people: Population, answers: Mapping[str, Floats], choices: Mapping[str, Ints]
) -> dict[str, Floats]:
    """Fields by canonical name, NaN empty; `answers` and `choices` are those of baseline."""
    return (
        _heel_halves(rng, answers)
        | _activity(rng, people, answers)
        | _schooling_and_tobacco(rng, people, answers, choices)
        | _other(rng, people, answers)
    )


def _heel_halves(rng: np.random.Generator, answers: Mapping[str, Floats]) -> dict[str, Floats]:
    """Attenuation and speed of sound of the one-heel scan, whose sum gives its density."""
    density = answers["p3148_i0"]
    # A slip of the pen is in the density that was keyed in, not in what the device measured.
    density = np.where(density > 2, density / 10, density)
    together = (density - DENSITY_AT_ZERO) / DENSITY_PER_UNIT
    attenuation = np.maximum(78 + 95 * (density - 0.55) + rng.normal(0, 7, len(density)), 22)
    return {"p3144_i0": np.round(attenuation, 1), "p3146_i0": np.round(together - np.round(attenuation, 1), 1)}


def _activity(rng: np.random.Generator, people: Population, answers: Mapping[str, Floats]) -> dict[str, Floats]:
    """Days and minutes whose MET minutes add up to field 22040; where that is empty one of the six is not answered."""
    n = len(people)
    known = ~np.isnan(answers["p22040_i0"])
    total = np.where(known, answers["p22040_i0"], people.met_minutes)
    weight = rng.gamma(1.2, 1.0, (3, n)) * np.array(USUAL_SHARE)[:, None]
    share = weight / weight.sum(axis=0)
    out: dict[str, Floats] = {}
    weekly = np.zeros(n)
    for (met, days_field, minutes_field), part in zip((WALKING, MODERATE, VIGOROUS), share, strict=True):
        minutes_a_week = total * part / met
        fewest = np.clip(np.ceil(minutes_a_week / LONGEST_DAY), 1, 7)
        days = np.maximum(rng.integers(1, 8, n), fewest)
        minutes = np.round(minutes_a_week / days)
        # Asked of activity of at least ten minutes: less is no day, and then the minutes are not asked.
        does = minutes >= 10
        weekly += np.where(does, days * minutes * (2.0 if met == VIGOROUS[0] else 1.0), 0.0)
        out[f"{days_field}_i0"] = np.where(does, days, 0.0)
        out[f"{minutes_field}_i0"] = np.where(does, minutes, np.nan)
    unanswered = rng.integers(0, 3, n)
    refused = np.where(rng.random(n) < 0.8, -1.0, -3.0)
    for which, (_, days_field, minutes_field) in enumerate((WALKING, MODERATE, VIGOROUS)):
        gap = ~known & (unanswered == which)
        out[f"{days_field}_i0"] = np.where(gap, refused, out[f"{days_field}_i0"])
        out[f"{minutes_field}_i0"] = np.where(gap, np.nan, out[f"{minutes_field}_i0"])
    cannot_walk = (answers["p924_i0"] == -7) & (out["p864_i0"] == 0)
    out["p864_i0"] = np.where(cannot_walk, -2.0, out["p864_i0"])
    out["p22036_i0"] = np.where(known, (weekly >= GUIDELINE_MINUTES).astype(np.float64), np.nan)
    return out


def _schooling_and_tobacco(
    rng: np.random.Generator, people: Population, answers: Mapping[str, Floats], choices: Mapping[str, Ints]
) -> dict[str, Floats]:
    n = len(people)
    usual = np.array([SCHOOL_LEAVING_AGE.get(name, 21.0) for name in p.EDUCATION])[people.education]
    left = np.maximum(np.round(usual + rng.normal(0, 0.9, n)), 12)
    schooling = choices["p6138_i0"]
    # Asked of those who named no degree, bit 0 of the qualifications.
    asked: Bools = (schooling >= 0) & (schooling & 1 == 0)
    left = dirt.with_codes(rng, left, {-1.0: 0.012, -3.0: 0.004, -2.0: 0.002})
    smoking = answers["p20116_i0"]
    now = np.where(smoking == 2, np.where(rng.random(n) < 0.74, 1.0, 2.0), 0.0)
    return {
        "p845_i0": np.where(asked, left, np.nan),
        "p1239_i0": np.where(np.isnan(smoking), np.nan, np.where(smoking < 0, -3.0, now)),
    }


def _other(rng: np.random.Generator, people: Population, answers: Mapping[str, Floats]) -> dict[str, Floats]:
    n = len(people)
    age = (people.age_years - 56.5) / 8.1
    climbs = np.clip(np.round(2.0 - 0.2 * age + 0.4 * (people.activity - 1) + rng.normal(0, 1.1, n)), 0, 5)
    summer = np.clip(np.round(3.6 + 0.3 * age + rng.normal(0, 2.0, n)), 0, 16)
    wore = rng.random(n) < WORE_SHARE
    milligravity = np.maximum(28 - 3 * age + 2.5 * (people.activity - 1) + rng.normal(0, 7, n), 6)
    enough, good = rng.random(n) < 0.93, rng.random(n) < 0.99
    return {
        "p943_i0": dirt.with_codes(rng, climbs, {-1.0: 0.008, -3.0: 0.0006, np.nan: 0.01}),
        "p1050_i0": dirt.with_codes(
            rng, np.where(summer == 0, -10.0, summer), {-1.0: 0.045, -3.0: 0.001, np.nan: 0.01}
        ),
        "p23102_i0": np.round(0.732 * answers["p23101_i0"], 1),
        "p90012": np.where(wore, np.round(milligravity, 2), np.nan),
        "p90015": np.where(wore, enough.astype(np.float64), np.nan),
        "p90016": np.where(wore, good.astype(np.float64), np.nan),
    }
