"""Large-sample values of sarcopenia as repeat visits show it, and of its latent onset.

    python -m warehouse.synthetic.visit_values --people 10000000

A latent onset is seen only by who comes back, at visits years apart, through cut-offs on measured grip and lean mass.
So each definition of seeds/visit_criteria.csv has a truth of its own: the log hazard ratio that grouped hazards find in
millions of people. One pooled, weighted fit per definition and adjustment set (cases are few, and a mean of small fits
would be biased away from zero); its Monte-Carlo error is the sandwich by person. The latent onset is fitted by Cox.
"""

import os

# Before NumPy loads: many small matrix products run slower on several threads than on one.
for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import argparse  # noqa: E402
import csv  # noqa: E402
import sys  # noqa: E402
from collections.abc import Mapping, Sequence  # noqa: E402
from dataclasses import dataclass  # noqa: E402
from pathlib import Path  # noqa: E402

import numpy as np  # noqa: E402
from numpy.typing import NDArray  # noqa: E402

from python_models.estimators.survival.cox import fit_cox  # noqa: E402
from python_models.estimators.survival.grouped_hazards import fit_grouped_hazards  # noqa: E402
from python_models.estimators.survival.visit_intervals import VisitIntervals, visit_intervals  # noqa: E402
from warehouse.progress import progress  # noqa: E402
from warehouse.synthetic import dirt, estimand, mediators, visits  # noqa: E402
from warehouse.synthetic import parameters as p  # noqa: E402
from warehouse.synthetic.exposures import draw_exposures  # noqa: E402
from warehouse.synthetic.outcomes import Outcomes, calibrated, draw_outcomes  # noqa: E402
from warehouse.synthetic.population import Bools, Floats, Ints, Population, covariate_scores, draw_population  # noqa: E402
from warehouse.synthetic.truth import LARGE_SAMPLE_FILE, LATENT_ONSET  # noqa: E402

CRITERIA_FILE = Path(__file__).parents[1] / "seeds" / "visit_criteria.csv"
REPLICATE = 500_000
KEPT_WITHOUT_CASE = 0.05  # of people seen again and never a case; the inverse is their weight
KEPT_WITHOUT_ONSET = 0.02
FEWEST_OF_A_LEVEL = 40
INSTANCES = (0, 1, 2, 3)
# Plausible ranges of seeds/ukb_fields.csv; a value outside is none.
_RANGES = {"p50": (120, 220), "p21001": (12, 75), "p46": (0, 90), "p47": (0, 90), "p23113": (2, 25), "p23117": (2, 25),
           "p23121": (0.5, 10), "p23125": (0.5, 10)}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Criterion:
    """One row of seeds/visit_criteria.csv."""

    name: str
    measure: str
    is_male: bool
    comparison: str
    threshold: float


def read_criteria() -> dict[str, list[Criterion]]:
    """Rows by outcome definition."""
    found: dict[str, list[Criterion]] = {}
    with CRITERIA_FILE.open(newline="") as lines:
        for row in csv.DictReader(lines):
            one = Criterion(
                row["criterion"], row["measure"], row["sex"] == "male", row["comparison"], float(row["threshold"])
            )
            found.setdefault(row["outcome_definition"], []).append(one)
    return found


def _plausible(answers: dirt.Answers, field: str, instance: int, n: int) -> Floats:
    values = answers.get(f"{field}_i{instance}", np.full(n, np.nan))
    low, high = _RANGES[field]
    return np.where((values >= low) & (values <= high), values, np.nan)


def measures(answers: dirt.Answers, devices: Mapping[str, Ints], instance: int, is_male: Bools) -> dict[str, Floats]:
    """int_visit_measures__derived of one instance, (n,) each, NaN where not measured."""
    n = len(is_male)

    def take(field: str) -> Floats:
        return _plausible(answers, field, instance, n)

    height = np.where(np.isnan(take("p50")), _plausible(answers, "p50", 0, n), take("p50"))
    any_device = np.fmax(take("p46"), take("p47"))
    any_device = np.where(any_device > 0, any_device, np.nan)
    is_faulty = np.zeros(n, dtype=np.bool_)
    if instance == 1:
        when = answers["p53_i1"]
        in_months = (when >= visits.FAULTY_FIRST) & (when <= visits.FAULTY_LAST)
        is_faulty = in_months & (devices["p38_i1"] == dirt.DYNAMOMETERS)
    limbs = take("p23113") + take("p23117") + take("p23121") + take("p23125")
    lean = 0.958 * limbs - 0.166 * is_male - 0.308
    pace = answers[f"p924_i{instance}"]
    return {
        "grip_strength_kg": np.where(is_faulty, np.nan, any_device),
        "grip_strength_any_device_kg": any_device,
        "walking_pace_level": np.where(pace >= 1, pace, np.nan),
        "appendicular_lean_mass_index_kg_per_m2": lean / (height / 100) ** 2,
        "appendicular_lean_mass_by_bmi_m2": lean / take("p21001"),
    }


