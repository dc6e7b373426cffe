"""Every GWAS format tells the same associations in the same words."""

from pathlib import Path

import duckdb
import pytest

from tests.ingest.small_export import read, write_export, write_rows, write_text
from warehouse.errors import IngestError
from warehouse.ingest.detect import look_at
from warehouse.ingest.gwas import trait_of
from warehouse.ingest.gwas_formats import NUMBER_COLUMNS
from warehouse.ingest.ingest import ingest
from warehouse.ingest.overrides import Overrides
from warehouse.ingest.recognise import recognise

# Two associations: (chromosome, position, rsid, effect, other, frequency, info, n, beta, se, p, -log10 p).
FIRST = ("1", "1000", "rs11", "G", "A", "0.25", "0.99", "5000", "0.02", "0.005", "6.3e-05", "4.2")
SECOND = ("23", "2000", "rs22", "T", "C", "0.4", "0.95", "4900", "-0.01", "0.004", "0.0124", "1.91")

FILES: dict[str, tuple[str, str]] = {
    "regenie": (
        "toy.regenie",
        "CHROM GENPOS ID ALLELE0 ALLELE1 A1FREQ INFO N TEST BETA SE CHISQ LOG10P EXTRA\n"
        "1 1000 rs11 A G 0.25 0.99 5000 ADD 0.02 0.005 16 4.2 NA\n"
        "1 1000 rs11 A G 0.25 0.99 5000 DOM 0.03 0.005 36 8.7 NA\n"
        "23 2000 rs22 C T 0.4 0.95 4900 ADD -0.01 0.004 6.25 1.91 NA\n",
    ),
    "bolt_lmm": (
        "toy.bolt.sumstats.txt.gz",
        "SNP\tCHR\tBP\tGENPOS\tALLELE1\tALLELE0\tA1FREQ\tINFO\tCHISQ_LINREG\tP_LINREG\tBETA\tSE\tP_BOLT_LMM_INF\tP_BOLT_LMM\n"
        "rs11\t1\t1000\t0.4\tG\tA\t0.25\t0.99\t15\t9e-5\t0.02\t0.005\t7e-5\t6.3e-05\n"
        "rs22\t23\t2000\t0.4\tT\tC\t0.4\t0.95\t6\t0.01\t-0.01\t0.004\t0.013\t0.0124\n",
    ),
    "saige": (
        "toy.saige.txt",
        "CHR\tPOS\tMarkerID\tAllele1\tAllele2\tAC_Allele2\tAF_Allele2\timputationInfo\tN\tBETA\tSE\tTstat\tp.value\n"
        "1\t1000\trs11\tA\tG\t2500\t0.25\t0.99\t5000\t0.02\t0.005\t4\t6.3e-05\n"
        "X\t2000\trs22\tC\tT\t3920\t0.4\t0.95\t4900\t-0.01\t0.004\t-2.5\t0.0124\n",
    ),
    "neale": (
        "toy.gwas.imputed_v3.tsv.bgz",
        "variant\tminor_allele\tminor_AF\tlow_confidence_variant\tn_complete_samples\tAC\tytx\tbeta\tse\ttstat\tpval\n"
        "1:1000:A:G\tG\t0.25\tfalse\t5000\t2500\t1\t0.02\t0.005\t4\t6.3e-05\n"
        "X:2000:C:T\tC\t0.6\tfalse\t4900\t3920\t1\t-0.01\t0.004\t-2.5\t0.0124\n",
    ),
    "gefos": (
        "toy.txt.gz",
        "SNPID\tRSID\tCHR\tBP\tEA\tNEA\tEAF\tINFO\tBETA\tSE\tP\tP.I\tP.NI\tN\n"
        "1:1000_A_G\trs11\t1\t1000\tG\tA\t0.25\t0.99\t0.02\t0.005\t0.5\t0.4\t6.3e-05\t5000\n"
        "23:2000_C_T\trs22\t23\t2000\tT\tC\t0.4\t0.95\t-0.01\t0.004\t0.5\t0.4\t0.0124\t4900\n",
    ),
    "gwas_ssf": (
        "toy.tsv",
        "chromosome\tbase_pair_location\teffect_allele\tother_allele\tbeta\tstandard_error\teffect_allele_frequency\t"
        "p_value\trsid\tn\tinfo\n"
        "1\t1000\tG\tA\t0.02\t0.005\t0.25\t6.3e-05\trs11\t5000\t0.99\n"
        "23\t2000\tT\tC\t-0.01\t0.004\t0.4\t0.0124\trs22\t4900\t0.95\n",
    ),
    "plink2": (
        "toy.glm.linear",
        "#CHROM\tPOS\tID\tREF\tALT\tA1\tA1_FREQ\tMACH_R2\tTEST\tOBS_CT\tBETA\tSE\tT_STAT\tP\tERRCODE\n"
        "1\t1000\trs11\tA\tG\tG\t0.25\t0.99\tADD\t5000\t0.02\t0.005\t4\t6.3e-05\t.\n"
        "1\t1000\trs11\tA\tG\tG\t0.25\t0.99\tsex\t5000\t0.9\t0.005\t180\t0\t.\n"
        "X\t2000\trs22\tT\tC\tT\t0.4\t0.95\tADD\t4900\t-0.01\t0.004\t-2.5\t0.0124\t.\n",
    ),
    "ldsc_sumstats": (
        "toy.sumstats.gz",
        "SNP\tA1\tA2\tZ\tN\nrs11\tG\tA\t4.000\t5000.000\nrs22\tT\tC\t-2.500\t4900.000\n",
    ),
}
# Other writers' files of the same kinds: what munge_sumstats.py understands, and the frequencies it does not.
FURTHER = {
    "metal": (
        "toy.metal.txt",
        "MarkerName\tAllele1\tAllele2\tFreq1\tFreqSE\tEffect\tStdErr\tP-value\tDirection\tN\n"
        "rs11\tg\ta\t0.25\t0.01\t0.02\t0.005\t6.3e-05\t++\t5000\nrs22\tt\tc\t0.4\t0.01\t-0.01\t0.004\t0.0124\t--\t4900\n",
    ),
    "fastgwa": (
        "toy.fastGWA",
        "CHR\tSNP\tPOS\tA1\tA2\tN\tAF1\tBETA\tSE\tP\n"
        "1\trs11\t1000\tG\tA\t5000\t0.25\t0.02\t0.005\t6.3e-05\n23\trs22\t2000\tT\tC\t4900\t0.4\t-0.01\t0.004\t0.0124\n",
    ),
    "cojo": (
        "toy.ma",
        "SNP A1 A2 freq b se p N\nrs11 G A 0.25 0.02 0.005 6.3e-05 5000\nrs22 T C 0.4 -0.01 0.004 0.0124 4900\n",
    ),
    "finngen": (
        "toy_R10.gz",
        "#chrom\tpos\tref\talt\trsids\tnearest_genes\tpval\tmlogp\tbeta\tsebeta\taf_alt\taf_alt_cases\taf_alt_controls\n"
        "1\t1000\tA\tG\trs11\tX\t6.3e-05\t4.2\t0.02\t0.005\t0.25\t0.2\t0.3\n"
        "23\t2000\tC\tT\trs22\tX\t0.0124\t1.91\t-0.01\t0.004\t0.4\t0.4\t0.4\n",
    ),
    "regenie by trait, old": (
        "toy_Y1.regenie",
        "CHROM GENPOS ID ALLELE0 ALLELE1 A1FREQ N TEST BETA SE CHISQ LOG10P\n"
        "1 1000 rs11 A G 0.25 5000 ADD 0.02 0.005 16 4.2\n23 2000 rs22 C T 0.4 4900 ADD -0.01 0.004 6.25 1.91\n",
    ),
    "saige, binary": (
        "toy.saige.binary.txt",
        "CHR\tPOS\tMarkerID\tAllele1\tAllele2\tAC_Allele2\tAF_Allele2\tMissingRate\tBETA\tSE\tTstat\tvar\tp.value\t"
        "p.value.NA\tIs.SPA\tAF_case\tAF_ctrl\tN_case\tN_ctrl\n"
        "1\t1000\trs11\tA\tG\t2500\t0.25\t0\t0.02\t0.005\t4\t1\t6.3e-05\t6e-05\tfalse\t0.2\t0.3\t1000\t4000\n"
        "23\t2000\trs22\tC\tT\t3920\t0.4\t0\t-0.01\t0.004\t-2.5\t1\t0.0124\t0.01\ttrue\t0.4\t0.4\t1000\t3900\n",
    ),
}


