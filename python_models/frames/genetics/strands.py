"""Whether two GWAS traits that report the same pair of letters mean the same allele by them.

Traits stand on the first letter of a variant's class. Where the class tells the strand that is one allele for both; of
palindromic variants (A/T, C/G) it is the same letter, and the two studies may have read it on different strands.
"""

from dataclasses import dataclass
from typing import get_args

import numpy as np
import numpy.typing as npt

from python_models.estimators.genetics.harmonisation import Palindromes, harmonise
from python_models.frames.genetics.gwas_variants import TraitVariants

# First and second letter by class; a variant that a trait lacks has none.
FIRST_LETTERS, SECOND_LETTERS = np.array(["", "A", "A", "A", "C"]), np.array(["", "C", "G", "T", "G"])
LAST_CLASS_OF_KNOWN_STRAND = 2


def palindromes_rule(said: str) -> Palindromes:
    """The dbt var gwas_palindromes, checked.

    Raises
    ------
    ValueError
        If it is none of its choices.
    """
    for choice in get_args(Palindromes):
        if said == choice:
            return choice  # type: ignore[no-any-return]
    choices = ", ".join(get_args(Palindromes))
    raise ValueError(f"gwas_palindromes is one of {choices}, not {said!r}: mend it in dbt_project.yml")


def is_palindromic(trait: TraitVariants) -> npt.NDArray[np.bool_]:
    """(n,) the trait reports it as A/T or C/G."""
    return np.asarray(trait.variant_class > LAST_CLASS_OF_KNOWN_STRAND)


@dataclass(frozen=True, slots=True)
class Strands:
    """How the second trait's letters stand to the first one's, at k variants.

    sign : (k,) 1 or -1, to multiply the second trait's effects by.
    is_known : (k,) the strands are told; nothing signed may be said of the other variants.
    """

    sign: npt.NDArray[np.float64]
    is_known: npt.NDArray[np.bool_]


def strands(
    first: TraitVariants, second: TraitVariants, variants: npt.NDArray[np.intp], *, palindromes: Palindromes
) -> Strands:
    """Strands of two traits at variants that both report with the same class, (k,) positions along the genome."""
    letters = [
        column[trait.variant_class[variants]] for trait in (first, second) for column in (FIRST_LETTERS, SECOND_LETTERS)
    ]
    one = np.ones(variants.size)  # an effect of 1 comes back as its sign
    found = harmonise(
        effect_allele_exposure=letters[0],
        other_allele_exposure=letters[1],
        effect_allele_outcome=letters[2],
        other_allele_outcome=letters[3],
        beta_exposure=one,
        beta_outcome=one,
        allele_frequency_exposure=first.frequency[variants],
        allele_frequency_outcome=second.frequency[variants],
        palindromes=palindromes,
    )
    return Strands(sign=found.beta_outcome, is_known=found.is_kept)
