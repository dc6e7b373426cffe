"""Loci that two GWAS traits share, as rows of results.shared_loci."""

from dataclasses import replace
from itertools import combinations
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from dbt.adapters.events.logging import AdapterLogger

from python_models.estimators.genetics.conjunctional_fdr import conjunctional_fdr, is_in_region
from python_models.estimators.genetics.errors import GeneticsInputError
from python_models.estimators.genetics.loci import Loci
from python_models.estimators.genetics.normal_tails import neg_log10_p
from python_models.estimators.genetics.placo import decorrelated, placo
from python_models.estimators.genetics.shared_loci import shared_loci
from python_models.frames.genetics.genome_build import mhc_region
from python_models.frames.genetics.gwas_loci import MERGE_GAP_BP, loci_of
from python_models.frames.genetics.gwas_variants import Genome, TraitVariants, read_genome
from python_models.frames.genetics.ld_reference import read_ld_reference

F8 = npt.NDArray[np.float64]
logger = AdapterLogger("Study")

CONJUNCTIONAL_FDR = 0.05  # of a locus called shared by it
LD_BLOCK_BP = 1_000_000  # one SNP of each counts in a pruning: LD reaches no further
N_PRUNINGS = 20
SEED = 20_260_102  # of the prunings

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
        ("conjunctional_rsid", pa.string()),
        ("conditional_fdr_1_given_2", pa.float64()),
        ("conditional_fdr_2_given_1", pa.float64()),
        ("conjunctional_fdr", pa.float64()),
        ("z_correlation", pa.float64()),
        ("clumped_by", pa.string()),
        ("note", pa.string()),
        ("refusal", pa.string()),
    ]
)


BOTH_GENOME_WIDE = "both_genome_wide"


class _Pair:
    """Two traits on their common variants, with the PLACO+ test of each."""

    def __init__(
        self, genome: Genome, first: TraitVariants, second: TraitVariants, *, mhc: tuple[int, int, int]
    ) -> None:
        self.genome, self.first, self.second, self.mhc = genome, first, second, mhc
        self.z_correlation = genome.overlaps[first.name, second.name].z_correlation
        self.tail = np.full(genome.position.size, np.nan)
        self.note: str | None = None
        self.refusal: str | None = None
        self.conditional = np.full((2, genome.position.size), np.nan)
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
        self._conjunctional_fdr(z_1, z_2)
        left_out = f"{tested.n_extreme:,} SNPs with Z squared above 80 not tested" if tested.n_extreme else ""
        self.note = "; ".join(part for part in (*tested.notes, left_out) if part) or None

    def _conjunctional_fdr(self, z_1: F8, z_2: F8) -> None:
        """condFDR both ways of every common variant, of Z scores freed of the people both studies share."""
        assert self.z_correlation is not None
        free = decorrelated(z_1=z_1, z_2=z_2, correlation=self.z_correlation)
        genome = self.genome
        rates = conjunctional_fdr(
            neg_log10_p_1=neg_log10_p(free[0]),
            neg_log10_p_2=neg_log10_p(free[1]),
            ld_block=(genome.chromosome * 1_000 + genome.position // LD_BLOCK_BP).astype(np.int64),
            n_prunings=N_PRUNINGS,
            rng=np.random.default_rng(SEED),
            is_excluded_from_fit=is_in_region(chromosome=genome.chromosome, position=genome.position, region=self.mhc),
        )
        self.conditional[0, rates.index] = rates.conditional_1_given_2
        self.conditional[1, rates.index] = rates.conditional_2_given_1

    @property
    def neg_log10_conjunctional(self) -> F8:
        """(n,) -log10 conjFDR, NaN where not tested."""
        with np.errstate(divide="ignore"):
            return np.asarray(-np.log10(self.conditional.max(axis=0)))

    def _conjunctional(self, inside: npt.NDArray[np.intp]) -> dict[str, Any]:
        best = self._strongest(inside, -self.conditional.max(axis=0)[inside])
        if best is None:
            return {}
        return {
            "conjunctional_rsid": self.genome.rsid.name(best),
            "conditional_fdr_1_given_2": self.conditional[0, best],
            "conditional_fdr_2_given_1": self.conditional[1, best],
            "conjunctional_fdr": self.conditional[:, best].max(),
        }

    @staticmethod
    def _strongest(inside: npt.NDArray[np.intp], values: F8) -> int | None:
        """Variant with the largest of the (len(inside),) values of a stretch, None where none has one."""
        known = np.flatnonzero(np.isfinite(values))
        return int(inside[known[np.argmax(values[known])]]) if known.size else None

    def _lead(self, inside: npt.NDArray[np.intp], trait: TraitVariants, place: int) -> dict[str, Any]:
        lead = self._strongest(inside, trait.neg_log10_p[inside])
        if lead is None:
            return {}
        return {
            f"lead_rsid_{place}": self.genome.rsid.name(lead),
            f"neg_log10_p_value_{place}": trait.neg_log10_p[lead],
        }

    def _pleiotropic(self, inside: npt.NDArray[np.intp], evidence: str) -> dict[str, Any]:
        """The SNP that tells of both: by PLACO+, or the larger of two P where both have a locus or none is tested.

        PLACO+ leaves out Z squared above 80, which are the clearest SNPs of loci that both traits have.
        """
        lead = None if evidence == BOTH_GENOME_WIDE else self._strongest(inside, self.tail[inside])
        if lead is None:
            both = np.minimum(self.first.neg_log10_p[inside], self.second.neg_log10_p[inside])
            same = self.first.is_same_variant(self.second)[inside]
            lead = self._strongest(inside, np.where(same, both, np.nan))
        if lead is None:
            return {}
        z_1, z_2 = float(self.first.z[lead]), float(self.second.z[lead])
        columns: dict[str, Any] = {
            "pleiotropic_rsid": self.genome.rsid.name(lead),
            "z_score_1": z_1,
            "z_score_2": z_2,
            "is_same_direction": z_1 * z_2 > 0,
        }
        if np.isfinite(self.tail[lead]):
            return columns | {"placo_p_value": 10 ** -self.tail[lead], "placo_neg_log10_p_value": self.tail[lead]}
        reason = self.refusal or "Z squared above 80"
        return columns | {"note": "; ".join(filter(None, [f"no PLACO+ at this SNP: {reason}", self.note]))}

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
            **self._pleiotropic(inside, evidence),
            **self._conjunctional(inside),
            **more,
        )


