"""h2, rg, liability scale, block separators, delete values and the allele table of bulik/ldsc aa33296 (v1.0.1).

`../shared/reference/genetics/ldsc_core` holds three seeded data sets and what ldsc prints for them.
"""

import gzip
import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from python_models.estimators.genetics.alleles import align_alleles, allele_codes
from python_models.estimators.genetics.block_jackknife import (
    block_separators,
    jackknife,
    least_squares_delete_values,
)
from python_models.estimators.genetics.genetic_correlation import genetic_correlation
from python_models.estimators.genetics.heritability import Heritability, LdScores, heritability
from python_models.estimators.genetics.liability import liability_genetic_covariance, liability_heritability
from python_models.estimators.genetics.trait_statistics import TraitStatistics

SAME_ALGORITHM = 1e-9  # relative; the same formulas, sums in another order (seen: 3e-13, P values 6e-12)

FOLDER = Path(__file__).resolve().parents[2].parent / "shared/reference/genetics/ldsc_core"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="needs ../shared/reference/genetics/ldsc_core")
EXPECTED: dict[str, Any] = json.loads((FOLDER / "expected.json").read_text()) if FOLDER.is_dir() else {"datasets": {}}


def cases(kind: str) -> list[Any]:
    return [
        pytest.param(name, case, id="-".join([name, *(f"{k}={v}" for k, v in case.items() if k != "expect")]))
        for name, dataset in EXPECTED["datasets"].items()
        for case in dataset["cases"]
        if case["kind"] == kind
    ]


def read(name: str) -> tuple[np.ndarray, LdScores]:
    dataset = EXPECTED["datasets"][name]
    with gzip.open(FOLDER / dataset["file"], "rt") as lines:
        columns = np.genfromtxt(lines, delimiter=",", names=True)
    scores = LdScores.of(l2=columns["L2"], weight_l2=columns["WL2"], n_reference_snps=dataset["M"])
    return columns, scores


@pytest.fixture(scope="module")
def datasets() -> dict[str, tuple[np.ndarray, LdScores]]:
    return {name: read(name) for name in EXPECTED["datasets"]}


def assert_equal(ours: float | None, theirs: float | str, what: str) -> None:
    if theirs == "NA":
        assert ours is None, what
    else:
        assert ours == pytest.approx(theirs, rel=SAME_ALGORITHM, abs=0 if theirs else 1e-15), what


def assert_heritability(ours: Heritability, theirs: dict[str, Any]) -> None:
    mine = {
        "h2": ours.h2,
        "h2_se": ours.h2_standard_error,
        "intercept": ours.intercept,
        "intercept_se": ours.intercept_standard_error,
        "mean_chisq": ours.mean_chi_square,
        "lambda_gc": ours.lambda_gc,
        "ratio": ours.ratio,
        "ratio_se": ours.ratio_standard_error,
    }
    for key, value in mine.items():
        assert_equal(value, theirs.get(key, "NA"), key)


@pytest.mark.parametrize(("name", "case"), cases("hsq"))
def test_heritability__equals_ldsc(datasets: dict[str, Any], name: str, case: dict[str, Any]) -> None:
    columns, scores = datasets[name]
    result = heritability(
        z=columns[f"Z{case['trait']}"],
        n=columns[f"N{case['trait']}"],
        ld_scores=scores,
        n_blocks=case["n_blocks"],
        two_step=case["twostep"],
        intercept=case["intercept"],
    )
    assert_heritability(result, case["expect"])


