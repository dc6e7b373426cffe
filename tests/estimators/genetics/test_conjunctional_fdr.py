"""Conditional and conjunctional FDR: by hand, plain twin, null and shared signal, refusals."""

from typing import Any

import numpy as np
import pytest

from python_models.estimators.genetics.conjunctional_fdr import (
    ConjunctionalFdr,
    conjunctional_fdr,
    is_in_region,
)
from python_models.estimators.genetics.errors import FloatArray, GeneticsInputError, IntegerArray
from python_models.estimators.genetics.normal_tails import neg_log10_p


def run(p_1: Any, p_2: Any, **options: Any) -> ConjunctionalFdr:
    return conjunctional_fdr(
        neg_log10_p_1=-np.log10(p_1), neg_log10_p_2=-np.log10(p_2), **({"genomic_control": False} | options)
    )


def plain(p_1: FloatArray, p_2: FloatArray, counted: IntegerArray) -> FloatArray:
    """condFDR of 1 given 2 by counting, SNP by SNP."""
    result = np.empty(p_1.size)
    for j in range(p_1.size):
        among = np.union1d(counted, [j])
        given = among[p_2[among] <= p_2[j]]
        result[j] = min(p_1[j] * given.size / (p_1[given] <= p_1[j]).sum(), 1.0)
    return result


def test_conjunctional_fdr__by_hand() -> None:
    p_1, p_2 = np.array([0.001, 0.01, 0.5, 0.02]), np.array([0.002, 0.5, 0.01, 0.03])
    result = run(p_1, p_2)
    # SNP 3: P_2 <= 0.03 holds for three SNPs, two of which have P_1 <= 0.02.
    assert result.conditional_1_given_2.tolist() == pytest.approx([0.001, 0.01 * 4 / 2, 0.5 * 2 / 2, 0.02 * 3 / 2])
    assert result.conjunctional[3] == pytest.approx(max(0.02 * 3 / 2, 0.03 * 3 / 2))
    assert any("not pruned" in note for note in result.notes)


@pytest.mark.parametrize("decimals", [6, 1])
def test_conjunctional_fdr__equals_its_plain_twin_with_and_without_ties(decimals: int) -> None:
    rng = np.random.default_rng(1)
    p_1, p_2 = np.clip(np.round(rng.random((2, 300)), decimals), 0.05, 1.0)
    counted = np.sort(rng.permutation(300)[:120])
    result = run(p_1, p_2, pruned_sets=[counted])
    assert result.conditional_1_given_2 == pytest.approx(plain(p_1, p_2, counted))
    assert result.conditional_2_given_1 == pytest.approx(plain(p_2, p_1, counted))


def test_conjunctional_fdr__averages_over_prunings() -> None:
    rng = np.random.default_rng(2)
    p_1, p_2 = rng.random((2, 200))
    sets = [rng.permutation(200)[:80] for _ in range(3)]
    together = run(p_1, p_2, pruned_sets=sets).conditional_1_given_2
    assert together == pytest.approx(np.mean([plain(p_1, p_2, one) for one in sets], axis=0))


def test_conjunctional_fdr__trait_order_and_snp_order_do_not_matter() -> None:
    rng = np.random.default_rng(3)
    p_1, p_2 = rng.random((2, 500))
    one, other = run(p_1, p_2), run(p_2, p_1)
    assert one.conditional_1_given_2.tolist() == other.conditional_2_given_1.tolist()
    order = rng.permutation(500)
    assert run(p_1[order], p_2[order]).conjunctional.tolist() == one.conjunctional[order].tolist()


def test_conjunctional_fdr__random_pruning_draws_one_snp_per_block_and_repeats_with_its_seed() -> None:
    rng = np.random.default_rng(4)
    p_1, p_2 = rng.random((2, 1_000))
    blocks = np.repeat(np.arange(100), 10)
    one, other = (run(p_1, p_2, ld_block=blocks, rng=np.random.default_rng(5), n_prunings=7) for _ in range(2))
    assert (one.n_prunings, one.n_fitted) == (7, 100.0)
    assert one.conjunctional.tolist() == other.conjunctional.tolist()


