"""Cauchy combination (ACAT): one P value from many dependent ones, without knowing how they depend."""

import numpy as np
from numba import njit
from numpy.typing import ArrayLike

from python_models.estimators.genetics.errors import FloatArray, GeneticsInputError, IntegerArray
from python_models.estimators.genetics.gene_snps import GeneSnps, GeneTests, gene_tests_of

# Beyond 15 digits cot(pi p) is 1 / (pi p) to the last digit of a double, and the combined tail is its own leading term.
ASYMPTOTIC_NEG_LOG10_P = 15.0
ALMOST_ONE = 1.0 - 1e-12


def cauchy_gene_tests(*, neg_log10_p: ArrayLike, gene_snps: GeneSnps, weights: ArrayLike | None = None) -> GeneTests:
    """P of each gene: T = sum w_j cot(pi p_j) / sum w_j, P = 1/2 - arctan(T) / pi.

    neg_log10_p : (n,) -log10 P of the SNPs, NaN where missing.
    weights : (n,) positive weights of the SNPs, equal by default.

    Needs no LD reference: the tail of T is Cauchy under almost any dependence, most exactly where P is small. A P of 1
    (a rounded one) becomes 1 - 1/d, d the gene's number of SNPs: one cot(pi) would outweigh everything.

    Raises
    ------
    GeneticsInputError
        If a -log10 P is negative or infinite, a weight is not positive, or lengths differ.

    References
    ----------
    Liu et al. 2019, AJHG 104:410-421, eq. 1; Liu and Xie 2020, JASA 115:393-402, theorem 1.
    """
    values = np.asarray(neg_log10_p, dtype=np.float64)
    snp_weights = np.ones_like(values) if weights is None else np.asarray(weights, dtype=np.float64)
    faults = []
    n_impossible = int(((values < 0) | np.isinf(values)).sum())
    if n_impossible:
        faults.append(f"{n_impossible:,} of -log10 P are negative or infinite (P = 0: compute -log10 P from Z)")
    if snp_weights.shape != values.shape:
        faults.append(f"{snp_weights.size:,} weights for {values.size:,} P values")
    elif not (snp_weights > 0).all():
        faults.append("weights must be positive")
    if faults:
        raise GeneticsInputError(faults)
    combined, n_snps, top_snp = _combine(values, snp_weights, gene_snps.offsets, gene_snps.snp_index)
    tested = np.flatnonzero(n_snps > 0)
    return gene_tests_of(gene=tested, n_snps=n_snps[tested], top_snp=top_snp[tested], neg_log10_p=combined[tested])


def cauchy_combination(*, neg_log10_p: ArrayLike, weights: ArrayLike | None = None) -> float:
    """-log10 of the combined P of one set of P values (at least one not missing).

    >>> round(10 ** -cauchy_combination(neg_log10_p=[2.0, 2.0]), 6)
    0.01
    """
    size = np.size(neg_log10_p)
    one_gene = GeneSnps(offsets=np.array([0, size]), snp_index=np.arange(size))
    result = cauchy_gene_tests(neg_log10_p=neg_log10_p, gene_snps=one_gene, weights=weights)
    if result.gene.size == 0:
        raise GeneticsInputError(["no P value to combine"])
    return float(result.neg_log10_p[0])


@njit(cache=True, nogil=True)
def _combine(
    neg_log10_p: FloatArray, weights: FloatArray, offsets: IntegerArray, snp_index: IntegerArray
) -> tuple[FloatArray, IntegerArray, IntegerArray]:
    """(g,) combined -log10 P, number of P values and position of the smallest, per gene."""
    n_genes = offsets.size - 1
    combined = np.zeros(n_genes)
    n_snps = np.zeros(n_genes, dtype=np.int64)
    top_snp = np.full(n_genes, -1, dtype=np.int64)
    for gene in range(n_genes):
        largest = -1.0
        for k in range(offsets[gene], offsets[gene + 1]):
            value = neg_log10_p[snp_index[k]]
            if value == value:
                n_snps[gene] += 1
                if value > largest:
                    largest = value
                    top_snp[gene] = snp_index[k]
        if n_snps[gene] == 0:
            continue
        # All terms are scaled by 10^-scale, so that the smallest P cannot overflow.
        scale = largest if largest > ASYMPTOTIC_NEG_LOG10_P else 0.0
        total, total_weight = 0.0, 0.0
        for k in range(offsets[gene], offsets[gene + 1]):
            value, weight = neg_log10_p[snp_index[k]], weights[snp_index[k]]
            if value != value:
                continue
            total_weight += weight
            if value > ASYMPTOTIC_NEG_LOG10_P:
                total += weight * 10.0 ** (value - scale) / np.pi
            else:
                p = 10.0**-value
                if p > ALMOST_ONE and n_snps[gene] > 1:
                    p = 1.0 - 1.0 / n_snps[gene]
                total += weight / np.tan(np.pi * p) * 10.0**-scale
        statistic = total / total_weight
        if scale > 0.0 and statistic > 0.0:
            combined[gene] = np.log10(np.pi * statistic) + scale
        elif statistic > 0.0:
            combined[gene] = -np.log10(np.arctan(1.0 / statistic) / np.pi)
        else:
            combined[gene] = -np.log10(0.5 - np.arctan(statistic) / np.pi)
        combined[gene] = max(combined[gene], 0.0)
    return combined, n_snps, top_snp