@pytest.mark.parametrize("name", FURTHER)
def test_further_files__say_the_same_effects_alleles_and_frequencies(name: str, tmp_path: Path) -> None:
    file, text = FURTHER[name]
    write_text(write_export(tmp_path / "export") / file, text)
    landing, _ = ingest(tmp_path / "export", cohort="small", to=tmp_path, overrides=[f"trait:{file}=toy"])
    rows = read(landing, "gwas/toy")
    assert [(row["rsid"], row["effect_allele"], row["other_allele"]) for row in rows] == [
        ("rs11", "G", "A"), ("rs22", "T", "C"),
    ]  # fmt: skip
    told = [(row["effect_allele_frequency"], row["beta"], row["standard_error"]) for row in rows]
    assert told == [(0.25, 0.02, 0.005), (0.4, -0.01, 0.004)]
    assert [row["p_value"] or 10 ** -row["neg_log10_p_value"] for row in rows] == pytest.approx(
        [6.3e-5, 0.0124], rel=0.01
    )


def test_decimal_commas__of_a_gwas_are_refused_by_column(tmp_path: Path) -> None:
    rows = [row.split("\t") for row in FILES["gwas_ssf"][1].strip().split("\n")]
    turned = [rows[0], *([cell.replace(".", ",") for cell in row] for row in rows[1:])]
    write_rows(write_export(tmp_path / "export") / "toy.csv", turned, delimiter=";")
    with pytest.raises(
        IngestError, match=r"toy\.csv: a numeric field holds numbers, .* cells of beta \(2 break it\)\s+-> write"
    ):
        ingest(tmp_path / "export", cohort="small", to=tmp_path)


