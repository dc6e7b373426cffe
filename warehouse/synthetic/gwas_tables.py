"""GWAS files as tools write them (REGENIE, GWAS-SSF with its metadata) and LD scores as ldsc reads them."""

from pathlib import Path

import numpy as np
import pyarrow as pa
from scipy.special import log_ndtr

from warehouse.progress import Advance
from warehouse.synthetic import gwas, write
from warehouse.synthetic.metabolites import significant
from warehouse.synthetic.population import Floats

REGENIE = ("CHROM", "GENPOS", "ID", "ALLELE0", "ALLELE1", "A1FREQ", "INFO", "N", "TEST", "BETA", "SE", "CHISQ",
           "LOG10P", "EXTRA")  # fmt: skip
GWAS_SSF = ("chromosome", "base_pair_location", "effect_allele", "other_allele", "beta", "standard_error",
            "effect_allele_frequency", "p_value", "variant_id", "rsid", "info", "n")  # fmt: skip
GWAS_SSF_LOG10 = tuple("neg_log_10_p_value" if name == "p_value" else name for name in GWAS_SSF)
IN_REGENIE = "osteoporosis"
WITH_LOG10 = "lean_mass"  # GWAS-SSF allows either column; one file uses the other
ALLELES = ("A", "C", "G", "T", "D", "I")
DELETION, INSERTION = 4, 5

META = """# Study meta-data, SYNTHETIC: nobody took part
gwas_id: SYNTHETIC_{name}
author_notes: Drawn from a model, see README.txt
date_metadata_last_modified: 2026-01-01

# Trait Information
trait_description:
  - {title}

# Genotyping Information
genome_assembly: GRCh37
coordinate_system: 1-based
genotyping_technology:
  - Genome-wide genotyping array

# Sample Information
samples:
  - sample_ancestry_category:
      - European
    sample_size: {n}
{cases}    case_control_study: {is_case_control}
sex: combined

# Summary Statistic information
data_file_name: {file}
file_type: GWAS-SSF v1.0
analysis_software: warehouse.synthetic
adjusted_covariates:
  - age
  - sex

# Harmonization status
is_harmonised: false
is_sorted: true
"""


def negative_log10_p(z: Floats) -> Floats:
    """-log10 of the two-sided p of z, without underflow."""
    return -(np.log(2.0) + log_ndtr(-np.abs(z))) / np.log(10.0)


def write_gwas(rng: np.random.Generator, folder: Path, snps: gwas.Snps, z: Floats, advance: Advance) -> None:
    """One file per trait in folder/gwas, LD scores in folder/ld_scores."""
    (folder / "gwas").mkdir()
    names = pa.array(gwas.rsids(snps), pa.string())
    for k, trait in enumerate(gwas.TRAITS):
        reported = gwas.report(rng, snps, trait, z[:, k])
        if trait.name == IN_REGENIE:
            _write_regenie(folder / "gwas" / f"{trait.name}.regenie.gz", snps, names, reported)
        else:
            _write_ssf(folder / "gwas" / f"{trait.name}.tsv.gz", snps, names, trait, reported)
        advance()
    _write_ld_scores(folder, snps, names)


def _alleles(reported: gwas.Reported) -> tuple[pa.Array, pa.Array]:
    """Letters; a third of the broken rows are insertions coded D and I."""
    indel = reported.is_bad & (np.arange(len(reported.snp)) % 3 == 0)
    return (
        write.labels(np.where(indel, INSERTION, reported.effect), ALLELES),
        write.labels(np.where(indel, DELETION, reported.other), ALLELES),
    )


def _write_regenie(path: Path, snps: gwas.Snps, names: pa.Array, reported: gwas.Reported) -> None:
    at = pa.array(reported.snp)
    effect, other = _alleles(reported)
    m = len(reported.snp)
    broken = reported.is_bad & (np.arange(m) % 3 == 1)
    log10_p = np.where(broken, np.nan, significant(negative_log10_p(reported.z), 6))
    columns = [
        write.whole(snps.chromosome[reported.snp]),
        write.whole(snps.position[reported.snp]),
        names.take(at),
        other,
        effect,
        write.reals(significant(reported.effect_frequency, 6)),
        write.reals(significant(reported.info, 6)),
        write.whole(reported.n),
        pa.array(["ADD"] * m),
        write.reals(significant(reported.beta, 6)),
        write.reals(significant(np.where(reported.is_bad & ~broken, -1.0, 1.0) * reported.standard_error, 6)),
        write.reals(significant(reported.z**2, 6)),
        write.reals(log10_p),
        write.empty(m),
    ]
    with write.TextFile(path, REGENIE, " ", "NA") as out:
        out.append(columns)


