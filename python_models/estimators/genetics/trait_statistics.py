"""One trait's association statistics, as the cross-trait regressions read them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from python_models.estimators.genetics.alleles import IntegerCodes
from python_models.estimators.genetics.errors import (
    BooleanArray,
    FloatArray,
    GeneticsInputError,
    vectors_of_one_length,
)


@dataclass(frozen=True, slots=True)
class TraitStatistics:
    """Association statistics in the order of the LD scores.

    name : the trait.
    z : (n,) Z scores, NaN where the trait lacks the SNP.
    n : (n,) sample size.
    orientation : (n,) `alleles.orientations`, None where all traits already report the same effect allele.
    """

    name: str
    z: FloatArray
    n: FloatArray
    orientation: IntegerCodes | None = None

    @classmethod
    def of(cls, *, name: str, z: ArrayLike, n: ArrayLike, orientation: IntegerCodes | None = None) -> "TraitStatistics":
        """Checked statistics; `n` may be one number.

        Raises
        ------
        GeneticsInputError
            If lengths differ.
        """
        z_vector, n_vector = vectors_of_one_length(z=z, n=n)
        if orientation is not None and len(orientation) != z_vector.size:
            raise GeneticsInputError([f"{name}: {len(orientation):,} orientations for {z_vector.size:,} Z scores"])
        return cls(name=name, z=z_vector, n=n_vector, orientation=orientation)


@dataclass(frozen=True, slots=True)
class OrientedTrait:
    """A trait made ready once for all its pairs.

    z : (n,) Z of the class's first allele pair: comparable with any trait whose class agrees.
    variant_class : (n,) 1 or 2, 0 where strand-ambiguous; None where the traits were aligned before.
    is_present : (n,) Z and N are there.
    """

    name: str
    z: FloatArray
    n: FloatArray
    variant_class: IntegerCodes | None
    is_present: BooleanArray
    n_present: int

    @classmethod
    def of(cls, trait: TraitStatistics, *, n_ld_scores: int) -> "OrientedTrait":
        if trait.z.size != n_ld_scores:
            message = f"{trait.name}: {trait.z.size:,} Z scores for {n_ld_scores:,} LD scores; give NaN where missing"
            raise GeneticsInputError([message])
        is_present = np.isfinite(trait.z) & np.isfinite(trait.n) & (trait.n > 0)
        z, variant_class = trait.z, None
        if trait.orientation is not None:
            z, variant_class = z * np.sign(trait.orientation), np.abs(trait.orientation)
        return cls(
            name=trait.name,
            z=z,
            n=trait.n,
            variant_class=variant_class,
            is_present=is_present,
            n_present=int(is_present.sum()),
        )

    def matches(self, other: "OrientedTrait") -> BooleanArray | None:
        """(n,) the two report the same strand-unambiguous variant; None where there is nothing to compare."""
        if self.variant_class is None or other.variant_class is None:
            return None
        return np.asarray((self.variant_class == other.variant_class) & (self.variant_class != 0))
