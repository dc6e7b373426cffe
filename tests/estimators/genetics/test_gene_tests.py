"""Gene tests: the LD-free combination, SNP-wise mean, direction."""

from typing import Any

import numpy as np
import pytest
from scipy.stats import cauchy

from python_models.estimators.genetics.cauchy_combination import cauchy_combination, cauchy_gene_tests
from python_models.estimators.genetics.errors import FloatArray, GeneticsInputError, IntegerArray
from python_models.estimators.genetics.gene_snps import GeneSnps
from python_models.estimators.genetics.gene_tests import (
    direction_agreement,
    ld_eigenvalues,
    signed_gene_z,
    snp_wise_mean_gene_tests,
)
from python_models.estimators.genetics.normal_tails import neg_log10_p
from python_models.estimators.genetics.weighted_chi_square import log_tail_probability

EXACT = 1e-10


def one_gene(n_snps: int) -> GeneSnps:
    return GeneSnps.of(offsets=[0, n_snps], snp_index=np.arange(n_snps), n_snps=n_snps)


@pytest.fixture(scope="module")
def dosage() -> FloatArray:
    """(500, 30) genotypes of a haplotype-like block."""
    rng = np.random.default_rng(1)
    latent = rng.normal(size=(500, 30)) * 0.6 + rng.normal(size=(500, 1))
    return (latent > -0.4).astype(float) + (latent > 0.8)


def correlated_z(dosage: FloatArray, n: int, rng: np.random.Generator) -> FloatArray:
    return rng.multivariate_normal(np.zeros(dosage.shape[1]), np.corrcoef(dosage.T), size=n)


@pytest.mark.parametrize("p", [[0.01], [0.01, 0.4], [1e-6, 0.9, 0.5], [0.999, 0.98], [1e-14, 1e-3]])
def test_cauchy_combination__equals_the_definition(p: list[float]) -> None:
    statistic = np.mean(np.tan((0.5 - np.array(p)) * np.pi))
    assert 10 ** -cauchy_combination(neg_log10_p=-np.log10(p)) == pytest.approx(cauchy.sf(statistic), rel=1e-6)


def test_cauchy_combination__weights_are_shares() -> None:
    p, w = np.array([0.001, 0.5]), np.array([1.0, 3.0])
    statistic = (w * np.tan((0.5 - p) * np.pi)).sum() / w.sum()
    assert 10 ** -cauchy_combination(neg_log10_p=-np.log10(p), weights=w) == pytest.approx(cauchy.sf(statistic))


@pytest.mark.parametrize("tail", [14.9, 15.1, 300.0, 5_000.0])
def test_cauchy_combination__keeps_digits_in_any_tail(tail: float) -> None:
    """One tiny P among d: the combined P is d times as large, however small it is."""
    assert cauchy_combination(neg_log10_p=[tail, 0.3, 0.3, 0.3]) == pytest.approx(tail - np.log10(4), abs=1e-9)


def test_cauchy_combination__is_continuous_where_the_asymptote_takes_over() -> None:
    below, above = (cauchy_combination(neg_log10_p=[15 + shift, 14.0, 0.2]) for shift in (-1e-9, 1e-9))
    assert above == pytest.approx(below, abs=1e-8)


def test_cauchy_combination__a_rounded_p_of_one_does_not_outweigh_everything() -> None:
    assert 10 ** -cauchy_combination(neg_log10_p=[6.0, 0.0, 0.3]) < 1e-5


def test_cauchy_gene_tests__are_calibrated_under_ld(dosage: FloatArray) -> None:
    z = correlated_z(dosage, 20_000, np.random.default_rng(2))
    genes = GeneSnps.of(offsets=np.arange(0, z.size + 1, 30), snp_index=np.arange(z.size), n_snps=z.size)
    p = cauchy_gene_tests(neg_log10_p=neg_log10_p(z.ravel()), gene_snps=genes).p
    for level in (0.01, 0.001):
        assert (p < level).mean() == pytest.approx(level, abs=4 * np.sqrt(level / p.size) + 0.2 * level)


def test_cauchy_gene_tests__missing_snps_and_empty_genes() -> None:
    genes = GeneSnps.of(offsets=[0, 2, 2, 4], snp_index=[0, 1, 2, 1], n_snps=3)
    result = cauchy_gene_tests(neg_log10_p=[1.0, np.nan, 3.0], gene_snps=genes)
    assert (result.gene.tolist(), result.n_snps.tolist(), result.top_snp.tolist()) == ([0, 2], [1, 1], [0, 2])
    assert result.neg_log10_p.tolist() == pytest.approx([1.0, 3.0])


def test_ld_eigenvalues__are_those_of_the_correlation_matrix_on_either_side(dosage: FloatArray) -> None:
    tall, _ = ld_eigenvalues(dosage)
    assert np.sort(tall) == pytest.approx(np.linalg.eigvalsh(np.corrcoef(dosage.T)), rel=EXACT)
    wide, _ = ld_eigenvalues(dosage[:20])
    varies = dosage[:20].std(axis=0) > 0
    full = np.linalg.eigvalsh(np.corrcoef(dosage[:20, varies].T))
    assert np.sort(wide) == pytest.approx(full[-wide.size :], rel=1e-8)


def test_ld_eigenvalues__missing_calls_take_the_mean_and_constant_snps_go() -> None:
    dosage = np.array([[0.0, 1.0, np.nan], [1.0, 1.0, 2.0], [2.0, 1.0, 0.0], [1.0, 1.0, 1.0]])
    eigenvalues, varies = ld_eigenvalues(dosage)
    assert varies.tolist() == [True, False, True]
    filled = np.array([[0, 1, 2, 1], [1, 2, 0, 1]], dtype=float)
    assert np.sort(eigenvalues) == pytest.approx(np.linalg.eigvalsh(np.corrcoef(filled)))


