"""Harmonisation: every way two studies can write one SNP, as a truth table."""

from typing import Any

import numpy as np
import pytest

from python_models.estimators.genetics.errors import GeneticsInputError
from python_models.estimators.genetics.harmonisation import Harmonised, harmonise


def run(exposure: list[str], outcome: list[str], **options: Any) -> Harmonised:
    """Alleles written 'A/G', effect allele first; the outcome's effect is 1."""
    a_x, b_x = zip(*(pair.split("/") for pair in exposure), strict=True)
    a_y, b_y = zip(*(pair.split("/") for pair in outcome), strict=True)
    return harmonise(
        effect_allele_exposure=a_x,
        other_allele_exposure=b_x,
        effect_allele_outcome=a_y,
        other_allele_outcome=b_y,
        **({"beta_exposure": np.ones(len(exposure)), "beta_outcome": np.ones(len(exposure))} | options),
    )


@pytest.mark.parametrize(
    ("exposure", "outcome", "sign"),
    [
        ("A/G", "A/G", 1),
        ("A/G", "G/A", -1),
        ("A/G", "T/C", 1),  # other strand
        ("A/G", "C/T", -1),  # other strand, swapped
        ("A/G", "a/g", 1),
        ("A/G", "A/C", 0),
        ("A/G", "A/T", 0),
        ("A/T", "A/G", 0),
        ("A/G", "A/", 0),  # other allele unknown
        ("ACT/A", "ACT/A", 1),  # insertion
        ("ACT/A", "A/ACT", -1),
        ("ACT/A", "TGA/T", 1),
        ("A/A", "A/A", 0),
    ],
)
def test_harmonise__non_palindromic(exposure: str, outcome: str, sign: int) -> None:
    result = run([exposure], [outcome])
    assert result.is_kept[0] == (sign != 0)
    assert result.n_incompatible == (sign == 0)
    if sign:
        assert result.beta_outcome[0] == sign


@pytest.mark.parametrize(
    ("outcome", "frequency_x", "frequency_y", "sign"),
    [
        ("A/T", 0.20, 0.22, 1),  # same allele, same strand
        ("A/T", 0.20, 0.78, -1),  # same letters, other strand
        ("T/A", 0.20, 0.78, -1),  # swapped on the same strand
        ("T/A", 0.20, 0.22, 1),  # swapped letters are the other strand
        ("A/T", 0.45, 0.20, 0),  # exposure too near one half
        ("A/T", 0.20, 0.57, 0),  # outcome too near one half
        ("A/T", 0.42, 0.20, 1),  # the tolerance itself is outside
        ("A/T", np.nan, 0.20, 0),  # unknown frequency is one half
    ],
)
def test_harmonise__palindromes_are_told_by_frequency(
    outcome: str, frequency_x: float, frequency_y: float, sign: int
) -> None:
    result = run(["A/T"], [outcome], allele_frequency_exposure=[frequency_x], allele_frequency_outcome=[frequency_y])
    assert result.is_kept[0] == (sign != 0)
    assert result.n_palindromic_dropped == (sign == 0)
    if sign:
        assert result.beta_outcome[0] == sign
        assert (result.allele_frequency_outcome[0] < 0.5) == (frequency_x < 0.5)


def test_harmonise__rules_for_palindromes() -> None:
    options = {"allele_frequency_exposure": [0.2], "allele_frequency_outcome": [0.8]}
    assert run(["C/G"], ["C/G"], palindromes="assume_forward", **options).beta_outcome[0] == 1
    assert not run(["C/G"], ["C/G"], palindromes="drop", **options).is_kept[0]
    assert run(["C/G"], ["C/G"], **options).beta_outcome[0] == -1
    assert run(["A/G"], ["A/G"], palindromes="drop").is_kept[0]


def test_harmonise__every_snp_is_kept_or_counted_once() -> None:
    result = run(
        ["A/G", "A/G", "A/T", "A/G", "A/G"],
        ["A/G", "C/T", "A/T", "A/C", "G/A"],
        beta_outcome=[1.0, 1.0, 1.0, 1.0, np.nan],
    )
    assert result.is_kept.tolist() == [True, True, False, False, False]
    assert (result.n_incompatible, result.n_palindromic_dropped, result.n_missing) == (1, 1, 1)
    assert (result.n_swapped, result.n_strand_flipped) == (2, 1)


def test_harmonise__writing_the_outcome_on_the_other_allele_or_strand_changes_nothing() -> None:
    rng = np.random.default_rng(1)
    pairs = np.array(["A/G", "C/T", "A/C", "G/T"])[rng.integers(4, size=50)].tolist()
    beta, swap, flip = rng.normal(size=50), rng.random(50) < 0.5, rng.random(50) < 0.5
    strand = str.maketrans("ACGT", "TGCA")
    written = [
        "/".join(pair.split("/")[:: -1 if s else 1]).translate(strand if f else {})
        for pair, s, f in zip(pairs, swap, flip, strict=True)
    ]
    result = run(pairs, written, beta_outcome=np.where(swap, -beta, beta), beta_exposure=np.ones(50))
    assert result.beta_outcome.tolist() == beta.tolist()
    assert result.is_kept.all()


def test_harmonise__refuses_by_name() -> None:
    with pytest.raises(GeneticsInputError, match="infer_from_frequency"):
        run(["A/G"], ["A/G"], palindromes="guess")
    with pytest.raises(GeneticsInputError, match="differ in length"):
        run(["A/G"], ["A/G"], beta_outcome=[1.0, 2.0], beta_exposure=[1.0, 2.0])
