"""SNP-wise mean gene test with an LD reference, and the direction that gene P values lose."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from python_models.estimators.genetics.errors import (
    BooleanArray,
    FloatArray,
    GeneticsInputError,
    IntegerArray,
    vectors_of_one_length,
)
from python_models.estimators.genetics.gene_snps import GeneSnps, GeneTests, gene_tests_of
from python_models.estimators.genetics.genotypes import DosageOf, dosages
from python_models.estimators.genetics.normal_tails import LOG_10, absolute_z
from python_models.estimators.genetics.weighted_chi_square import log_tail_probability

SMALLEST_EIGENVALUE = 1e-10  # of a correlation matrix; below it only rounding


def ld_eigenvalues(dosage: FloatArray) -> tuple[FloatArray, BooleanArray]:
    """Eigenvalues of the LD correlation matrix of the SNPs that vary, and which SNPs those are.

    dosage : (n_people, m) allele counts, NaN where missing (replaced by the SNP's mean).

    The smaller of the two Gram matrices is decomposed: the other eigenvalues are 0.
    """
    genotypes = np.array(dosage, dtype=np.float64)
    is_missing = np.isnan(genotypes)
    n_called = (~is_missing).sum(axis=0)
    means = np.where(is_missing, 0.0, genotypes).sum(axis=0) / np.maximum(n_called, 1)
    centred = np.where(is_missing, 0.0, genotypes - means)
    length = np.sqrt((centred**2).sum(axis=0))
    varies = length > 0
    standard = centred[:, varies] / length[varies]
    n_people, n_snps = standard.shape
    gram = standard.T @ standard if n_snps <= n_people else standard @ standard.T
    eigenvalues = np.linalg.eigvalsh(gram)
    return eigenvalues[eigenvalues > SMALLEST_EIGENVALUE], varies


def snp_wise_mean_gene_tests(*, neg_log10_p: ArrayLike, gene_snps: GeneSnps, dosage_of: DosageOf) -> GeneTests:
    """P(sum lambda_j chi^2_1 > sum z_j^2) of each gene, lambda the eigenvalues of its LD correlation matrix.

    neg_log10_p : (n,) two-sided -log10 P of the SNPs, NaN where missing.
    dosage_of : genotypes of a reference sample of the same ancestry, by SNP position.

    The model of MAGMA's `snp-wise=mean`, computed to full precision. MAGMA 1.10 prints the same Z to its last digit for
    genes with at most half as many SNPs as reference people and P above 2e-9; beyond the one it changes method, beyond
    the other its integral loses its digits. What it changes to is not documented: the whole spectrum, the components
    with 99.9 % of the variance, two moments, Liu's four and blocks of half as many SNPs as people all miss its Z there
    (by 0.01 to 0.1 for the first two, more for the others).

    Raises
    ------
    GeneticsInputError
        If a -log10 P is negative or infinite, or the dosages have the wrong shape.

    References
    ----------
    de Leeuw et al. 2015, PLoS Computational Biology 11(4), SNP-wise models; Imhof 1961, Biometrika 48:419-426.
    """
    values = np.asarray(neg_log10_p, dtype=np.float64)
    n_impossible = int(((values < 0) | np.isinf(values)).sum())
    if n_impossible:
        raise GeneticsInputError(
            [f"{n_impossible:,} of -log10 P are negative or infinite (P = 0: compute -log10 P from Z)"]
        )
    chi_square = absolute_z(values) ** 2
    gene, n_snps, top_snp, combined = [], [], [], []
    n_large = n_people = 0
    for i in range(gene_snps.n_genes):
        positions = gene_snps.of_gene(i)
        positions = positions[np.isfinite(values[positions])]
        if positions.size == 0:
            continue
        dosage = dosages(dosage_of, positions)
        eigenvalues, varies = ld_eigenvalues(dosage)
        positions = positions[varies]
        if positions.size == 0:
            continue
        n_people = dosage.shape[0]
        n_large += positions.size > n_people / 2
        log_p = log_tail_probability(q=float(chi_square[positions].sum()), eigenvalues=eigenvalues)
        gene.append(i)
        n_snps.append(positions.size)
        top_snp.append(positions[np.argmax(values[positions])])
        combined.append(-log_p / LOG_10)
    notes = []
    if n_large:
        notes.append(
            f"{n_large:,} genes have more SNPs than half the {n_people:,} reference people: their LD is uncertain, and "
            "MAGMA uses another method there"
        )
    return gene_tests_of(
        gene=np.array(gene, dtype=np.int64),
        n_snps=np.array(n_snps, dtype=np.int64),
        top_snp=np.array(top_snp, dtype=np.int64),
        neg_log10_p=np.array(combined) + 0.0,
        notes=tuple(notes),
    )


def signed_gene_z(*, tests: GeneTests, z: ArrayLike) -> FloatArray:
    """(k,) two-sided |Z| of each gene's P with the sign of its top SNP's Z.

    z : (n,) SNP Z scores. The sign belongs to the effect allele of `tests.top_snp`: report the two together.
    """
    effect = np.asarray(z, dtype=np.float64)[tests.top_snp]
    return np.asarray(np.where(effect < 0, -1.0, 1.0) * absolute_z(tests.neg_log10_p))


@dataclass(frozen=True, slots=True)
class DirectionAgreement:
    """Do two traits move together in a gene?

    n_snps : (g,) SNPs with both Z scores; agreement is 0 where there are none.
    agreement : (g,) sum z_1 z_2 / sqrt(sum z_1^2 sum z_2^2), in [-1, 1]; does not depend on which alleles are counted.
    """

    n_snps: IntegerArray
    agreement: FloatArray


def direction_agreement(*, z_1: ArrayLike, z_2: ArrayLike, gene_snps: GeneSnps) -> DirectionAgreement:
    """Direction agreement of two traits in every gene.

    z_1, z_2 : (n,) Z scores of the same effect alleles, NaN where missing.

    A description of the gene's SNPs, not a test: SNPs in LD repeat each other.
    """
    first, second = vectors_of_one_length(z_1=z_1, z_2=z_2)
    has_both = np.isfinite(first) & np.isfinite(second)
    first, second = np.where(has_both, first, 0.0), np.where(has_both, second, 0.0)

    def per_gene(values: FloatArray) -> FloatArray:
        running = np.concatenate([[0.0], np.cumsum(values[gene_snps.snp_index])])
        return running[gene_snps.offsets[1:]] - running[gene_snps.offsets[:-1]]

    length = np.sqrt(per_gene(first**2) * per_gene(second**2))
    product = per_gene(first * second)
    return DirectionAgreement(
        n_snps=per_gene(has_both.astype(np.float64)).astype(np.int64),
        agreement=np.where(length > 0, np.clip(product / np.where(length > 0, length, 1.0), -1.0, 1.0), 0.0),
    )
