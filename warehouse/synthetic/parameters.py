"""Every number the embedded cohort is drawn from, with its unit and where it comes from.

Marks: [published] a row of the marginals the founders collected (means, shares and counts from named papers and the
Showcase); [showcase] a Showcase count or schema fact; [choice] ours, so that the planted truth is visible at 50,000
people. "Per SD" means per within-sex standard deviation; effects on hazards are log hazard ratios.
"""

from dataclasses import dataclass, field
from datetime import date

import numpy as np

DAYS_PER_YEAR = 365.25
MEAN_AGE_YEARS = 56.5  # [published] baseline age
SD_AGE_YEARS = 8.1  # [published] baseline age


def day(iso: str) -> int:
    """Days since 1970-01-01 of an ISO date."""
    return date.fromisoformat(iso).toordinal() - date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class Centre:
    """One assessment centre: share of the cohort and the window of its baseline visits."""

    code: int
    nation: int
    share: float
    first: str
    last: str
    extra_non_white: float = 1.0


ENGLAND, SCOTLAND, WALES = 0, 1, 2
NATION_NAMES = ("England", "Scotland", "Wales")

# Shares: participants per centre as the Showcase lists them for field 54, rounded; windows: recruitment ran centre by
# centre from March 2006 (pilot) to October 2010 [showcase, month-level]. Non-white multiples [choice].
CENTRES: tuple[Centre, ...] = (
    Centre(10003, ENGLAND, 0.0076, "2006-03-13", "2006-06-14"),
    Centre(11001, ENGLAND, 0.0277, "2007-04-16", "2007-12-20", 1.5),
    Centre(11002, ENGLAND, 0.0280, "2007-05-14", "2007-12-20"),
    Centre(11003, WALES, 0.0356, "2007-09-17", "2008-08-30"),
    Centre(11004, SCOTLAND, 0.0371, "2007-07-23", "2009-04-25"),
    Centre(11005, SCOTLAND, 0.0342, "2007-08-20", "2009-01-31"),
    Centre(11006, ENGLAND, 0.0387, "2007-09-03", "2008-09-06"),
    Centre(11007, ENGLAND, 0.0585, "2007-11-19", "2009-01-24"),
    Centre(11008, ENGLAND, 0.0563, "2008-01-28", "2009-03-21"),
    Centre(11009, ENGLAND, 0.0736, "2008-02-11", "2009-07-18"),
    Centre(11010, ENGLAND, 0.0880, "2008-03-17", "2009-10-17"),
    Centre(11011, ENGLAND, 0.0856, "2008-05-06", "2009-11-14"),
    Centre(11012, ENGLAND, 0.0250, "2008-08-04", "2009-05-09", 4.0),
    Centre(11013, ENGLAND, 0.0674, "2008-09-15", "2009-12-05"),
    Centre(11014, ENGLAND, 0.0605, "2009-01-12", "2010-03-20"),
    Centre(11016, ENGLAND, 0.0653, "2009-02-09", "2010-05-22"),
    Centre(11017, ENGLAND, 0.0424, "2009-05-11", "2010-04-24"),
    Centre(11018, ENGLAND, 0.0575, "2009-07-13", "2010-07-10", 4.0),
    Centre(11020, ENGLAND, 0.0545, "2009-08-10", "2010-07-24", 3.5),
    Centre(11021, ENGLAND, 0.0508, "2009-09-14", "2010-09-25", 2.5),
    Centre(11022, WALES, 0.0045, "2010-06-07", "2010-09-18"),
    Centre(11023, WALES, 0.0013, "2010-08-02", "2010-10-01"),
)

CHEADLE_REVISIT = 11024  # the only centre of instance 1 in this cohort [showcase: one revisit centre]
IMAGING_CENTRES = (11025, 11026, 11027, 11028)
IMAGING_SHARES = (0.52, 0.12, 0.28, 0.08)  # [choice]

# Baseline age quantiles at 0, 25, 50, 75 and 100 % [published: Q1 50, median 58, Q3 63; recruited at 40 to 69].
AGE_QUANTILES_YEARS = (40.0, 50.0, 58.0, 63.0, 70.0)
FEMALE_SHARE = 0.544  # [published]

