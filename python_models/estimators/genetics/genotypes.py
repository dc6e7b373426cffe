"""How the estimators ask for genotypes: by SNP position, a few at a time."""

from collections.abc import Callable

import numpy as np

from python_models.estimators.genetics.errors import FloatArray, GeneticsInputError, IntegerArray

# dosage_of(positions) -> (n_people, len(positions)) allele counts of those SNPs, NaN where missing.
DosageOf = Callable[[IntegerArray], FloatArray]


def dosages(dosage_of: DosageOf, positions: IntegerArray) -> FloatArray:
    """(n_people, len(positions)) allele counts, checked for shape.

    Raises
    ------
    GeneticsInputError
        If the callback returns another shape.
    """
    dosage = np.asarray(dosage_of(positions), dtype=np.float64)
    if dosage.ndim != 2 or dosage.shape[1] != positions.size:
        raise GeneticsInputError([f"dosage_of returned shape {dosage.shape} for {positions.size} SNPs"])
    return dosage
