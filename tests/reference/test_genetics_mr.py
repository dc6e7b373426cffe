"""TwoSampleMR (c14776b) on BMI and systolic blood pressure: 144 and 24 real instruments.

Two of its rows are left out on purpose. `mr_two_sample_ml` stops before its maximum (its Q of 578.65 falls to 563.68 at
the true one), and `mr_uwr` divides its standard error by a residual spread in the outcome's unit, so that its P value
depends on the unit. `mr_sign` counts signs and estimates nothing.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from python_models.estimators.genetics.harmonisation import harmonise
from python_models.estimators.genetics.mendelian_randomisation import Instruments, causal_estimate

SAME_FORMULA = 1e-9  # relative; least squares by another route
BOOTSTRAP = 0.12  # relative; standard deviations of 1,000 and 20,000 draws, of which 1,000 gives 2 % to 4 %

METHODS = {
    "mr_ivw": "ivw",
    "mr_ivw_fe": "ivw_fixed",
    "mr_ivw_mre": "ivw_multiplicative",
    "mr_egger_regression": "egger",
    "mr_weighted_median": "weighted_median",
    "mr_simple_median": "simple_median",
}

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
LEAD_SNPS = SHARED / "data/genetics/lead_snps_bone_muscle.tsv"
FOLDER = SHARED / "reference/genetics/mr"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="needs ../shared/reference/genetics/mr")


def read(name: str) -> Any:
    return np.genfromtxt(FOLDER / name, names=True, dtype=None, encoding="utf-8", deletechars="", delimiter="\t")


@pytest.mark.parametrize("selection", ["1", "5e-08"])
@pytest.mark.parametrize("theirs", METHODS)
def test_causal_estimate__equals_two_sample_mr(selection: str, theirs: str) -> None:
    data = read(f"bmi_sbp_sel{selection}.tsv")
    instruments = Instruments.of(
        beta_exposure=data["beta.exposure"],
        se_exposure=data["se.exposure"],
        beta_outcome=data["beta.outcome"],
        se_outcome=data["se.outcome"],
    )
    lines = [line.split("\t") for line in (FOLDER / "expected.tsv").read_text().splitlines()]
    expected = next(dict(zip(lines[0], line, strict=True)) for line in lines if line[:2] == [selection, theirs])
    ours = causal_estimate(
        instruments,
        method=METHODS[theirs],  # type: ignore[arg-type]
        rng=np.random.default_rng(1),
        n_bootstrap=20_000,
    )
    is_bootstrap = theirs.endswith("median")
    assert ours.n_instruments == int(expected["nsnp"])
    assert ours.estimate == pytest.approx(float(expected["b"]), rel=SAME_FORMULA)
    error_tolerance = BOOTSTRAP if is_bootstrap else SAME_FORMULA
    assert ours.standard_error == pytest.approx(float(expected["se"]), rel=error_tolerance)
    if is_bootstrap:
        return
    mine = {
        "pval": ours.p,
        "Q": ours.q,
        "Q_df": ours.q_degrees_of_freedom,
        "Q_pval": ours.q_p,
        "b_i": ours.intercept,
        "se_i": ours.intercept_standard_error,
        "pval_i": ours.intercept_p,
    }
    for key, value in mine.items():
        if expected[key] == "NA":
            assert value is None, key
        else:
            assert value == pytest.approx(float(expected[key]), rel=SAME_FORMULA), key


@pytest.mark.skipif(not LEAD_SNPS.is_file(), reason="needs ../shared/data/genetics/lead_snps_bone_muscle.tsv")
@pytest.mark.parametrize(
    ("exposure", "outcome"),
    [
        ("Hand grip strength (left)", "Hand grip strength (right)"),
        ("Leg fat-free mass (left)", "Leg fat-free mass (right)"),
        (
            "Heel bone mineral density (BMD) T-score  automated (left)",
            "Heel bone mineral density (BMD) T-score  automated (right)",
        ),
    ],
)
def test_causal_estimate__of_one_side_of_the_body_on_the_other_is_one(exposure: str, outcome: str) -> None:
    """Real lead SNPs of UK Biobank, hit in both sides: same people, same biology, one unit for one unit."""
    header, *rows = (line.split("\t") for line in LEAD_SNPS.read_text().splitlines())
    column = {name: header.index(name) for name in header}

    def of_trait(name: str) -> dict[str, list[str]]:
        return {row[column["SNP"]]: row for row in rows if row[column["exposure"]] == name}

    one, other = of_trait(exposure), of_trait(outcome)
    snps = sorted(set(one) & set(other))

    def values(trait: dict[str, list[str]], name: str) -> list[str]:
        return [trait[snp][column[f"{name}.exposure"]] for snp in snps]

    def numbers(trait: dict[str, list[str]], name: str) -> np.ndarray:
        return np.array([float(text) if text else np.nan for text in values(trait, name)])

    aligned = harmonise(
        effect_allele_exposure=values(one, "effect_allele"),
        other_allele_exposure=values(one, "other_allele"),
        effect_allele_outcome=values(other, "effect_allele"),
        other_allele_outcome=values(other, "other_allele"),
        beta_exposure=numbers(one, "beta"),
        beta_outcome=numbers(other, "beta"),
        allele_frequency_exposure=numbers(one, "eaf"),
        allele_frequency_outcome=numbers(other, "eaf"),
    )
    kept = aligned.is_kept
    assert kept.sum() >= 20
    instruments = Instruments.of(
        beta_exposure=numbers(one, "beta")[kept],
        se_exposure=numbers(one, "se")[kept],
        beta_outcome=aligned.beta_outcome[kept],
        se_outcome=numbers(other, "se")[kept],
    )
    estimate = causal_estimate(instruments, method="ivw").estimate
    assert estimate == pytest.approx(1.0, abs=0.1)
