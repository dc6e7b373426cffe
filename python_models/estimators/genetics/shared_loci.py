"""Loci that two traits share."""

from dataclasses import dataclass

import numpy as np

from python_models.estimators.genetics.errors import BooleanArray, FloatArray, IntegerArray
from python_models.estimators.genetics.intervals import connected_stretches, extents
from python_models.estimators.genetics.loci import Loci


@dataclass(frozen=True, slots=True)
class SharedLoci:
    """Stretches of the genome that hold a locus of both traits.

    chromosome, start, end : (k,) the stretch, the union of the loci in it.
    locus_1, locus_2 : (k,) each trait's strongest locus in the stretch.
    n_loci_1, n_loci_2 : (k,) loci of each trait in the stretch.
    is_shared_1, is_shared_2 : per locus of each trait, whether it lies in a shared stretch.
    """

    chromosome: IntegerArray
    start: IntegerArray
    end: IntegerArray
    locus_1: IntegerArray
    locus_2: IntegerArray
    n_loci_1: IntegerArray
    n_loci_2: IntegerArray
    is_shared_1: BooleanArray
    is_shared_2: BooleanArray

    @property
    def n(self) -> int:
        return self.chromosome.size


def shared_loci(first: Loci, second: Loci, *, largest_gap_bp: int = 0) -> SharedLoci:
    """Loci of two traits that overlap or lie within `largest_gap_bp`, directly or in chain."""
    chromosome = np.concatenate([first.chromosome, second.chromosome])
    start, end = np.concatenate([first.start, second.start]), np.concatenate([first.end, second.end])
    stretch = connected_stretches(chromosome=chromosome, start=start, end=end, largest_gap=largest_gap_bp)
    n_stretches = int(stretch.max()) + 1 if stretch.size else 0
    of_1, of_2 = stretch[: first.n], stretch[first.n :]
    n_1, n_2 = np.bincount(of_1, minlength=n_stretches), np.bincount(of_2, minlength=n_stretches)
    shared = np.flatnonzero((n_1 > 0) & (n_2 > 0))
    whole_start, whole_end = extents(stretch, first=start, last=end, n=n_stretches)
    label = np.zeros(n_stretches, dtype=np.int64)
    label[stretch] = chromosome
    return SharedLoci(
        chromosome=label[shared],
        start=whole_start[shared],
        end=whole_end[shared],
        locus_1=_strongest(of_1, first.neg_log10_p, shared),
        locus_2=_strongest(of_2, second.neg_log10_p, shared),
        n_loci_1=n_1[shared],
        n_loci_2=n_2[shared],
        is_shared_1=np.isin(of_1, shared),
        is_shared_2=np.isin(of_2, shared),
    )


def _strongest(stretch: IntegerArray, neg_log10_p: FloatArray, wanted: IntegerArray) -> IntegerArray:
    """(k,) locus with the largest -log10 P in each wanted stretch."""
    order = np.lexsort((-neg_log10_p, stretch))
    found, first = np.unique(stretch[order], return_index=True)
    return np.asarray(order[first][np.searchsorted(found, wanted)], dtype=np.int64)