def status(measured: Mapping[str, Floats], criteria: Sequence[Criterion], is_male: Bools) -> Ints:
    """int_visit_statuses__judged: 1, 0 or -1 (unknown) of each participant, (n,)."""
    n = len(is_male)
    all_met, any_unknown = np.ones(n, dtype=np.bool_), np.zeros(n, dtype=np.bool_)
    none_failed = np.ones(n, dtype=np.bool_)
    for name in dict.fromkeys(one.name for one in criteria):
        met, unknown = np.zeros(n, dtype=np.bool_), np.zeros(n, dtype=np.bool_)
        for one in criteria:
            if one.name != name:
                continue
            mine = is_male == one.is_male
            amount = measured[one.measure]
            low = amount <= one.threshold if one.comparison == "at_or_below" else amount < one.threshold
            met |= mine & low
            unknown |= mine & np.isnan(amount)
        unknown &= ~met
        all_met &= met
        any_unknown |= unknown
        none_failed &= met | unknown
    return np.where(all_met, 1, np.where(none_failed & any_unknown, -1, 0))


@dataclass(frozen=True, slots=True)
class Seen:
    """A simulated cohort with its repeat visits."""

    cohort: estimand.Cohort
    people: Population
    outcomes: Outcomes
    intervals: dict[str, VisitIntervals]


def intervals_of(
    answers: dirt.Answers, repeat: visits.Visits, people: Population, criteria: Mapping[str, list[Criterion]]
) -> dict[str, VisitIntervals]:
    """marts.visit_intervals of each definition, person counted from 0."""
    n = len(people)
    every = dict(answers) | dict(repeat.answers)
    day = np.zeros((n, len(INSTANCES)), dtype=np.int64)
    measured = {k: measures(every, repeat.devices, k, people.is_male) for k in INSTANCES}
    came = {0: np.ones(n, dtype=np.bool_)} | repeat.attended
    for k in INSTANCES:
        day[:, k] = np.where(came[k], np.nan_to_num(every[f"p53_i{k}"] - every["p53_i0"]), 0).astype(np.int64)
    found = {}
    for definition, rows in criteria.items():
        state = np.column_stack([np.where(came[k], status(measured[k], rows, people.is_male), -1) for k in INSTANCES])
        found[definition] = visit_intervals(visit_day=day, status=state)
    return found


def draw_seen(rng: np.random.Generator, n: int, coefficients: Mapping[str, float]) -> Seen:
    """Simulate n people, their visits, and clean what was recorded."""
    people = draw_population(rng, n)
    covariates = covariate_scores(people)
    exposures = draw_exposures(rng, people, covariates)
    effects = mediators.draw_residual_effects(rng, n)
    outcomes = draw_outcomes(rng, people, exposures, covariates, effects, coefficients)
    answers = dirt.baseline_answers(rng, people, exposures)
    choices = dirt.baseline_choices(rng, people, outcomes)
    repeat = visits.draw_visits(rng, people, exposures, outcomes, choices)
    days, event, at_risk = estimand.follow_up(rng, people, outcomes, choices)
    continuous, categorical = estimand.clean_covariates(answers, choices)
    cohort = estimand.Cohort(
        estimand.clean_exposures(answers), continuous, categorical, days, event, at_risk, np.empty((0, n))
    )
    return Seen(cohort, people, outcomes, intervals_of(answers, repeat, people, read_criteria()))


