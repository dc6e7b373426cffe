"""Genotype summaries in the participant table: batch, genetic sex, ancestry, components, quality flags, two scores."""

import numpy as np

from warehouse.synthetic.exposures import Exposures
from warehouse.synthetic.population import Floats, Population

COMPONENTS = 40
NOT_GENOTYPED_SHARE = 0.028  # [showcase 488,127 of 502,366]
# Centres of the first four components by ethnic group of population.py [choice, UK Biobank-like].
COMPONENT_CENTRES = np.array(
    [
        [-12.0, 4.0, -1.5, 1.5],
        [90.0, 40.0, 5.0, 0.0],
        [60.0, -80.0, -40.0, 20.0],
        [390.0, 75.0, 5.0, -2.0],
        [150.0, -230.0, 60.0, -40.0],
        [70.0, -20.0, 15.0, 5.0],
    ]
)
SCORE_CORRELATION = 0.40  # standard score with the measured heel BMD given covariates [published 0.415]


def genotype_cells(rng: np.random.Generator, people: Population, exposures: Exposures) -> dict[str, Floats]:
    """Fields of the genotype domain by canonical name, NaN empty."""
    n = len(people)
    absent = rng.random(n) < NOT_GENOTYPED_SHARE

    def genotyped(values: Floats) -> Floats:
        return np.where(absent, np.nan, values)

    def flagged(share: float) -> Floats:
        return np.where(~absent & (rng.random(n) < share), 1.0, np.nan)

    batch = np.where(rng.random(n) < 0.10, -rng.integers(1, 12, n), rng.integers(1, 96, n)).astype(np.float64)
    mismatch = rng.random(n) < 0.0007
    is_british = (people.ethnicity_code == 1001) & (rng.random(n) < 0.94)
    kinship = np.where(rng.random(n) < 0.30, 1.0, 0.0)
    drawn = rng.random(n)
    kinship = np.where(drawn < 0.002, -1.0, np.where(drawn < 0.0024, 10.0, kinship))
    out = {
        "p22000": genotyped(batch),
        "p22001": genotyped(np.where(mismatch, ~people.is_male, people.is_male).astype(np.float64)),
        "p22006": np.where(is_british & ~absent, 1.0, np.nan),
        "p22019": flagged(0.0013),
        "p22021": genotyped(kinship),
        "p22027": flagged(0.0020),
    }
    spread = np.where(people.ethnicity_group == 0, 1.0, 12.0)
    for k in range(COMPONENTS):
        centre = COMPONENT_CENTRES[people.ethnicity_group, k] if k < COMPONENT_CENTRES.shape[1] else 0.0
        scale = spread * (1.6 if k < 4 else 2.5)
        out[f"p22009_a{k + 1}"] = genotyped(np.round(centre + scale * rng.standard_normal(n), 4))
    rest = np.sqrt(1 - SCORE_CORRELATION**2)
    score = SCORE_CORRELATION * exposures.heel_bmd_residual + rest * rng.standard_normal(n)
    out["p26234"] = genotyped(np.round(score, 5))
    out["p26258"] = genotyped(np.round(-0.8 * score + 0.6 * rng.standard_normal(n), 5))
    return out
