"""Solve for the planted coefficients and measure what the study's models find in millions of people.

    python -m warehouse.synthetic.calibrate --people 10000000

Solving. The large-sample value of model M2 is moved onto the published logs by Newton steps: for a rare outcome the
value for one exposure alone is sum_l beta_l * S_kl / S_kk, with S the covariance of the exposures given the M2
covariates, so that S / diag(S) is the derivative. Baseline rates are moved onto the stated incidences in the same
steps.

Measuring. Independent replicates of the cohort are simulated without files, cleaned by estimand.py and fitted by the
house Cox estimator; of those without an event a share is kept, with the inverse as weight. The value is the mean over
replicates, its Monte-Carlo error their standard deviation over sqrt(replicates).
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

import numpy as np  # noqa: E402
from numpy.typing import NDArray  # noqa: E402

from python_models.estimators.survival.cox import fit_cox  # noqa: E402
from warehouse.progress import progress  # noqa: E402
from warehouse.synthetic import estimand, mediators  # noqa: E402
from warehouse.synthetic import parameters as p  # noqa: E402
from warehouse.synthetic.outcomes import COEFFICIENTS_FILE, calibrated  # noqa: E402
from warehouse.synthetic.population import Bools, Floats, Ints  # noqa: E402
from warehouse.synthetic.truth import CONTRASTS, LARGE_SAMPLE_FILE, STUDY_NAMES  # noqa: E402

REPLICATE = 500_000  # people simulated at once
KEPT_WITHOUT_EVENT = 0.25
SOLVING_REPLICATES = 10
SOLVING_STEPS = 4
BIOMARKER_SHARE = 0.5  # of the replicates that also fit every planted biomarker
# exposure, scaling, outcome definition, adjustment set
Key = tuple[str, str, str, str]
# The levels of estimand.py behind each lifestyle contrast: column, level, reference level.
LEVELS: dict[tuple[str, str], tuple[str, int, int]] = {
    ("smoking_status", "current_vs_never"): ("smoking", 2, 0),
    ("smoking_status", "previous_vs_never"): ("smoking", 1, 0),
    ("sleep_duration_category", "short_vs_normal"): ("sleep", 0, 1),
    ("sleep_duration_category", "long_vs_normal"): ("sleep", 2, 1),
    ("physical_activity", "moderate_vs_low"): ("activity", 1, 0),
    ("physical_activity", "high_vs_low"): ("activity", 2, 0),
}


@dataclass(frozen=True, slots=True)
class Sampled:
    """Those kept for the fits of one outcome definition: positions, weights, time and event, (kept,) each."""

    rows: Ints
    weights: Floats
    days: Ints
    event: Bools


def sample(rng: np.random.Generator, cohort: estimand.Cohort, definition: str) -> Sampled:
    """Everyone with an event and a weighted share of the others, among those at risk."""
    event = cohort.event[definition]
    kept = cohort.at_risk[definition] & (event | (rng.random(len(cohort)) < KEPT_WITHOUT_EVENT))
    rows = np.flatnonzero(kept)
    weights = np.where(event[rows], 1.0, 1.0 / KEPT_WITHOUT_EVENT)
    return Sampled(rows, weights, cohort.days[definition][rows], event[rows])


def fit(taken: Sampled, matrix: NDArray[np.float32], usable: Bools, start: Floats | None = None) -> Floats:
    """Coefficients of the Cox model on the usable rows."""
    result = fit_cox(
        exit=taken.days[usable],
        event=taken.event[usable],
        covariates=matrix[usable],
        weights=taken.weights[usable],
        start=start,
    )
    if result.refusal is not None:
        raise ArithmeticError(f"a calibration model was refused: {result.refusal}")
    return result.beta


def exposure_columns(
    cohort: estimand.Cohort, scaling: estimand.ScalingSums, rows: Ints
) -> dict[str, NDArray[np.float32]]:
    """The four exposures of the given rows in their primary scaling."""
    sex = cohort.categorical["sex"][rows]
    return {
        name: scaling.scale(name, cohort.exposures[name][rows], sex).astype(np.float32) for name in estimand.OUTCOME_OF
    }


def exposure_values(
    rng: np.random.Generator, cohort: estimand.Cohort, sets: Sequence[str], *, with_other_definitions: bool = False
) -> dict[Key, float]:
    """log hazard ratio of each exposure alone under the named adjustment sets."""
    scaling = estimand.ScalingSums.zero()
    scaling.add(cohort)
    found: dict[Key, float] = {}
    jobs = [(definition, tuple(sets)) for definition in estimand.PRIMARY.values()]
    if with_other_definitions:
        jobs += [(definition, ("M2",)) for definition in estimand.OTHER_OSTEOPOROSIS]
    for definition, wanted in jobs:
        taken = sample(rng, cohort, definition)
        columns = exposure_columns(cohort, scaling, taken.rows)
        for adjustment_set in wanted:
            covariates = estimand.ADJUSTMENT_SETS[adjustment_set]
            matrix, _ = estimand.design(cohort, covariates, taken.rows)
            has_all = estimand.complete(cohort, covariates)[taken.rows]
            start: Floats | None = None
            for name, outcome in estimand.OUTCOME_OF.items():
                if (definition == "hospital_m625") != (outcome == "sarcopenia"):
                    continue
                usable = has_all & np.isfinite(columns[name])
                beta = fit(taken, np.column_stack([columns[name], matrix]), usable, start)
                start = beta
                _, exposure, scale, _ = STUDY_NAMES[name]
                found[exposure, scale, definition, adjustment_set] = float(beta[0])
    return found


def lifestyle_values(rng: np.random.Generator, cohort: estimand.Cohort) -> dict[Key, float]:
    """log hazard ratios of the lifestyle contrasts: M2, without exposures."""
    found: dict[Key, float] = {}
    for definition in estimand.PRIMARY.values():
        taken = sample(rng, cohort, definition)
        matrix, names = estimand.design(cohort, estimand.M2, taken.rows)
        beta = fit(taken, matrix, estimand.complete(cohort, estimand.M2)[taken.rows])
        by_name = dict(zip(names, beta.tolist(), strict=True))
        for contrast in CONTRASTS:
            column, level, reference = LEVELS[contrast.exposure, contrast.scaling]
            # A level without a column is the design's own reference.
            value = by_name.get(f"{column}:{level}", 0.0) - by_name.get(f"{column}:{reference}", 0.0)
            found[contrast.exposure, contrast.scaling, definition, "M2"] = value
    return found


def biomarker_values(rng: np.random.Generator, cohort: estimand.Cohort) -> dict[Key, float]:
    """log hazard ratio per observed SD of each planted biomarker that has an effect: M2 and this biomarker.

    Those that an exposure moves are also fitted with that exposure, as the outcome model of a mediation has it.
    """
    found: dict[Key, float] = {}
    scaling = estimand.ScalingSums.zero()
    scaling.add(cohort)
    for outcome, definition in estimand.PRIMARY.items():
        taken = sample(rng, cohort, definition)
        matrix, _ = estimand.design(cohort, estimand.M2, taken.rows)
        usable = estimand.complete(cohort, estimand.M2)[taken.rows]
        exposures = exposure_columns(cohort, scaling, taken.rows)
        start: Floats | None = None
        effects = mediators.B_OSTEOPOROSIS if outcome == "osteoporosis" else mediators.B_SARCOPENIA
        for row, planted in enumerate(mediators.PLANTED):
            if effects[row] == 0:
                continue
            level = cohort.biomarkers[row] / cohort.biomarkers[row].std()
            column = level[taken.rows].astype(np.float32)
            start = fit(taken, np.column_stack([column, matrix]), usable, start)
            found[planted.name, "per_sd", definition, "M2"] = float(start[0])
            if planted.cause in exposures:
                cause = exposures[planted.cause]
                beta = fit(taken, np.column_stack([column, cause, matrix]), usable & np.isfinite(cause))
                found[planted.name, "per_sd_given_exposure", definition, "M2"] = float(beta[0])
    return found


def exposure_covariance(rng: np.random.Generator, cohort: estimand.Cohort) -> Floats:
    """Covariance of lean mass, grip and pace given the M2 covariates, (3, 3)."""
    scaling = estimand.ScalingSums.zero()
    scaling.add(cohort)
    rows = np.flatnonzero(rng.random(len(cohort)) < 0.2)
    columns = exposure_columns(cohort, scaling, rows)
    y = np.column_stack([columns[name] for name in ("lean_mass", "grip", "pace")]).astype(np.float64)
    matrix, _ = estimand.design(cohort, estimand.M2, rows)
    usable = estimand.complete(cohort, estimand.M2)[rows] & np.isfinite(y).all(axis=1)
    x = np.column_stack([np.ones(usable.sum()), matrix[usable]])
    residual = y[usable] - x @ np.linalg.lstsq(x, y[usable], rcond=None)[0]
    return np.cov(residual.T)


def shares(cohort: estimand.Cohort) -> dict[str, float]:
    """Incidence among those at risk and prevalence, which the rate coefficients are solved for."""
    bone, muscle = estimand.PRIMARY["osteoporosis"], estimand.PRIMARY["sarcopenia"]
    return {
        "osteoporosis_log_rate": float(cohort.event[bone][cohort.at_risk[bone]].mean()),
        "sarcopenia_log_rate": float(cohort.event[muscle][cohort.at_risk[muscle]].mean()),
        "osteoporosis_prevalence_log_odds": float(1 - cohort.at_risk[bone].mean()),
        "m625_prevalence_log_odds": float(1 - cohort.at_risk[muscle].mean()),
    }


def wanted_shares() -> dict[str, float]:
    """What `shares` should come to."""
    rules = p.ASCERTAINMENT
    return {
        "osteoporosis_log_rate": p.OSTEOPOROSIS_INCIDENCE,
        "sarcopenia_log_rate": p.SARCOPENIA_INCIDENCE,
        "osteoporosis_prevalence_log_odds": rules.prevalent_osteoporosis_share
        + rules.self_report_only_share
        + rules.drug_only_share,
        "m625_prevalence_log_odds": rules.prevalent_m625_share,
    }


def step(seed: int, coefficients: Mapping[str, float]) -> tuple[dict[str, float], float]:
    """One Newton step of all coefficients on common random numbers; the largest relative miss before it."""
    values: list[dict[Key, float]] = []
    seen: list[dict[str, float]] = []
    covariances = []
    for replicate in range(SOLVING_REPLICATES):
        rng = np.random.default_rng([seed, 1, replicate])
        cohort = estimand.draw_cohort(rng, REPLICATE, coefficients)
        values.append(exposure_values(rng, cohort, ("M2",)))
        covariances.append(exposure_covariance(rng, cohort))
        seen.append(shares(cohort))
    mean = {key: float(np.mean([one[key] for one in values])) for key in values[0]}
    found = {name: mean[(*STUDY_NAMES[name][1:3], estimand.PRIMARY[STUDY_NAMES[name][3]], "M2")] for name in p.TARGETS}
    miss = {name: p.TARGETS[name] - found[name] for name in p.TARGETS}
    covariance = np.mean(covariances, axis=0)
    derivative = covariance / np.diag(covariance)[:, None]
    muscle = np.linalg.solve(derivative, np.array([miss[name] for name in ("lean_mass", "grip", "pace")]))
    moved = dict(coefficients)
    for name, change in zip(("lean_mass", "grip", "pace"), muscle.tolist(), strict=True):
        moved[f"osteoporosis_{name}"] += change
    moved["sarcopenia_heel_bmd"] += miss["heel_bmd"]
    for name, wanted in wanted_shares().items():
        moved[name] += float(np.log(wanted / np.mean([one[name] for one in seen])))
    return moved, max(abs(miss[name] / p.TARGETS[name]) for name in p.TARGETS)


def solve(seed: int) -> dict[str, float]:
    """Coefficients whose large-sample M2 values are the targets."""
    coefficients = dict(calibrated())
    with progress("Solving", SOLVING_STEPS, "steps") as advance:
        for _ in range(SOLVING_STEPS):
            coefficients, miss = step(seed, coefficients)
            print(f"largest miss before the step {miss:.2%}", file=sys.stderr)
            advance()
    return coefficients


def measure(seed: int, people: int, coefficients: Mapping[str, float]) -> dict[Key, tuple[float, float, int]]:
    """Mean over replicates, its Monte-Carlo error and the number of people, of every value."""
    replicates = max(people // REPLICATE, 2)
    found: dict[Key, list[float]] = {}
    with progress("Measuring", replicates * REPLICATE, "people") as advance:
        for replicate in range(replicates):
            rng = np.random.default_rng([seed, 2, replicate])
            with_biomarkers = replicate < max(BIOMARKER_SHARE * replicates, 2)
            cohort = estimand.draw_cohort(rng, REPLICATE, coefficients, with_biomarkers=with_biomarkers)
            values = exposure_values(rng, cohort, tuple(estimand.ADJUSTMENT_SETS), with_other_definitions=True)
            values |= lifestyle_values(rng, cohort)
            if with_biomarkers:
                values |= biomarker_values(rng, cohort)
            for key, value in values.items():
                found.setdefault(key, []).append(value)
            advance(REPLICATE)
    return {
        key: (float(np.mean(one)), float(np.std(one, ddof=1) / np.sqrt(len(one))), len(one) * REPLICATE)
        for key, one in found.items()
    }


def write_coefficients(coefficients: Mapping[str, float]) -> None:
    """coefficients.csv, read by outcomes.py."""
    with COEFFICIENTS_FILE.open("w", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(("coefficient", "value"))
        writer.writerows((name, f"{value:.6f}") for name, value in coefficients.items())
    calibrated.cache_clear()


def write_values(values: Mapping[Key, tuple[float, float, int]], seed: int) -> None:
    """large_sample_values.csv, read by truth.py, with the settings each value was run at."""
    with LARGE_SAMPLE_FILE.open("w", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(
            (
                "exposure", "scaling", "outcome_definition", "adjustment_set", "large_sample_value",
                "monte_carlo_error", "people_millions", "replicate_millions", "seed",
            )
        )  # fmt: skip
        for key, (value, error, people) in values.items():
            writer.writerow((*key, f"{value:.6f}", f"{error:.6f}", people / 1e6, REPLICATE / 1e6, seed))


def main(arguments: Sequence[str] | None = None) -> int:
    """Solve (unless --only-measure) and measure; writes both CSV files of the package."""
    parser = argparse.ArgumentParser(prog="python -m warehouse.synthetic.calibrate", description=__doc__)
    parser.add_argument("--people", type=int, default=10_000_000, help="simulated for the large-sample values")
    parser.add_argument("--seed", type=int, default=7, help="of the calibration, apart from any cohort's")
    parser.add_argument("--only-measure", action="store_true", help="keep coefficients.csv as it is")
    given = parser.parse_args(arguments)
    coefficients: Mapping[str, float] = calibrated()
    if not given.only_measure:
        coefficients = solve(given.seed)
        write_coefficients(coefficients)
        coefficients = calibrated()  # as rounded in the file
    values = measure(given.seed, given.people, coefficients)
    write_values(values, given.seed)
    for key, (value, error, _) in values.items():
        print(*key, f"{value:.4f} +- {error:.4f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