def _write_ssf(path: Path, snps: gwas.Snps, names: pa.Array, trait: gwas.Trait, reported: gwas.Reported) -> None:
    at = pa.array(reported.snp)
    effect, other = _alleles(reported)
    m = len(reported.snp)
    broken = reported.is_bad & (np.arange(m) % 3 == 1)
    log10_p = negative_log10_p(reported.z)
    with_log10 = trait.name == WITH_LOG10
    p_column = log10_p if with_log10 else 10.0**-log10_p
    p_column = np.where(broken, -1.0 if with_log10 else 1.7, p_column)  # no p is above 1
    chromosome, position = snps.chromosome[reported.snp], snps.position[reported.snp]
    letters = np.array(ALLELES)
    variant = np.char.add(np.char.add(chromosome.astype(str), "_"), position.astype(str))
    for allele in (reported.other, reported.effect):
        variant = np.char.add(np.char.add(variant, "_"), letters[allele])
    nameless = reported.is_bad & (np.arange(m) % 3 == 2)
    columns = [
        write.whole(chromosome),
        write.whole(position),
        effect,
        other,
        write.reals(significant(reported.beta, 6)),
        write.reals(significant(reported.standard_error, 6)),
        write.reals(significant(reported.effect_frequency, 6)),
        write.reals(significant(p_column, 6)),
        pa.array(variant.astype(object), pa.string()),
        pa.array(np.where(nameless, "#NA", np.array(names.take(at).to_pylist(), dtype=object)), pa.string()),
        write.reals(significant(reported.info, 6)),
        write.whole(reported.n),
    ]
    with write.TextFile(path, GWAS_SSF_LOG10 if with_log10 else GWAS_SSF, "\t", "#NA") as out:
        out.append(columns)
    cases = ""
    if trait.n_cases:
        cases = f"    case_count: {trait.n_cases}\n    control_count: {trait.n - trait.n_cases}\n"
    path.with_name(f"{path.name}-meta.yaml").write_text(
        META.format(
            name=trait.name,
            title=trait.title,
            n=trait.n,
            cases=cases,
            file=path.name,
            is_case_control=str(trait.n_cases > 0).lower(),
        )
    )


def _write_ld_scores(folder: Path, snps: gwas.Snps, names: pa.Array) -> None:
    """<chromosome>.l2.ldscore.gz and .l2.M_5_50; M is shared out by the number of SNPs."""
    out = folder / "ld_scores"
    out.mkdir()
    counts = np.bincount(snps.chromosome, minlength=len(gwas.CHROMOSOME_MB) + 1)[1:]
    m_5_50 = np.floor(gwas.M_5_50 * counts / counts.sum()).astype(np.int64)
    m_5_50[0] += gwas.M_5_50 - m_5_50.sum()
    for chromosome, m in enumerate(m_5_50.tolist(), start=1):
        here = np.flatnonzero(snps.chromosome == chromosome)
        maf = np.minimum(snps.frequency[here], 1 - snps.frequency[here])
        columns = [
            write.whole(snps.chromosome[here]),
            names.take(pa.array(here)),
            write.whole(snps.position[here]),
            write.reals(np.round(snps.position[here] / 1e6, 6)),
            write.reals(significant(maf, 6)),
            write.reals(np.round(snps.ld_score[here], 3)),
        ]
        with write.TextFile(out / f"{chromosome}.l2.ldscore.gz", ("CHR", "SNP", "BP", "CM", "MAF", "L2"), "\t") as file:
            file.append(columns)
        (out / f"{chromosome}.l2.M_5_50").write_text(f"{m}\n")