# Code, share within the cohort, group index of ETHNICITY_GROUPS [published: white 94.4 %; the split is a choice].
ETHNICITY_GROUPS = ("white", "mixed", "asian", "black", "chinese", "other")
ETHNICITY: tuple[tuple[int, float, int], ...] = (
    (1001, 0.8830, 0),
    (1002, 0.0255, 0),
    (1003, 0.0315, 0),
    (2001, 0.0012, 1),
    (2003, 0.0016, 1),
    (2004, 0.0020, 1),
    (3001, 0.0114, 2),
    (3002, 0.0035, 2),
    (3004, 0.0035, 2),
    (4001, 0.0086, 3),
    (4002, 0.0064, 3),
    (4003, 0.0003, 3),
    (5, 0.0031, 4),
    (6, 0.0088, 5),
)

# Best qualification, from none to degree [published: degree 34 %, O level 28 % with CSE, none 15 to 17 %].
EDUCATION = ("none", "cse", "nvq", "o_level", "professional", "a_level", "degree")
EDUCATION_SHARES = (0.170, 0.055, 0.066, 0.213, 0.052, 0.114, 0.330)
INCOME_SHARES = (0.226, 0.254, 0.259, 0.204, 0.057)  # of those who answer [showcase]
SMOKING_SHARES = (0.547, 0.348, 0.105)  # never, previous, current [published: 10.4 % current]
ALCOHOL_SHARES = (0.203, 0.231, 0.258, 0.111, 0.116, 0.081)  # daily ... never [showcase]
ACTIVITY_SHARES = (0.19, 0.41, 0.40)  # IPAQ low, moderate, high [showcase]
SLEEP_HOURS = (3, 4, 5, 6, 7, 8, 9, 10, 12)
SLEEP_SHARES = (0.001, 0.009, 0.044, 0.190, 0.386, 0.294, 0.059, 0.015, 0.002)  # [showcase]
FISH_MEAT_LEVELS = 6
OILY_FISH_SHARES = (0.110, 0.330, 0.380, 0.165, 0.012, 0.003)  # never ... daily [showcase]
PROCESSED_MEAT_SHARES = (0.094, 0.304, 0.292, 0.271, 0.036, 0.003)  # [showcase]


@dataclass(frozen=True, slots=True)
class Body:
    """Means and SDs by sex, index 0 women, 1 men."""

    height_cm: tuple[float, float] = (162.5, 175.7)  # [published: all 169.0 (9.2)]
    height_sd_cm: tuple[float, float] = (6.3, 6.8)
    fat_mass_index_median_kg_per_m2: tuple[float, float] = (9.55, 6.70)  # [published body fat 36 % and 25 %]
    fat_mass_index_log_sd: tuple[float, float] = (0.39, 0.38)
    lean_mass_index_kg_per_m2: tuple[float, float] = (16.8, 20.6)  # [published FFMI 18.3 (2.4) both sexes]
    lean_mass_index_sd_kg_per_m2: tuple[float, float] = (1.45, 1.80)
    grip_kg: tuple[float, float] = (25.6, 41.8)  # greater hand [published: 5.3 % below 16 and 27 kg]
    grip_sd_kg: tuple[float, float] = (6.1, 8.9)
    heel_bmd_g_per_cm2: tuple[float, float] = (0.515, 0.570)  # [published heel ultrasound papers]
    heel_bmd_sd_g_per_cm2: tuple[float, float] = (0.115, 0.135)
    heel_side_sd_g_per_cm2: tuple[float, float] = (0.035, 0.050)  # one heel around the mean [published 0.07, 0.12 diff]
    grip_loss_kg_per_year: tuple[float, float] = (0.27, 0.42)  # within-person ageing [choice]
    grip_visit_sd_kg: tuple[float, float] = (2.2, 2.9)  # repeat-visit noise [choice]