def take(cohort: estimand.Cohort, rows: Ints) -> estimand.Cohort:
    """The covariates and exposures of some participants."""
    return estimand.Cohort(
        {name: values[rows] for name, values in cohort.exposures.items()},
        {name: values[rows] for name, values in cohort.continuous.items()},
        {name: values[rows] for name, values in cohort.categorical.items()},
        {}, {}, {}, np.empty((0, len(rows))),
    )  # fmt: skip


def join(pieces: Sequence[estimand.Cohort]) -> estimand.Cohort:
    """Participants of several cohorts one after another."""
    first = pieces[0]
    return estimand.Cohort(
        {name: np.concatenate([one.exposures[name] for one in pieces]) for name in first.exposures},
        {name: np.concatenate([one.continuous[name] for one in pieces]) for name in first.continuous},
        {name: np.concatenate([one.categorical[name] for one in pieces]) for name in first.categorical},
        {}, {}, {}, np.empty((0, sum(len(one) for one in pieces))),
    )  # fmt: skip


@dataclass(slots=True)
class Pool:
    """People kept of all replicates for one definition: cohort, their weight, moments of the exposure by sex."""

    cohorts: list[estimand.Cohort]
    weights: list[Floats]
    person: list[Ints]
    rows: list[tuple[Ints, NDArray[np.str_], Floats, Bools]]
    moments: NDArray[np.float64]  # count, sum, sum of squares by sex, (3, 2), of everyone in the analysis

    @classmethod
    def empty(cls) -> "Pool":
        return cls([], [], [], [], np.zeros((3, 2)))

    def add_moments(self, values: Floats, sex: Ints) -> None:
        for code in (0, 1):
            mine = values[(sex == code) & np.isfinite(values)]
            self.moments[:, code] += (len(mine), mine.sum(), (mine**2).sum())

    def scaled(self, values: Floats, sex: Ints) -> Floats:
        count, total, square = self.moments
        mean = total / count
        return (values - mean[sex]) / np.sqrt((square - count * mean**2) / (count - 1))[sex]


def _add_intervals(pool: Pool, rng: np.random.Generator, seen: Seen, found: VisitIntervals) -> None:
    in_analysis = np.unique(found.person)
    sex = seen.cohort.categorical["sex"]
    pool.add_moments(seen.cohort.exposures["heel_bmd"][in_analysis], sex[in_analysis])
    is_case = np.zeros(len(seen.people), dtype=np.bool_)
    is_case[found.person[found.event]] = True
    kept = np.zeros(len(seen.people), dtype=np.bool_)
    kept[in_analysis] = is_case[in_analysis] | (rng.random(len(in_analysis)) < KEPT_WITHOUT_CASE)
    who = np.flatnonzero(kept)
    place = np.full(len(kept), -1)
    place[who] = np.arange(len(who)) + sum(len(one) for one in pool.cohorts)
    mine = kept[found.person]
    label = np.char.add(np.char.add(found.start_visit[mine].astype(str), "-"), found.stop_visit[mine].astype(str))
    pool.cohorts.append(take(seen.cohort, who))
    pool.weights.append(np.where(is_case[found.person[mine]], 1.0, 1.0 / KEPT_WITHOUT_CASE))
    pool.rows.append((place[found.person[mine]], label, found.length[mine].astype(np.float64), found.event[mine]))


def _add_onset(pool: Pool, rng: np.random.Generator, seen: Seen) -> None:
    """Latent onset after baseline, until death or the end of hospital records."""
    start = seen.people.visit_day
    end = np.minimum(np.array(p.HOSPITAL_END)[seen.people.nation], seen.outcomes.death_day)
    onset = seen.outcomes.sarcopenia_day
    event, days = onset <= end, (np.minimum(onset, end) - start).astype(np.float64)
    at_risk = (onset > start) & (days > 0)
    sex = seen.cohort.categorical["sex"]
    pool.add_moments(seen.cohort.exposures["heel_bmd"][at_risk], sex[at_risk])
    who = np.flatnonzero(at_risk & (event | (rng.random(len(event)) < KEPT_WITHOUT_ONSET)))
    offset = sum(len(one) for one in pool.cohorts)
    pool.cohorts.append(take(seen.cohort, who))
    pool.weights.append(np.where(event[who], 1.0, 1.0 / KEPT_WITHOUT_ONSET))
    pool.rows.append((np.arange(len(who)) + offset, np.full(len(who), ""), days[who], event[who]))


