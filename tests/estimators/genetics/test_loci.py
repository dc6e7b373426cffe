"""Clumping, shared loci and the overlap null: by hand, plain twin, invariance, refusals."""

from typing import Any

import numpy as np
import pytest
from scipy.stats import hypergeom

from python_models.estimators.genetics.errors import FloatArray, GeneticsInputError, IntegerArray
from python_models.estimators.genetics.intervals import connected_stretches
from python_models.estimators.genetics.loci import Loci, clump_by_distance, clump_by_ld
from python_models.estimators.genetics.overlap import hypergeometric_overlap, locus_overlap
from python_models.estimators.genetics.shared_loci import shared_loci


def plain_leads(
    chromosome: IntegerArray, position: IntegerArray, tail: FloatArray, threshold: float, window: float
) -> list[int]:
    """Leads by the definition: take the best, strike out its window, repeat."""
    left = {int(j) for j in np.flatnonzero(tail >= threshold)}
    leads = []
    while left:
        best = min(left, key=lambda j: (-tail[j], chromosome[j], position[j]))
        leads.append(best)
        left -= {j for j in left if chromosome[j] == chromosome[best] and abs(position[j] - position[best]) <= window}
    return sorted(leads, key=lambda j: (chromosome[j], position[j]))


def genome(seed: int, n: int = 3_000) -> tuple[IntegerArray, IntegerArray, FloatArray]:
    rng = np.random.default_rng(seed)
    return rng.integers(1, 4, size=n), rng.integers(1, 60_000_000, size=n), rng.exponential(3.0, size=n)


def test_clump_by_distance__by_hand() -> None:
    loci = clump_by_distance(
        chromosome=[1, 1, 1, 1, 2, 1],
        position=[100, 400, 900, 1_500, 100, 2_400],
        neg_log10_p=[8.0, 9.0, 10.0, 8.5, 20.0, 3.0],
        threshold=7.0,
        window_bp=500,
    )
    # 900 leads and takes 400; 100 and 1,500 are beyond it; 2,400 is not significant.
    assert loci.lead.tolist() == [0, 2, 3, 4]
    assert loci.locus_of.tolist() == [0, 1, 1, 2, 3, -1]
    assert (loci.start.tolist(), loci.end.tolist()) == ([100, 400, 1_500, 100], [100, 900, 1_500, 100])
    assert loci.n_snps.tolist() == [1, 2, 1, 1]


@pytest.mark.parametrize("seed", range(5))
def test_clump_by_distance__equals_its_plain_twin(seed: int) -> None:
    chromosome, position, tail = genome(seed)
    loci = clump_by_distance(
        chromosome=chromosome, position=position, neg_log10_p=tail, threshold=6.0, window_bp=400_000
    )
    assert loci.lead.tolist() == plain_leads(chromosome, position, tail, 6.0, 400_000)
    members = np.flatnonzero(loci.locus_of >= 0)
    assert members.tolist() == np.flatnonzero(tail >= 6.0).tolist()
    lead = loci.lead[loci.locus_of[members]]
    assert (np.abs(position[members] - position[lead]) <= 400_000).all()
    assert (tail[members] <= tail[lead]).all()


def test_clump_by_distance__order_of_snps_does_not_matter() -> None:
    chromosome, position, tail = genome(7)
    order = np.random.default_rng(8).permutation(tail.size)
    one = clump_by_distance(chromosome=chromosome, position=position, neg_log10_p=tail)
    other = clump_by_distance(chromosome=chromosome[order], position=position[order], neg_log10_p=tail[order])
    assert order[other.lead].tolist() == one.lead.tolist()
    assert (other.start.tolist(), other.end.tolist()) == (one.start.tolist(), one.end.tolist())


def test_clump_by_distance__merging_leaves_no_two_loci_within_the_gap() -> None:
    chromosome, position, tail = genome(9)
    options: dict[str, Any] = {"chromosome": chromosome, "position": position, "neg_log10_p": tail, "threshold": 5.0}
    many, few = clump_by_distance(**options), clump_by_distance(**options, merge_gap_bp=250_000)
    assert few.n < many.n
    same = few.chromosome[1:] == few.chromosome[:-1]
    assert (few.start[1:] - few.end[:-1])[same].min() > 250_000
    assert few.n_snps.sum() == many.n_snps.sum()
    for k in range(few.n):
        assert few.neg_log10_p[k] == tail[few.locus_of == k].max()


def test_clump_by_distance__without_hits_and_with_missing_values() -> None:
    loci = clump_by_distance(chromosome=[1, 1], position=[5, np.nan], neg_log10_p=[np.nan, 9.0])
    assert (loci.n, loci.n_missing, loci.locus_of.tolist()) == (0, 2, [-1, -1])
    infinite = clump_by_distance(chromosome=[1], position=[5], neg_log10_p=[np.inf])
    assert infinite.lead.tolist() == [0]


@pytest.fixture(scope="module")
def two_signals() -> dict[str, Any]:
    """Two signals 10 kb apart, uncorrelated with each other; each with two proxies; one constant SNP."""
    rng = np.random.default_rng(1)
    one, two = rng.binomial(2, 0.4, size=(2, 4_000)).astype(float)

    def proxy(signal: FloatArray) -> FloatArray:
        return np.where(rng.random(signal.size) < 0.1, rng.binomial(2, 0.4, size=signal.size), signal)

    dosage = np.column_stack([one, proxy(one), two, proxy(two), proxy(one), np.ones(4_000)])
    return {
        "chromosome": np.ones(6),
        "position": np.array([1_000, 2_000, 11_000, 12_000, 13_000, 14_000]),
        "neg_log10_p": np.array([30.0, 20.0, 25.0, 15.0, 3.0, 9.0]),
        "dosage_of": lambda index: dosage[:, index],
    }


