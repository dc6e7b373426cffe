"""Shared data of the genetics tests: simulated Z scores that follow the LD score model exactly."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from python_models.estimators.genetics.errors import FloatArray
from python_models.estimators.genetics.heritability import LdScores

SHARED = Path(__file__).resolve().parents[3].parent / "shared"


@dataclass(frozen=True, slots=True)
class PlantedPair:
    """Truth of a simulated pair: heritabilities, genetic correlation, intercepts (cross-trait: sample overlap)."""

    h2_1: float = 0.12
    h2_2: float = 0.30
    rg: float = 0.25
    intercept_1: float = 1.02
    intercept_2: float = 1.05
    intercept_12: float = 0.10
    n_1: float = 90_000.0
    n_2: float = 120_000.0


def simulate_z(*, ld_scores: LdScores, truth: PlantedPair, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Normal Z scores, SNP by SNP independent, with E[z_i z_j] = sqrt(N_i N_j) rho_ij l / M + intercept_ij."""
    per_snp = ld_scores.l2 / ld_scores.n_reference_snps
    variance_1 = truth.n_1 * truth.h2_1 * per_snp + truth.intercept_1
    variance_2 = truth.n_2 * truth.h2_2 * per_snp + truth.intercept_2
    rho_g = truth.rg * np.sqrt(truth.h2_1 * truth.h2_2)
    covariance = np.sqrt(truth.n_1 * truth.n_2) * rho_g * per_snp + truth.intercept_12
    u_1, u_2 = rng.standard_normal((2, per_snp.size))
    z_1 = np.sqrt(variance_1) * u_1
    slope = covariance / variance_1
    z_2 = slope * z_1 + np.sqrt(variance_2 - slope * covariance) * u_2
    return z_1, z_2


@pytest.fixture(scope="session")
def ld_scores() -> LdScores:
    """20,000 made-up LD scores of realistic shape."""
    rng = np.random.default_rng(11)
    l2 = np.maximum(rng.gamma(shape=1.4, scale=25.0, size=20_000), 0.2)
    weight_l2 = l2 * rng.uniform(0.6, 1.0, size=l2.size)
    return LdScores.of(l2=l2, weight_l2=weight_l2, n_reference_snps=300_000)


@pytest.fixture(scope="session")
def planted() -> PlantedPair:
    return PlantedPair(h2_1=0.30, h2_2=0.40)


@pytest.fixture(scope="session")
def pair(ld_scores: LdScores, planted: PlantedPair) -> tuple[FloatArray, FloatArray]:
    """Z scores of the two planted traits on `ld_scores`."""
    return simulate_z(ld_scores=ld_scores, truth=planted, rng=np.random.default_rng(12))


@pytest.fixture(scope="session")
def european_ld_scores() -> LdScores:
    """The complete European LD scores: 1,290,028 SNPs, genome order."""
    folder = SHARED / "data/genetics/eur_w_ld_chr"
    if not folder.is_dir():
        pytest.skip("needs ../shared/data/genetics/eur_w_ld_chr")
    import pyarrow as pa
    import pyarrow.compute
    from pyarrow import csv

    tables, n_reference_snps = [], 0.0
    for chromosome in range(1, 23):
        table = csv.read_csv(
            folder / f"{chromosome}.l2.ldscore.gz", parse_options=csv.ParseOptions(delimiter="\t")
        ).select(["BP", "L2"])
        tables.append(table.take(pyarrow.compute.sort_indices(table, sort_keys=[("BP", "ascending")])))
        n_reference_snps += float((folder / f"{chromosome}.l2.M_5_50").read_text())
    l2 = pa.concat_tables(tables)["L2"].to_numpy()
    return LdScores.of(l2=l2, weight_l2=l2, n_reference_snps=n_reference_snps)
