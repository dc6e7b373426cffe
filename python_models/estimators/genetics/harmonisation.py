"""Two studies' effects on one allele: the step between two result files and Mendelian randomization.

The rules are those of TwoSampleMR's `harmonise_data`: swap, then the other strand, then swap again; palindromic SNPs
(A/T, C/G) read the same on both strands, and only their allele frequency can tell which strand a study used.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from python_models.estimators.genetics.errors import BooleanArray, FloatArray, GeneticsInputError, vectors_of_one_length

# TwoSampleMR actions 1, 2 and 3.
Palindromes = Literal["assume_forward", "infer_from_frequency", "drop"]

FREQUENCY_TOLERANCE = 0.08  # of 0.5: a palindromic SNP inside cannot be told (the default of TwoSampleMR)
_COMPLEMENT = str.maketrans("ACGT", "TGCA")
_PALINDROMIC = ("AT", "TA", "CG", "GC")

Text = NDArray[np.str_]


@dataclass(frozen=True, slots=True)
class Harmonised:
    """The outcome on the exposure's effect alleles.

    is_kept : (n,) usable instruments: alleles match, palindromes resolved, no effect missing.
    beta_outcome, allele_frequency_outcome : (n,) for the exposure's effect allele, whether kept or not.
    n_swapped : effect and other allele exchanged. n_strand_flipped : reported on the other strand.
    n_palindromic_swapped : palindromes turned by their frequency.
    n_incompatible, n_palindromic_dropped, n_missing : dropped, by reason, in this order.
    """

    is_kept: BooleanArray
    beta_outcome: FloatArray
    allele_frequency_outcome: FloatArray
    n_swapped: int
    n_strand_flipped: int
    n_palindromic_swapped: int
    n_incompatible: int
    n_palindromic_dropped: int
    n_missing: int


def harmonise(
    *,
    effect_allele_exposure: ArrayLike,
    other_allele_exposure: ArrayLike,
    effect_allele_outcome: ArrayLike,
    other_allele_outcome: ArrayLike,
    beta_exposure: ArrayLike,
    beta_outcome: ArrayLike,
    allele_frequency_exposure: ArrayLike | None = None,
    allele_frequency_outcome: ArrayLike | None = None,
    palindromes: Palindromes = "infer_from_frequency",
    tolerance: float = FREQUENCY_TOLERANCE,
) -> Harmonised:
    """Bring the outcome's effects to the exposure's effect alleles.

    alleles : (n,) letters or sequences, '' where unknown (such a SNP is dropped as incompatible).
    beta_exposure, beta_outcome : (n,) effects, NaN where missing.
    allele_frequency_* : (n,) of each study's effect allele, NaN where unknown. A palindromic SNP without frequency
        counts as 0.5: it cannot be told.
    palindromes : "infer_from_frequency" turns them where the two studies' frequencies lie on opposite sides of 0.5 and
        drops them within `tolerance` of it; "drop" drops all; "assume_forward" believes both strands.

    Raises
    ------
    GeneticsInputError
        If lengths differ or the rule for palindromes is unknown.

    References
    ----------
    Hemani et al. 2018, eLife 7:e34408; Hartwig et al. 2016, IJE 45:1717-1726.
    """
    if palindromes not in ("assume_forward", "infer_from_frequency", "drop"):
        raise GeneticsInputError([f"palindromes {palindromes!r} is unknown; use one of {Palindromes.__args__}"])  # type: ignore[attr-defined]
    exposure, outcome, frequency_x, frequency_y = vectors_of_one_length(
        beta_exposure=beta_exposure,
        beta_outcome=beta_outcome,
        allele_frequency_exposure=np.nan if allele_frequency_exposure is None else allele_frequency_exposure,
        allele_frequency_outcome=np.nan if allele_frequency_outcome is None else allele_frequency_outcome,
    )
    a_x, b_x, a_y, b_y = (
        np.char.upper(np.asarray(alleles, dtype=np.str_))
        for alleles in (effect_allele_exposure, other_allele_exposure, effect_allele_outcome, other_allele_outcome)
    )
    sizes = {alleles.size for alleles in (a_x, b_x, a_y, b_y)} | {exposure.size}
    if len(sizes) > 1:
        raise GeneticsInputError([f"alleles and effects differ in length: {sorted(sizes)}"])
    is_known = (a_x != "") & (b_x != "") & (a_y != "") & (b_y != "") & (a_x != b_x) & (a_y != b_y)
    is_palindromic = np.isin(np.char.add(a_x, b_x), _PALINDROMIC)

    is_swapped = (a_x == b_y) & (b_x == a_y)
    is_same = (a_x == a_y) & (b_x == b_y)
    on_other_strand = ~is_palindromic & ~is_same & ~is_swapped
    c_y, d_y = _complement(a_y), _complement(b_y)
    is_flipped_same = on_other_strand & (a_x == c_y) & (b_x == d_y)
    is_flipped_swapped = on_other_strand & (a_x == d_y) & (b_x == c_y)
    turned = is_swapped | is_flipped_swapped
    matches = is_known & (is_same | is_swapped | is_flipped_same | is_flipped_swapped)
    frequency_y = np.where(turned, 1 - frequency_y, frequency_y)

    known_x, known_y = (np.where(np.isnan(f), 0.5, f) for f in (frequency_x, frequency_y))
    is_between = (np.abs(known_x - 0.5) < tolerance) | (np.abs(known_y - 0.5) < tolerance)
    is_opposite = (known_x - 0.5) * (known_y - 0.5) < 0
    turned_palindrome = np.zeros_like(matches)
    is_unresolved = np.zeros_like(matches)
    if palindromes == "infer_from_frequency":
        turned_palindrome = matches & is_palindromic & is_opposite
        is_unresolved = is_palindromic & is_between
    elif palindromes == "drop":
        is_unresolved = is_palindromic
    frequency_y = np.where(turned_palindrome, 1 - frequency_y, frequency_y)

    is_complete = np.isfinite(exposure) & np.isfinite(outcome)
    return Harmonised(
        is_kept=matches & ~is_unresolved & is_complete,
        beta_outcome=np.where(turned ^ turned_palindrome, -outcome, outcome),
        allele_frequency_outcome=frequency_y,
        n_swapped=int((turned & matches).sum()),
        n_strand_flipped=int(((is_flipped_same | is_flipped_swapped) & matches).sum()),
        n_palindromic_swapped=int((turned_palindrome & ~is_unresolved).sum()),
        n_incompatible=int((~matches).sum()),
        n_palindromic_dropped=int((matches & is_unresolved).sum()),
        n_missing=int((matches & ~is_unresolved & ~is_complete).sum()),
    )


def _complement(alleles: Text) -> Text:
    return np.array([str(allele).translate(_COMPLEMENT) for allele in alleles], dtype=np.str_).reshape(alleles.shape)
