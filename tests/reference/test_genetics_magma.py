"""SNP-wise mean of MAGMA 1.10 on 489 real Europeans and real BOLT-LMM statistics, all SNPs and MAF > 0.02."""

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from python_models.estimators.genetics.errors import FloatArray, IntegerArray
from python_models.estimators.genetics.gene_snps import GeneSnps
from python_models.estimators.genetics.gene_tests import snp_wise_mean_gene_tests

# MAGMA prints 5 significant digits: rounding up to 5e-5 where |Z| is above 1. Below 1 its integral is the looser side.
INTEGRATED = 1.2e-5
PRINTED = 5.5e-5
# MAGMA changes its method for genes with more SNPs than half the reference people (242 of 489 agree, 245 do not) ...
LARGEST_EXACT_SHARE = 0.5
# ... and its integral loses its digits below P = 2e-9 (three genes are printed with the same P, 5e-10).
LARGEST_EXACT_Z = 5.88
LARGEST_COMPARED = 400  # SNPs: the remaining genes agree no better and take most of the time
# Beyond half the reference people the two methods stay close in the body of the distribution.
CLOSE_MEDIAN = 0.06

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
REFERENCE = SHARED / "reference/genetics/magma"
GENOTYPES = SHARED / "data/genetics/plink_1kg_subset"
STATISTICS = SHARED / "data/raw_samples/bolt.sumstats.txt.gz"
pytestmark = pytest.mark.skipif(
    not (REFERENCE.is_dir() and GENOTYPES.is_dir() and STATISTICS.is_file()),
    reason="needs ../shared/reference/genetics/magma, data/genetics/plink_1kg_subset and data/raw_samples",
)


def dosages() -> tuple[list[str], FloatArray]:
    from bed_reader import open_bed

    names: list[str] = []
    columns = []
    for chromosome in range(1, 23):
        with open_bed(GENOTYPES / f"1000G.subset.{chromosome}.bed", num_threads=1) as bed:
            names.extend(bed.sid)
            columns.append(bed.read(dtype="float32", num_threads=1))
    return names, np.concatenate(columns, axis=1)


def p_values() -> dict[str, float]:
    with gzip.open(STATISTICS, "rt") as lines:
        header = next(lines).split("\t")
        name, p = header.index("SNP"), [column.strip() for column in header].index("P_BOLT_LMM")
        found: dict[str, float] = {}
        for line in lines:
            fields = line.split("\t")
            found.setdefault(fields[name], float(fields[p]))
    return found


@pytest.fixture(scope="module")
def reference() -> dict[str, Any]:
    names, dosage = dosages()
    p = p_values()
    place = {name: i for i, name in enumerate(names)}
    lines = (REFERENCE / "ann.genes.annot").read_text().splitlines()
    rows = [line.split("\t") for line in lines if not line.startswith("#")]
    genes = {row[0]: np.array([place[snp] for snp in row[2:] if snp in place and snp in p]) for row in rows}
    frequency = dosage.mean(axis=0) / 2
    return {
        "dosage": dosage,
        "neg_log10_p": -np.log10([p.get(name, np.nan) for name in names]),
        "genes": genes,
        "maf": np.minimum(frequency, 1 - frequency),
    }


@pytest.mark.parametrize(("file", "maf"), [("common_mean", 0.02), ("snpwise_mean", 0.0)])
def test_snp_wise_mean__equals_magma(reference: dict[str, Any], file: str, maf: float) -> None:
    theirs = np.genfromtxt(REFERENCE / f"{file}.genes.out", names=True, dtype=None, encoding="utf-8")
    theirs = theirs[theirs["NSNPS"] <= LARGEST_COMPARED]
    kept = [snps[reference["maf"][snps] > maf] for snps in (reference["genes"][str(g)] for g in theirs["GENE"])]
    genes = GeneSnps.of(
        offsets=np.concatenate([[0], np.cumsum([len(snps) for snps in kept])]),
        snp_index=np.concatenate(kept),
        n_snps=reference["maf"].size,
    )
    dosage = reference["dosage"]

    def dosage_of(index: IntegerArray) -> FloatArray:
        return np.asarray(dosage[:, index], dtype=np.float64)

    ours = snp_wise_mean_gene_tests(neg_log10_p=reference["neg_log10_p"], gene_snps=genes, dosage_of=dosage_of)
    assert ours.gene.size == theirs.size
    assert ours.n_snps.tolist() == theirs["NSNPS"].tolist()
    difference = np.abs(ours.z - theirs["ZSTAT"])
    is_exact = (ours.n_snps <= LARGEST_EXACT_SHARE * dosage.shape[0]) & (np.abs(theirs["ZSTAT"]) < LARGEST_EXACT_Z)
    allowed = np.where(np.abs(theirs["ZSTAT"]) < 1, INTEGRATED, PRINTED)
    assert is_exact.sum() > 60
    bad = is_exact & ~(difference < allowed)
    assert not bad.any(), [theirs[bad], difference[bad]]
    is_large = (ours.n_snps > LARGEST_EXACT_SHARE * dosage.shape[0]) & (np.abs(theirs["ZSTAT"]) < LARGEST_EXACT_Z)
    assert np.median(difference[is_large]) < CLOSE_MEDIAN