def test_snp_wise_mean__of_one_snp_is_its_own_p() -> None:
    result = snp_wise_mean_gene_tests(
        neg_log10_p=[7.3], gene_snps=one_gene(1), dosage_of=lambda index: np.array([[0.0], [1.0], [2.0]])[:, index]
    )
    assert result.neg_log10_p[0] == pytest.approx(7.3, rel=EXACT)


def test_snp_wise_mean__perfect_copies_of_a_snp_add_nothing() -> None:
    column = np.array([[0.0], [1.0], [2.0], [1.0]])
    result = snp_wise_mean_gene_tests(
        neg_log10_p=np.full(5, 4.2),
        gene_snps=one_gene(5),
        dosage_of=lambda index: np.repeat(column, index.size, axis=1),
    )
    assert result.neg_log10_p[0] == pytest.approx(4.2, rel=EXACT)


def test_snp_wise_mean__is_calibrated_under_ld(dosage: FloatArray) -> None:
    eigenvalues, _ = ld_eigenvalues(dosage)
    statistics = (correlated_z(dosage, 3_000, np.random.default_rng(3)) ** 2).sum(axis=1)
    p = np.exp([log_tail_probability(q=q, eigenvalues=eigenvalues) for q in statistics])
    for level in (0.5, 0.05, 0.01):
        assert (p < level).mean() == pytest.approx(level, abs=4 * np.sqrt(level * (1 - level) / p.size))


def test_snp_wise_mean__order_of_snps_and_counted_allele_do_not_matter(dosage: FloatArray) -> None:
    rng = np.random.default_rng(4)
    values = neg_log10_p(correlated_z(dosage, 1, rng)[0] * 2)
    one = snp_wise_mean_gene_tests(neg_log10_p=values, gene_snps=one_gene(30), dosage_of=lambda index: dosage[:, index])
    order, flipped = rng.permutation(30), np.where(rng.random(30) < 0.5, 2 - dosage, dosage)
    other = snp_wise_mean_gene_tests(
        neg_log10_p=values[order], gene_snps=one_gene(30), dosage_of=lambda index: flipped[:, order[index]]
    )
    assert other.neg_log10_p[0] == pytest.approx(one.neg_log10_p[0], rel=EXACT)


def test_snp_wise_mean__many_snps_for_few_people_are_noted(dosage: FloatArray) -> None:
    result = snp_wise_mean_gene_tests(
        neg_log10_p=np.ones(30), gene_snps=one_gene(30), dosage_of=lambda index: dosage[:40, index]
    )
    assert any("more SNPs than half the 40 reference people" in note for note in result.notes)


def test_signed_gene_z__has_the_sign_of_the_top_snp() -> None:
    z = np.array([-6.0, 2.0, 5.0, -1.0])
    genes = GeneSnps.of(offsets=[0, 2, 4], snp_index=[0, 1, 2, 3], n_snps=4)
    tests = cauchy_gene_tests(neg_log10_p=neg_log10_p(z), gene_snps=genes)
    signed = signed_gene_z(tests=tests, z=z)
    assert np.sign(signed).tolist() == [-1.0, 1.0]
    assert neg_log10_p(signed) == pytest.approx(tests.neg_log10_p, rel=1e-9)


def test_direction_agreement__by_hand_and_blind_to_the_counted_allele() -> None:
    z_1, z_2 = np.array([1.0, 2.0, 3.0, np.nan, 1.0]), np.array([2.0, 4.0, -3.0, 5.0, 0.0])
    genes = GeneSnps.of(offsets=[0, 2, 4, 5, 5], snp_index=[0, 1, 2, 3, 4], n_snps=5)
    result = direction_agreement(z_1=z_1, z_2=z_2, gene_snps=genes)
    assert result.agreement.tolist() == pytest.approx([1.0, -1.0, 0.0, 0.0])
    assert result.n_snps.tolist() == [2, 1, 1, 0]
    sign = np.array([-1.0, 1.0, -1.0, 1.0, 1.0])
    flipped = direction_agreement(z_1=z_1 * sign, z_2=z_2 * sign, gene_snps=genes)
    assert flipped.agreement.tolist() == result.agreement.tolist()


@pytest.mark.parametrize(
    ("offsets", "index"), [([0, 3], [0, 1]), ([1, 2], [0, 1]), ([0, 2, 1], [0]), ([0, 1], [5]), ([0, 1], [-1])]
)
def test_gene_snps__refuse_what_cannot_be(offsets: list[int], index: list[int]) -> None:
    with pytest.raises(GeneticsInputError):
        GeneSnps.of(offsets=offsets, snp_index=index, n_snps=3)


def no_people(index: IntegerArray) -> FloatArray:
    return np.zeros((0, index.size + 1))


@pytest.mark.parametrize(
    ("test", "reason"),
    [
        (lambda v: cauchy_gene_tests(neg_log10_p=v, gene_snps=one_gene(2)), "compute -log10 P from Z"),
        (lambda v: snp_wise_mean_gene_tests(neg_log10_p=v, gene_snps=one_gene(2), dosage_of=no_people), "from Z"),
        (lambda v: cauchy_gene_tests(neg_log10_p=[1.0, 2.0], gene_snps=one_gene(2), weights=[0.0, 1.0]), "positive"),
        (lambda v: snp_wise_mean_gene_tests(neg_log10_p=[1.0], gene_snps=one_gene(1), dosage_of=no_people), "shape"),
        (lambda v: cauchy_combination(neg_log10_p=[np.nan]), "no P value"),
    ],
)
def test_gene_tests__refuse_by_name(test: Any, reason: str) -> None:
    with pytest.raises(GeneticsInputError, match=reason):
        test([np.inf, 1.0])