# Mean of each exposure's within-sex z, linear in covariates [choice: strong, so that unadjusted answers are off].
# Keys name the columns of `exposures.covariate_scores`.
EXPOSURES = ("lean_mass", "grip", "pace", "heel_bmd")
EXPOSURE_MEANS: dict[str, dict[str, float]] = {
    "lean_mass": {
        "age_women": -0.22, "age_men": -0.26, "adiposity": 0.44, "activity": 0.14, "current_smoker": -0.28,
        "previous_smoker": -0.02, "deprivation": -0.05, "asian": -0.55, "black": 0.25, "chinese": -0.50,
    },
    "grip": {
        "age_women": -0.34, "age_men": -0.36, "adiposity": 0.04, "activity": 0.15, "current_smoker": -0.15,
        "previous_smoker": -0.02, "deprivation": -0.08, "education": 0.10, "asian": -0.85, "chinese": -0.35,
        "diabetes": -0.15, "rheumatoid_arthritis": -0.60, "short_sleep": -0.06, "long_sleep": -0.10,
    },
    "pace": {
        "age_women": -0.22, "age_men": -0.20, "adiposity": -0.30, "activity": 0.30, "current_smoker": -0.25,
        "previous_smoker": -0.05, "deprivation": -0.20, "education": 0.10, "asian": -0.35, "diabetes": -0.25,
        "cardiovascular": -0.40, "rheumatoid_arthritis": -0.70, "short_sleep": -0.10, "long_sleep": -0.15,
    },
    "heel_bmd": {
        "age_women": -0.38, "age_men": -0.22, "adiposity": 0.15, "activity": 0.14, "current_smoker": -0.28,
        "previous_smoker": -0.04, "deprivation": -0.10, "asian": -0.10, "black": 0.50, "steroid": -0.30,
        "rheumatoid_arthritis": -0.15, "hrt": 0.12,
    },
}  # fmt: skip
# Residual SD of each z given covariates, so that the z has SD near 1, and residual correlations [choice].
EXPOSURE_RESIDUAL_SD = {"lean_mass": 0.86, "grip": 0.88, "pace": 0.86, "heel_bmd": 0.89}
EXPOSURE_RESIDUAL_CORRELATION = np.array(
    [[1.00, 0.08, 0.02, 0.02], [0.08, 1.00, 0.20, 0.08], [0.02, 0.20, 1.00, 0.05], [0.02, 0.08, 0.05, 1.00]]
)
# Latent pace below / above these: slow / brisk [showcase: slow 8 %, steady 52.5 %, brisk 39 %].
PACE_CUTS = (-1.56, 0.21)


@dataclass(frozen=True, slots=True)
class Hazard:
    """log h(t) = log(rate) + log(shape t^(shape-1)) + sum of effects; t in years since baseline."""

    rate_per_year: float
    shape: float
    effects: dict[str, float] = field(default_factory=dict)


# Effects are TOTAL effects (direct + through planted biomarkers); pace is per category (slow, steady, brisk). The
# joint exposure coefficients marked 'calibrated' are replaced by coefficients.csv, see calibrate.py.
OSTEOPOROSIS = Hazard(
    rate_per_year=0.0,  # calibrated to OSTEOPOROSIS_INCIDENCE
    shape=1.25,
    effects={
        "age": 0.56, "female": 1.25, "postmenopausal": 0.30, "hrt": -0.15, "adiposity": -0.13, "deprivation": 0.07,
        "current_smoker": 0.45, "previous_smoker": 0.15, "short_sleep": 0.20, "long_sleep": 0.12, "activity": -0.20,
        "asian": -0.10, "black": -0.70, "chinese": 0.10, "rheumatoid_arthritis": 0.55, "steroid": 0.60,
        "fall": 0.15, "fracture": 0.55, "low_vitamin_d": 0.10, "heel_bmd": -0.35,
    },
)  # fmt: skip
SARCOPENIA = Hazard(
    rate_per_year=0.0,  # calibrated to SARCOPENIA_INCIDENCE
    shape=1.35,
    effects={
        "age": 0.60, "female": -0.10, "adiposity": -0.10, "deprivation": 0.14, "current_smoker": 0.40,
        "previous_smoker": 0.14, "short_sleep": 0.20, "long_sleep": 0.18, "activity": -0.25, "asian": 0.15,
        "diabetes": 0.30, "cardiovascular": 0.20, "rheumatoid_arthritis": 0.35, "steroid": 0.20, "fall": 0.15,
        "lean_mass": -0.30, "grip": -0.35, "pace": -0.22,
    },
)  # fmt: skip
# Death: Gompertz in years since baseline, log slope per year of age [published: 5 kg lower grip 1.16 to 1.20;
# 44,499 of 502,366 dead by the end of 2022, showcase].
DEATH_RATE_PER_YEAR = 0.00245
DEATH_LOG_SLOPE_PER_YEAR = 0.085
DEATH_EFFECTS: dict[str, float] = {
    "age": 0.69, "female": -0.50, "adiposity": 0.08, "deprivation": 0.15, "current_smoker": 0.85,
    "previous_smoker": 0.25, "activity": -0.15, "diabetes": 0.45, "cardiovascular": 0.45, "lean_mass": -0.05,
    "grip": -0.20, "pace": -0.30,
}  # fmt: skip
OSTEOPOROSIS_INCIDENCE = 0.047  # share with a first record after baseline within follow-up [published 4.1 %]
SARCOPENIA_INCIDENCE = 0.028  # share with M62.5 in hospital after baseline [choice: above the real rate, for power]

