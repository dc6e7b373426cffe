"""Draw cohorts of the generator, fit the primary models of both arms, keep the estimates.

python -m tests.recovery.survival_cohorts [cohorts] writes docs/recovery.md.
"""

import argparse
import csv
import math
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from scipy import special, stats
from threadpoolctl import threadpool_limits

from python_models.estimators.survival.cox import fit_cox
from warehouse.synthetic import estimand
from warehouse.synthetic.outcomes import calibrated

# 800 cohorts know a coverage of 95 % to 0.8 %, and 200 a share of p values to 1.5 %.
COHORTS = 800
NULL_COHORTS = 200
PEOPLE = 20_000
SEED = 20260501
PROCESSES = 2
# exposure as the generator names it, as the study names it, scaling
EXPOSURES = (
    ("lean_mass", "lean_mass_index", "per_sex_sd"),
    ("grip", "grip_strength", "per_sex_sd"),
    ("pace", "walking_pace", "per_category"),
    ("heel_bmd", "heel_bmd", "per_sex_sd"),
)
PAGE = Path(__file__).parents[2] / "docs" / "recovery.md"


@dataclass(frozen=True, slots=True)
class Recovery:
    """C cohorts of E estimands: estimate, standard_error, events (C, E); truth, truth_error (E,)."""

    names: tuple[str, ...]
    estimate: np.ndarray
    standard_error: np.ndarray
    events: np.ndarray
    truth: np.ndarray
    truth_error: np.ndarray

    @property
    def bias(self) -> np.ndarray:
        return self.estimate.mean(axis=0) - self.truth

    @property
    def covers(self) -> np.ndarray:
        return np.abs(self.estimate - self.truth) <= special.ndtri(0.975) * self.standard_error

    @property
    def p_value(self) -> np.ndarray:
        return 2 * special.ndtr(-np.abs(self.estimate / self.standard_error))


def _scaled(values: np.ndarray, sex: np.ndarray, is_standardised: bool) -> np.ndarray:
    if not is_standardised:
        return values
    out = np.empty_like(values)
    for level in np.unique(sex):
        rows = sex == level
        out[rows] = (values[rows] - values[rows].mean()) / values[rows].std(ddof=1)
    return out


def one_cohort(seed: int, *, null: bool) -> list[tuple[float, float, float]]:
    """Estimate, error and events of each exposure in one cohort.

    Under the null, follow-up and event are dealt out anew among people: nothing measured at baseline has an effect, and
    exposures and covariates keep their correlations.
    """
    rng = np.random.default_rng([SEED, seed, int(null)])
    cohort = estimand.draw_cohort(rng, PEOPLE, calibrated())
    found = []
    for name, _, scaling in EXPOSURES:
        definition = estimand.PRIMARY[estimand.OUTCOME_OF[name]]
        values = cohort.exposures[name]
        measured = np.flatnonzero(cohort.at_risk[definition] & np.isfinite(values))
        scaled = _scaled(values[measured], cohort.categorical["sex"][measured], scaling == "per_sex_sd")
        complete = estimand.complete(cohort, estimand.M2)[measured]
        rows = measured[complete]
        days, event = cohort.days[definition][rows], cohort.event[definition][rows]
        if null:
            order = rng.permutation(len(rows))
            days, event = days[order], event[order]
        design, names = estimand.design(cohort, estimand.M2, rows)
        idle = ~design[event].any(axis=0) & np.array([":" in one for one in names])
        matrix = np.column_stack([scaled[complete], design[:, ~idle].astype(np.float64)])
        fit = fit_cox(exit=days, event=event, covariates=matrix)
        if fit.refusal is not None:
            raise RuntimeError(f"cohort {seed}, {name}: {fit.refusal}")
        found.append((float(fit.beta[0]), float(fit.standard_error[0]), float(event.sum())))
    return found


