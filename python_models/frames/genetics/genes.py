"""Genes beside the variants of the genome: which variants lie in which gene's window."""

from dataclasses import dataclass

import duckdb
import numpy as np
import numpy.typing as npt

from python_models.estimators.genetics.gene_snps import GeneSnps
from python_models.frames.genetics.genome_build import gene_refusal
from python_models.frames.genetics.gwas_variants import Genome

GENES = """
select gene_id, symbol, chromosome, window_start_bp, window_stop_bp, gene_locus
from intermediate.int_genes__windowed
order by chromosome, window_start_bp, gene_id
"""


@dataclass(frozen=True, slots=True)
class Genes:
    """Genes in genome order.

    locus : (g,) genes whose windows overlap share one.
    snps : their variants, as positions in the genome's arrays.
    refusal : why none of them can be tested: none landed, or on another genome build than the variants.
    """

    gene_id: npt.NDArray[np.object_]
    symbol: npt.NDArray[np.object_]
    chromosome: npt.NDArray[np.int64]
    window_start: npt.NDArray[np.int64]
    window_stop: npt.NDArray[np.int64]
    locus: npt.NDArray[np.int64]
    snps: GeneSnps
    refusal: str | None

    @property
    def n(self) -> int:
        return self.gene_id.size


def read_genes(session: duckdb.DuckDBPyConnection, genome: Genome) -> Genes:
    """All genes of the build with their variants; variants stand in genome order, so a window is a stretch of them."""
    columns = session.execute(GENES).fetchnumpy()
    chromosome = np.asarray(columns["chromosome"], dtype=np.int64)
    first, last = (np.asarray(columns[f"window_{end}_bp"], dtype=np.int64) for end in ("start", "stop"))
    left, right = np.zeros((2, chromosome.size), dtype=np.int64)
    for label in np.unique(chromosome):
        here = chromosome == label
        begin, end = np.searchsorted(genome.chromosome, [label, label + 1])
        inside = genome.position[begin:end]
        left[here] = begin + np.searchsorted(inside, first[here], side="left")
        right[here] = begin + np.searchsorted(inside, last[here], side="right")
    size = right - left
    offsets = np.concatenate([[0], np.cumsum(size)])
    snp_index = np.arange(offsets[-1]) - np.repeat(offsets[:-1] - left, size)
    return Genes(
        gene_id=np.asarray(columns["gene_id"], dtype=object),
        symbol=np.asarray(columns["symbol"], dtype=object),
        chromosome=chromosome,
        window_start=first,
        window_stop=last,
        locus=np.asarray(columns["gene_locus"], dtype=np.int64),
        snps=GeneSnps.of(offsets=offsets, snp_index=snp_index, n_snps=genome.rsid.size),
        refusal=gene_refusal(session, n_genes=chromosome.size),
    )
