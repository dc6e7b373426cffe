"""Conditional and conjunctional false discovery rates: loci shared by two traits, one trait informing the other.

    condFDR(p_1 | p_2) = p_1 / F(p_1 | p_2),   F = #{P_1 <= p_1 and P_2 <= p_2} / #{P_2 <= p_2},
    conjFDR = max(condFDR(p_1 | p_2), condFDR(p_2 | p_1)).

F is counted over SNPs that are independent of each other: linkage disequilibrium would count one locus many times.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import ArrayLike

from python_models.estimators.genetics.errors import (
    BooleanArray,
    FloatArray,
    GeneticsInputError,
    IntegerArray,
    vectors_of_one_length,
)
from python_models.estimators.genetics.normal_tails import absolute_z, neg_log10_p

DEFAULT_N_PRUNINGS = 20  # the default of the reference implementation, which recommends 500 for publication
MEDIAN_CHI_SQUARE = 0.454936423119572  # of one degree of freedom
# Long-range LD of the major histocompatibility complex (chromosome, first, last base pair): that of the reference
# implementation on GRCh37, and its ends lifted to GRCh38.
MHC_GRCH37 = (6, 25_119_106, 33_854_733)
MHC_GRCH38 = (6, 25_118_878, 33_886_956)
NEGLIGIBLE_CORRELATION = 0.02  # of null Z scores; moves P(both < 0.05) by less than a twentieth


@dataclass(frozen=True, slots=True)
class ConjunctionalFdr:
    """False discovery rates of the SNPs with both P values.

    index : (k,) positions of those SNPs in the input.
    conditional_1_given_2, conditional_2_given_1 : (k,) condFDR of each trait given the other.
    conjunctional : (k,) conjFDR, the larger of the two.
    lambda_1, lambda_2 : genomic control factors the P values were corrected by (1 where they were not).
    n_prunings, n_fitted : random prunings averaged over, and the mean number of SNPs F was counted on.
    n_missing : SNPs without both P values.
    notes : what a reader must know to use the numbers.
    """

    index: IntegerArray
    conditional_1_given_2: FloatArray
    conditional_2_given_1: FloatArray
    conjunctional: FloatArray
    lambda_1: float
    lambda_2: float
    n_prunings: int
    n_fitted: float
    n_missing: int
    notes: tuple[str, ...]


def conjunctional_fdr(
    *,
    neg_log10_p_1: ArrayLike,
    neg_log10_p_2: ArrayLike,
    ld_block: ArrayLike | None = None,
    pruned_sets: Sequence[ArrayLike] | None = None,
    n_prunings: int = DEFAULT_N_PRUNINGS,
    rng: np.random.Generator | None = None,
    is_excluded_from_fit: ArrayLike | None = None,
    genomic_control: bool = True,
    is_genomic_control_snp: ArrayLike | None = None,
    z_correlation: float | None = None,
) -> ConjunctionalFdr:
    """condFDR both ways and conjFDR of every SNP.

    neg_log10_p_1, neg_log10_p_2 : (n,) -log10 P of the same SNPs, NaN where missing (P = 0 has no place here).
    ld_block : (n,) integer LD block of each SNP; each of `n_prunings` prunings draws one SNP per block with `rng`.
    pruned_sets : index arrays of independent SNPs, in place of `ld_block`.
    is_excluded_from_fit : (n,) SNPs never counted in F (see `is_in_region`); they still get their rates.
    genomic_control : divide chi-square by its median over the fitted SNPs' expected one, where that is above 1.
    is_genomic_control_snp : (n,) SNPs the factor is taken over (intergenic SNPs in the reference implementation).
    z_correlation : correlation of the null Z scores (sample overlap), for the warning only.

    Not valid for overlapping samples: correct the Z scores first (`placo.decorrelated`).

    Raises
    ------
    GeneticsInputError
        If lengths differ, a -log10 P is negative or infinite, no SNP is left, or the pruning is given twice.

    References
    ----------
    Andreassen et al. 2013, PLoS Genetics 9(4), Methods; Smeland et al. 2020, Human Genetics 139:85-94.
    """
    first, second = vectors_of_one_length(neg_log10_p_1=neg_log10_p_1, neg_log10_p_2=neg_log10_p_2)
    _refuse_impossible(first, second, ld_block=ld_block, pruned_sets=pruned_sets, rng=rng)
    index = np.flatnonzero(np.isfinite(first) & np.isfinite(second))
    if index.size == 0:
        raise GeneticsInputError(["no SNP has both P values"])
    place = np.full(first.size, -1)
    place[index] = np.arange(index.size)

    def at_index(mask: ArrayLike | None, default: bool) -> BooleanArray:
        return np.full(index.size, default) if mask is None else np.asarray(mask, dtype=bool)[index]

    is_fitted = ~at_index(is_excluded_from_fit, False)
    first, second = first[index], second[index]
    is_control = at_index(is_genomic_control_snp, True) & is_fitted
    lambda_1, first = _genomic_control(first, is_control, active=genomic_control)
    lambda_2, second = _genomic_control(second, is_control, active=genomic_control)

    notes = []
    if pruned_sets is not None:
        sets = [place[np.asarray(one, dtype=np.int64)] for one in pruned_sets]
        sets = [one[one >= 0] for one in sets]
    elif ld_block is not None:
        assert rng is not None
        sets = _one_per_block(np.asarray(ld_block)[index], n_prunings=n_prunings, rng=rng)
    else:
        sets = [np.arange(index.size)]
        notes.append("not pruned for linkage disequilibrium: large loci are counted many times")
    sets = [one[is_fitted[one]] for one in sets]
    if min(one.size for one in sets) == 0:
        raise GeneticsInputError(["a pruning leaves no SNP to count"])
    if z_correlation is not None and abs(z_correlation) > NEGLIGIBLE_CORRELATION:
        notes.append(
            f"null Z scores correlate {z_correlation:.3f} (shared participants): rates are too small; decorrelate first"
        )
    one_given_two, two_given_one = _mean_conditional(first, second, sets)
    return ConjunctionalFdr(
        index=index,
        conditional_1_given_2=one_given_two,
        conditional_2_given_1=two_given_one,
        conjunctional=np.maximum(one_given_two, two_given_one),
        lambda_1=lambda_1,
        lambda_2=lambda_2,
        n_prunings=len(sets),
        n_fitted=float(np.mean([one.size for one in sets])),
        n_missing=place.size - index.size,
        notes=tuple(notes),
    )


def is_in_region(
    *, chromosome: ArrayLike, position: ArrayLike, region: tuple[int, int, int] = MHC_GRCH37
) -> BooleanArray:
    """(n,) inside `region` (chromosome, first, last base pair), by default the MHC on GRCh37."""
    where, first, last = region
    base_pair = np.asarray(position)
    return np.asarray((np.asarray(chromosome) == where) & (base_pair >= first) & (base_pair <= last))


def _refuse_impossible(
    first: FloatArray,
    second: FloatArray,
    *,
    ld_block: ArrayLike | None,
    pruned_sets: Sequence[ArrayLike] | None,
    rng: np.random.Generator | None,
) -> None:
    faults = []
    for trait, values in enumerate((first, second), start=1):
        n_impossible = int(((values < 0) | np.isinf(values)).sum())
        if n_impossible:
            faults.append(
                f"trait {trait}: {n_impossible:,} of -log10 P are negative or infinite (P above 1, or P = 0: "
                "compute -log10 P from Z)"
            )
    if ld_block is not None and pruned_sets is not None:
        faults.append("ld_block and pruned_sets are two ways to prune: give one")
    if ld_block is not None and rng is None:
        faults.append("random pruning draws SNPs: pass rng, a numpy default_rng(seed)")
    if ld_block is not None and np.shape(ld_block) != first.shape:
        faults.append(f"ld_block has {np.size(ld_block):,} SNPs for {first.size:,} P values")
    if faults:
        raise GeneticsInputError(faults)


def _genomic_control(
    neg_log10_p_values: FloatArray, is_control: BooleanArray, *, active: bool
) -> tuple[float, FloatArray]:
    """lambda and the corrected -log10 P; a lambda below 1 corrects nothing."""
    if not active or not is_control.any():
        return 1.0, neg_log10_p_values
    z = absolute_z(neg_log10_p_values)
    lambda_gc = max(float(np.median(z[is_control] ** 2)) / MEDIAN_CHI_SQUARE, 1.0)
    return lambda_gc, neg_log10_p(z / np.sqrt(lambda_gc))


def _one_per_block(ld_block: IntegerArray, *, n_prunings: int, rng: np.random.Generator) -> list[IntegerArray]:
    """Index sets with one SNP drawn evenly from each block."""
    order = np.argsort(ld_block, kind="stable")
    _, start, size = np.unique(ld_block[order], return_index=True, return_counts=True)
    return [order[start + np.floor(rng.random(start.size) * size).astype(np.int64)] for _ in range(n_prunings)]


def _mean_conditional(
    first: FloatArray, second: FloatArray, sets: Sequence[IntegerArray]
) -> tuple[FloatArray, FloatArray]:
    """condFDR of 1 given 2 and of 2 given 1 at all SNPs, averaged over the prunings."""
    by_second = np.argsort(-second, kind="stable")
    rank_1 = np.unique(-first, return_inverse=True)[1]  # 0 is the smallest P
    rank_2 = np.unique(-second, return_inverse=True)[1]
    p_1, p_2 = 10.0**-first, 10.0**-second
    sums = np.zeros((2, first.size))
    for one in sets:
        is_counted = np.zeros(first.size, dtype=np.bool_)
        is_counted[one] = True
        both, only_1, only_2 = _dominance_counts(rank_1, rank_2, by_second, is_counted)
        # A SNP outside the pruned set joins it for its own count: it is at least as extreme as itself.
        own = (~is_counted).astype(np.int64)
        sums[0] += np.minimum(p_1 * (only_2 + own) / (both + own), 1.0)
        sums[1] += np.minimum(p_2 * (only_1 + own) / (both + own), 1.0)
    return sums[0] / len(sets), sums[1] / len(sets)


@njit(cache=True, nogil=True)
def _dominance_counts(
    rank_1: IntegerArray, rank_2: IntegerArray, by_second: IntegerArray, is_counted: BooleanArray
) -> tuple[IntegerArray, IntegerArray, IntegerArray]:
    """(n,) counted SNPs with both ranks at most a SNP's own, with rank_1 at most, with rank_2 at most.

    Sweeps the SNPs by rank_2 and keeps the counted ones seen so far in a binary indexed tree over rank_1.
    """
    n = rank_1.size
    counted_up_to = np.zeros(n + 1, dtype=np.int64)  # counted SNPs with rank_1 < r: also the compressed rank
    for j in range(n):
        if is_counted[j]:
            counted_up_to[rank_1[j] + 1] += 1
    for r in range(n):
        counted_up_to[r + 1] += counted_up_to[r]
    n_counted = counted_up_to[n]
    tree = np.zeros(n_counted + 1, dtype=np.int64)
    both, only_1, only_2 = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64)
    inserted, start = 0, 0
    while start < n:
        stop = start  # SNPs that share one rank_2 are inserted before any of them is counted
        while stop < n and rank_2[by_second[stop]] == rank_2[by_second[start]]:
            j = by_second[stop]
            if is_counted[j]:
                node = counted_up_to[rank_1[j] + 1]
                while node <= n_counted:
                    tree[node] += 1
                    node += node & -node
                inserted += 1
            stop += 1
        for k in range(start, stop):
            j = by_second[k]
            node = counted_up_to[rank_1[j] + 1]
            only_1[j], only_2[j] = node, inserted
            total = 0
            while node > 0:
                total += tree[node]
                node -= node & -node
            both[j] = total
        start = stop
    return both, only_1, only_2
