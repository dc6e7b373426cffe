"""Which SNPs belong to which gene, as two arrays; and what all gene tests report."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri_exp

from python_models.estimators.genetics.errors import FloatArray, GeneticsInputError, IntegerArray
from python_models.estimators.genetics.normal_tails import LOG_10


@dataclass(frozen=True, slots=True)
class GeneSnps:
    """SNPs of g genes in compressed rows: gene i holds snp_index[offsets[i]:offsets[i + 1]].

    offsets : (g + 1,) from 0, never falling.
    snp_index : (offsets[-1],) positions in the SNP arrays; a SNP may belong to several genes.
    """

    offsets: IntegerArray
    snp_index: IntegerArray

    @classmethod
    def of(cls, *, offsets: ArrayLike, snp_index: ArrayLike, n_snps: int) -> "GeneSnps":
        """Checked membership.

        Raises
        ------
        GeneticsInputError
            If offsets fall, do not start at 0 or do not end at the number of memberships, or an index is out of range.
        """
        starts, index = np.asarray(offsets, dtype=np.int64), np.asarray(snp_index, dtype=np.int64)
        faults = []
        if starts.size == 0 or starts[0] != 0 or starts[-1] != index.size or (np.diff(starts) < 0).any():
            faults.append(f"gene offsets must rise from 0 to {index.size:,}, the number of gene-SNP pairs")
        if index.size and (index.min() < 0 or index.max() >= n_snps):
            faults.append(f"gene-SNP pairs point outside the {n_snps:,} SNPs")
        if faults:
            raise GeneticsInputError(faults)
        return cls(offsets=starts, snp_index=index)

    @property
    def n_genes(self) -> int:
        return self.offsets.size - 1

    def of_gene(self, gene: int) -> IntegerArray:
        """Positions of one gene's SNPs."""
        return self.snp_index[self.offsets[gene] : self.offsets[gene + 1]]


@dataclass(frozen=True, slots=True)
class GeneTests:
    """One test per gene that has a SNP with a P value.

    gene : (k,) tested genes, rising.
    n_snps : (k,) SNPs used.
    top_snp : (k,) position of the SNP with the smallest P.
    p, neg_log10_p : (k,) gene P value; P is 0 below 5e-324, neg_log10_p never.
    z : (k,) one-sided normal score of the gene P, as MAGMA prints it: large is associated, negative less than chance.
    notes : what a reader must know to use the numbers.
    """

    gene: IntegerArray
    n_snps: IntegerArray
    top_snp: IntegerArray
    p: FloatArray
    neg_log10_p: FloatArray
    z: FloatArray
    notes: tuple[str, ...]


def gene_tests_of(
    *,
    gene: IntegerArray,
    n_snps: IntegerArray,
    top_snp: IntegerArray,
    neg_log10_p: FloatArray,
    notes: tuple[str, ...] = (),
) -> GeneTests:
    """Complete a result from its -log10 P."""
    log_p = -neg_log10_p * LOG_10
    return GeneTests(
        gene=gene,
        n_snps=n_snps,
        top_snp=top_snp,
        p=np.exp(log_p),
        neg_log10_p=neg_log10_p,
        # P = 1 has no normal score; the largest double below 1 stands in.
        z=-ndtri_exp(np.minimum(log_p, -np.finfo(np.float64).epsneg)),
        notes=notes,
    )
