"""Osteoporosis, sarcopenia and death: latent times from proportional hazards, and which source records them when."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from warehouse.synthetic import parameters as p
from warehouse.synthetic.effects import Effects, on_hazard, same_share
from warehouse.synthetic.exposures import Exposures
from warehouse.synthetic.population import Bools, Floats, Ints, Population, happens

NEVER = int(np.iinfo(np.int32).max)  # a day no record reaches
YEARS_OF_FOLLOW_UP = 13.0  # baseline 2006 to 2010, records to 2022
COEFFICIENTS_FILE = Path(__file__).with_name("coefficients.csv")


@cache
def calibrated() -> dict[str, float]:
    """Coefficients that calibrate.py solved for, by name."""
    with COEFFICIENTS_FILE.open(newline="") as lines:
        return {row["coefficient"]: float(row["value"]) for row in csv.DictReader(lines)}


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Days since 1970-01-01, NEVER where there is none. `*_record_day` is what reached the named source."""

    osteoporosis_day: Ints  # latent diagnosis
    osteoporosis_hospital_day: Ints
    osteoporosis_gp_day: Ints
    osteoporosis_self_day: Ints  # recalled date of a self-report at baseline
    is_osteoporosis_on_certificate: Bools
    osteoporosis_kind: Ints  # 0 M80, 1 M81, 2 M82
    reports_osteoporosis: Bools  # code 1309 at baseline
    uses_bone_drug: Bools
    sarcopenia_day: Ints  # latent onset
    sarcopenia_hospital_day: Ints  # M62.5
    death_day: Ints
    death_record_day: Ints  # as registered in the extract
    lost_day: Ints
    gp_provider: Ints  # 0 not linked, 1 to 4


def linear_predictor(effects: dict[str, float], scores: dict[str, Floats]) -> Floats:
    """Sum of effect * score."""
    total = np.zeros_like(next(iter(scores.values())))
    for name, effect in effects.items():
        total += effect * scores[name]
    return total


