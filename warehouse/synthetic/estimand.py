"""What the study's models see of a simulated cohort, in memory: cleaned columns, follow-up, scaling, designs.

These are the rules of staging, intermediate and marts for the primary analyses, restated on arrays so that calibrate.py
can fit the same model to millions of people; tests hold the two together on a small cohort.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from warehouse.synthetic import dirt, mediators, metabolites, proteins, records
from warehouse.synthetic import parameters as p
from warehouse.synthetic.exposures import draw_exposures
from warehouse.synthetic.outcomes import NEVER, Outcomes, draw_outcomes
from warehouse.synthetic.population import Bools, Floats, Ints, Population, covariate_scores, draw_population

CONTINUOUS = ("age", "townsend", "fat_mass_index", "vitamin_d")
M1 = ("age", "sex")
M2 = (*M1, "ethnicity", "centre", "townsend", "education", "income", "smoking", "alcohol", "activity", "sleep", "diet")
M3 = (
    *M2, "fat_mass_index", "diabetes", "cardiovascular", "rheumatoid_arthritis", "steroid", "vitamin_d_supplement",
    "calcium_supplement", "vitamin_d", "season", "menopause", "hrt", "falls", "fracture",
)  # fmt: skip
ADJUSTMENT_SETS: Mapping[str, Sequence[str]] = {"unadjusted": (), "M1": M1, "M2": M2, "M3": M3}
PRIMARY = {"osteoporosis": "first_occurrence_any_source", "sarcopenia": "hospital_m625"}
OUTCOME_OF = {"lean_mass": "osteoporosis", "grip": "osteoporosis", "pace": "osteoporosis", "heel_bmd": "sarcopenia"}
OTHER_OSTEOPOROSIS = ("first_occurrence_treated_kept", "hospital_osteoporosis")
PER_SEX_SD = ("lean_mass", "grip", "heel_bmd")
UNKNOWN = -1
MEN = 9  # level of the questions put to women only
_PLAUSIBLE = {
    "p50_i0": (120, 220), "p23101_i0": (20, 120), "p23100_i0": (2, 140), "p46_i0": (0, 90), "p47_i0": (0, 90),
    "p3148_i0": (0.05, 1.8), "p4105_i0": (0.05, 1.8), "p4124_i0": (0.05, 1.8), "p30890_i0": (5, 400),
    "p1160_i0": (1, 23), "p1309_i0": (-10, 100), "p1289_i0": (-10, 100), "p22189": (-8, 13),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cohort:
    """Columns of the analysed, (n,) each: NaN where a continuous one is missing, UNKNOWN a level of the others."""

    exposures: dict[str, Floats]
    continuous: dict[str, Floats]
    categorical: dict[str, Ints]
    days: dict[str, Ints]  # follow-up per outcome definition
    event: dict[str, Bools]
    at_risk: dict[str, Bools]
    biomarkers: Floats  # the planted ones as measured, (planted, n); no rows where they were not drawn
    causes: dict[str, Floats] = field(default_factory=dict)  # true scores that biomarkers follow, where asked for

    def __len__(self) -> int:
        return len(self.continuous["age"])


def draw_cohort(
    rng: np.random.Generator,
    n: int,
    coefficients: Mapping[str, float],
    *,
    with_biomarkers: bool = False,
    with_causes: bool = False,
) -> Cohort:
    """Simulate n people and clean what was recorded of them; with_causes: covariates, exposures and statins as true."""
    people = draw_population(rng, n)
    covariates = covariate_scores(people)
    exposures = draw_exposures(rng, people, covariates)
    biomarkers = np.empty((0, n))
    if with_biomarkers:
        residuals = mediators.draw_residuals(rng, n)
        effects = (mediators.B_OSTEOPOROSIS @ residuals, mediators.B_SARCOPENIA @ residuals)
        causes = exposures.scores() | mediators.factor_scores(covariates)
        biomarkers = residuals + np.array([planted.a * causes[planted.cause] for planted in mediators.PLANTED])
        biomarkers += technical_sd()[:, None] * rng.standard_normal(residuals.shape)
    else:
        effects = mediators.draw_residual_effects(rng, n)
    outcomes = draw_outcomes(rng, people, exposures, covariates, effects, coefficients)
    answers = dirt.baseline_answers(rng, people, exposures)
    choices = dirt.baseline_choices(rng, people, outcomes)
    days, event, at_risk = follow_up(rng, people, outcomes, choices)
    continuous, categorical = clean_covariates(answers, choices)
    scores = covariates | exposures.scores() | {"statin": statin_use(choices)} if with_causes else {}
    return Cohort(clean_exposures(answers), continuous, categorical, days, event, at_risk, biomarkers, scores)


def statin_use(choices: Mapping[str, Ints]) -> Floats:
    """1 for people who name a cholesterol drug (fields 6153 and 6177), which lowers their metabolites."""
    return ((np.maximum(choices["p6153_i0"], 0) | np.maximum(choices["p6177_i0"], 0)) & 1).astype(np.float64)


def technical_sd() -> Floats:
    """SD of plate, batch and machine noise on each planted biomarker, (planted,)."""
    protein = proteins.BATCH_SD**2 + proteins.PLATE_SD**2
    metabolite = metabolites.SPECTROMETER_SD**2 + metabolites.PLATE_SD**2 + metabolites.DRIFT**2 / 2
    return np.sqrt([protein if one.platform == mediators.PROTEIN else metabolite for one in mediators.PLANTED])


def _plausible(answers: dirt.Answers, name: str) -> Floats:
    low, high = _PLAUSIBLE[name]
    values = answers[name]
    return np.where((values >= low) & (values <= high), values, np.nan)


def clean_exposures(answers: dirt.Answers) -> dict[str, Floats]:
    """int_exposures__derived: lean mass index, best hand, pace level, mean heel."""
    square = (_plausible(answers, "p50_i0") / 100) ** 2
    grip = np.fmax(_plausible(answers, "p46_i0"), _plausible(answers, "p47_i0"))
    left, right = _plausible(answers, "p4105_i0"), _plausible(answers, "p4124_i0")
    both = (np.where(np.isnan(left), right, left) + np.where(np.isnan(right), left, right)) / 2
    one = _plausible(answers, "p3148_i0")
    pace = answers["p924_i0"]
    return {
        "lean_mass": _plausible(answers, "p23101_i0") / square,
        "grip": np.where(grip > 0, grip, np.nan),
        "pace": np.where(pace >= 1, pace, np.nan),
        "heel_bmd": np.where(np.isnan(one), both, one),
    }


def _levels(values: Floats) -> Ints:
    """Codes of zero or more as they are; special codes and empty cells UNKNOWN."""
    return np.where(np.isnan(values) | (values < 0), UNKNOWN, np.nan_to_num(values)).astype(np.int64)


def _portions(values: Floats) -> Floats:
    return np.where(values == -10, 0.5, np.where(values >= 0, values, np.nan))


def clean_covariates(answers: dirt.Answers, choices: Mapping[str, Ints]) -> tuple[dict[str, Floats], dict[str, Ints]]:
    """int_covariates__derived: continuous columns and level codes of categorical ones."""
    visit = answers["p53_i0"].astype(np.int64)
    months = (answers["p34"].astype(np.int64) - 1970) * 12 + answers["p52"].astype(np.int64) - 1
    birth = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) + 14
    square = (_plausible(answers, "p50_i0") / 100) ** 2
    continuous = {
        "age": (visit - birth) / p.DAYS_PER_YEAR,
        "townsend": _plausible(answers, "p22189"),
        "fat_mass_index": _plausible(answers, "p23100_i0") / square,
        "vitamin_d": np.log(_plausible(answers, "p30890_i0")),
    }
    ethnicity = _levels(answers["p21000_i0"])
    hours = _plausible(answers, "p1160_i0")
    sleep = np.where(np.isnan(hours), UNKNOWN, np.where(hours < 7, 0, np.where(hours <= 8, 1, 2)))
    portions = _portions(answers["p1309_i0"]) + _portions(answers["p1289_i0"]) / 3
    fish, meat = _levels(answers["p1329_i0"]), _levels(answers["p1349_i0"])
    no_diet = np.isnan(portions) | (fish == UNKNOWN) | (meat == UNKNOWN)
    diet = np.where(no_diet, UNKNOWN, (portions >= 5).astype(int) + (fish >= 2) + (meat <= 2))
    schooling = choices["p6138_i0"]
    best = np.full(len(schooling), UNKNOWN)
    for level, bit in enumerate((6, 3, 2, 4, 5, 1, 0)):  # none, CSE, O level, NVQ, professional, A level, degree
        best = np.where((schooling >= 0) & (schooling >> bit & 1 == 1), level, best)
    vascular = choices["p6150_i0"]
    no_vascular = (vascular < 0) | (vascular >> 5 & 1 == 1)
    month = visit.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12 + 1
    men = answers["p31"] == 1
    menopause = _levels(answers["p2724_i0"])
    vitamins, minerals = choices["p6155_i0"], choices["p6179_i0"]

    def holds(chosen: Ints, bit: int, refusal_bit: int) -> Ints:
        return np.where((chosen < 0) | (chosen >> refusal_bit & 1 == 1), UNKNOWN, chosen >> bit & 1)

    categorical = {
        "sex": men.astype(np.int64),
        "ethnicity": np.where(ethnicity >= 1000, ethnicity // 1000, ethnicity),
        "centre": answers["p54_i0"].astype(np.int64),
        "education": best,
        "income": _levels(answers["p738_i0"]),
        "smoking": _levels(answers["p20116_i0"]),
        "alcohol": _levels(answers["p1558_i0"]),
        "activity": _levels(answers["p22032_i0"]),
        "sleep": sleep,
        "diet": diet,
        "diabetes": _levels(answers["p2443_i0"]),
        "cardiovascular": np.where(no_vascular, UNKNOWN, (vascular & 7 > 0).astype(int)),
        "rheumatoid_arthritis": np.where(choices["p20002_i0"] < 0, 0, choices["p20002_i0"] >> 2 & 1),
        "steroid": np.where(choices["p20003_i0"] < 0, 0, choices["p20003_i0"] >> 3 & 1),
        "vitamin_d_supplement": holds(vitamins, 3, 8),
        "calcium_supplement": holds(minerals, 2, 7),
        "season": month % 12 // 3,
        "menopause": np.where(men, MEN, np.where(menopause == 3, 2, menopause)),
        "hrt": np.where(men, MEN, _levels(answers["p2814_i0"])),
        "falls": _levels(answers["p2296_i0"]),
        "fracture": _levels(answers["p2463_i0"]),
    }
    return continuous, categorical


def follow_up(
    rng: np.random.Generator, people: Population, outcomes: Outcomes, choices: Mapping[str, Ints]
) -> tuple[dict[str, Ints], dict[str, Bools], dict[str, Bools]]:
    """Days, event and eligibility of each outcome definition (int_outcomes__dated, int_follow_up__timed)."""
    start = people.visit_day
    certified = np.where(outcomes.is_osteoporosis_on_certificate, outcomes.death_record_day, NEVER)
    first = np.minimum.reduce(
        [
            outcomes.osteoporosis_hospital_day, outcomes.osteoporosis_gp_day, outcomes.osteoporosis_self_day, certified,
        ]
    )  # fmt: skip
    is_placeholder = (first < NEVER) & (rng.random(len(people)) < records.PLACEHOLDER_SHARE)
    bone_drug = (choices["p20003_i0"] >= 0) & (choices["p20003_i0"] & 7 > 0)
    censored = np.minimum.reduce(
        [np.array(p.HOSPITAL_END)[people.nation], outcomes.death_record_day, outcomes.lost_day]
    )
    had_record = (first <= start) | is_placeholder | outcomes.reports_osteoporosis
    definitions = {
        "first_occurrence_any_source": (np.where(is_placeholder, NEVER, first), had_record | bone_drug),
        "first_occurrence_treated_kept": (np.where(is_placeholder, NEVER, first), had_record),
        "hospital_osteoporosis": (outcomes.osteoporosis_hospital_day, had_record | bone_drug),
        "hospital_m625": (outcomes.sarcopenia_hospital_day, outcomes.sarcopenia_hospital_day <= start),
    }
    days, event, at_risk = {}, {}, {}
    for definition, (when, had) in definitions.items():
        end = np.minimum(when, censored)
        days[definition] = end - start
        event[definition] = when <= censored
        at_risk[definition] = ~had & (end > start)
    return days, event, at_risk


@dataclass(slots=True)
class ScalingSums:
    """Running count, sum and sum of squares of each exposure by sex among all at risk who have it."""

    count: NDArray[np.float64]
    total: NDArray[np.float64]
    square: NDArray[np.float64]

    @classmethod
    def zero(cls) -> "ScalingSums":
        shape = (len(OUTCOME_OF), 2)
        return cls(np.zeros(shape), np.zeros(shape), np.zeros(shape))

    def add(self, cohort: Cohort) -> None:
        for row, (name, outcome) in enumerate(OUTCOME_OF.items()):
            values = cohort.exposures[name]
            for sex in (0, 1):
                mine = values[cohort.at_risk[PRIMARY[outcome]] & (cohort.categorical["sex"] == sex) & ~np.isnan(values)]
                self.count[row, sex] += len(mine)
                self.total[row, sex] += mine.sum()
                self.square[row, sex] += (mine**2).sum()

    def scale(self, name: str, values: Floats, sex: Ints) -> Floats:
        """Per within-sex SD, or as it is (pace per category)."""
        if name not in PER_SEX_SD:
            return values
        row = list(OUTCOME_OF).index(name)
        mean = self.total[row] / self.count[row]
        sd = np.sqrt((self.square[row] - self.count[row] * mean**2) / (self.count[row] - 1))
        return (values - mean[sex]) / sd[sex]


def design(cohort: Cohort, covariates: Sequence[str], rows: Ints) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """Covariates as float32 columns, indicators against the most common level; (n, p) and names."""
    columns: list[Floats] = []
    names: list[str] = []
    for name in covariates:
        if name in CONTINUOUS:
            columns.append(cohort.continuous[name][rows])
            names.append(name)
            continue
        codes = cohort.categorical[name][rows]
        levels, counts = np.unique(codes, return_counts=True)
        if name in ("menopause", "hrt") and "sex" in covariates:
            # "Men" is sex over again: no column of its own, and never the reference.
            levels, counts = levels[levels != MEN], counts[levels != MEN]
        reference = levels[np.argmax(counts)]
        for level in levels:
            if level != reference:
                columns.append((codes == level).astype(np.float64))
                names.append(f"{name}:{level}")
    matrix = np.column_stack(columns).astype(np.float32) if columns else np.empty((len(rows), 0), dtype=np.float32)
    return matrix, tuple(names)


def complete(cohort: Cohort, covariates: Sequence[str]) -> Bools:
    """Who has every continuous covariate."""
    has = np.ones(len(cohort), dtype=np.bool_)
    for name in covariates:
        if name in CONTINUOUS:
            has &= np.isfinite(cohort.continuous[name])
    return has
