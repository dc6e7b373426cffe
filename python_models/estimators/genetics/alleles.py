"""Whether two studies report the same variant, and whether for the same allele.

A and C pair with T and G on the other strand. Of the 16 pairs of letters, 12 hold two letters; 4 of those (A/T, C/G)
read the same on both strands and say nothing about orientation. The other 8 fall into two classes, {AC, CA, TG, GT}
and {AG, GA, TC, CT}: two studies match where their pairs share a class, and the signed statistic changes sign where
one is a swap of the other. That is the whole of the 32-row match table.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from python_models.estimators.genetics.errors import BooleanArray, GeneticsInputError

NOT_A_LETTER = -1
LETTERS = "ACGT"

# Class (1 or 2) with the sign of the orientation; the order of letters is ACGT. 0: no orientation.
_ORIENTATION = np.zeros((4, 4), dtype=np.int8)
for _pair, _value in {"AC": 1, "TG": 1, "CA": -1, "GT": -1, "AG": 2, "TC": 2, "GA": -2, "CT": -2}.items():
    _ORIENTATION[LETTERS.index(_pair[0]), LETTERS.index(_pair[1])] = _value

_CODE_OF_CHARACTER = np.full(128, NOT_A_LETTER, dtype=np.int8)
for _code, _letter in enumerate(LETTERS):
    _CODE_OF_CHARACTER[[ord(_letter), ord(_letter.lower())]] = _code

IntegerCodes = NDArray[np.int8]


def allele_codes(alleles: ArrayLike) -> IntegerCodes:
    """(n,) int8 codes A 0, C 1, G 2, T 3 of single letters in either case; -1 for anything else (indels, '.', '').

    >>> allele_codes(["A", "t", "AC", ""]).tolist()
    [0, 3, -1, -1]
    """
    text = np.ascontiguousarray(np.asarray(alleles, dtype=np.str_).reshape(-1))
    width = max(text.dtype.itemsize // 4, 1)
    characters = text.astype(f"U{width}", copy=False).view(np.uint32).reshape(text.size, width)
    is_letter = characters[:, 0] < _CODE_OF_CHARACTER.size
    if width > 1:
        is_letter &= characters[:, 1] == 0
    return np.where(is_letter, _CODE_OF_CHARACTER[np.where(is_letter, characters[:, 0], 0)], NOT_A_LETTER).astype(
        np.int8
    )


def orientations(*, effect_allele: IntegerCodes, other_allele: IntegerCodes) -> IntegerCodes:
    """(n,) orientation of each allele pair: its class (1, 2) times +1 or -1; 0 where it has none.

    Two studies match where the absolute values agree and are not 0; the statistic flips where the signs differ. A Z
    score times the sign of its orientation is comparable between all studies whose class agrees.
    """
    is_pair = (effect_allele >= 0) & (other_allele >= 0)
    return np.where(is_pair, _ORIENTATION[np.maximum(effect_allele, 0), np.maximum(other_allele, 0)], 0).astype(np.int8)


@dataclass(frozen=True, slots=True)
class AlleleAlignment:
    """How study 2 maps onto study 1, SNP by SNP, with every drop counted.

    sign : (n,) int8, +1 same effect allele, -1 swapped, 0 dropped: multiply the second study's statistic by it.
    is_kept : (n,) the SNP matches.
    n_flipped : kept SNPs whose effect allele is the first study's other allele.
    n_strand_changed : kept SNPs reported on opposite strands.
    n_not_single_letters : dropped, an allele in either study is not one of A, C, G, T.
    n_strand_ambiguous : dropped, an A/T or C/G pair (or one letter twice) in either study.
    n_incompatible : dropped, two clean pairs that are not the same variant.
    """

    sign: IntegerCodes
    is_kept: BooleanArray
    n_flipped: int
    n_strand_changed: int
    n_not_single_letters: int
    n_strand_ambiguous: int
    n_incompatible: int


def align_alleles(
    *,
    effect_allele_1: IntegerCodes,
    other_allele_1: IntegerCodes,
    effect_allele_2: IntegerCodes,
    other_allele_2: IntegerCodes,
) -> AlleleAlignment:
    """Match the allele pairs of two studies; all inputs (n,) codes of `allele_codes`.

    A SNP that does not match is dropped and counted; ldsc ends with a KeyError there.

    Raises
    ------
    GeneticsInputError
        If the inputs differ in length.
    """
    codes = [np.asarray(c) for c in (effect_allele_1, other_allele_1, effect_allele_2, other_allele_2)]
    if len({c.shape for c in codes}) > 1:
        raise GeneticsInputError(["allele codes differ in length: " + ", ".join(str(c.shape) for c in codes)])
    first = orientations(effect_allele=codes[0], other_allele=codes[1])
    second = orientations(effect_allele=codes[2], other_allele=codes[3])
    has_letters = np.logical_and.reduce([c >= 0 for c in codes])
    is_oriented = (first != 0) & (second != 0)
    is_kept = is_oriented & (np.abs(first) == np.abs(second))
    sign = np.where(is_kept, np.sign(first) * np.sign(second), 0).astype(np.int8)
    has_same_letters = ((codes[0] == codes[2]) & (codes[1] == codes[3])) | (
        (codes[0] == codes[3]) & (codes[1] == codes[2])
    )
    return AlleleAlignment(
        sign=sign,
        is_kept=is_kept,
        n_flipped=int((sign == -1).sum()),
        n_strand_changed=int((is_kept & ~has_same_letters).sum()),
        n_not_single_letters=int((~has_letters).sum()),
        n_strand_ambiguous=int((has_letters & ~is_oriented).sum()),
        n_incompatible=int((is_oriented & ~is_kept).sum()),
    )
