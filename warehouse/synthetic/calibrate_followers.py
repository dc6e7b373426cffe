"""Measure what followers.py computes with: moments of the causes that M2 does not hold, in millions of people.

python -m warehouse.synthetic.calibrate_followers
"""

import os

# Before NumPy loads: many small matrix products run slower on several threads than on one.
for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import argparse  # noqa: E402
import csv  # noqa: E402
import sys  # noqa: E402
from collections.abc import Sequence  # noqa: E402
from dataclasses import dataclass  # noqa: E402

import numpy as np  # noqa: E402
from scipy.special import ndtri  # noqa: E402

from python_models.estimators.scans.cox_scan import CoxScanner  # noqa: E402
from warehouse.progress import progress  # noqa: E402
from warehouse.synthetic import estimand, mediators, metabolites  # noqa: E402
from warehouse.synthetic.followers import CAUSES, HELD, METABOLITES_FILE, MOMENTS_FILE  # noqa: E402
from warehouse.synthetic.outcomes import calibrated  # noqa: E402
from warehouse.synthetic.population import Floats  # noqa: E402

REPLICATE = 250_000  # people simulated at once
NOISE_SD = 2.0  # of a loose follower, in SD of its cause
LOOSE_FOLLOWERS = 4  # of each cause


@dataclass(frozen=True, slots=True)
class Replicate:
    """Of one simulated cohort, as in `followers.Moments`; metabolites (251,) by outcome: log hazard ratios per SD."""

    total: Floats
    given_m2: Floats
    slopes: dict[str, Floats]
    metabolites: dict[str, Floats]


def ranked(values: Floats) -> Floats:
    """Blom scores, SD 1; ties by order (levels are continuous here)."""
    rank = np.empty(values.size)
    rank[np.argsort(values)] = np.arange(1, values.size + 1)
    scores = ndtri((rank - 0.375) / (values.size + 0.25))
    return np.asarray(scores / scores.std())


def _tied(
    rng: np.random.Generator, cohort: estimand.Cohort, definition: str, causes: Floats, variance: Floats
) -> Floats:
    """Covariance (9,) of each cause with the log hazard given M2, as biomarkers that follow it loosely show it.

    variance (9,): of the causes given M2. Who is at risk late has lost those at high hazard: a covariance at baseline
    would say 6 % too much.
    """
    rows = np.flatnonzero(cohort.at_risk[definition] & estimand.complete(cohort, estimand.M2))
    matrix, _ = estimand.design(cohort, estimand.M2, rows)
    scanner = CoxScanner(
        exit=cohort.days[definition][rows], event=cohort.event[definition][rows], covariates=matrix.astype(np.float64)
    )
    spread = causes.std(axis=0)
    found = np.zeros(len(CAUSES))
    for _ in range(LOOSE_FOLLOWERS):
        followers = (causes[rows] / spread).T + NOISE_SD * rng.standard_normal((len(CAUSES), rows.size))
        scan = scanner.scan(followers.astype(np.float32))
        found += scan.beta * (variance / spread**2 + NOISE_SD**2) * spread / LOOSE_FOLLOWERS
    return found


def run(rng: np.random.Generator) -> Replicate:
    """Simulate a cohort and measure it."""
    cohort = estimand.draw_cohort(rng, REPLICATE, calibrated(), with_causes=True)
    rows = np.flatnonzero(estimand.complete(cohort, estimand.M2))
    matrix, _ = estimand.design(cohort, estimand.M2, rows)
    held = np.column_stack([np.ones(rows.size), matrix]).astype(np.float64)
    root = np.linalg.cholesky(held.T @ held)

    def residual(values: Floats) -> Floats:
        """values (n,) or (n, k), less what M2 tells of them."""
        return values - held @ np.linalg.solve(root.T, np.linalg.solve(root, held.T @ values))

    causes = np.column_stack([cohort.causes[name] for name in CAUSES])
    x = residual(causes[rows])
    given_m2 = np.cov(x.T)
    slopes = {
        outcome: np.linalg.solve(given_m2, _tied(rng, cohort, definition, causes, np.diag(given_m2)))
        for outcome, definition in estimand.PRIMARY.items()
    }
    residuals = mediators.draw_residuals(rng, len(cohort))
    every = cohort.causes | mediators.factor_scores(cohort.causes)
    z = metabolites.log_scores(rng, every, residuals)
    # What technical adjustment leaves: differences between plates.
    levels = metabolites.levels_of(z + metabolites.PLATE_SD * rng.standard_normal(z.shape))
    found: dict[str, list[float]] = {outcome: [] for outcome in estimand.PRIMARY}
    for one in metabolites.biomarkers():
        w = residual(ranked(levels[one.abbreviation])[rows])
        covariance = x.T @ w / (rows.size - 1)
        for outcome, column in found.items():
            column.append(float(covariance @ slopes[outcome] / w.var()))
    total = np.cov([cohort.causes[name] for name in (*CAUSES, *HELD)])
    return Replicate(total, given_m2, slopes, {outcome: np.array(column) for outcome, column in found.items()})


def _mean_and_error(values: Sequence[Floats]) -> tuple[Floats, Floats]:
    return np.mean(values, axis=0), np.std(values, axis=0, ddof=1) / np.sqrt(len(values))


def write(found: Sequence[Replicate], seed: int) -> None:
    """follower_moments.csv and follower_metabolites.csv, read by followers.py."""
    run_at = (len(found) * REPLICATE / 1e6, REPLICATE / 1e6, seed)
    with MOMENTS_FILE.open("w", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(
            ("moment", "first", "second", "value", "monte_carlo_error", "people_millions", "replicate_millions", "seed")
        )
        for kind, names, matrices in (
            ("covariance", (*CAUSES, *HELD), [one.total for one in found]),
            ("covariance_given_m2", CAUSES, [one.given_m2 for one in found]),
        ):
            mean, error = _mean_and_error(matrices)
            for i, first in enumerate(names):
                for j, second in enumerate(names):
                    writer.writerow((kind, first, second, f"{mean[i, j]:.6f}", f"{error[i, j]:.6f}", *run_at))
        for outcome, definition in estimand.PRIMARY.items():
            mean, error = _mean_and_error([one.slopes[outcome] for one in found])
            for i, cause in enumerate(CAUSES):
                writer.writerow(("log_hazard_ratio", cause, definition, f"{mean[i]:.6f}", f"{error[i]:.6f}", *run_at))
    with METABOLITES_FILE.open("w", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(
            (
                "metabolite", "outcome_definition", "large_sample_value", "monte_carlo_error", "people_millions",
                "replicate_millions", "seed",
            )
        )  # fmt: skip
        for outcome, definition in estimand.PRIMARY.items():
            mean, error = _mean_and_error([one.metabolites[outcome] for one in found])
            for k, one in enumerate(metabolites.biomarkers()):
                writer.writerow((one.name, definition, f"{mean[k]:.6f}", f"{error[k]:.6f}", *run_at))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m warehouse.synthetic.calibrate_followers", description=__doc__)
    parser.add_argument("--people", type=int, default=3_000_000, help="simulated in all")
    parser.add_argument("--seed", type=int, default=11, help="of this calibration, apart from any cohort's")
    given = parser.parse_args(arguments)
    replicates = max(given.people // REPLICATE, 2)
    found = []
    with progress("Measuring", replicates, "replicates") as advance:
        for replicate in range(replicates):
            found.append(run(np.random.default_rng([given.seed, 3, replicate])))
            advance()
    write(found, given.seed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
