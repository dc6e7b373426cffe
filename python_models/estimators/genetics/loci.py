"""From associated SNPs to loci: clumping by distance, or by linkage disequilibrium where genotypes are at hand."""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import ArrayLike

from python_models.estimators.genetics.errors import (
    FloatArray,
    IntegerArray,
    vectors_of_one_length,
)
from python_models.estimators.genetics.genotypes import DosageOf, dosages
from python_models.estimators.genetics.intervals import connected_stretches, extents

GENOME_WIDE_NEG_LOG10_P = float(-np.log10(5e-8))
DEFAULT_WINDOW_BP = 500_000  # to either side of a lead SNP
DEFAULT_R_SQUARED = 0.1  # above it two SNPs tell of one signal
SECONDARY_NEG_LOG10_P = 2.0  # a weaker SNP does not extend a locus (PLINK's --clump-p2 0.01)
NOT_IN_A_LOCUS = -1


@dataclass(frozen=True, slots=True)
class Loci:
    """Loci along the genome.

    lead : (k,) position in the input of each locus's most significant SNP, in genome order.
    chromosome, start, end : (k,) label and first and last base pair of the locus's SNPs.
    neg_log10_p : (k,) of the lead.
    n_snps : (k,) SNPs in the locus.
    locus_of : (n,) locus of each input SNP, -1 for none.
    n_missing : SNPs without P or position.
    """

    lead: IntegerArray
    chromosome: IntegerArray
    start: IntegerArray
    end: IntegerArray
    neg_log10_p: FloatArray
    n_snps: IntegerArray
    locus_of: IntegerArray
    n_missing: int

    @property
    def n(self) -> int:
        return self.lead.size


def clump_by_distance(
    *,
    chromosome: ArrayLike,
    position: ArrayLike,
    neg_log10_p: ArrayLike,
    threshold: float = GENOME_WIDE_NEG_LOG10_P,
    window_bp: int = DEFAULT_WINDOW_BP,
    merge_gap_bp: int | None = None,
) -> Loci:
    """Loci by distance: the most significant SNP leads, all hits within the window are its own, repeat.

    chromosome, position : (n,) numbers; neg_log10_p : (n,), NaN where missing. Ties go to the first along the genome.
    threshold : -log10 P that makes a SNP a hit.
    window_bp : to either side of the lead.
    merge_gap_bp : loci that overlap or lie within this gap become one; None keeps every lead.

    Raises
    ------
    GeneticsInputError
        If lengths differ.
    """
    label, base_pair, tail = vectors_of_one_length(chromosome=chromosome, position=position, neg_log10_p=neg_log10_p)
    is_present = np.isfinite(label) & np.isfinite(base_pair) & ~np.isnan(tail)
    used = np.flatnonzero(is_present & (np.where(is_present, tail, -np.inf) >= threshold))
    used = used[np.lexsort((base_pair[used], label[used]))]
    by_significance = np.argsort(-tail[used], kind="stable")
    own = _claim_by_distance(label[used], base_pair[used], by_significance, float(window_bp))
    return _loci(
        used=used,
        lead_of=own,
        chromosome=label,
        position=base_pair,
        neg_log10_p=tail,
        merge_gap_bp=merge_gap_bp,
        n_missing=int((~is_present).sum()),
    )