def _with_one_thread(seed: int, null: bool) -> list[tuple[float, float, float]]:
    with threadpool_limits(limits=1):
        return one_cohort(seed, null=null)


def recover(*, null: bool, cohorts: int = COHORTS) -> Recovery:
    """All cohorts, two processes."""
    with ProcessPoolExecutor(max_workers=PROCESSES, mp_context=get_context("spawn")) as pool:
        found = np.array(list(pool.map(partial(_with_one_thread, null=null), range(cohorts), chunksize=5)))
    with (Path(estimand.__file__).with_name("large_sample_values.csv")).open(newline="") as lines:
        values = {
            (row["exposure"], row["scaling"], row["outcome_definition"], row["adjustment_set"]): (
                float(row["large_sample_value"]),
                float(row["monte_carlo_error"]),
            )
            for row in csv.DictReader(lines)
        }
    keys = [(name, scaling, estimand.PRIMARY[estimand.OUTCOME_OF[short]], "M2") for short, name, scaling in EXPOSURES]
    truth = np.array([values[key][0] for key in keys])
    error = np.array([values[key][1] for key in keys])
    return Recovery(
        names=tuple(name for _, name, _ in EXPOSURES),
        estimate=found[:, :, 0],
        standard_error=found[:, :, 1],
        events=found[:, :, 2],
        truth=np.zeros(len(keys)) if null else truth,
        truth_error=np.zeros(len(keys)) if null else error,
    )


def page(planted: Recovery, null: Recovery) -> str:
    """The numbers as Markdown."""
    lines = [
        "# Recovery of the planted truth",
        "",
        f"Written by `python -m tests.recovery.survival_cohorts {len(planted.estimate)}`: so many seeded SYNTHETIC "
        f"cohorts of {PEOPLE:,} people, drawn by the generator, cleaned by the rules of the marts, fitted by "
        "the house Cox model with M2.",
        "Truth is what the same model finds in ten million people. `make test ARGS='-m recovery'` holds these numbers "
        "to their limits.",
        "",
        "| exposure | events | truth | mean estimate | bias | Monte-Carlo error | SE / spread | coverage of 95 % |",
        "|---|---|---|---|---|---|---|---|",
    ]
    n = len(planted.estimate)
    for j, name in enumerate(planted.names):
        spread = planted.estimate[:, j].std(ddof=1)
        error = math.hypot(spread / math.sqrt(n), planted.truth_error[j])
        lines.append(
            f"| {name} | {planted.events[:, j].mean():.0f} | {planted.truth[j]:.4f} "
            f"| {planted.estimate[:, j].mean():.4f} | {planted.bias[j]:+.4f} | {error:.4f} "
            f"| {planted.standard_error[:, j].mean() / spread:.3f} | {planted.covers[:, j].mean():.1%} |"
        )
    lines += [
        "",
        f"All four together: {planted.covers.mean():.1%} of {planted.covers.size} intervals hold the truth.",
        "",
        "## Null cohorts",
        "",
        f"Follow-up dealt out anew among people, {len(null.estimate)} cohorts: no exposure has an effect. Are p values "
        "uniform (Kolmogorov-Smirnov)?",
        "",
        "| exposure | share with p below 0.05 | Kolmogorov-Smirnov p |",
        "|---|---|---|",
    ]
    for j, name in enumerate(null.names):
        p_values = null.p_value[:, j]
        lines.append(f"| {name} | {np.mean(p_values < 0.05):.1%} | {stats.kstest(p_values, 'uniform').pvalue:.2f} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.recovery.survival_cohorts")
    parser.add_argument("cohorts", nargs="?", type=int, default=COHORTS, help=f"planted cohorts (default {COHORTS})")
    cohorts = parser.parse_args().cohorts
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(
        page(recover(null=False, cohorts=cohorts), recover(null=True, cohorts=NULL_COHORTS)), encoding="utf-8"
    )
    print(PAGE.read_text(encoding="utf-8"))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