def _fit(pool: Pool, adjustment_set: str, *, is_latent: bool) -> tuple[float, float]:
    """log hazard ratio of heel BMD per SD within sex, and its Monte-Carlo error."""
    cohort = join(pool.cohorts)
    person, label, length, event = (np.concatenate(column) for column in zip(*pool.rows, strict=True))
    weights = np.concatenate(pool.weights)
    covariates = estimand.ADJUSTMENT_SETS[adjustment_set]
    matrix, _ = estimand.design(cohort, covariates, np.arange(len(cohort)))
    exposure = pool.scaled(cohort.exposures["heel_bmd"], cohort.categorical["sex"])
    usable = (estimand.complete(cohort, covariates) & np.isfinite(exposure))[person]
    person, label, length, event, weights = (one[usable] for one in (person, label, length, event, weights))
    # A level with next to no cases, or non-cases, has no finite estimate: it joins the reference, as in the models.
    enough = [np.count_nonzero(matrix[person[rows]], axis=0) >= FEWEST_OF_A_LEVEL for rows in (event, ~event)]
    columns = np.column_stack([exposure, matrix[:, enough[0] & enough[1]]])
    if is_latent:
        fit = fit_cox(exit=length, event=event, covariates=columns[person], weights=weights, robust=True)
        refusal, beta, error = fit.refusal, fit.beta, fit.standard_error
    else:
        grouped = fit_grouped_hazards(
            event=event, interval=label, covariates=columns, person=person, length=length, weights=weights,
            cluster=person,
        )  # fmt: skip
        refusal, beta, error = grouped.refusal, grouped.beta, grouped.standard_error
    if refusal is not None:
        raise ArithmeticError(f"a model of visits was refused: {refusal}")
    return float(beta[0]), float(error[0])


def measure(seed: int, people: int, coefficients: Mapping[str, float]) -> dict[tuple[str, str], tuple[float, float]]:
    """Value and Monte-Carlo error by (outcome definition, adjustment set), the latent onset among the definitions."""
    pools = {definition: Pool.empty() for definition in (*read_criteria(), LATENT_ONSET)}
    replicates = max(people // REPLICATE, 1)
    with progress("Visits", replicates * REPLICATE, "people") as advance:
        for replicate in range(replicates):
            rng = np.random.default_rng([seed, 3, replicate])
            seen = draw_seen(rng, REPLICATE, coefficients)
            for definition, found in seen.intervals.items():
                _add_intervals(pools[definition], rng, seen, found)
            _add_onset(pools[LATENT_ONSET], rng, seen)
            advance(REPLICATE)
    return {
        (definition, adjustment_set): _fit(pool, adjustment_set, is_latent=definition == LATENT_ONSET)
        for definition, pool in pools.items()
        for adjustment_set in estimand.ADJUSTMENT_SETS
    }


def write_values(values: Mapping[tuple[str, str], tuple[float, float]], people: int, seed: int) -> None:
    """Replace these rows of large_sample_values.csv and keep the others."""
    with LARGE_SAMPLE_FILE.open(newline="") as lines:
        reader = csv.DictReader(lines)
        names = list(reader.fieldnames or [])
        measured_here = {definition for definition, _ in values}
        rows = [row for row in reader if row["outcome_definition"] not in measured_here]
    millions = max(people // REPLICATE, 1) * REPLICATE / 1e6
    for (definition, adjustment_set), (value, error) in values.items():
        cells = ("heel_bmd", "per_sex_sd", definition, adjustment_set, f"{value:.6f}", f"{error:.6f}", millions)
        rows.append(dict(zip(names, map(str, (*cells, REPLICATE / 1e6, seed)), strict=True)))
    with LARGE_SAMPLE_FILE.open("w", newline="") as out:
        writer = csv.DictWriter(out, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and write the rows of repeat visits."""
    parser = argparse.ArgumentParser(prog="python -m warehouse.synthetic.visit_values", description=__doc__)
    parser.add_argument("--people", type=int, default=10_000_000, help="simulated")
    parser.add_argument("--seed", type=int, default=7, help="of the calibration, apart from any cohort's")
    given = parser.parse_args(arguments)
    values = measure(given.seed, given.people, calibrated())
    write_values(values, given.people, given.seed)
    for key, (value, error) in values.items():
        print(*key, f"{value:.4f} +- {error:.4f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
