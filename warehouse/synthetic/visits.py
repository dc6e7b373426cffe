"""Repeat visits: instance 1 (2012-13, one centre, one faulty dynamometer), 2 and 3 (imaging). The healthy come back."""

from dataclasses import dataclass

import numpy as np

from warehouse.synthetic import dirt
from warehouse.synthetic import parameters as p
from warehouse.synthetic.exposures import Exposures
from warehouse.synthetic.outcomes import NEVER, Outcomes
from warehouse.synthetic.population import Bools, Floats, Ints, Population, happens

FAULTY_DYNAMOMETER = "7336"
FAULTY_FIRST, FAULTY_LAST = p.day("2013-01-01"), p.day("2013-06-30")
FAULTY_LEAST_KG, FAULTY_MOST_KG = 2.0, 14.0  # reads low by 2 kg in January rising to 14 kg in June [showcase note]
FAULTY_SHARE = 0.45  # of grip readings of those months taken with it [choice]


@dataclass(frozen=True, slots=True)
class Instance:
    """One round of repeat visits: when, and the log odds of attending for a healthy participant of mean age."""

    number: int
    first: str
    last: str
    log_odds: float


INSTANCES = (
    Instance(1, "2012-08-01", "2013-06-07", -3.28),
    Instance(2, "2014-05-02", "2022-09-30", -1.72),
    Instance(3, "2019-06-01", "2023-02-28", -0.65),  # of those who came to instance 2
)


DAYS_BETWEEN_IMAGING = (730, 1650)


@dataclass(frozen=True, slots=True)
class Visits:
    """Answers of instances 1 to 3 by canonical name (NaN empty), device ids and multi-selects as in dirt.py."""

    answers: dirt.Answers
    choices: dict[str, Ints]
    devices: dict[str, Ints]  # dynamometer number, -1 where empty
    attended: dict[int, Bools]


def draw_visits(
    rng: np.random.Generator,
    people: Population,
    exposures: Exposures,
    outcomes: Outcomes,
    baseline_choices: dict[str, Ints],
) -> Visits:
    """Draw who comes back when, and what is measured then, given true ageing and latent sarcopenia."""
    n = len(people)
    answers: dirt.Answers = {}
    choices: dict[str, Ints] = {}
    devices: dict[str, Ints] = {}
    attended: dict[int, Bools] = {}
    age_z = (people.age_years - p.MEAN_AGE_YEARS) / p.SD_AGE_YEARS
    health = (
        0.30 * exposures.grip_z + 0.25 * (exposures.pace_level - 2.3) - 0.22 * (people.townsend + 1.3) / 3.1
        + 0.15 * (people.education - 3.7) / 2.2 - 0.10 * age_z - 0.30 * people.has_diabetes
        - 0.30 * people.has_cardiovascular - 0.30 * (people.smoking == 2)
    )  # fmt: skip
    came_to_imaging, imaging_day = np.zeros(n, dtype=np.bool_), people.visit_day
    for instance in INSTANCES:
        suffix = f"_i{instance.number}"
        first, last = p.day(instance.first), p.day(instance.last)
        visit_day = first + (rng.random(n) * (last - first + 1)).astype(np.int64)
        if instance.number == 3:
            visit_day = imaging_day + rng.integers(*DAYS_BETWEEN_IMAGING, size=n)
        years = (visit_day - people.visit_day) / p.DAYS_PER_YEAR
        able = (visit_day < outcomes.death_day) & (visit_day < outcomes.lost_day)
        is_sarcopenic = outcomes.sarcopenia_day <= visit_day
        came = happens(rng, instance.log_odds + health - 0.9 * is_sarcopenic) & able
        if instance.number == 3:
            came &= came_to_imaging & (visit_day >= first) & (visit_day <= last)
        if instance.number == 2:
            came_to_imaging, imaging_day = came, visit_day
        attended[instance.number] = came

        def only(values: Floats | Ints, mask: Bools = came) -> Floats:
            return np.where(mask, values, np.nan)

        at_imaging = rng.choice(p.IMAGING_CENTRES, size=n, p=p.IMAGING_SHARES)
        centre = at_imaging if instance.number > 1 else np.full(n, p.CHEADLE_REVISIT)
        answers[f"p53{suffix}"] = only(visit_day)
        answers[f"p54{suffix}"] = only(centre)
        answers[f"p21003{suffix}"] = only(np.floor((visit_day - people.birth_day) / p.DAYS_PER_YEAR))
        measured, device = _measure(rng, people, exposures, visit_day, years, is_sarcopenic, suffix)
        answers |= {name: only(values) for name, values in measured.items()}
        devices[f"p38{suffix}"] = np.where(came, device, -1)
        knows = (outcomes.osteoporosis_hospital_day < visit_day) | (outcomes.osteoporosis_gp_day < visit_day)
        illness = np.maximum(baseline_choices["p20002_i0"], 0) | (knows & (rng.random(n) < 0.7)).astype(np.int64) << 1
        drugs = np.maximum(baseline_choices["p20003_i0"], 0) | (knows & (rng.random(n) < 0.5)).astype(np.int64)
        choices[f"p20002{suffix}"] = np.where(came & (illness > 0), illness, -1)
        choices[f"p20003{suffix}"] = np.where(came & (drugs > 0), drugs, -1)
    return Visits(answers, choices, devices, attended)