# Published figures the large-sample M2 values are calibrated to.
TARGETS: dict[str, float] = {
    "lean_mass": float(np.log(0.83)),
    "grip": float(np.log(0.544)),
    "pace": float(np.log(0.74)),
    "heel_bmd": float(np.log(0.60)),
}


@dataclass(frozen=True, slots=True)
class Ascertainment:
    """How a disease becomes a record."""

    # Osteoporosis: in hospital data with this probability, after an exponential delay; by the GP at once.
    osteoporosis_hospital_probability: float = 0.72  # [choice]
    osteoporosis_hospital_delay_years: float = 0.8  # [choice]
    osteoporosis_gp_probability: float = 0.90  # [choice]
    osteoporosis_death_only_probability: float = 0.02  # named on a certificate though never before [choice]
    pathological_fracture_share: float = 0.09  # M80 among first records [showcase: M80 2,902, M81 28,643]
    elsewhere_share: float = 0.007  # M82 [showcase 209]
    prevalent_osteoporosis_share: float = 0.021  # first record before baseline [published]
    self_report_given_prevalent: float = 0.72  # code 1309 at baseline [choice]
    self_report_only_share: float = 0.0035  # says so, no record [choice]
    drug_given_prevalent: float = 0.55  # bone-active drug in field 20003 [choice]
    drug_only_share: float = 0.0025
    # Sarcopenia: latent onset -> hospital code M62.5 with this sensitivity, after an exponential delay.
    sarcopenia_hospital_sensitivity: float = 0.60  # [choice]
    sarcopenia_hospital_delay_years: float = 0.7  # [choice]
    prevalent_m625_share: float = 0.0012  # [choice]
    gp_linked_share: float = 0.45  # [published]
    lost_share: float = 0.0026  # [showcase: 1,297]
    withdrawn_share: float = 0.0010  # [choice]


ASCERTAINMENT = Ascertainment()
BODY = Body()

# End of follow-up: the last complete month by nation [published, censoring dates seen per release].
HOSPITAL_END = (day("2022-10-31"), day("2022-08-31"), day("2022-05-31"))
DEATH_END = (day("2022-11-30"), day("2022-11-30"), day("2022-11-30"))
HOSPITAL_START = (day("1997-04-01"), day("1981-01-01"), day("1998-04-01"))
ICD10_START = day("1996-04-01")  # Scotland coded ICD-9 before
# Share of records that reach the extract in the 1st, 2nd and 3rd month after the end; none later [choice].
RECORDS_AFTER_END = (0.45, 0.15, 0.03)
DEATHS_AFTER_END = (0.25, 0.0, 0.0)
# GP data providers: 1 England (Vision), 2 Scotland, 3 England (TPP), 4 Wales, and the end of their data.
GP_END = {1: day("2017-05-31"), 2: day("2017-03-31"), 3: day("2016-05-31"), 4: day("2017-08-31")}
GP_TPP_SHARE_OF_ENGLAND = 0.90  # [published]

BLOCK = 25_000  # participants drawn and written at once: bounds memory, fixes the random streams