def test_one_effect_that_is_none__is_told_and_stays_for_staging_to_count(tmp_path: Path) -> None:
    header, *rows = FILES["gwas_ssf"][1].strip().split("\n")
    folder = write_export(tmp_path / "export")
    write_text(folder / "toy.tsv", "\n".join([header, *(rows * 80), rows[0].replace("0.02", "fail")]) + "\n")
    landing, _ = ingest(folder, cohort="small", to=tmp_path)
    assert read(landing, "gwas/toy")[-1]["beta"] == "fail"
    assert [tuple(row.values()) for row in read(landing, "rejects")] == [
        ("toy.tsv", "162", "beta", "a numeric field holds numbers")
    ]


def test_a_column_in_two_writings__is_refused(tmp_path: Path) -> None:
    rows = [row.split("\t") for row in FILES["gwas_ssf"][1].strip().split("\n")]
    write_rows(write_export(tmp_path / "export") / "toy.csv", [[*rows[0], "BETA"], *([*row, "1"] for row in rows[1:])])
    with pytest.raises(IngestError, match=r"toy\.csv: a column stands once in a header; in two writings: beta"):
        ingest(tmp_path / "export", cohort="small", to=tmp_path)


NAMES = (
    "chromosome", "base_pair_location", "rsid", "effect_allele", "other_allele", "effect_allele_frequency", "info", "n",
    "beta", "standard_error", "p_value", "neg_log10_p_value",
)  # fmt: skip
# What a format does not say stays empty.
SILENT = {
    "regenie": {"p_value"},
    "bolt_lmm": {"neg_log10_p_value", "n"},
    "saige": {"neg_log10_p_value"},
    "neale": {"neg_log10_p_value", "rsid", "info"},
    "gefos": {"neg_log10_p_value"},
    "gwas_ssf": {"neg_log10_p_value"},
    "plink2": {"neg_log10_p_value"},
    "ldsc_sumstats": set(NAMES) - {"rsid", "effect_allele", "other_allele"},
}


@pytest.fixture(scope="module")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_export(tmp_path_factory.mktemp("gwas"))
    for name, (file, text) in FILES.items():
        path = write_text(folder / "gwas" / name / file.replace(".bgz", ".gz"), text)
        path.rename(path.with_name(file))
    overrides = [f"trait:gwas/{name}/{file}=toy_{name}" for name, (file, _) in FILES.items()]
    return ingest(folder, cohort="small", to=tmp_path_factory.mktemp("raw"), overrides=overrides)[0]


@pytest.mark.parametrize("name", FILES)
def test_gwas_format__says_the_same(landing: Path, name: str) -> None:
    rows = read(landing, f"gwas/toy_{name}")
    assert len(rows) == 2
    for row, told in zip(rows, (FIRST, SECOND), strict=True):
        assert row["source_format"] == name
        for column, expected in zip(NAMES, told, strict=True):
            if column in SILENT[name]:
                assert column == "n" or row[column] is None or name == "ldsc_sumstats", column
            elif column == "effect_allele_frequency":
                assert row[column] == pytest.approx(float(expected))
            elif column in NUMBER_COLUMNS:
                assert row[column] == float(expected), column
            else:
                assert row[column] == expected, column


def test_ldsc_sumstats__z_and_n_land(landing: Path) -> None:
    assert [(row["z_score"], row["n"]) for row in read(landing, "gwas/toy_ldsc_sumstats")] == [
        (4.0, 5000.0),
        (-2.5, 4900.0),
    ]


def test_gwas__rows_of_other_tests_are_counted_in_the_profile(landing: Path) -> None:
    assert "1 rows of other tests left out" in (landing / "profile.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("file", "trait"),
    [
        ("osteoporosis.regenie.gz", "osteoporosis"),
        ("46_irnt.gwas.imputed_v3.both_sexes.tsv.bgz", "46_irnt_gwas_imputed_v3_both_sexes"),
        ("plink2.Grip-Strength.glm.linear", "plink2_grip_strength"),
        ("heel_bmd.sumstats.gz", "heel_bmd"),
        ("0000123.tsv", "0000123"),
    ],
)
def test_trait_of__is_the_stem_in_lower_case(file: str, trait: str) -> None:
    assert trait_of(Path(file)) == trait