def _measure(
    rng: np.random.Generator,
    people: Population,
    exposures: Exposures,
    visit_day: Ints,
    years: Floats,
    is_sarcopenic: Bools,
    suffix: str,
) -> tuple[dirt.Answers, Ints]:
    n = len(people)
    sex = people.is_male.astype(np.int64)
    body = p.BODY
    height = np.round(2 * (people.height_cm - 0.08 * years + rng.normal(0, 0.5, n))) / 2
    square = (height / 100) ** 2
    lean = exposures.lean_mass_index - 0.03 * years - 1.3 * is_sarcopenic + rng.normal(0, 0.25, n)
    fat = people.fat_mass_index * np.exp(rng.normal(0.004 * years, 0.08))
    weight = np.round((lean + fat) * square, 1)
    grip = exposures.grip_kg - np.array(body.grip_loss_kg_per_year)[sex] * years - 8.0 * is_sarcopenic
    grip = np.maximum(grip + np.array(body.grip_visit_sd_kg)[sex] * rng.standard_normal(n), 1.0)
    device = rng.integers(0, dirt.DYNAMOMETERS, n)
    left, right = dirt.hands(rng, grip)
    if suffix == "_i1":
        in_months = (visit_day >= FAULTY_FIRST) & (visit_day <= FAULTY_LAST)
        is_faulty = in_months & (rng.random(n) < FAULTY_SHARE)
        share = (visit_day - FAULTY_FIRST) / (FAULTY_LAST - FAULTY_FIRST)
        low = np.where(is_faulty, FAULTY_LEAST_KG + (FAULTY_MOST_KG - FAULTY_LEAST_KG) * share, 0.0)
        left, right = (np.maximum(np.round(hand - low), 0.0) for hand in (left, right))
        device = np.where(is_faulty, dirt.DYNAMOMETERS, device)  # one past the last ordinary device
    no_grip = rng.random(n) < 0.01
    slowed = exposures.pace_level - (rng.random(n) < 0.012 * years) - is_sarcopenic * (rng.random(n) < 0.5)
    pace = dirt.with_codes(rng, np.clip(slowed, 1, 3), {-7.0: 0.003, -3.0: 0.001})
    bmd = np.maximum(exposures.heel_bmd - 0.002 * years + rng.normal(0, 0.02, n), 0.06)
    side_sd = np.array(body.heel_side_sd_g_per_cm2)[sex]
    heel_left, heel_right = (np.round(np.maximum(bmd + side_sd * rng.standard_normal(n), 0.06), 3) for _ in range(2))
    measured = {
        f"p50{suffix}": height,
        f"p21002{suffix}": weight,
        f"p21001{suffix}": np.round(weight / square, 4),
        f"p46{suffix}": np.where(no_grip, np.nan, left),
        f"p47{suffix}": np.where(no_grip, np.nan, right),
        f"p924{suffix}": pace,
        f"p4105{suffix}": dirt.blank(rng, heel_left, 0.06),
        f"p4124{suffix}": dirt.blank(rng, heel_right, 0.06),
        f"p4106{suffix}": np.round(dirt.t_score(heel_left), 2),
        f"p4125{suffix}": np.round(dirt.t_score(heel_right), 2),
    }
    measured |= dirt.composition(rng, people, lean * square, fat * square, suffix)
    return measured, np.where(no_grip, -1, device)


def recalled_years(rng: np.random.Generator, people: Population, outcomes: Outcomes) -> Floats:
    """Interpolated year of each self-reported illness, (option, n); -1 and -3 where not known."""
    options = len(dirt.CHOICES["p20002_i0"])
    n = len(people)
    years = 1970 + people.visit_day / p.DAYS_PER_YEAR - rng.gamma(1.6, 5.0, (options, n))
    drawn = rng.random((options, n))
    years = np.where(drawn < 0.02, -1.0, np.where(drawn < 0.022, -3.0, np.where(drawn < 0.0225, 1900.5, years)))
    # Osteoporosis: what was recalled at baseline, or at a later visit the diagnosis since; -1 for neither.
    first_told = np.minimum(outcomes.osteoporosis_hospital_day, outcomes.osteoporosis_gp_day)
    when = np.where(outcomes.osteoporosis_self_day < NEVER, outcomes.osteoporosis_self_day, first_told)
    years[1] = np.where(when < NEVER, 1970 + when / p.DAYS_PER_YEAR, -1.0)
    return np.round(years, 1)
