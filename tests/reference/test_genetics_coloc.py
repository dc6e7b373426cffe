"""coloc.abf of R on heel BMD and fracture at SOST: 456 real SNPs."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from python_models.estimators.genetics.colocalisation import (
    RegionTrait,
    colocalisation,
    trait_from_effects,
    trait_from_p,
)

SAME_FORMULA = 1e-9  # relative; R sums the same logarithms in another order

# UK Biobank, Morris et al. 2019: people with heel BMD; people and cases of fracture.
N_HEEL_BMD = 426_824
N_FRACTURE, N_FRACTURE_CASES = 426_795, 53_184

FOLDER = Path(__file__).resolve().parents[2].parent / "shared/reference/genetics/coloc"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="needs ../shared/reference/genetics/coloc")


def read(name: str) -> Any:
    return np.genfromtxt(FOLDER / name, names=True, dtype=None, encoding="utf-8", deletechars="")


def heel_bmd(region: Any, sd_of_trait: float | None = None) -> RegionTrait:
    return trait_from_effects(
        beta=region["beta1"],
        standard_error=region["se1"],
        kind="quantitative",
        sd_of_trait=sd_of_trait,
        allele_frequency=region["af1"],
        n=N_HEEL_BMD,
    )


def traits(case: str, region: Any) -> tuple[RegionTrait, RegionTrait]:
    if case == "pvalue_input":
        return (
            trait_from_p(
                neg_log10_p=-np.log10(region["p1"]),
                allele_frequency=region["af1"],
                n=N_HEEL_BMD,
                kind="quantitative",
            ),
            trait_from_p(
                neg_log10_p=-np.log10(region["p2"]),
                allele_frequency=region["af2"],
                n=N_FRACTURE,
                kind="case_control",
                case_share=N_FRACTURE_CASES / N_FRACTURE,
            ),
        )
    fracture = trait_from_effects(beta=region["beta2"], standard_error=region["se2"], kind="case_control")
    return heel_bmd(region, 1.0 if case == "ebmd_sdY1_fracture" else None), fracture


@pytest.mark.parametrize(
    "case", ["ebmd_fracture_default", "ebmd_fracture_p12_2e-6", "ebmd_sdY1_fracture", "pvalue_input"]
)
def test_colocalisation__equals_coloc(case: str) -> None:
    region = read("ebmd_fracture_sost.tsv")
    expected = next(row for row in read("expected.tsv") if row["case"] == case)
    first, second = traits(case, region)
    result = colocalisation(first=first, second=second, p_12=2e-6 if case.endswith("2e-6") else 1e-5)
    assert result.n_snps == expected["nsnps"]
    assert result.posterior == pytest.approx([expected[f"PP.H{i}.abf"] for i in range(5)], rel=SAME_FORMULA)


def test_log_bayes_factors_and_snp_posteriors__equal_coloc() -> None:
    region, expected = read("ebmd_fracture_sost.tsv"), read("expected_snp.tsv")
    place = {snp: i for i, snp in enumerate(region["snp"])}
    order = [place[snp] for snp in expected["snp"]]
    result = colocalisation(first=heel_bmd(region), second=traits("ebmd_fracture_default", region)[1])
    assert result.log_bayes_factor_1 is not None
    assert result.log_bayes_factor_2 is not None
    assert result.snp_posterior is not None
    assert result.log_bayes_factor_1[order] == pytest.approx(expected["lABF1"], rel=SAME_FORMULA)
    assert result.log_bayes_factor_2[order] == pytest.approx(expected["lABF2"], rel=SAME_FORMULA)
    assert result.snp_posterior[order] == pytest.approx(expected["SNP.PP.H4"], rel=SAME_FORMULA)