def clump_by_ld(
    *,
    chromosome: ArrayLike,
    position: ArrayLike,
    neg_log10_p: ArrayLike,
    dosage_of: DosageOf,
    threshold: float = GENOME_WIDE_NEG_LOG10_P,
    secondary_threshold: float = SECONDARY_NEG_LOG10_P,
    r_squared: float = DEFAULT_R_SQUARED,
    window_bp: int = DEFAULT_WINDOW_BP,
    merge_gap_bp: int | None = None,
) -> Loci:
    """Loci by LD: as by distance, but a lead claims only SNPs in LD with it (r^2 >= r_squared).

    dosage_of : genotypes of a reference sample of the same ancestry, by SNP position. A SNP that does not vary there is
        in LD with nothing.
    secondary_threshold : weaker SNPs join no locus.

    Raises
    ------
    GeneticsInputError
        If lengths differ or the dosages have the wrong shape.

    References
    ----------
    Purcell et al. 2007, AJHG 81:559-575 (PLINK's --clump).
    """
    label, base_pair, tail = vectors_of_one_length(chromosome=chromosome, position=position, neg_log10_p=neg_log10_p)
    is_present = np.isfinite(label) & np.isfinite(base_pair) & ~np.isnan(tail)
    floor = min(threshold, secondary_threshold)
    used = np.flatnonzero(is_present & (np.where(is_present, tail, -np.inf) >= floor))
    used = used[np.lexsort((base_pair[used], label[used]))]
    own = np.full(used.size, NOT_IN_A_LOCUS)
    for lead in np.argsort(-tail[used], kind="stable"):
        if tail[used[lead]] < threshold:
            break
        if own[lead] != NOT_IN_A_LOCUS:
            continue
        near = (label[used] == label[used[lead]]) & (np.abs(base_pair[used] - base_pair[used[lead]]) <= window_bp)
        free = np.flatnonzero(near & (own == NOT_IN_A_LOCUS))
        own[free[_r_squared_with(used[lead], used[free], dosage_of=dosage_of) >= r_squared]] = lead
        own[lead] = lead
    is_claimed = own != NOT_IN_A_LOCUS
    kept_rank = np.cumsum(is_claimed) - 1
    return _loci(
        used=used[is_claimed],
        lead_of=kept_rank[own[is_claimed]],
        chromosome=label,
        position=base_pair,
        neg_log10_p=tail,
        merge_gap_bp=merge_gap_bp,
        n_missing=int((~is_present).sum()),
    )


def _r_squared_with(lead: int, others: IntegerArray, *, dosage_of: DosageOf) -> FloatArray:
    """(m,) squared correlation of each SNP with the lead, over people with both calls."""
    asked = np.concatenate([[lead], others])
    dosage = dosages(dosage_of, asked)
    x, y = dosage[:, :1], dosage[:, 1:]
    has_both = np.isfinite(x) & np.isfinite(y)
    n_both = np.maximum(has_both.sum(axis=0), 1)
    x, y = np.where(has_both, x, 0.0), np.where(has_both, y, 0.0)
    x = np.where(has_both, x - x.sum(axis=0) / n_both, 0.0)
    y = np.where(has_both, y - y.sum(axis=0) / n_both, 0.0)
    spread = (x**2).sum(axis=0) * (y**2).sum(axis=0)
    return np.asarray(np.where(spread > 0, (x * y).sum(axis=0) ** 2 / np.where(spread > 0, spread, 1.0), 0.0))


@njit(cache=True, nogil=True)
def _claim_by_distance(
    chromosome: FloatArray, position: FloatArray, by_significance: IntegerArray, window: float
) -> IntegerArray:
    """(k,) lead of each SNP; the SNPs stand in genome order, `by_significance` holds their ranks by P."""
    n = chromosome.size
    lead_of = np.full(n, -1, dtype=np.int64)
    for lead in by_significance:
        if lead_of[lead] >= 0:
            continue
        for step in (-1, 1):
            j = lead
            while 0 <= j < n and chromosome[j] == chromosome[lead] and abs(position[j] - position[lead]) <= window:
                if lead_of[j] < 0:
                    lead_of[j] = lead
                j += step
    return lead_of


def _loci(
    *,
    used: IntegerArray,
    lead_of: IntegerArray,
    chromosome: FloatArray,
    position: FloatArray,
    neg_log10_p: FloatArray,
    merge_gap_bp: int | None,
    n_missing: int,
) -> Loci:
    """Loci from the SNPs in them (genome order) and the place, among those, of each one's lead."""
    leads, locus = np.unique(lead_of, return_inverse=True)
    start, end = extents(locus, first=position[used], last=position[used], n=leads.size)
    if merge_gap_bp is not None and leads.size:
        merged = connected_stretches(chromosome=chromosome[used[leads]], start=start, end=end, largest_gap=merge_gap_bp)
        locus = merged[locus]
        start, end = extents(locus, first=position[used], last=position[used], n=int(merged.max()) + 1)
        strongest = np.lexsort((leads, -neg_log10_p[used[leads]], merged))
        leads = leads[strongest[np.unique(merged[strongest], return_index=True)[1]]]
    locus_of = np.full(chromosome.size, NOT_IN_A_LOCUS, dtype=np.int64)
    locus_of[used] = locus
    lead = used[leads]
    return Loci(
        lead=lead,
        chromosome=chromosome[lead].astype(np.int64),
        start=start,
        end=end,
        neg_log10_p=neg_log10_p[lead],
        n_snps=np.bincount(locus, minlength=leads.size),
        locus_of=locus_of,
        n_missing=n_missing,
    )
