"""One GWAS of the embedded cohort, written in every format that ingest reads."""

import csv
import gzip
import io
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

Row = Mapping[str, str]
Cell = Callable[[Row], str]


@dataclass(frozen=True, slots=True)
class GwasShape:
    """A format: its file name, its columns from the columns of GWAS-SSF, and what of the mart it does not carry."""

    file: str
    cells: Mapping[str, Cell]
    lost: tuple[str, ...] = ()
    delimiter: str = "\t"


def column(name: str) -> Cell:
    return lambda row: row[name]


def constant(text: str) -> Cell:
    return lambda _: text


def log10p(row: Row) -> str:
    return repr(-math.log10(float(row["p_value"])))


def z(row: Row) -> str:
    return repr(float(row["beta"]) / float(row["standard_error"]))


def variant(row: Row) -> str:
    return ":".join(row[name] for name in ("chromosome", "base_pair_location", "other_allele", "effect_allele"))


def minor_allele(row: Row) -> str:
    return row["effect_allele"] if float(row["effect_allele_frequency"]) <= 0.5 else row["other_allele"]


def minor_frequency(row: Row) -> str:
    frequency = float(row["effect_allele_frequency"])
    return repr(min(frequency, 1 - frequency))


CHR, POS = column("chromosome"), column("base_pair_location")
EFFECT, OTHER = column("effect_allele"), column("other_allele")
RSID, FREQUENCY, INFO, N = column("rsid"), column("effect_allele_frequency"), column("info"), column("n")
BETA, SE, P = column("beta"), column("standard_error"), column("p_value")
NA = constant("NA")

# A line is judged by what its file tells: without rs numbers or sizes none is analysed, without frequencies more are.
JUDGED = ("is_analysed", "is_analysed_by_region", "n_analysed", "orientation")
# A single identifier is landed as rsid and as variant id: the latter is another than that of GWAS-SSF.
SHAPES = {
    "gwas_ssf": GwasShape(
        "sarcopenia.h.tsv.gz",
        {
            "chromosome": CHR, "base_pair_location": POS, "effect_allele": EFFECT, "other_allele": OTHER, "beta": BETA,
            "standard_error": SE, "effect_allele_frequency": FREQUENCY, "neg_log_10_p_value": log10p,
            "variant_id": column("variant_id"), "rsid": RSID, "info": INFO, "n": N,
        },
        lost=("p_value",),
    ),
    "neale": GwasShape(
        "sarcopenia.gwas.imputed_v3.tsv.bgz",
        {
            "variant": variant, "minor_allele": minor_allele, "minor_AF": minor_frequency,
            "low_confidence_variant": constant("false"), "n_complete_samples": N, "AC": NA, "ytx": NA, "beta": BETA,
            "se": SE, "tstat": z, "pval": P,
        },
        lost=("variant_id", "rsid", "info", *JUDGED),
    ),
    "regenie": GwasShape(
        "sarcopenia.regenie",
        {
            "CHROM": CHR, "GENPOS": POS, "ID": RSID, "ALLELE0": OTHER, "ALLELE1": EFFECT, "A1FREQ": FREQUENCY,
            "INFO": INFO, "N": N, "TEST": constant("ADD"), "BETA": BETA, "SE": SE, "CHISQ": NA, "LOG10P": log10p,
            "EXTRA": NA,
        },
        lost=("variant_id", "p_value"),
        delimiter=" ",
    ),
    "saige": GwasShape(
        "sarcopenia.saige.txt.gz",
        {
            "CHR": CHR, "POS": POS, "MarkerID": RSID, "Allele1": OTHER, "Allele2": EFFECT, "AC_Allele2": NA,
            "AF_Allele2": FREQUENCY, "imputationInfo": INFO, "N": N, "BETA": BETA, "SE": SE, "Tstat": NA, "p.value": P,
        },
        lost=("variant_id",),
    ),
    "bolt_lmm": GwasShape(
        "sarcopenia.bolt.stats.gz",
        {
            "SNP": RSID, "CHR": CHR, "BP": POS, "GENPOS": constant("0.1"), "ALLELE1": EFFECT, "ALLELE0": OTHER,
            "A1FREQ": FREQUENCY, "INFO": INFO, "BETA": BETA, "SE": SE, "P_BOLT_LMM_INF": NA, "P_BOLT_LMM": P,
        },
        lost=("variant_id", "n", *JUDGED),
    ),
    "gefos": GwasShape(
        "sarcopenia.txt",
        {
            "SNPID": column("variant_id"), "RSID": RSID, "CHR": CHR, "BP": POS, "EA": EFFECT, "NEA": OTHER,
            "EAF": FREQUENCY, "INFO": INFO, "BETA": BETA, "SE": SE, "P": NA, "P.I": NA, "P.NI": P, "N": N,
        },
    ),
    "plink2": GwasShape(
        "sarcopenia.glm.linear",
        {
            "#CHROM": CHR, "POS": POS, "ID": RSID, "REF": OTHER, "ALT": EFFECT, "A1": EFFECT, "A1_FREQ": FREQUENCY,
            "MACH_R2": INFO, "TEST": constant("ADD"), "OBS_CT": N, "BETA": BETA, "SE": SE, "T_STAT": z, "P": P,
            "ERRCODE": constant("."),
        },
        lost=("variant_id",),
    ),
    "ldsc_sumstats": GwasShape(
        "sarcopenia.sumstats.gz",
        {"SNP": RSID, "A1": EFFECT, "A2": OTHER, "Z": z, "N": N, "P": P},
        lost=(
            *JUDGED,
            "chromosome", "base_pair_location", "variant_id", "effect_allele_frequency", "info", "beta",
            "standard_error",
        ),
    ),
}  # fmt: skip


def write_shape(shape: GwasShape, folder: Path) -> None:
    """Write sarcopenia.tsv.gz of an export again in another format, with what its metadata file says."""
    source, said = folder / "sarcopenia.tsv.gz", folder / "sarcopenia.tsv.gz-meta.yaml"
    with gzip.open(source, "rt", newline="") as handle:
        rows = list(csv.DictReader(handle, delimiter="\t"))
    text = io.StringIO()
    writer = csv.writer(text, delimiter=shape.delimiter, lineterminator="\n")
    writer.writerow(shape.cells)
    writer.writerows([cell(row) for cell in shape.cells.values()] for row in rows)
    data = text.getvalue().encode()
    source.unlink()
    (folder / shape.file).write_bytes(gzip.compress(data) if shape.file.endswith(("gz", "bgz")) else data)
    said.rename(folder / f"{shape.file}-meta.yaml")
