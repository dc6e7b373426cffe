"""Is the overlap of two traits' genes more than chance? Counted in loci: neighbouring genes share their SNPs."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import hypergeom

from python_models.estimators.genetics.errors import GeneticsInputError
from python_models.estimators.genetics.normal_tails import LOG_10


@dataclass(frozen=True, slots=True)
class Overlap:
    """Overlap of two sets drawn from one background.

    n_background, n_1, n_2, n_both : sizes. expected : n_1 n_2 / n_background. fold : n_both / expected.
    p, neg_log10_p : P(at least n_both in common), hypergeometric.
    refusal : why there is no test; expected, fold and p are then None.
    """

    n_background: int
    n_1: int
    n_2: int
    n_both: int
    refusal: str | None = None
    expected: float | None = None
    fold: float | None = None
    p: float | None = None
    neg_log10_p: float | None = None


def hypergeometric_overlap(*, n_background: int, n_1: int, n_2: int, n_both: int) -> Overlap:
    """One-sided hypergeometric test of an overlap.

    Assumes the members of the background are independent of each other, which genes are not: see `locus_overlap`.

    Raises
    ------
    GeneticsInputError
        If the sizes cannot belong together.
    """
    if not (0 <= n_both <= min(n_1, n_2) and n_1 + n_2 - n_both <= n_background):
        raise GeneticsInputError([f"{n_both} common to {n_1} and {n_2} out of {n_background} is impossible"])
    if n_1 == 0 or n_2 == 0:
        return Overlap(n_background, n_1, n_2, n_both, refusal="one of the two sets is empty: no overlap to test")
    expected = n_1 * n_2 / n_background
    log_p = float(hypergeom.logsf(n_both - 1, n_background, n_1, n_2))
    return Overlap(
        n_background=n_background,
        n_1=n_1,
        n_2=n_2,
        n_both=n_both,
        expected=expected,
        fold=n_both / expected,
        p=float(np.exp(log_p)),
        neg_log10_p=-log_p / LOG_10 + 0.0,
    )


@dataclass(frozen=True, slots=True)
class LocusOverlap:
    """The same overlap counted in genes and in loci; the P value to report is the loci's.

    n_loci_same_gene : loci with at least one gene hit by both traits; `loci.n_both` also counts loci where the two
        traits hit different genes.
    """

    genes: Overlap
    loci: Overlap
    n_loci_same_gene: int


def locus_overlap(*, is_hit_1: ArrayLike, is_hit_2: ArrayLike, locus: ArrayLike) -> LocusOverlap:
    """Overlap of two traits' gene hits, by gene and by locus.

    is_hit_1, is_hit_2 : (g,) hits among all genes tested for both traits.
    locus : (g,) locus of each gene (`intervals.connected_stretches` of the gene windows).

    A locus is hit where any of its genes is: 20 neighbours that share one SNP count once.

    Raises
    ------
    GeneticsInputError
        If lengths differ.
    """
    first, second = np.asarray(is_hit_1, dtype=bool), np.asarray(is_hit_2, dtype=bool)
    label = np.unique(np.asarray(locus), return_inverse=True)[1]
    if not first.shape == second.shape == label.shape:
        raise GeneticsInputError([f"hits and loci differ in length: {first.size}, {second.size}, {label.size}"])
    n_loci = int(label.max()) + 1 if label.size else 0
    in_1, in_2, in_both = (np.bincount(label[hit], minlength=n_loci) > 0 for hit in (first, second, first & second))
    return LocusOverlap(
        genes=_of(first, second),
        loci=_of(in_1, in_2),
        n_loci_same_gene=int(in_both.sum()),
    )


def _of(first: np.ndarray, second: np.ndarray) -> Overlap:
    return hypergeometric_overlap(
        n_background=first.size,
        n_1=int(first.sum()),
        n_2=int(second.sum()),
        n_both=int((first & second).sum()),
    )


@dataclass(frozen=True, slots=True)
class RotationOverlap:
    """Overlap of two traits' hits against all rotations of one along the genome.

    n_both : hits in common. expected : their mean over the rotations.
    p : share of the rotations, the observed one included, with at least as many.
    """

    n_both: int
    expected: float
    p: float


def rotation_overlap(*, is_hit_1: ArrayLike, is_hit_2: ArrayLike) -> RotationOverlap:
    """Overlap against the g rotations of the second trait's hits, g the genes: the smallest P is 1 / g.

    is_hit_1, is_hit_2 : (g,) hits among all genes tested for both traits, in genome order.

    A rotation moves the hits and keeps their neighbourhood: 20 genes hit by one SNP stay together, which the
    hypergeometric distribution of single genes takes for 20 findings. All rotations are counted at once, as a circular
    cross-correlation.

    Raises
    ------
    GeneticsInputError
        If lengths differ or there is no gene.

    References
    ----------
    Cabrera et al. 2012, G3 2:1067-1075 (circular genomic permutation).
    """
    first, second = np.asarray(is_hit_1, dtype=bool), np.asarray(is_hit_2, dtype=bool)
    if first.shape != second.shape or first.size == 0:
        raise GeneticsInputError([f"hits must be of the same genes, at least one: {first.size}, {second.size}"])
    spectrum = np.fft.rfft(first.astype(np.float64)) * np.conj(np.fft.rfft(second.astype(np.float64)))
    counts = np.rint(np.fft.irfft(spectrum, n=first.size)).astype(np.int64)
    observed = int(counts[0])
    return RotationOverlap(
        n_both=observed, expected=float(counts.mean()), p=float((counts >= observed).sum() / first.size)
    )
