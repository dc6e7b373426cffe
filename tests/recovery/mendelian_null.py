"""Why Mendelian randomisation finds more than 5 % where nothing is causal: the generator's z under no planted effects.

    python -m tests.recovery.mendelian_null 200

Nothing is causal, and every trait is heritable: at an exposure's instruments the outcome has effects of its own, of
either sign (balanced pleiotropy). Inverse variance with multiplicative random effects takes their spread from the
instruments. Its p is of the normal in TwoSampleMR and in the MendelianRandomization package (their defaults, and ours),
which forgets that the spread is an estimate: with two instruments a fifth is "significant". Judged by t with one degree
of freedom less than instruments, 5 % are left. Where samples overlap, selection adds to that: an instrument was chosen
for noise that the outcome shares. Instruments chosen in a third study are free of it.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations
from math import log, sqrt
from statistics import mean, median, stdev

import numpy as np
from scipy import stats

from python_models.estimators.genetics.loci import clump_by_distance
from python_models.estimators.genetics.mendelian_randomisation import Instruments, causal_estimate
from python_models.frames.genetics.gwas_loci import INSTRUMENT_WINDOW_BP
from warehouse.synthetic import gwas
from warehouse.synthetic.population import Floats

N_SNPS = 20_000
FIRST_SEED = 50_001
SAMPLES = ("apart", "overlapping", "overlapping, instruments chosen in a third study")
LEAST_FREQUENCY = 0.01


@dataclass(frozen=True, slots=True)
class NullEstimate:
    """One exposure on one outcome of one seed: how many instruments, Q by its degrees of freedom, z of the estimate."""

    samples: str
    seed: int
    n_instruments: int
    dispersion: float
    z: float

    @property
    def is_found_by_normal(self) -> bool:
        return bool(abs(self.z) > stats.norm.ppf(0.975))

    @property
    def is_found_by_t(self) -> bool:
        return bool(abs(self.z) > stats.t.ppf(0.975, self.n_instruments - 1))


def _noise(rng: np.random.Generator, snps: gwas.Snps) -> Floats:
    """Standard normal per SNP and trait, correlated between the neighbours of a block as draw_z has it."""
    fresh = rng.standard_normal((len(snps), len(gwas.TRAITS)))
    noise = fresh.copy()
    starts = np.flatnonzero(np.r_[True, snps.block[1:] != snps.block[:-1]])
    place = np.arange(len(snps)) - np.repeat(starts, np.diff(np.r_[starts, len(snps)]))
    for step in range(1, gwas.SNPS_PER_BLOCK):
        here = np.flatnonzero(place == step)
        keep = sqrt(1 - gwas.NEIGHBOUR_CORRELATION**2)
        noise[here] = gwas.NEIGHBOUR_CORRELATION * noise[here - 1] + keep * fresh[here]
    return noise


def null_estimates(seed: int) -> Iterator[NullEstimate]:
    """Every trait on every other, by how the samples of the studies lie to each other."""
    rng = np.random.default_rng(seed)
    snps = gwas.draw_snps(rng, N_SNPS)
    minor = np.minimum(snps.frequency, 1 - snps.frequency)
    is_usable = (snps.first + snps.second != 3) & (minor > LEAST_FREQUENCY)
    heritable = np.array([trait.heritability * trait.n for trait in gwas.TRAITS])
    genetic = _noise(rng, snps) * np.sqrt(snps.ld_score[:, None] / gwas.M_5_50 * heritable)
    inflation = np.diag([1 + trait.inflation for trait in gwas.TRAITS])
    sampling = _noise(rng, snps)
    apart = genetic + sampling @ np.sqrt(inflation)
    overlapping = genetic + sampling @ np.linalg.cholesky(inflation + gwas.CROSS_INTERCEPT).T
    third = genetic + _noise(rng, snps) @ np.sqrt(inflation)
    chosen_in, estimated_in = (apart, overlapping, third), (apart, overlapping, overlapping)
    for samples, chosen, z in zip(SAMPLES, chosen_in, estimated_in, strict=True):
        leads = [_leads(snps, chosen[:, k], is_usable) for k in range(len(gwas.TRAITS))]
        for exposure, outcome in permutations(range(len(gwas.TRAITS)), 2):
            lead = leads[exposure]
            if lead.size < 2:
                continue
            size = 1 / np.sqrt(2 * snps.frequency[lead] * (1 - snps.frequency[lead]))
            errors = [size / sqrt(gwas.TRAITS[k].n) for k in (exposure, outcome)]
            fit = causal_estimate(
                Instruments.of(
                    beta_exposure=z[lead, exposure] * errors[0], se_exposure=errors[0],
                    beta_outcome=z[lead, outcome] * errors[1], se_outcome=errors[1],
                ),
                method="ivw",
            )  # fmt: skip
            z_of_fit = np.divide(fit.estimate, fit.standard_error)
            yield NullEstimate(samples, seed, lead.size, np.divide(fit.q, lead.size - 1), float(z_of_fit))


def _leads(snps: gwas.Snps, z: Floats, is_usable: np.ndarray) -> np.ndarray:
    tail = -(stats.norm.logsf(np.abs(z)) + log(2)) / log(10)
    return clump_by_distance(
        chromosome=snps.chromosome, position=snps.position, neg_log10_p=np.where(is_usable, tail, np.nan),
        window_bp=INSTRUMENT_WINDOW_BP,
    ).lead  # fmt: skip


@dataclass(frozen=True, slots=True)
class NullShare:
    """Shares found at 5 % by the normal and by t, each with its Monte-Carlo error over seeds."""

    samples: str
    instruments: str
    n: int
    dispersion: float  # median of Q by its degrees of freedom; 1 without pleiotropy
    by_normal: float
    by_normal_error: float
    by_t: float
    by_t_error: float


def null_shares(n_seeds: int) -> list[NullShare]:
    """One row per lie of the samples, for all and for few and many instruments."""
    drawn = [one for seed in range(FIRST_SEED, FIRST_SEED + n_seeds) for one in null_estimates(seed)]
    rows = []
    for samples in SAMPLES:
        for words, low, high in (("all", 2, np.inf), ("2 to 9", 2, 9), ("10 or more", 10, np.inf)):
            mine = [one for one in drawn if one.samples == samples and low <= one.n_instruments <= high]
            normal, of_t = (_share(mine, name) for name in ("is_found_by_normal", "is_found_by_t"))
            rows.append(NullShare(samples, words, len(mine), median(one.dispersion for one in mine), *normal, *of_t))
    return rows


def _share(estimates: list[NullEstimate], name: str) -> tuple[float, float]:
    """Mean of the seeds' shares and its error: estimates of one seed are not independent."""
    by_seed: dict[int, list[bool]] = {}
    for one in estimates:
        by_seed.setdefault(one.seed, []).append(getattr(one, name))
    shares = [mean(found) for found in by_seed.values()]
    return mean(shares), stdev(shares) / sqrt(len(shares))


def as_markdown(shares: list[NullShare]) -> str:
    head = ("samples", "instruments", "Q by its degrees of freedom", "normal: P < 0.05", "t: P < 0.05", "estimates")
    lines = [f"| {' | '.join(head)} |", "|---|---|---:|---:|---:|---:|"]
    for one in shares:
        normal, of_t = (
            f"{100 * share:.1f} ± {100 * error:.1f} %"
            for share, error in ((one.by_normal, one.by_normal_error), (one.by_t, one.by_t_error))
        )
        lines.append(f"| {one.samples} | {one.instruments} | {one.dispersion:.1f} | {normal} | {of_t} | {one.n:,} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(as_markdown(null_shares(int(sys.argv[1]) if len(sys.argv) > 1 else 200)))