def test_conjunctional_fdr__a_duplicated_locus_counts_once_when_pruned() -> None:
    rng = np.random.default_rng(6)
    p_1, p_2 = rng.random((2, 400))
    repeated_1, repeated_2 = np.repeat(p_1, 25), np.repeat(p_2, 25)
    blocks = np.repeat(np.arange(400), 25)
    pruned = run(repeated_1, repeated_2, ld_block=blocks, rng=np.random.default_rng(7), n_prunings=1)
    own = np.arange(400) * 25
    drawn = run(p_1, p_2).conditional_1_given_2
    # A SNP that was not drawn itself joins its own twin: the count moves by one at most.
    assert pruned.conditional_1_given_2[own] == pytest.approx(drawn, rel=0.51)


def test_conjunctional_fdr__finds_shared_signal_and_little_else() -> None:
    rng = np.random.default_rng(8)
    n, n_shared = 40_000, 300
    z_1, z_2 = rng.standard_normal((2, n))
    z_1[:n_shared] += 5.0
    z_2[:n_shared] += 5.0
    z_1[n_shared : 2 * n_shared] += 5.0  # the first trait's own loci
    result = conjunctional_fdr(neg_log10_p_1=neg_log10_p(z_1), neg_log10_p_2=neg_log10_p(z_2))
    found = np.flatnonzero(result.conjunctional < 0.05)
    assert (found < n_shared).sum() > 0.8 * n_shared
    assert (found >= n_shared).mean() < 0.10


def test_conjunctional_fdr__genomic_control_undoes_inflation() -> None:
    rng = np.random.default_rng(9)
    z_1, z_2 = rng.standard_normal((2, 20_000)) * np.sqrt([[1.3], [0.8]])
    result = conjunctional_fdr(neg_log10_p_1=neg_log10_p(z_1), neg_log10_p_2=neg_log10_p(z_2))
    assert result.lambda_1 == pytest.approx(1.3, abs=0.05)
    assert result.lambda_2 == 1.0


def test_conjunctional_fdr__excluded_snps_do_not_count_but_get_rates() -> None:
    rng = np.random.default_rng(10)
    p_1, p_2 = rng.random((2, 300))
    excluded = np.arange(300) < 50
    result = run(p_1, p_2, is_excluded_from_fit=excluded)
    assert result.n_fitted == 250
    assert result.conditional_1_given_2 == pytest.approx(plain(p_1, p_2, np.flatnonzero(~excluded)))


def test_conjunctional_fdr__missing_snps_are_counted() -> None:
    result = conjunctional_fdr(neg_log10_p_1=[1.0, np.nan, 2.0], neg_log10_p_2=[1.0, 1.0, np.nan])
    assert (result.index.tolist(), result.n_missing) == ([0], 2)


def test_conjunctional_fdr__sample_overlap_is_noted() -> None:
    assert any("decorrelate first" in note for note in run([0.1, 0.2], [0.1, 0.3], z_correlation=0.1).notes)


def test_is_in_region__holds_the_mhc() -> None:
    inside = is_in_region(chromosome=[6, 6, 7], position=[25_119_106, 33_854_734, 30_000_000])
    assert inside.tolist() == [True, False, False]


def test_conjunctional_fdr__faults_are_one_report() -> None:
    with pytest.raises(GeneticsInputError) as caught:
        conjunctional_fdr(
            neg_log10_p_1=[np.inf, 1.0], neg_log10_p_2=[-1.0, 2.0], ld_block=[0], pruned_sets=[np.array([0])]
        )
    assert len(caught.value.faults) == 5
    assert "compute -log10 P from Z" in caught.value.faults[0]
