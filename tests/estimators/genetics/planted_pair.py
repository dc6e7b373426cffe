"""Z scores of a pair of traits that follow the LD score model exactly, with the truth planted in them."""

from dataclasses import dataclass

import numpy as np

from python_models.estimators.genetics.errors import FloatArray
from python_models.estimators.genetics.heritability import LdScores


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