def reach_extract(rng: np.random.Generator, days: Ints, last_day: Ints, shares: tuple[float, ...]) -> Bools:
    """Records up to the last complete month are all there; of the months after it a falling share, then none."""
    months_after = np.clip((days - last_day + 29) // 30, 0, len(shares) + 1)
    share = np.array((1.0, *shares, 0.0))[months_after]
    return rng.random(len(days)) < share


def draw_outcomes(
    rng: np.random.Generator,
    people: Population,
    exposures: Exposures,
    covariates: dict[str, Floats],
    residual_effects: tuple[Floats, Floats],
    coefficients: Mapping[str, float] | None = None,
    effects: Effects = "full",
) -> Outcomes:
    """Draw all latent times and their records.

    residual_effects : sum(b e) of the planted biomarkers on the log hazards of osteoporosis and sarcopenia, (n,) each.
    coefficients : the solved ones of coefficients.csv, unless calibrate.py tries others.
    effects : none leaves the confounders that M2 and M3 hold, with as many events.
    """
    n = len(people)
    solved = calibrated() if coefficients is None else coefficients
    scores = covariates | exposures.scores()
    rules = p.ASCERTAINMENT
    start = people.visit_day
    joint = {name: solved[f"osteoporosis_{name}"] for name in ("lean_mass", "grip", "pace")}
    bone: Floats = linear_predictor(p.OSTEOPOROSIS.effects | joint, scores) + residual_effects[0]
    muscle_effects = p.SARCOPENIA.effects | {"heel_bmd": solved["sarcopenia_heel_bmd"]}
    muscle: Floats = linear_predictor(muscle_effects, scores) + residual_effects[1]
    death = linear_predictor(p.DEATH_EFFECTS, scores)
    bone_before, muscle_before = bone, muscle
    if effects == "none":
        bone_left, muscle_left, death_left = (
            linear_predictor(on_hazard("none", named), scores)
            for named in (p.OSTEOPOROSIS.effects, muscle_effects, p.DEATH_EFFECTS)
        )
        bone_before = bone_left + same_share(bone_left, bone, solved["osteoporosis_prevalence_log_odds"])
        muscle_before = muscle_left + same_share(muscle_left, muscle, solved["m625_prevalence_log_odds"])
        bone = bone_left + same_share(bone_left, bone, _log_cumulative(solved["osteoporosis_log_rate"], p.OSTEOPOROSIS))
        muscle = muscle_left + same_share(
            muscle_left, muscle, _log_cumulative(solved["sarcopenia_log_rate"], p.SARCOPENIA)
        )
        slope = p.DEATH_LOG_SLOPE_PER_YEAR
        until_end = np.log(p.DEATH_RATE_PER_YEAR * np.expm1(slope * YEARS_OF_FOLLOW_UP) / slope)
        death = death_left + same_share(death_left, death, float(until_end))

    def latent_day(log_hazard: Floats, log_rate: float, shape: float) -> Ints:
        years = (rng.standard_exponential(n) / np.exp(log_rate + log_hazard)) ** (1 / shape)
        return start + np.ceil(np.minimum(years, 200.0) * p.DAYS_PER_YEAR).astype(np.int64)

    osteoporosis_day = latent_day(bone, solved["osteoporosis_log_rate"], p.OSTEOPOROSIS.shape)
    sarcopenia_day = latent_day(muscle, solved["sarcopenia_log_rate"], p.SARCOPENIA.shape)
    mortality = p.DEATH_RATE_PER_YEAR * np.exp(death)
    slope = p.DEATH_LOG_SLOPE_PER_YEAR
    death_years = np.log1p(slope * rng.standard_exponential(n) / mortality) / slope
    death_day = start + np.ceil(np.minimum(death_years, 200.0) * p.DAYS_PER_YEAR).astype(np.int64)

    # Prevalent disease: the same causes, on the logistic scale, with a date in the past.
    is_prevalent = happens(rng, solved["osteoporosis_prevalence_log_odds"] + bone_before)
    years_before = rng.uniform(0.1, 15.0, n)
    past_day = start - (years_before * p.DAYS_PER_YEAR).astype(np.int64)
    osteoporosis_day = np.where(is_prevalent, past_day, osteoporosis_day)
    was_coded = happens(rng, solved["m625_prevalence_log_odds"] + muscle_before)
    reports = is_prevalent & (rng.random(n) < rules.self_report_given_prevalent)
    reports |= rng.random(n) < rules.self_report_only_share
    uses_drug = is_prevalent & (rng.random(n) < rules.drug_given_prevalent)
    uses_drug |= rng.random(n) < rules.drug_only_share

    hospital_end = np.array(p.HOSPITAL_END)[people.nation]
    hospital_start = np.maximum(np.array(p.HOSPITAL_START), p.ICD10_START)[people.nation]
    provider = _draw_provider(rng, people)
    gp_end = np.array([0, p.GP_END[1], p.GP_END[2], p.GP_END[3], p.GP_END[4]])[provider]

    delay = (rng.exponential(rules.osteoporosis_hospital_delay_years, n) * p.DAYS_PER_YEAR).astype(np.int64)
    hospital_day = osteoporosis_day + np.where(is_prevalent, 0, delay)
    gp_day = osteoporosis_day
    in_gp = (provider > 0) & (rng.random(n) < rules.osteoporosis_gp_probability) & (gp_day <= gp_end)
    in_gp &= gp_day < death_day
    in_hospital = rng.random(n) < rules.osteoporosis_hospital_probability
    in_hospital |= is_prevalent & ~in_gp & ~reports
    in_hospital &= (hospital_day < death_day) & (hospital_day >= hospital_start)
    in_hospital &= reach_extract(rng, hospital_day, hospital_end, p.RECORDS_AFTER_END)
    recalled_day = past_day + rng.integers(-200, 200, n)
    recalled_day = np.minimum(recalled_day, start - 15)

    coded_day = sarcopenia_day + (rng.exponential(rules.sarcopenia_hospital_delay_years, n) * p.DAYS_PER_YEAR).astype(
        np.int64
    )
    coded_day = np.where(was_coded, start - rng.integers(20, 3000, n), coded_day)
    is_coded = (was_coded | (rng.random(n) < rules.sarcopenia_hospital_sensitivity)) & (coded_day < death_day)
    is_coded &= reach_extract(rng, coded_day, hospital_end, p.RECORDS_AFTER_END) & (coded_day >= hospital_start)

    death_end = np.array(p.DEATH_END)[people.nation]
    is_registered = reach_extract(rng, death_day, death_end, p.DEATHS_AFTER_END)
    is_lost = rng.random(n) < rules.lost_share
    lost_day = start + (rng.random(n) * (p.day("2017-05-31") - start)).astype(np.int64)
    known = (osteoporosis_day < death_day) & ~is_prevalent
    kind = np.searchsorted((rules.pathological_fracture_share, 1 - rules.elsewhere_share), rng.random(n), side="right")
    return Outcomes(
        osteoporosis_day=osteoporosis_day,
        osteoporosis_hospital_day=np.where(in_hospital, hospital_day, NEVER),
        osteoporosis_gp_day=np.where(in_gp, gp_day, NEVER),
        osteoporosis_self_day=np.where(reports & is_prevalent, recalled_day, NEVER),
        is_osteoporosis_on_certificate=known & (rng.random(n) < rules.osteoporosis_death_only_probability * 2),
        osteoporosis_kind=kind,
        reports_osteoporosis=reports,
        uses_bone_drug=uses_drug,
        sarcopenia_day=np.where(was_coded, coded_day, sarcopenia_day),
        sarcopenia_hospital_day=np.where(is_coded, coded_day, NEVER),
        death_day=death_day,
        death_record_day=np.where(is_registered, death_day, NEVER),
        lost_day=np.where(is_lost & (lost_day < death_day), lost_day, NEVER),
        gp_provider=provider,
    )


def _log_cumulative(log_rate: float, hazard: p.Hazard) -> float:
    """log cumulative baseline hazard of a Weibull at the end of follow-up."""
    return log_rate + hazard.shape * float(np.log(YEARS_OF_FOLLOW_UP))


def _draw_provider(rng: np.random.Generator, people: Population) -> Ints:
    english = np.where(rng.random(len(people)) < p.GP_TPP_SHARE_OF_ENGLAND, 3, 1)
    provider = np.where(people.nation == p.SCOTLAND, 2, np.where(people.nation == p.WALES, 4, english))
    return np.where(people.is_gp_linked, provider, 0)