@pytest.mark.parametrize(("name", "case"), cases("rg"))
def test_genetic_correlation__equals_ldsc(datasets: dict[str, Any], name: str, case: dict[str, Any]) -> None:
    columns, scores = datasets[name]
    first, second = (TraitStatistics.of(name=f"trait {t}", z=columns[f"Z{t}"], n=columns[f"N{t}"]) for t in (1, 2))
    result = genetic_correlation(
        first=first,
        second=second,
        ld_scores=scores,
        n_blocks=case["n_blocks"],
        two_step=case["twostep"],
        heritability_intercepts=(case["intercept_hsq1"], case["intercept_hsq2"]),
        covariance_intercept=case["intercept_gencov"],
    )
    theirs, covariance = case["expect"], result.covariance
    assert covariance is not None
    mine = {
        "rg": result.rg,
        "rg_se": result.rg_standard_error,
        "z": result.z,
        "p": result.p,
        "rg_jknife": result.rg_jackknife,
        "gencov": covariance.genetic_covariance,
        "gencov_se": covariance.standard_error,
        "gencov_intercept": covariance.intercept,
        "gencov_intercept_se": covariance.intercept_standard_error,
        "gencov_p": covariance.p,
        "mean_z1z2": covariance.mean_z_product,
    }
    for key, value in mine.items():
        assert_equal(value, theirs[key], key)
    assert (result.refusal is not None) == (theirs["rg"] == "NA")
    assert result.heritability_1 is not None
    assert result.heritability_2 is not None
    assert_heritability(result.heritability_1, theirs["hsq1"])
    assert_heritability(result.heritability_2, theirs["hsq2"])


@pytest.mark.parametrize("case", EXPECTED.get("liability", []))
def test_liability_heritability__equals_ldsc(case: dict[str, float]) -> None:
    ours = liability_heritability(h2=case["h2_obs"], sample_prevalence=case["P"], population_prevalence=case["K"])
    assert ours == pytest.approx(case["h2_liab"], rel=SAME_ALGORITHM)


@pytest.mark.parametrize("case", EXPECTED.get("gencov_liability", []))
def test_liability_genetic_covariance__equals_ldsc(case: dict[str, float]) -> None:
    ours = liability_genetic_covariance(
        genetic_covariance=case["gencov_obs"],
        sample_prevalences=(case["P1"], case["P2"]),
        population_prevalences=(case["K1"], case["K2"]),
    )
    assert ours == pytest.approx(case["gencov_liab"], rel=SAME_ALGORITHM)


@pytest.mark.parametrize(("sizes", "expected"), EXPECTED.get("separators", {}).items())
def test_block_separators__equal_ldsc(sizes: str, expected: list[int]) -> None:
    n_snps, n_blocks = (int(text) for text in sizes.split(","))
    assert block_separators(n_snps, n_blocks).tolist() == expected


def test_jackknife__equals_ldsc() -> None:
    case = EXPECTED["lstsq_jackknife"]
    x, y = np.array(case["x"]), np.array(case["y"])
    separators = block_separators(y.size, case["n_blocks"])
    blocks = [slice(a, b) for a, b in itertools.pairwise(separators)]
    estimate, delete_values = least_squares_delete_values(
        block_gram=np.array([x[b].T @ x[b] for b in blocks]), block_moment=np.array([x[b].T @ y[b] for b in blocks])
    )
    result = jackknife(estimate=estimate, delete_values=delete_values)
    assert estimate == pytest.approx(np.array(case["est"]), rel=SAME_ALGORITHM)
    assert delete_values == pytest.approx(np.array(case["delete_values"]), rel=SAME_ALGORITHM)
    assert result.estimate == pytest.approx(np.array(case["jknife_est"]), rel=SAME_ALGORITHM)
    assert result.standard_error == pytest.approx(np.array(case["jknife_se"]), rel=SAME_ALGORITHM)
    assert result.covariance == pytest.approx(np.array(case["jknife_cov"]), rel=SAME_ALGORITHM)


def test_align_alleles__equals_the_match_table_of_ldsc() -> None:
    rows = [line.split("\t") for line in (FOLDER / "allele_table.tsv").read_text().splitlines()[1:]]
    letters = [allele_codes([row[i][j] for row in rows]) for i in (0, 1) for j in (0, 1)]
    ours = align_alleles(
        effect_allele_1=letters[0], other_allele_1=letters[1], effect_allele_2=letters[2], other_allele_2=letters[3]
    )
    expected = [{"": 0, "0": 1, "1": -1}[row[3]] for row in rows]
    assert ours.sign.tolist() == expected
    assert ours.is_kept.tolist() == [row[2] == "1" for row in rows]
