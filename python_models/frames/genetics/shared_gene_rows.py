"""Genes that two GWAS traits share and whether they are more than chance, as rows of results."""

from itertools import combinations
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from python_models.estimators.genetics.gene_tests import direction_agreement
from python_models.estimators.genetics.overlap import locus_overlap, rotation_overlap
from python_models.frames.genetics.genes import Genes, read_genes
from python_models.frames.genetics.gwas_variants import TraitVariants, read_genome

B1 = npt.NDArray[np.bool_]
I8 = npt.NDArray[np.int64]
ASSOCIATIONS = """
select gene_id, top_rsid, top_z_score, neg_log10_p_value, is_significant
from results.gene_associations where trait = $trait and method = $method and refusal is null
"""
METHODS = "select distinct method from results.gene_associations order by method"
UNITS = ("genes", "loci")

GENE_SCHEMA = pa.schema(
    [
        ("trait_1", pa.string()),
        ("trait_2", pa.string()),
        ("method", pa.string()),
        ("gene_id", pa.string()),
        ("symbol", pa.string()),
        ("chromosome", pa.int64()),
        ("window_start_bp", pa.int64()),
        ("window_stop_bp", pa.int64()),
        ("gene_locus", pa.int64()),
        ("n_shared_genes_in_locus", pa.int64()),
        ("top_rsid_1", pa.string()),
        ("neg_log10_p_value_1", pa.float64()),
        ("top_rsid_2", pa.string()),
        ("neg_log10_p_value_2", pa.float64()),
        ("n_snps_of_both", pa.int64()),
        ("direction_agreement", pa.float64()),
        ("is_same_direction", pa.bool_()),
    ]
)
OVERLAP_SCHEMA = pa.schema(
    [
        ("trait_1", pa.string()),
        ("trait_2", pa.string()),
        ("method", pa.string()),
        ("unit", pa.string()),
        ("n_background", pa.int64()),
        ("n_1", pa.int64()),
        ("n_2", pa.int64()),
        ("n_both", pa.int64()),
        ("n_same_direction", pa.int64()),
        ("n_opposite_direction", pa.int64()),
        ("expected", pa.float64()),
        ("fold", pa.float64()),
        ("p_value", pa.float64()),
        ("neg_log10_p_value", pa.float64()),
        ("rotation_expected", pa.float64()),
        ("rotation_p_value", pa.float64()),
        ("refusal", pa.string()),
    ]
)


class _Associations:
    """One trait's gene tests beside all genes: -1, NaN and False where a gene was not tested."""

    def __init__(self, session: duckdb.DuckDBPyConnection, genes: Genes, trait: str, method: str) -> None:
        columns = session.execute(ASSOCIATIONS, {"trait": trait, "method": method}).fetchnumpy()
        place = {gene: k for k, gene in enumerate(genes.gene_id)}
        at = np.array([place[gene] for gene in columns["gene_id"]], dtype=np.int64)
        self.is_tested, self.is_hit = np.zeros((2, genes.n), dtype=np.bool_)
        self.tail = np.full(genes.n, np.nan)
        self.top_rsid = np.full(genes.n, None, dtype=object)
        self.is_tested[at], self.is_hit[at] = True, columns["is_significant"]
        self.tail[at], self.top_rsid[at] = columns["neg_log10_p_value"], columns["top_rsid"]


