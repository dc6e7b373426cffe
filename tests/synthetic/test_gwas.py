"""The GWAS: LD score regression by hand finds what was planted, and files say what they should."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from warehouse.synthetic import genes, gwas, gwas_tables


def test_block_covariances__their_mean_is_the_genetic_covariance() -> None:
    shares = np.array([kind.share for kind in gwas.LOCI])
    weights = np.append(shares, 1 - shares.sum())
    mean = np.tensordot(weights, gwas.block_covariances(), axes=1)
    assert mean == pytest.approx(gwas.genetic_covariance())


def test_block_covariances__are_covariances() -> None:
    """One causal variant for both diseases leaves a matrix without its last rank."""
    for matrix in gwas.block_covariances():
        assert np.linalg.eigvalsh(matrix).min() > -1e-12
    assert np.linalg.eigvalsh(gwas.block_covariances()[-1]).min() > 0


def test_draw_z__regression_on_ld_scores_gives_heritability_and_correlation() -> None:
    """Weighted least squares by hand over 300,000 SNPs; tolerances are three observed standard deviations."""
    rng = np.random.default_rng(5)
    snps = gwas.draw_snps(rng, 300_000)
    z = gwas.draw_z(rng, snps, gwas.draw_causal(np.random.default_rng(55), snps))
    n = np.array([trait.n for trait in gwas.TRAITS], dtype=np.float64)

    def slope(y: np.ndarray, size: float) -> tuple[float, float]:
        x = size * snps.ld_score / gwas.M_5_50
        weight = 1 / (1 + 0.07 * x) ** 2 / snps.ld_score
        design = np.column_stack([x, np.ones_like(x)]) * np.sqrt(weight)[:, None]
        found = np.linalg.lstsq(design, y * np.sqrt(weight), rcond=None)[0]
        return float(found[0]), float(found[1])

    h1, intercept = slope(z[:, 0] ** 2, n[0])
    h2, _ = slope(z[:, 1] ** 2, n[1])
    covariance, overlap = slope(z[:, 0] * z[:, 1], float(np.sqrt(n[0] * n[1])))
    assert h1 == pytest.approx(gwas.TRAITS[0].heritability, rel=0.12)
    assert h2 == pytest.approx(gwas.TRAITS[1].heritability, rel=0.15)
    assert covariance / np.sqrt(h1 * h2) == pytest.approx(0.25, abs=0.07)
    assert intercept == pytest.approx(1.02, abs=0.10)
    assert overlap == pytest.approx(0.06, abs=0.06)


def test_draw_snps__ambiguous_ones_are_a_minority_and_no_position_repeats() -> None:
    snps = gwas.draw_snps(np.random.default_rng(6), 20_000)
    assert np.mean(snps.first + snps.second == 3) == pytest.approx(0.125, abs=0.01)
    assert np.all(snps.first != snps.second)
    assert len(set(zip(snps.chromosome.tolist(), snps.position.tolist(), strict=True))) == 20_000
    assert snps.ld_score.min() >= 1
    assert snps.ld_score.mean() == pytest.approx(gwas.MEAN_LD_SCORE, rel=0.15)


def test_report__sign_follows_the_effect_allele() -> None:
    rng = np.random.default_rng(7)
    snps = gwas.draw_snps(rng, 20_000)
    z = rng.standard_normal(20_000) + 3.0
    rows = gwas.report(rng, snps, gwas.TRAITS[0], z)
    on_strand = np.isin(rows.effect, (0, 1, 2, 3)) & (snps.first[rows.snp] + snps.second[rows.snp] != 3)
    is_second = (rows.effect == snps.second[rows.snp]) | (3 - rows.effect == snps.second[rows.snp])
    sign = np.where(is_second, 1.0, -1.0)
    assert (rows.z * sign)[on_strand] == pytest.approx(z[rows.snp][on_strand])
    assert rows.beta == pytest.approx(rows.z * rows.standard_error)
    assert len(np.unique(rows.snp)) < len(rows.snp)  # duplicates are there


def test_negative_log10_p__agrees_with_scipy_and_does_not_underflow() -> None:
    z = np.array([0.0, -1.96, 5.0])
    assert gwas_tables.negative_log10_p(z) == pytest.approx(-np.log10(stats.chi2.sf(z**2, 1)), abs=1e-12)
    assert np.isfinite(gwas_tables.negative_log10_p(np.array([60.0])))[0]


def _rows(path: Path, separator: str | None) -> list[list[str]]:
    with gzip.open(path, "rt") as lines:
        return [line.rstrip("\n").split(separator) for line in lines]


def test_regenie__log10p_is_that_of_chisq(export: Path) -> None:
    header, *rows = _rows(export / "gwas" / "osteoporosis.regenie.gz", " ")
    chisq, log10p = header.index("CHISQ"), header.index("LOG10P")
    values = np.array([[float(row[chisq]), float(row[log10p])] for row in rows if row[log10p] != "NA"])
    assert values[:, 1] == pytest.approx(-stats.chi2.logsf(values[:, 0], 1) / np.log(10), rel=1e-4, abs=1e-5)
    assert any(row[log10p] == "NA" for row in rows)


def test_gwas_ssf__has_bad_rows_duplicates_and_either_p_column(export: Path) -> None:
    header, *rows = _rows(export / "gwas" / "sarcopenia.tsv.gz", "\t")
    assert "p_value" in header
    assert "neg_log_10_p_value" in _rows(export / "gwas" / "lean_mass.tsv.gz", "\t")[0]
    p_value, rsid, effect = (header.index(name) for name in ("p_value", "rsid", "effect_allele"))
    names = [row[rsid] for row in rows]
    assert len(set(names)) < len(names)
    bad = [float(row[p_value]) > 1 or row[rsid] == "#NA" or row[effect] == "I" for row in rows]
    assert 0 < sum(bad) < 0.02 * len(rows)


def test_ld_scores__counts_sum_to_m(export: Path) -> None:
    counts = [int(path.read_text()) for path in (export / "ld_scores").glob("*.M_5_50")]
    assert len(counts) == 22
    assert sum(counts) == gwas.M_5_50


def test_draw_causal__shared_loci_have_one_variant_of_both_and_distinct_ones_two_far_apart() -> None:
    snps = gwas.draw_snps(np.random.default_rng(8), 120_000)
    causal = gwas.draw_causal(np.random.default_rng(9), snps)
    by_locus: dict[tuple[int, int], list[gwas.Causal]] = {}
    for one in causal:
        by_locus.setdefault((one.kind, int(snps.block[one.snp])), []).append(one)
    assert {kind for kind, _ in by_locus} == set(range(len(gwas.LOCI)))
    for (kind, _), here in by_locus.items():
        named = gwas.LOCI[kind]
        assert sorted(one.trait for one in here) == [0] * named.is_osteoporosis + [1] * named.is_sarcopenia
        if named.hypothesis == "H4":
            assert here[0].snp == here[1].snp
            assert np.sign(here[0].z * here[1].z) == named.direction
        if named.hypothesis == "H3":
            assert gwas.APART <= abs(here[0].snp - here[1].snp) <= gwas.FAR


def test_draw_causal__carry_the_variance_that_g_gives_their_loci() -> None:
    """Sum of squared means over a kind's blocks against 20 blocks' worth of N l G / M; l varies, so within a fifth."""
    snps = gwas.draw_snps(np.random.default_rng(10), 600_000)
    causal = gwas.draw_causal(np.random.default_rng(11), snps)
    covariances = gwas.block_covariances()
    minor = np.minimum(snps.frequency, 1 - snps.frequency)
    kept = np.mean((snps.first + snps.second != 3) & (minor > gwas.LEAST_CAUSAL_FREQUENCY))
    squares = gwas.NEIGHBOUR_CORRELATION ** (2 * np.abs(np.subtract.outer(np.arange(20), np.arange(20))))
    for k, kind in enumerate(gwas.LOCI):
        for trait, is_there in ((0, kind.is_osteoporosis), (1, kind.is_sarcopenia)):
            if not is_there:
                continue
            mine = [one for one in causal if (one.kind, one.trait) == (k, trait)]
            # Over the kept SNPs only, which are 7 in 8 of the unambiguous and common ones.
            planted = sum(one.z**2 for one in mine) * ((squares.sum(axis=1).mean() - 1) * kept + 1)
            n = gwas.TRAITS[trait].n
            expected = n / gwas.M_5_50 * covariances[k, trait, trait] * snps.ld_score[snps.locus == k].sum() * kept
            assert planted == pytest.approx(expected, rel=0.2)


def test_draw_genes__each_causal_variant_lies_in_a_gene() -> None:
    snps = gwas.draw_snps(np.random.default_rng(12), 60_000)
    causal = gwas.draw_causal(np.random.default_rng(13), snps)
    drawn = genes.draw_genes(np.random.default_rng(14), snps, causal)
    planted = genes.Planted(snps, causal, drawn)
    place = {gene_id: k for k, gene_id in enumerate(drawn.ids)}
    for one in causal:
        k = place[planted.gene_of(one.snp)]
        assert drawn.chromosome[k] == snps.chromosome[one.snp]
        assert drawn.start[k] <= snps.position[one.snp] <= drawn.stop[k]
    assert (drawn.start < drawn.stop).all()
    assert len(drawn) == 2_400
