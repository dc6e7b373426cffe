"""Whose effect and whose frequency: what a name says is believed, what it leaves open is not guessed."""

from pathlib import Path
from typing import Any

import pytest

from tests.ingest.small_export import read, write_export, write_text
from warehouse.errors import IngestError
from warehouse.ingest.ingest import ingest


def landed(
    tmp_path: Path, header: str, *rows: str, overrides: tuple[str, ...] = (), name: str = "toy.txt"
) -> list[dict[str, Any]]:
    write_text(write_export(tmp_path / "export") / name, "\n".join([header, *rows]) + "\n")
    landing, _ = ingest(tmp_path / "export", cohort="small", to=tmp_path, overrides=list(overrides))
    return read(landing, "gwas/toy")


def alleles(rows: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(row["effect_allele"], row["other_allele"]) for row in rows]


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("SNP A1 A2 effect_allele other_allele BETA SE P", "rs11 A G G A 0.02 0.005 6e-5"),
        ("SNP A1 A2 EA NEA Z N", "rs11 A G G A 4 5000"),
        ("SNP A1 A2 effect_allele BETA SE P", "rs11 A G g 0.02 0.005 6e-5"),
        ("SNP Allele1 Allele2 non_effect_allele BETA SE P", "rs11 a g A 0.02 0.005 6e-5"),
        ("SNP A2 effect_allele BETA SE P", "rs11 A G 0.02 0.005 6e-5"),
        ("SNP A1 A2 BETA SE P", "rs11 G A 0.02 0.005 6e-5"),
    ],
)
def test_alleles_that_a_name_says__go_before_a1(header: str, row: str, tmp_path: Path) -> None:
    assert alleles(landed(tmp_path, header, row)) == [("G", "A")]


def test_an_effect_allele_that_is_neither_a1_nor_a2__leaves_the_other_open(tmp_path: Path) -> None:
    rows = landed(tmp_path, "SNP A1 A2 effect_allele BETA SE P", "rs11 A G T 0.02 0.005 6e-5")
    assert alleles(rows) == [("T", None)]


def test_a_frequency_of_a1__becomes_that_of_the_effect_allele(tmp_path: Path) -> None:
    header = "SNP A1 A2 effect_allele other_allele Freq1 BETA SE P"
    rows = landed(tmp_path, header, "rs11 A G G A 0.25 0.02 0.005 6e-5", "rs22 T C T C 0.25 0.02 0.005 6e-5")
    assert [row["effect_allele_frequency"] for row in rows] == [0.75, 0.25]


def test_two_columns_of_one_meaning__are_refused_where_they_differ(tmp_path: Path) -> None:
    header, same = "SNP A1 A2 Allele1 Allele2 BETA SE P", "rs11 G A g a 0.02 0.005 6e-5"
    assert alleles(landed(tmp_path / "same", header, same)) == [("G", "A")]
    other = "rs22 G A A G 0.02 0.005 6e-5"
    with pytest.raises(IngestError, match=r"(?s)toy\.txt: .* A1 and Allele1 differ \(1 .*ignore_column:Allele1=yes"):
        landed(tmp_path / "other", header, same, other)
    chosen = ("ignore_column:A1=yes", "ignore_column:A2=yes")
    assert alleles(landed(tmp_path / "chosen", header, other, overrides=chosen)) == [("A", "G")]


def test_a_minor_allele_frequency__is_not_the_effect_alleles(tmp_path: Path) -> None:
    (row,) = landed(tmp_path, "SNP A1 A2 MAF BETA SE P", "rs11 G A 0.25 0.02 0.005 6e-5")
    assert (row["effect_allele_frequency"], row["minor_allele_frequency"]) == (None, 0.25)
    (row,) = landed(tmp_path / "both", "SNP A1 A2 MAF EAF BETA SE P", "rs11 G A 0.25 0.75 0.02 0.005 6e-5")
    assert (row["effect_allele_frequency"], row["minor_allele_frequency"]) == (0.75, 0.25)


def test_daner__tells_the_frequency_in_controls_and_both_counts(tmp_path: Path) -> None:
    (row,) = landed(
        tmp_path,
        "CHR SNP BP A1 A2 FRQ_A_2000 FRQ_U_3000 INFO OR SE P ngt Direction HetISqt Nca Nco Neff_half",
        "1 rs11 1000 G A 0.3 0.25 0.99 1.02 0.005 6e-5 0 ++ 0 2000 3000 2400",
    )
    told = ("effect_allele", "effect_allele_frequency", "n_cases", "n_controls", "odds_ratio", "n")
    assert [row[name] for name in told] == ["G", 0.25, 2000, 3000, 1.02, None]


NEAR_MISSES = {
    "Pan-UKB": (
        "toy.tsv",
        "chr\tpos\tref\talt\taf_EUR\tbeta_EUR\tse_EUR\tneglog10_pval_EUR\tbeta_AFR\tse_AFR\n1\t10\tA\tG\t.3\t.1\t.1\t2\t.1\t.1\n",
        "Pan-UKB file holds afr, eur side by side",
    ),
    "REGENIE --htp": (
        "toy.txt",
        "Name Chr Pos Ref Alt Trait Cohort Model Effect LCI_Effect UCI_Effect Pval AAF Num_Cases\n"
        "rs11 1 10 A G t c ADD-WGR-LR 0.1 0 0.2 0.1 0.3 100\n",
        "this one is of --htp",
    ),
    "PLINK 1.9": (
        "toy.assoc.logistic",
        " CHR SNP BP A1 TEST NMISS OR STAT P\n 1 rs11 10 G ADD 5000 1.02 4 6e-5\n",
        r"no column is the other allele \(A2\)\s+-> PLINK 1\.9 writes A1 alone",
    ),
    "no effect": ("toy.txt", "SNP A1 A2 P N\nrs11 G A 0.1 5000\n", r"no column is an effect \(BETA, OR or Z\)"),
    "no rs number": (
        "toy.txt", "chr pos A1 A2 BETA SE P\n1 10 G A 0.1 0.1 0.1\n", r"no column is a variant \(SNP\)\s+-> add"
    ),
    "GWAS-VCF": (
        "toy.vcf.gz",
        '##fileformat=VCFv4.2\n##FORMAT=<ID=ES,Number=A,Type=Float,Description="Effect size">\n#CHROM\tPOS\tID\n',
        "this one is a GWAS-VCF",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", NEAR_MISSES)
def test_near_misses__are_told_what_they_are_or_lack(case: str, tmp_path: Path) -> None:
    file, text, says = NEAR_MISSES[case]
    write_text(write_export(tmp_path / "export") / file, text)
    with pytest.raises(IngestError, match=says):
        ingest(tmp_path / "export", cohort="small", to=tmp_path)


def test_genotypes_in_a_vcf__stay_where_they_are(tmp_path: Path) -> None:
    write_text(write_export(tmp_path / "export") / "toy.vcf", "##fileformat=VCFv4.2\n##FORMAT=<ID=GT,Number=1>\n")
    ingest(tmp_path / "export", cohort="small", to=tmp_path)