def test_aligned_spaces__are_one_delimiter(tmp_path: Path) -> None:
    text = "  SNP   A1  A2      Z       N\n rs11    G   A  4.000  5000\n rs22    T   C -2.500  4900\n"
    path = write_text(tmp_path / "padded.sumstats", text)
    assert look_at(path, name=path.name, overrides=Overrides()).header == ("SNP", "A1", "A2", "Z", "N")
    write_export(tmp_path / "export")
    path.rename(tmp_path / "export" / path.name)
    landing, _ = ingest(tmp_path / "export", cohort="small", to=tmp_path / "raw")
    assert [row["z_score"] for row in read(landing, "gwas/padded")] == [4.0, -2.5]


def test_gwas_file__with_a_cell_that_is_no_number_lands_as_text_and_whole(tmp_path: Path) -> None:
    """One such cell, after the first block: nothing of the file is lost, and staging counts what it cannot read."""
    lines = [f"rs{k}\tA\tG\t{k % 7 - 3}.5\t{'5_000x' if k == 200_000 else 5000}" for k in range(1, 200_001)]
    folder = write_export(tmp_path / "export")
    write_text(folder / "gwas" / "odd.txt", "\n".join(["SNP\tA1\tA2\tZ\tN", *lines]) + "\n")
    landing, _ = ingest(folder, cohort="small", to=tmp_path / "raw")
    rows = read(landing, "gwas/odd")
    assert len(rows) == 200_000
    assert (rows[0]["z_score"], rows[0]["n"], rows[-1]["n"]) == ("-2.5", "5000", "5_000x")
    # The files of a landing are read as one table, whatever each landed as.
    together = duckdb.sql(
        f"select trait, try_cast(n as double) as n from read_parquet('{landing}/gwas/*.parquet', union_by_name = true)"
    )
    counted = dict(together.aggregate("trait, count(n)").fetchall())
    assert counted["odd"] == 199_999
    assert counted["osteoporosis"] > 0


def test_two_files_of_one_trait__are_refused(tmp_path: Path) -> None:
    folder = write_export(tmp_path / "export")
    write_rows(
        folder / "more" / "sarcopenia.txt",
        [["SNP", "A1", "A2", "Z", "N"], ["rs1", "A", "G", "1", "10"]],
        delimiter="\t",
    )
    with pytest.raises(IngestError, match="a trait has one GWAS file"):
        ingest(folder, cohort="small", to=tmp_path / "raw")


def test_regenie_with_many_traits__is_refused_by_name(tmp_path: Path) -> None:
    text = "CHROM GENPOS ID ALLELE0 ALLELE1 A1FREQ N TEST BETA.Y1 SE.Y1 LOG10P.Y1\n1 1 a A G 0.1 5 ADD 1 1 1\n"
    with pytest.raises(IngestError, match="--split"):
        recognise(write_text(tmp_path / "all.regenie", text), name="all.regenie", overrides=Overrides())


def test_trait_table__gives_sample_sizes(tmp_path: Path) -> None:
    folder = write_export(tmp_path / "export")
    rows = [
        ["trait", "n", "n_cases", "n_controls", "genome_assembly"],
        ["osteoporosis", "5000", "300", "4700", "GRCh37"],
    ]
    write_rows(folder / "gwas" / "traits.csv", rows)
    landing, _ = ingest(folder, cohort="small", to=tmp_path / "raw")
    (row,) = [row for row in read(landing, "gwas_traits") if row["trait"] == "osteoporosis"]
    assert (row["n_cases"], row["n_controls"], row["genome_assembly"]) == ("300", "4700", "GRCh37")


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("regenie", "##REGENIE v3.4\n##command\n"),
        ("regenie", "#"),
        ("plink2", "##source=PLINK\n"),
        ("gwas_ssf", "\ufeff"),
    ],
)
def test_gwas_file__that_begins_with_comments_a_hash_or_a_mark_lands(tmp_path: Path, name: str, head: str) -> None:
    file, text = FILES[name]
    folder = write_export(tmp_path)
    write_text(folder / "gwas" / file, head + text)
    landed, _ = ingest(folder, cohort="small", to=tmp_path / "raw")
    rows = read(landed, f"gwas/{trait_of(Path(file))}")
    assert [(row["chromosome"], row["effect_allele"], row["beta"]) for row in rows] == [
        ("1", "G", 0.02),
        ("23", "T", -0.01),
    ]
