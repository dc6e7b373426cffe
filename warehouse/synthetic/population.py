"""Who the participants are at time zero: demography, social position, lifestyle, body, health.

Truth only: no missing answer and no recording fault is added here (see dirt.py). Exposures and outcomes depend on what
M2 can adjust for, plus adiposity and illness, which only M3 can: that difference is planted on purpose.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from warehouse.synthetic import parameters as p

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]
Bools = NDArray[np.bool_]

_CENTRE_CODES = np.array([centre.code for centre in p.CENTRES])
_CENTRE_NATIONS = np.array([centre.nation for centre in p.CENTRES])
_CENTRE_FIRST = np.array([p.day(centre.first) for centre in p.CENTRES])
_CENTRE_LAST = np.array([p.day(centre.last) for centre in p.CENTRES])
_CENTRE_SHARES = np.array([centre.share for centre in p.CENTRES])
_CENTRE_NON_WHITE = np.array([centre.extra_non_white for centre in p.CENTRES])
_LONDON = (11012, 11018, 11020)


@dataclass(frozen=True, slots=True)
class Population:
    """One array element per participant; days are counted from 1970-01-01."""

    is_male: Bools
    age_years: Floats
    visit_day: Ints
    birth_day: Ints
    centre: Ints
    nation: Ints
    ethnicity_code: Ints
    ethnicity_group: Ints
    townsend: Floats
    education: Ints  # index into parameters.EDUCATION
    income: Ints  # 0 lowest ... 4 highest
    smoking: Ints  # 0 never 1 previous 2 current
    pack_years: Floats
    alcohol: Ints  # 0 daily ... 5 never
    activity: Ints  # 0 low 1 moderate 2 high
    met_minutes: Floats
    sleep_hours: Ints
    fruit: Ints
    vegetables: Ints
    oily_fish: Ints
    processed_meat: Ints
    adiposity: Floats  # z of log fat mass index within sex
    height_cm: Floats
    fat_mass_index: Floats
    menopause: Ints  # 0 no 1 yes 2 hysterectomy 3 not sure, other; -9 men
    ever_hrt: Bools
    has_diabetes: Bools
    has_cardiovascular: Bools
    has_hypertension: Bools
    has_rheumatoid_arthritis: Bools
    uses_steroid: Bools
    has_fallen: Bools
    has_fracture: Bools
    takes_vitamin_d: Bools
    takes_calcium: Bools
    vitamin_d: Floats  # nmol/L
    is_gp_linked: Bools

    def __len__(self) -> int:
        return len(self.age_years)


def cut(latent: Floats, shares: tuple[float, ...]) -> Ints:
    """Levels of a standard normal latent so that level k has probability shares[k] (normalised)."""
    cumulative = np.cumsum(shares)[:-1] / np.sum(shares)
    return np.searchsorted(ndtri(cumulative), latent)


def happens(rng: np.random.Generator, log_odds: Floats) -> Bools:
    """Bernoulli with the given log odds."""
    return rng.logistic(size=len(log_odds)) < log_odds


def draw_population(rng: np.random.Generator, n: int) -> Population:
    """Draw n participants as they are at their baseline visit."""
    is_male = rng.random(n) >= p.FEMALE_SHARE
    sex = is_male.astype(np.int64)
    age = np.interp(rng.random(n), (0.0, 0.25, 0.5, 0.75, 1.0), p.AGE_QUANTILES_YEARS)
    age_z = (age - p.MEAN_AGE_YEARS) / p.SD_AGE_YEARS
    place = np.searchsorted(np.cumsum(_CENTRE_SHARES / _CENTRE_SHARES.sum()), rng.random(n), side="right")
    place = np.minimum(place, len(_CENTRE_CODES) - 1)
    centre = _CENTRE_CODES[place]
    window = _CENTRE_LAST[place] - _CENTRE_FIRST[place] + 1
    visit_day = _CENTRE_FIRST[place] + (rng.random(n) * window).astype(np.int64)
    visit_day += np.where(((visit_day + 3) % 7) == 6, 1, 0)  # no centre opens on Sundays (1970-01-01: Thursday)
    ethnicity_code, ethnicity_group = _draw_ethnicity(rng, place)
    is_asian, is_black = ethnicity_group == 2, ethnicity_group == 3

    social = rng.standard_normal(n)  # advantage; everything it moves is itself recorded
    deprivation = -0.62 * social + 0.785 * rng.standard_normal(n) + 0.45 * np.isin(centre, _LONDON) - 0.07
    deprivation += 0.4 * is_black
    # Wilson-Hilferty gamma, shape 2.2: mean -1.3, SD 3.1, skewed to the right [published].
    shape = 2.2
    gamma = shape * np.maximum(1 - 1 / (9 * shape) + deprivation / (3 * np.sqrt(shape)), 0.02) ** 3
    townsend = np.clip(-1.3 + 3.1 * (gamma - shape) / np.sqrt(shape), -6.26, 11.0)
    education_latent = 0.6 * social - 0.18 * age_z + 0.78 * rng.standard_normal(n)
    education = cut(education_latent, p.EDUCATION_SHARES)
    income_latent = 0.4 * social + 0.35 * education_latent - 0.33 * age_z + 0.12 * (sex - 0.456)
    income = cut(income_latent + 0.66 * rng.standard_normal(n), p.INCOME_SHARES)

    smoking_latent = -0.32 * social - 0.08 * age_z + 0.2 * (sex - 0.456) - 0.3 * is_asian
    smoking_latent += 0.93 * rng.standard_normal(n)
    smoking = cut(smoking_latent, p.SMOKING_SHARES)
    pack_years = np.where(smoking > 0, rng.gamma(1.6, 9.0 + 5.0 * (smoking == 2), n), 0.0)
    alcohol_latent = -0.28 * social - 0.22 * (sex - 0.456) + 0.9 * (is_asian | is_black) + 0.9 * rng.standard_normal(n)
    alcohol = cut(alcohol_latent, p.ALCOHOL_SHARES)
    activity_latent = -0.18 * age_z + 0.12 * (sex - 0.456) - 0.16 * (deprivation) + 0.95 * rng.standard_normal(n)
    activity = cut(activity_latent, p.ACTIVITY_SHARES)
    # IPAQ groups nest in MET-minutes only roughly: a log-normal within group [showcase quartiles 813, 1,759, 3,568].
    met_minutes = np.exp(np.log(np.array([430.0, 1500.0, 4300.0]))[activity] + 0.55 * rng.standard_normal(n))
    sleep_latent = 0.08 * age_z - 0.10 * deprivation - 0.12 * (smoking == 2) + 0.985 * rng.standard_normal(n)
    sleep_hours = np.array(p.SLEEP_HOURS)[cut(sleep_latent, p.SLEEP_SHARES)]
    healthy = 0.25 * social + 0.12 * age_z - 0.3 * (smoking == 2) + 0.9 * rng.standard_normal(n)
    fruit = rng.poisson(np.clip(2.2 + 0.55 * healthy, 0.2, None))
    vegetables = rng.poisson(np.clip(2.7 + 0.45 * healthy, 0.3, None))
    oily_fish = cut(0.4 * healthy + 0.92 * rng.standard_normal(n), p.OILY_FISH_SHARES)
    meat_latent = -0.3 * healthy + 0.45 * (sex - 0.456) + 0.92 * rng.standard_normal(n)
    processed_meat = cut(meat_latent, p.PROCESSED_MEAT_SHARES)

    adiposity = 0.06 * age_z + 0.14 * deprivation - 0.24 * (activity - 1.2) - 0.16 * (smoking == 2)
    adiposity += 0.14 * (smoking == 1) + 0.15 * is_black + 0.96 * rng.standard_normal(n)
    body = p.BODY
    height = np.array(body.height_cm)[sex] + np.array(body.height_sd_cm)[sex] * (
        rng.standard_normal(n) - 0.15 * age_z - 0.05 * deprivation - 0.8 * (is_asian | (ethnicity_group == 4))
    )
    median, log_sd = np.array(body.fat_mass_index_median_kg_per_m2), np.array(body.fat_mass_index_log_sd)
    fat_mass_index = median[sex] * np.exp(log_sd[sex] * adiposity)

    women = ~is_male
    natural = ndtr((age - 50.5) / 4.0)
    drawn = rng.random(n)
    menopause = np.where(drawn < 0.11 * ndtr((age - 45) / 8), 2, np.where(drawn < 0.15, 3, 0))
    menopause = np.where((menopause == 0) & (rng.random(n) < natural), 1, menopause)
    menopause = np.where((menopause == 3) & (age > 58), 1, menopause)
    menopause = np.where(women, menopause, -9)
    ever_hrt = women & happens(rng, -0.75 + 0.9 * age_z + 0.6 * (menopause == 2) + 0.1 * social)
    diabetes_odds = -3.45 + 0.65 * adiposity + 0.35 * age_z + 0.45 * sex + 1.3 * is_asian + 0.8 * is_black
    has_diabetes = happens(rng, diabetes_odds + 0.15 * deprivation)
    heart_odds = -3.6 + 0.3 * adiposity + 0.75 * age_z + 0.8 * sex + 0.5 * (smoking == 2) + 0.2 * (smoking == 1)
    has_cardiovascular = happens(rng, heart_odds + 0.7 * has_diabetes + 0.18 * deprivation)
    has_hypertension = happens(rng, -1.25 + 0.5 * adiposity + 0.5 * age_z + 0.3 * sex + 0.5 * has_diabetes)
    has_arthritis = happens(rng, -4.6 + 0.3 * age_z - 0.6 * sex + 0.3 * (smoking == 2) + 0.12 * deprivation)
    uses_steroid = happens(rng, -5.0 + 0.2 * age_z + 2.6 * has_arthritis + 0.1 * deprivation)
    has_fallen = happens(rng, -1.65 + 0.12 * age_z - 0.5 * sex + 0.12 * deprivation + 0.3 * has_diabetes)
    has_fracture = happens(rng, -2.45 + 0.05 * age_z - 0.15 * sex + 0.8 * has_fallen + 0.05 * deprivation)
    takes_vitamin_d = happens(rng, -3.1 + 0.15 * age_z - 0.6 * sex + 0.2 * social)
    takes_calcium = happens(rng, -2.55 + 0.3 * age_z - 0.9 * sex + 0.1 * social)
    season = np.cos(2 * np.pi * ((visit_day % 365.25) - 245.0) / 365.25)  # highest at the start of September
    vitamin_d = np.exp(
        np.log(45.0) + 0.24 * season - 0.10 * adiposity + 0.08 * (activity - 1) - 0.55 * (is_asian | is_black)
        + 0.25 * takes_vitamin_d - 0.1 * (smoking == 2) + 0.36 * rng.standard_normal(n)
    )  # fmt: skip

    birth_day = visit_day - np.round(age * p.DAYS_PER_YEAR).astype(np.int64)
    return Population(
        is_male=is_male, age_years=age, visit_day=visit_day, birth_day=birth_day, centre=centre,
        nation=_CENTRE_NATIONS[place], ethnicity_code=ethnicity_code, ethnicity_group=ethnicity_group,
        townsend=townsend, education=education, income=income, smoking=smoking, pack_years=pack_years,
        alcohol=alcohol, activity=activity, met_minutes=met_minutes, sleep_hours=sleep_hours, fruit=fruit,
        vegetables=vegetables, oily_fish=oily_fish, processed_meat=processed_meat, adiposity=adiposity,
        height_cm=height, fat_mass_index=fat_mass_index, menopause=menopause, ever_hrt=ever_hrt,
        has_diabetes=has_diabetes, has_cardiovascular=has_cardiovascular, has_hypertension=has_hypertension,
        has_rheumatoid_arthritis=has_arthritis, uses_steroid=uses_steroid, has_fallen=has_fallen,
        has_fracture=has_fracture, takes_vitamin_d=takes_vitamin_d, takes_calcium=takes_calcium,
        vitamin_d=vitamin_d, is_gp_linked=rng.random(n) < p.ASCERTAINMENT.gp_linked_share,
    )  # fmt: skip


def _draw_ethnicity(rng: np.random.Generator, place: Ints) -> tuple[Ints, Ints]:
    codes = np.array([code for code, _, _ in p.ETHNICITY])
    groups = np.array([group for _, _, group in p.ETHNICITY])
    shares = np.array([share for _, share, _ in p.ETHNICITY])
    shares = shares / shares.sum()
    white = groups == 0
    # Non-white shares differ by centre but keep their cohort total.
    mean_multiple = float(np.average(_CENTRE_NON_WHITE, weights=_CENTRE_SHARES))
    non_white = (shares[~white].sum()) * _CENTRE_NON_WHITE[place] / mean_multiple
    is_white = rng.random(len(place)) >= non_white
    within = rng.random(len(place))
    white_rank = np.searchsorted(np.cumsum(shares[white] / shares[white].sum())[:-1], within, side="right")
    other_rank = np.searchsorted(np.cumsum(shares[~white] / shares[~white].sum())[:-1], within, side="right")
    index = np.where(is_white, np.flatnonzero(white)[white_rank], np.flatnonzero(~white)[other_rank])
    return codes[index], groups[index]


def covariate_scores(people: Population) -> dict[str, Floats]:
    """The named covariates that exposure means and hazards are linear in."""
    age = (people.age_years - p.MEAN_AGE_YEARS) / p.SD_AGE_YEARS
    men = people.is_male.astype(np.float64)
    hours = people.sleep_hours
    return {
        "age": age,
        "age_women": age * (1 - men),
        "age_men": age * men,
        "female": 1 - men,
        "adiposity": people.adiposity,
        "deprivation": (people.townsend + 1.3) / 3.1,
        "education": (people.education - 3.7) / 2.2,
        "current_smoker": (people.smoking == 2).astype(np.float64),
        "previous_smoker": (people.smoking == 1).astype(np.float64),
        "activity": people.activity - 1.0,
        "short_sleep": (hours < 7).astype(np.float64),
        "long_sleep": (hours > 8).astype(np.float64),
        "asian": (people.ethnicity_group == 2).astype(np.float64),
        "black": (people.ethnicity_group == 3).astype(np.float64),
        "chinese": (people.ethnicity_group == 4).astype(np.float64),
        "diabetes": people.has_diabetes.astype(np.float64),
        "cardiovascular": people.has_cardiovascular.astype(np.float64),
        "rheumatoid_arthritis": people.has_rheumatoid_arthritis.astype(np.float64),
        "steroid": people.uses_steroid.astype(np.float64),
        "hrt": people.ever_hrt.astype(np.float64),
        "postmenopausal": np.isin(people.menopause, (1, 2)).astype(np.float64),
        "fall": people.has_fallen.astype(np.float64),
        "fracture": people.has_fracture.astype(np.float64),
        "low_vitamin_d": (people.vitamin_d < 25).astype(np.float64),
    }
