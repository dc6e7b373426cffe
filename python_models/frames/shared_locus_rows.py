"""Loci that two GWAS traits share, as rows of results.shared_loci."""

from itertools import combinations
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from dbt.adapters.events.logging import AdapterLogger

from python_models.estimators.genetics.errors import GeneticsInputError
from python_models.estimators.genetics.loci import DEFAULT_WINDOW_BP, Loci, clump_by_distance
from python_models.estimators.genetics.placo import placo
from python_models.estimators.genetics.shared_loci import shared_loci
from python_models.frames.gwas_variants import Genome, TraitVariants, read_genome

F8 = npt.NDArray[np.float64]
logger = AdapterLogger("Study")

# Loci whose SNPs come this close are one: LD reaches across smaller gaps (FUMA's default).
MERGE_GAP_BP = 250_000

SCHEMA = pa.schema(
    [
        ("trait_1", pa.string()),
        ("trait_2", pa.string()),
        ("evidence", pa.string()),
        ("locus", pa.string()),
        ("chromosome", pa.int64()),
        ("start_bp", pa.int64()),
        ("end_bp", pa.int64()),
        ("n_loci_1", pa.int64()),
        ("n_loci_2", pa.int64()),
        ("lead_rsid_1", pa.string()),
        ("neg_log10_p_value_1", pa.float64()),
        ("lead_rsid_2", pa.string()),
        ("neg_log10_p_value_2", pa.float64()),
        ("pleiotropic_rsid", pa.string()),
        ("z_score_1", pa.float64()),
        ("z_score_2", pa.float64()),
        ("is_same_direction", pa.bool_()),
        ("placo_p_value", pa.float64()),
        ("placo_neg_log10_p_value", pa.float64()),
        ("z_correlation", pa.float64()),
        ("note", pa.string()),
        ("refusal", pa.string()),
    ]
)


class _Pair:
    """Two traits on their common variants, with the PLACO+ test of each."""

    def __init__(self, genome: Genome, first: TraitVariants, second: TraitVariants) -> None:
        self.genome, self.first, self.second = genome, first, second
        self.z_correlation = genome.overlaps[first.name, second.name].z_correlation
        self.tail = np.full(genome.position.size, np.nan)
        self.note: str | None = None
        self.refusal: str | None = None
        if self.z_correlation is None:
            self.refusal = "the correlation of the Z scores is unknown: see gwas_overlap_matrix"
            return
        common = first.is_same_variant(second)
        z_1, z_2 = (np.where(common, trait.z, np.nan) for trait in (first, second))
        try:
            tested = placo(z_1=z_1, z_2=z_2, correlation=self.z_correlation)
        except GeneticsInputError as error:
            self.refusal = str(error)
            return
        self.tail[tested.index] = tested.neg_log10_p
        left_out = f"{tested.n_extreme:,} SNPs with Z squared above 80 not tested" if tested.n_extreme else ""
        self.note = "; ".join(part for part in (*tested.notes, left_out) if part) or None

    def _strongest(self, inside: npt.NDArray[np.intp], values: F8) -> int | None:
        """Variant with the largest value among those inside a stretch, None where none has one."""
        known = inside[np.isfinite(values[inside])]
        return int(known[np.argmax(values[known])]) if known.size else None

    def _lead(self, inside: npt.NDArray[np.intp], trait: TraitVariants, place: int) -> dict[str, Any]:
        lead = self._strongest(inside, trait.neg_log10_p)
        if lead is None:
            return {}
        return {f"lead_rsid_{place}": self.genome.rsid[lead], f"neg_log10_p_value_{place}": trait.neg_log10_p[lead]}

    def _pleiotropic(self, inside: npt.NDArray[np.intp]) -> dict[str, Any]:
        lead = self._strongest(inside, self.tail)
        if lead is None:
            return {}
        z_1, z_2 = float(self.first.z[lead]), float(self.second.z[lead])
        return {
            "pleiotropic_rsid": self.genome.rsid[lead],
            "z_score_1": z_1,
            "z_score_2": z_2,
            "is_same_direction": z_1 * z_2 > 0,
            "placo_p_value": 10 ** -self.tail[lead],
            "placo_neg_log10_p_value": self.tail[lead],
        }

    def row(self, evidence: str, **more: Any) -> dict[str, Any]:
        names = {"trait_1": self.first.name, "trait_2": self.second.name, "evidence": evidence}
        return {**names, "z_correlation": self.z_correlation, "note": self.note, **more}

    def locus_row(self, evidence: str, chromosome: int, start: int, end: int, **more: Any) -> dict[str, Any]:
        genome = self.genome
        left = np.searchsorted(genome.chromosome, [chromosome, chromosome + 1])
        ends = left[0] + np.searchsorted(genome.position[left[0] : left[1]], [start, end + 1])
        inside = np.arange(ends[0], ends[1])
        return self.row(
            evidence,
            locus=f"{chromosome}:{start}-{end}",
            chromosome=chromosome,
            start_bp=start,
            end_bp=end,
            **self._lead(inside, self.first, 1),
            **self._lead(inside, self.second, 2),
            **self._pleiotropic(inside),
            **more,
        )


def _loci_of(genome: Genome, tail: F8) -> Loci:
    """Genome-wide significant loci of (n,) -log10 P values."""
    return clump_by_distance(
        chromosome=genome.chromosome,
        position=genome.position,
        neg_log10_p=tail,
        window_bp=DEFAULT_WINDOW_BP,
        merge_gap_bp=MERGE_GAP_BP,
    )


def shared_locus_rows(session: duckdb.DuckDBPyConnection) -> pa.Table:
    """Stretches with a genome-wide significant locus of both traits, and loci of the PLACO+ test."""
    genome = read_genome(session)
    loci = {trait.name: _loci_of(genome, trait.neg_log10_p) for trait in genome.traits}
    rows: list[dict[str, Any]] = []
    pairs = list(combinations(genome.traits, 2))
    for i, (first, second) in enumerate(pairs, start=1):
        pair = _Pair(genome, first, second)
        shared = shared_loci(loci[first.name], loci[second.name])
        for k in range(shared.n):
            stretch = (int(shared.chromosome[k]), int(shared.start[k]), int(shared.end[k]))
            counts = {"n_loci_1": int(shared.n_loci_1[k]), "n_loci_2": int(shared.n_loci_2[k])}
            rows.append(pair.locus_row("both_genome_wide", *stretch, **counts))
        if pair.refusal is not None:
            rows.append(pair.row("placo_plus", refusal=pair.refusal))
        else:
            tested = _loci_of(genome, pair.tail)
            for k in range(tested.n):
                stretch = (int(tested.chromosome[k]), int(tested.start[k]), int(tested.end[k]))
                rows.append(pair.locus_row("placo_plus", *stretch))
        if i % 5 == 0 or i == len(pairs):
            logger.info(f"shared loci: {i} of {len(pairs)} pairs of traits tested")
    return pa.Table.from_pylist(rows, schema=SCHEMA)
