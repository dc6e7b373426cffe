"""Gene locations for the synthetic genome: made-up genes, some of which hold a causal variant of gwas.py.

The file has the shape of MAGMA's NCBI37.3.gene.loc: gene id, chromosome, first and last base pair, strand, symbol, no
header. Nothing in it is a gene.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from warehouse.synthetic import gwas, write
from warehouse.synthetic.population import Bools, Ints

GENES_PER_1000_SNPS = 40  # 2,400 at 60,000 SNPs, one per Mb: fewer than the 18,000 real ones, as there are fewer SNPs
MEDIAN_LENGTH_BP, LENGTH_SIGMA = 30_000, 1.1  # lognormal, mean 55 kb [choice, about the real spread]
LONGEST_BP = 2_000_000
FIRST_GENE_ID = 900_001  # beyond the NCBI ids of real human genes of six digits
FILE = "synthetic.gene.loc"


@dataclass(frozen=True, slots=True)
class Genes:
    """Genes in genome order."""

    chromosome: Ints
    start: Ints
    stop: Ints
    is_forward: Bools
    causal: Ints  # index into the causal SNPs (first with that SNP), -1 for a gene without

    def __len__(self) -> int:
        return len(self.start)

    @property
    def ids(self) -> list[str]:
        return [str(FIRST_GENE_ID + k) for k in range(len(self))]

    @property
    def symbols(self) -> list[str]:
        return [f"SYNGENE{k + 1}" for k in range(len(self))]


@dataclass(frozen=True, slots=True)
class Planted:
    """Everything the synthetic GWAS plants."""

    snps: gwas.Snps
    causal: list[gwas.Causal]
    genes: Genes

    def gene_of(self, snp: int) -> str:
        """Id of the gene drawn around a causal SNP."""
        holders = [k for k in np.flatnonzero(self.genes.causal >= 0) if self.genes.causal[k] == snp]
        return self.genes.ids[holders[0]]


def draw_genes(rng: np.random.Generator, snps: gwas.Snps, causal: list[gwas.Causal]) -> Genes:
    """One gene around every causal SNP, the others anywhere."""
    around = np.unique([one.snp for one in causal]).astype(np.int64)
    n = max(len(snps) * GENES_PER_1000_SNPS // 1000, around.size)
    length = np.minimum(rng.lognormal(np.log(MEDIAN_LENGTH_BP), LENGTH_SIGMA, n), LONGEST_BP).astype(np.int64) + 1_000
    share = np.array(gwas.CHROMOSOME_MB) / sum(gwas.CHROMOSOME_MB)
    chromosome = rng.choice(np.arange(1, len(share) + 1), size=n, p=share)
    start = (rng.random(n) * np.array(gwas.CHROMOSOME_MB)[chromosome - 1] * 1e6).astype(np.int64) + 10_000
    held = np.full(n, -1, dtype=np.int64)
    planted = slice(0, around.size)
    chromosome[planted] = snps.chromosome[around]
    start[planted] = np.maximum(snps.position[around] - (rng.random(around.size) * length[planted]).astype(np.int64), 1)
    held[planted] = around
    is_forward = rng.random(n) < 0.5
    order = np.lexsort((start, chromosome))
    return Genes(chromosome[order], start[order], (start + length)[order], is_forward[order], held[order])


def write_gene_locations(folder: Path, genes: Genes) -> None:
    """<folder>/gene_locations/synthetic.gene.loc."""
    (folder / "gene_locations").mkdir()
    columns = [
        pa.array(genes.ids, pa.string()),
        write.whole(genes.chromosome),
        write.whole(genes.start),
        write.whole(genes.stop),
        pa.array(np.where(genes.is_forward, "+", "-").astype(object), pa.string()),
        pa.array(genes.symbols, pa.string()),
    ]
    with write.TextFile(folder / "gene_locations" / FILE, None, "\t") as out:
        out.append(columns)