def test_clump_by_ld__separates_signals_that_distance_cannot(two_signals: dict[str, Any]) -> None:
    loci = clump_by_ld(**two_signals)
    assert loci.lead.tolist() == [0, 2, 5]
    assert loci.locus_of.tolist() == [0, 0, 1, 1, 0, 2]
    by_distance = clump_by_distance(**{k: v for k, v in two_signals.items() if k != "dosage_of"})
    assert by_distance.lead.tolist() == [0]


def test_clump_by_ld__weak_snps_join_nothing_and_far_snps_are_not_asked_for(two_signals: dict[str, Any]) -> None:
    strict = clump_by_ld(**two_signals, secondary_threshold=5.0)
    assert strict.locus_of.tolist() == [0, 0, 1, 1, -1, 2]
    near = clump_by_ld(**two_signals, window_bp=5_000)
    assert near.locus_of.tolist()[4] != 0


def test_clump_by_ld__missing_calls_are_left_out_pairwise(two_signals: dict[str, Any]) -> None:
    rng = np.random.default_rng(2)
    whole = two_signals["dosage_of"]

    def with_gaps(index: IntegerArray) -> FloatArray:
        dosage = whole(index).copy()
        dosage[rng.random(dosage.shape) < 0.05] = np.nan
        return dosage

    loci = clump_by_ld(**(two_signals | {"dosage_of": with_gaps}))
    assert loci.locus_of.tolist() == [0, 0, 1, 1, 0, 2]


def test_clump_by_ld__refuses_dosages_of_the_wrong_shape(two_signals: dict[str, Any]) -> None:
    with pytest.raises(GeneticsInputError, match="returned shape"):
        clump_by_ld(**(two_signals | {"dosage_of": lambda index: np.zeros((5, 1))}))


def loci_at(intervals: list[tuple[int, int, int]], tails: list[float]) -> Loci:
    chromosome, start, end = (np.array(column) for column in zip(*intervals, strict=True))
    n = len(intervals)
    return Loci(np.arange(n), chromosome, start, end, np.array(tails), np.ones(n, dtype=int), np.arange(n), 0)


def test_shared_loci__by_hand() -> None:
    first = loci_at([(1, 100, 200), (1, 500, 600), (2, 100, 200)], [10.0, 12.0, 8.0])
    second = loci_at([(1, 150, 550), (2, 300, 400)], [9.0, 9.0])
    shared = shared_loci(first, second)
    assert (shared.chromosome.tolist(), shared.start.tolist(), shared.end.tolist()) == ([1], [100], [600])
    assert (shared.locus_1.tolist(), shared.locus_2.tolist()) == ([1], [0])
    assert (shared.n_loci_1.tolist(), shared.n_loci_2.tolist()) == ([2], [1])
    assert (shared.is_shared_1.tolist(), shared.is_shared_2.tolist()) == ([True, True, False], [True, False])
    assert shared_loci(first, second, largest_gap_bp=100).n == 2
    swapped = shared_loci(second, first)
    assert swapped.locus_2.tolist() == shared.locus_1.tolist()


def test_shared_loci__of_nothing_is_nothing() -> None:
    empty = clump_by_distance(chromosome=[1], position=[1], neg_log10_p=[0.0])
    assert shared_loci(empty, empty).n == 0


def test_connected_stretches__chain_touch_and_order() -> None:
    found = connected_stretches(
        chromosome=["2", "1", "1", "1"], start=[1, 50, 1, 20], end=[5, 60, 20, 49], largest_gap=1
    )
    assert found.tolist() == [1, 0, 0, 0]
    inside = connected_stretches(chromosome=[1, 1, 1], start=[1, 2, 90], end=[100, 3, 95])
    assert inside.tolist() == [0, 0, 0]
    with pytest.raises(GeneticsInputError, match="end before they start"):
        connected_stretches(chromosome=[1], start=[5], end=[4])


def test_hypergeometric_overlap__is_the_hypergeometric_tail() -> None:
    result = hypergeometric_overlap(n_background=18_000, n_1=150, n_2=200, n_both=9)
    assert result.expected == pytest.approx(150 * 200 / 18_000)
    assert result.p == pytest.approx(hypergeom.sf(8, 18_000, 150, 200), rel=1e-9)
    assert hypergeometric_overlap(n_background=10, n_1=5, n_2=5, n_both=0).p == pytest.approx(1.0)


def test_hypergeometric_overlap__refusals() -> None:
    assert hypergeometric_overlap(n_background=10, n_1=0, n_2=3, n_both=0).refusal is not None
    with pytest.raises(GeneticsInputError, match="impossible"):
        hypergeometric_overlap(n_background=10, n_1=3, n_2=3, n_both=4)


def test_locus_overlap__neighbours_count_once() -> None:
    locus = np.array([0] * 20 + list(range(1, 81)))
    hit = locus == 0
    result = locus_overlap(is_hit_1=hit, is_hit_2=hit, locus=locus)
    assert (result.genes.n_both, result.loci.n_both, result.loci.n_background) == (20, 1, 81)
    assert result.genes.p is not None
    assert result.genes.p < 1e-15
    assert result.loci.p == pytest.approx(1 / 81)


def test_locus_overlap__different_genes_of_one_locus_are_told_apart() -> None:
    result = locus_overlap(is_hit_1=[1, 0, 0, 0], is_hit_2=[0, 1, 0, 0], locus=["a", "a", "b", "c"])
    assert (result.genes.n_both, result.loci.n_both, result.n_loci_same_gene) == (0, 1, 0)
