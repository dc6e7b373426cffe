"""Association of every gene with every GWAS trait, as rows of results.gene_associations."""

from typing import Any, Literal

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from dbt.adapters.events.logging import AdapterLogger

from python_models.estimators.genetics.cauchy_combination import cauchy_gene_tests
from python_models.estimators.genetics.gene_snps import GeneTests
from python_models.estimators.genetics.gene_tests import snp_wise_mean_gene_tests
from python_models.estimators.multiplicity import adjust_p_values
from python_models.frames.genetics.genes import Genes, read_genes
from python_models.frames.genetics.gwas_variants import Genome, TraitVariants, read_genome
from python_models.frames.genetics.ld_reference import LdReference, read_ld_reference

logger = AdapterLogger("Study")
Method = Literal["acat", "snp_wise_mean"]
FAMILY_WISE = 0.05  # of the genes tested for a trait (Bonferroni)

SCHEMA = pa.schema(
    [
        ("trait", pa.string()),
        ("method", pa.string()),
        ("gene_id", pa.string()),
        ("symbol", pa.string()),
        ("chromosome", pa.int64()),
        ("window_start_bp", pa.int64()),
        ("window_stop_bp", pa.int64()),
        ("gene_locus", pa.int64()),
        ("n_snps", pa.int64()),
        ("top_rsid", pa.string()),
        ("top_z_score", pa.float64()),
        ("z_score", pa.float64()),
        ("p_value", pa.float64()),
        ("neg_log10_p_value", pa.float64()),
        ("q_value", pa.float64()),
        ("n_genes_tested", pa.int64()),
        ("is_significant", pa.bool_()),
        ("note", pa.string()),
        ("refusal", pa.string()),
    ]
)


def _table(
    genome: Genome, genes: Genes, trait: TraitVariants, method: Method, tests: GeneTests, note: str | None
) -> pa.Table:
    n = tests.gene.size
    threshold = -np.log10(FAMILY_WISE / n) if n else np.inf
    top = tests.top_snp
    columns: dict[str, Any] = {
        "trait": [trait.name] * n,
        "method": [method] * n,
        "gene_id": genes.gene_id[tests.gene],
        "symbol": genes.symbol[tests.gene],
        "chromosome": genes.chromosome[tests.gene],
        "window_start_bp": genes.window_start[tests.gene],
        "window_stop_bp": genes.window_stop[tests.gene],
        "gene_locus": genes.locus[tests.gene],
        "n_snps": tests.n_snps,
        "top_rsid": genome.rsid.names(top),
        "top_z_score": trait.z[top],
        "z_score": tests.z,
        "p_value": tests.p,
        "neg_log10_p_value": tests.neg_log10_p,
        "q_value": adjust_p_values(tests.p) if n else tests.p,
        "n_genes_tested": [n] * n,
        "is_significant": tests.neg_log10_p >= threshold,
        "note": [note] * n,
        "refusal": [None] * n,
    }
    return pa.table({name: pa.array(columns[name], SCHEMA.field(name).type) for name in SCHEMA.names}, schema=SCHEMA)


def _refused(trait: TraitVariants, method: Method, refusal: str) -> pa.Table:
    return pa.Table.from_pylist([{"trait": trait.name, "method": method, "refusal": refusal}], schema=SCHEMA)


def _tests_of(
    trait: TraitVariants, genes: Genes, method: Method, reference: LdReference | None
) -> tuple[GeneTests, str | None]:
    if method == "acat" or reference is None:
        return cauchy_gene_tests(neg_log10_p=trait.neg_log10_p, gene_snps=genes.snps), None
    known: npt.NDArray[np.float64] = np.where(reference.file >= 0, trait.neg_log10_p, np.nan)
    tests = snp_wise_mean_gene_tests(neg_log10_p=known, gene_snps=genes.snps, dosage_of=reference.dosage_of)
    return tests, "; ".join([reference.description, *tests.notes])


def gene_association_rows(session: duckdb.DuckDBPyConnection, *, ld_reference: str | None = None) -> pa.Table:
    """Cauchy combination of every gene's SNPs, and the SNP-wise mean where PLINK genotypes are given."""
    genome = read_genome(session, strand="any")
    genes = read_genes(session, genome)
    reference = read_ld_reference(ld_reference, genome)
    methods: tuple[Method, ...] = ("acat",) if reference is None else ("acat", "snp_wise_mean")
    tables = []
    for i, trait in enumerate(genome.traits(), start=1):
        for method in methods:
            if genes.refusal is not None:
                tables.append(_refused(trait, method, genes.refusal))
                continue
            tests, note = _tests_of(trait, genes, method, reference)
            if tests.gene.size == 0:
                refusal = "no gene holds a variant of the trait: check that both have positions (quality.genome_builds)"
                tables.append(_refused(trait, method, refusal))
            else:
                tables.append(_table(genome, genes, trait, method, tests, note))
        logger.info(f"gene associations: {i} of {len(genome.types)} traits tested")
    return pa.concat_tables(tables) if tables else SCHEMA.empty_table()
