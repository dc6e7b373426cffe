"""Shared data of the genetics tests."""

from pathlib import Path

import numpy as np
import pytest

from python_models.estimators.genetics.errors import FloatArray
from python_models.estimators.genetics.heritability import LdScores
from tests.estimators.genetics.planted_pair import PlantedPair, simulate_z

SHARED = Path(__file__).resolve().parents[3].parent / "shared"


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
