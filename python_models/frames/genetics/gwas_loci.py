"""Loci of one statistic along the genome: by LD where PLINK genotypes are given, else by distance."""

import numpy as np
import numpy.typing as npt

from python_models.estimators.genetics.loci import (
    DEFAULT_WINDOW_BP,
    GENOME_WIDE_NEG_LOG10_P,
    Loci,
    clump_by_distance,
    clump_by_ld,
)
from python_models.frames.genetics.gwas_variants import Genome
from python_models.frames.genetics.ld_reference import LdReference

F8 = npt.NDArray[np.float64]
# Loci whose SNPs come this close are one: LD reaches across smaller gaps (FUMA's default).
MERGE_GAP_BP = 250_000
# With it two instruments are independent (the default of TwoSampleMR's clump_data).
INSTRUMENT_R_SQUARED = 0.001
# Without genotypes only distance makes instruments independent: the usual 10 Mb of two-sample MR, to either side.
INSTRUMENT_WINDOW_BP = 10_000_000


def loci_of(
    genome: Genome, tail: F8, *, reference: LdReference | None, threshold: float = GENOME_WIDE_NEG_LOG10_P
) -> Loci:
    """Loci of (n,) -log10 P values, merged where they come close."""
    if reference is None:
        return clump_by_distance(
            chromosome=genome.chromosome,
            position=genome.position,
            neg_log10_p=tail,
            threshold=threshold,
            window_bp=DEFAULT_WINDOW_BP,
            merge_gap_bp=MERGE_GAP_BP,
        )
    return clump_by_ld(
        chromosome=genome.chromosome,
        position=genome.position,
        neg_log10_p=tail,
        dosage_of=reference.dosage_of,
        threshold=threshold,
        secondary_threshold=min(threshold, 2.0),
        merge_gap_bp=MERGE_GAP_BP,
    )


def independent_leads(genome: Genome, tail: F8, *, reference: LdReference | None) -> npt.NDArray[np.int64]:
    """Genome-wide significant variants that are independent of each other: instruments.

    With a reference a variant it lacks cannot be shown to be independent, and is left out.
    """
    if reference is None:
        return clump_by_distance(
            chromosome=genome.chromosome,
            position=genome.position,
            neg_log10_p=tail,
            window_bp=INSTRUMENT_WINDOW_BP,
        ).lead
    return clump_by_ld(
        chromosome=genome.chromosome,
        position=genome.position,
        neg_log10_p=np.where(reference.file >= 0, tail, np.nan),
        dosage_of=reference.dosage_of,
        secondary_threshold=GENOME_WIDE_NEG_LOG10_P,
        r_squared=INSTRUMENT_R_SQUARED,
        window_bp=INSTRUMENT_WINDOW_BP,
    ).lead