def _without_members(loci: Loci) -> Loci:
    """The loci without the locus of every variant, which is as long as the genome."""
    return replace(loci, locus_of=np.empty(0, dtype=np.int64))


def shared_locus_rows(session: duckdb.DuckDBPyConnection, *, ld_reference: str | None = None) -> pa.Table:
    """Stretches with a genome-wide significant locus of both traits, loci of PLACO+ and of the conjunctional FDR."""
    genome = read_genome(session, strand="known")
    reference = read_ld_reference(ld_reference, genome)
    mhc = mhc_region(session)
    clumped_by = "distance" if reference is None else reference.description

    def clumped(tail: F8, **threshold: float) -> Loci:
        return loci_of(genome, tail, reference=reference, **threshold)

    loci = {trait.name: _without_members(clumped(trait.neg_log10_p)) for trait in genome.traits()}
    rows: list[dict[str, Any]] = []
    pairs = list(combinations(genome.trait_names, 2))
    for i, names in enumerate(pairs, start=1):
        first, second = (genome.trait(name) for name in names)
        pair = _Pair(genome, first, second, mhc=mhc)
        shared = shared_loci(loci[first.name], loci[second.name], largest_gap_bp=MERGE_GAP_BP)
        for k in range(shared.n):
            stretch = (int(shared.chromosome[k]), int(shared.start[k]), int(shared.end[k]))
            counts = {"n_loci_1": int(shared.n_loci_1[k]), "n_loci_2": int(shared.n_loci_2[k])}
            rows.append(pair.locus_row(BOTH_GENOME_WIDE, *stretch, **counts))
        if pair.refusal is not None:
            rows += [pair.row(evidence, refusal=pair.refusal) for evidence in ("placo_plus", "conjunctional_fdr")]
        else:
            found = {
                "placo_plus": clumped(pair.tail),
                "conjunctional_fdr": clumped(pair.neg_log10_conjunctional, threshold=-np.log10(CONJUNCTIONAL_FDR)),
            }
            for evidence, tested in found.items():
                for k in range(tested.n):
                    stretch = (int(tested.chromosome[k]), int(tested.start[k]), int(tested.end[k]))
                    rows.append(pair.locus_row(evidence, *stretch))
        if i % 5 == 0 or i == len(pairs):
            logger.info(f"shared loci: {i} of {len(pairs)} pairs of traits tested")
    rows = [{**row, "clumped_by": clumped_by} for row in rows]
    return pa.Table.from_pylist(rows, schema=SCHEMA)