def _pairs(session: duckdb.DuckDBPyConnection) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows of both tables."""
    genome = read_genome(session, strand="known")
    genes = read_genes(session, genome)
    shared: list[dict[str, Any]] = []
    overlaps: list[dict[str, Any]] = []
    for (method,) in session.execute(METHODS).fetchall():
        tested = {name: _Associations(session, genes, name, method) for name in genome.trait_names}
        for pair in combinations(genome.trait_names, 2):
            first, second = (genome.trait(name) for name in pair)
            names = {"trait_1": first.name, "trait_2": second.name, "method": method}
            one, other = tested[first.name], tested[second.name]
            background = np.flatnonzero(one.is_tested & other.is_tested)
            if background.size == 0:
                refusal = genes.refusal or "no gene was tested for both traits"
                overlaps += [{**names, "unit": unit, "refusal": refusal} for unit in UNITS]
                continue
            is_both = one.is_hit & other.is_hit
            agreement, n_of_both = _agreement(genes, first, second, is_both)
            hits = np.flatnonzero(is_both)
            in_locus = np.bincount(genes.locus[hits]) if hits.size else np.array([], dtype=np.int64)
            for k, gene in enumerate(hits):
                shared.append(
                    {
                        **names,
                        "gene_id": genes.gene_id[gene],
                        "symbol": genes.symbol[gene],
                        "chromosome": int(genes.chromosome[gene]),
                        "window_start_bp": int(genes.window_start[gene]),
                        "window_stop_bp": int(genes.window_stop[gene]),
                        "gene_locus": int(genes.locus[gene]),
                        "n_shared_genes_in_locus": int(in_locus[genes.locus[gene]]),
                        "top_rsid_1": one.top_rsid[gene],
                        "neg_log10_p_value_1": one.tail[gene],
                        "top_rsid_2": other.top_rsid[gene],
                        "neg_log10_p_value_2": other.tail[gene],
                        "n_snps_of_both": int(n_of_both[k]),
                        "direction_agreement": float(agreement[k]) if n_of_both[k] else None,
                        "is_same_direction": bool(agreement[k] > 0) if n_of_both[k] else None,
                    }
                )
            overlaps += _overlap_rows(names, genes, background, one.is_hit, other.is_hit, hits, agreement)
    return shared, overlaps


def _agreement(
    genes: Genes, first: TraitVariants, second: TraitVariants, is_both: B1
) -> tuple[npt.NDArray[np.float64], I8]:
    """Direction agreement of the shared genes, over the variants both traits report."""
    common = first.is_same_variant(second)
    result = direction_agreement(
        z_1=np.where(common, first.z, np.nan), z_2=np.where(common, second.z, np.nan), gene_snps=genes.snps
    )
    return result.agreement[is_both], result.n_snps[is_both]


def _overlap_rows(
    names: dict[str, str],
    genes: Genes,
    background: I8,
    is_hit_1: B1,
    is_hit_2: B1,
    hits: I8,
    agreement: npt.NDArray[np.float64],
) -> list[dict[str, Any]]:
    """The overlap in genes and in loci; a locus goes with the direction of most of its shared genes."""
    hit_1, hit_2, locus = is_hit_1[background], is_hit_2[background], genes.locus[background]
    counted = locus_overlap(is_hit_1=hit_1, is_hit_2=hit_2, locus=locus)
    labels = np.unique(locus, return_inverse=True)[1]
    n_loci = int(labels.max()) + 1
    by_locus = [np.bincount(labels[hit], minlength=n_loci) > 0 for hit in (hit_1, hit_2)]
    balance = np.bincount(genes.locus[hits], weights=np.sign(agreement)) if hits.size else np.array([])
    directions = {"genes": np.sign(agreement), "loci": np.sign(balance)}
    rows = []
    for unit, overlap, sides in (("genes", counted.genes, (hit_1, hit_2)), ("loci", counted.loci, tuple(by_locus))):
        rotated = rotation_overlap(is_hit_1=sides[0], is_hit_2=sides[1])
        rows.append(
            {
                **names,
                "unit": unit,
                "n_background": overlap.n_background,
                "n_1": overlap.n_1,
                "n_2": overlap.n_2,
                "n_both": overlap.n_both,
                "n_same_direction": int((directions[unit] > 0).sum()),
                "n_opposite_direction": int((directions[unit] < 0).sum()),
                "expected": overlap.expected,
                "fold": overlap.fold,
                "p_value": overlap.p,
                "neg_log10_p_value": overlap.neg_log10_p,
                "rotation_expected": rotated.expected if overlap.refusal is None else None,
                "rotation_p_value": rotated.p if overlap.refusal is None else None,
                "refusal": overlap.refusal,
            }
        )
    return rows


def shared_gene_rows(session: duckdb.DuckDBPyConnection) -> pa.Table:
    """Genes significant for both traits of a pair."""
    return pa.Table.from_pylist(_pairs(session)[0], schema=GENE_SCHEMA)


def gene_overlap_rows(session: duckdb.DuckDBPyConnection) -> pa.Table:
    """Whether two traits share more genes, and more loci, than chance."""
    return pa.Table.from_pylist(_pairs(session)[1], schema=OVERLAP_SCHEMA)
