"""Files that are nearly summary statistics: what they are, or what they lack, and the way out."""

import gzip
import re
import zlib
from collections.abc import Sequence
from pathlib import Path

from warehouse.ingest.faults import refuse
from warehouse.ingest.gwas_formats import MUNGEABLE, NEEDED_TO_MUNGE, cells_by_name, lacking, plain_name
from warehouse.ingest.stream import GZIP_MAGIC

HEAD_BYTES = 1 << 16
# The effect of a GWAS-VCF (Lyon 2021, Genome Biol 22:32, table 1).
EFFECT_OF_A_VCF = b"##FORMAT=<ID=ES,"
OF_A_POPULATION = re.compile(r"^beta_(?P<population>[a-z_]+)$")
REGENIE_HTP = frozenset(["name", "chr", "pos", "ref", "alt", "trait", "model", "effect", "pval", "aaf"])
PLINK_1 = frozenset(["chr", "snp", "bp", "a1", "test", "nmiss", "stat", "p"])


def near_miss(header: Sequence[str]) -> tuple[str, str] | None:
    """The rule that nearly summary statistics break, and the remedy; None where a header is nothing of the kind."""
    cells = set(cells_by_name(header))
    populations = sorted(found["population"] for cell in cells if (found := OF_A_POPULATION.match(cell)))
    if populations and cells >= {"chr", "pos", "ref", "alt"}:
        return (
            f"a GWAS file holds one population; this Pan-UKB file holds {', '.join(populations)} side by side",
            "write one population's columns as chromosome base_pair_location other_allele (ref) effect_allele (alt) "
            "beta standard_error neg_log_10_p_value effect_allele_frequency, and rsid from the variant manifest",
        )
    if cells >= REGENIE_HTP:
        return (
            "a REGENIE file has CHROM GENPOS ID ALLELE0 ALLELE1 A1FREQ BETA SE LOG10P; this one is of --htp",
            "run REGENIE's step 2 without --htp",
        )
    missing = lacking(cells)
    plain = {plain_name(cell) for cell in cells}
    tests = {name for of in ("p_value", "neg_log10_p_value", "standard_error") for name in MUNGEABLE.columns[of]}
    if len(missing) != 1 or not plain & (tests | _effects()):
        return None
    remedy = f"add the column; names that say it: {', '.join(_names(missing[0]))}"
    if cells >= PLINK_1:
        remedy = "PLINK 1.9 writes A1 alone: add A2 from the .bim, by SNP, or run PLINK 2's --glm"
    return f"a GWAS file says a variant, both alleles and an effect; no column is {missing[0]}", remedy


def _names(what: str) -> list[str]:
    return [name for of in NEEDED_TO_MUNGE[what] for name in MUNGEABLE.columns[of]]


def _effects() -> set[str]:
    return {name for of in ("beta", "odds_ratio", "z_score") for name in MUNGEABLE.columns[of]}


def refuse_gwas_vcf(path: Path, name: str) -> None:
    """Refuse a VCF of summary statistics, which else would be left where it is as genotypes are.

    Raises IngestError with the way to a table.
    """
    if not path.name.lower().endswith((".vcf", ".vcf.gz")):
        return
    with path.open("rb") as handle:
        is_gzip = handle.read(len(GZIP_MAGIC)) == GZIP_MAGIC
    try:
        with gzip.open(path) if is_gzip else path.open("rb") as handle:
            head = handle.read(HEAD_BYTES)
    except (OSError, EOFError, zlib.error):
        return
    if EFFECT_OF_A_VCF in head:
        raise refuse(
            name,
            "a GWAS file is a table; this one is a GWAS-VCF",
            "bcftools query -f '%CHROM\\t%POS\\t%ID\\t%REF\\t%ALT[\\t%ES\\t%SE\\t%LP\\t%AF\\t%SS]\\n', below the header"
            " chromosome base_pair_location rsid other_allele effect_allele beta standard_error neg_log_10_p_value "
            "effect_allele_frequency n",
        )


__all__ = ["near_miss", "refuse_gwas_vcf"]
