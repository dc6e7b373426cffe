"""Allele alignment: the match table as a truth table, counted drops."""

import itertools

import numpy as np
import pytest

from python_models.estimators.genetics.alleles import align_alleles, allele_codes, orientations
from python_models.estimators.genetics.errors import GeneticsInputError

COMPLEMENT = {"A": "T", "C": "G", "G": "C", "T": "A"}
PAIRS = ["".join(pair) for pair in itertools.permutations("ACGT", 2)]
CLEAN = [pair for pair in PAIRS if COMPLEMENT[pair[0]] != pair[1]]


def relation(first: str, second: str) -> int:
    """+1 same or complement, -1 swapped or swapped complement, 0 no match: the rule in words."""
    flipped = COMPLEMENT[first[0]] + COMPLEMENT[first[1]]
    if second in (first, flipped):
        return 1
    return -1 if second in (first[::-1], flipped[::-1]) else 0


@pytest.mark.parametrize(("first", "second"), list(itertools.product(PAIRS, PAIRS)))
def test_align_alleles__every_pair_of_pairs(first: str, second: str) -> None:
    codes = [allele_codes([letter]) for letter in first + second]
    result = align_alleles(
        effect_allele_1=codes[0], other_allele_1=codes[1], effect_allele_2=codes[2], other_allele_2=codes[3]
    )
    expected = relation(first, second) if first in CLEAN and second in CLEAN else 0
    assert result.sign[0] == expected
    assert result.is_kept[0] == (expected != 0)


def test_align_alleles__32_of_the_clean_pairs_match() -> None:
    first, second = np.array(list(itertools.product(CLEAN, CLEAN))).T
    letters = [allele_codes([pair[i] for pair in pairs]) for pairs in (first, second) for i in (0, 1)]
    result = align_alleles(
        effect_allele_1=letters[0], other_allele_1=letters[1], effect_allele_2=letters[2], other_allele_2=letters[3]
    )
    assert int(result.is_kept.sum()) == 32
    assert result.n_flipped == 16
    assert result.n_strand_changed == 16
    assert result.n_incompatible == 32


def test_align_alleles__bad_rows_are_dropped_and_counted_not_fatal() -> None:
    result = align_alleles(
        effect_allele_1=allele_codes(["A", "A", "A", "AT", "C", "."]),
        other_allele_1=allele_codes(["G", "T", "C", "A", "C", "G"]),
        effect_allele_2=allele_codes(["g", "A", "G", "A", "A", "A"]),
        other_allele_2=allele_codes(["a", "T", "A", "C", "C", "G"]),
    )
    assert result.sign.tolist() == [-1, 0, 0, 0, 0, 0]
    counts = (result.n_not_single_letters, result.n_strand_ambiguous, result.n_incompatible)
    assert counts == (2, 2, 1)
    assert result.is_kept.sum() + sum(counts) == 6


def test_orientations__a_product_of_two_oriented_z_scores_needs_no_common_reference() -> None:
    first, second = np.array(list(itertools.product(CLEAN, CLEAN))).T
    one, two = (
        orientations(
            effect_allele=allele_codes([p[0] for p in pairs]), other_allele=allele_codes([p[1] for p in pairs])
        )
        for pairs in (first, second)
    )
    sign = np.where(np.abs(one) == np.abs(two), np.sign(one) * np.sign(two), 0)
    assert sign.tolist() == [relation(a, b) for a, b in zip(first, second, strict=True)]


def test_align_alleles__lengths_must_agree() -> None:
    one, two = allele_codes(["A"]), allele_codes(["A", "C"])
    with pytest.raises(GeneticsInputError, match="differ in length"):
        align_alleles(effect_allele_1=one, other_allele_1=one, effect_allele_2=two, other_allele_2=two)
