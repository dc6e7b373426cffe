"""Overlap of two lists of mediators: counts by hand, intervals and nulls, invariance, refusals."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from python_models.estimators.mediation.faults import MediationInputError
from python_models.estimators.mediation.overlap import (
    mediator_overlap,
    share_over,
    shared_exposure_background,
    shared_mediators,
)
from python_models.estimators.mediation.share_intervals import DENOMINATORS

EXACT = 1e-12


def lists(n: int, first: int, second: int, shared: int) -> tuple[np.ndarray, np.ndarray]:
    """Signs +1 for `first` and `second` mediators of n with `shared` in common."""
    a, b = np.zeros(n), np.zeros(n)
    a[:first] = 1
    b[first - shared : first - shared + second] = 1
    return a, b


def test_mediator_overlap__counts_shares_and_p_by_hand() -> None:
    a, b = lists(20, 6, 4, 3)
    b[4] = -1
    got = mediator_overlap(sign_first=a, sign_second=b, seed=1)
    assert (got.n_first, got.n_second, got.n_shared, got.n_same_direction) == (6, 4, 3, 2)
    assert_allclose(got.share, [3 / 7, 3 / 6, 3 / 4, 3 / 4], rtol=EXACT)
    assert_allclose(got.expected, 1.2, rtol=EXACT)
    # P(X >= 3) with X hypergeometric: (C(6,3) C(14,1) + C(6,4)) / C(20,4).
    assert_allclose(got.hypergeometric_p, (20 * 14 + 15) / 4845, rtol=EXACT)
    assert share_over(got, "either")[0] == got.share[DENOMINATORS.index("either")]


def test_mediator_overlap__clopper_pearson_interval() -> None:
    a, b = lists(100, 20, 10, 4)
    got = mediator_overlap(sign_first=a, sign_second=b, seed=1)
    expected = stats.binomtest(4, 10).proportion_ci(method="exact")
    _, lower, upper = share_over(got, "second")
    assert_allclose([lower, upper], [expected.low, expected.high], rtol=1e-10)


def test_mediator_overlap__permutation_of_exchangeable_mediators_is_hypergeometric() -> None:
    a, b = lists(60, 15, 12, 6)
    got = mediator_overlap(sign_first=a, sign_second=b, seed=2, n_permutations=20_000)
    # Binomial error of 20,000 permutations: three standard errors.
    error = 3 * np.sqrt(got.hypergeometric_p / 20_000)
    assert abs(got.permutation_p - got.hypergeometric_p) < error
    assert_allclose(got.permutation_mean, got.expected, atol=0.05)


def test_mediator_overlap__strata_take_away_an_overlap_that_is_only_platform() -> None:
    # Both outcomes' mediators sit in the first platform: shared by platform, not by mediator.
    a, b = np.zeros(400), np.zeros(400)
    rng = np.random.default_rng(3)
    a[rng.choice(40, 20, replace=False)] = 1
    b[rng.choice(40, 20, replace=False)] = 1
    platform = (np.arange(400) >= 40) * 1
    free = mediator_overlap(sign_first=a, sign_second=b, seed=4)
    within = mediator_overlap(sign_first=a, sign_second=b, strata=platform, seed=4)
    assert free.hypergeometric_p < 1e-4
    assert free.permutation_p < 1e-3
    assert within.permutation_p > 0.05
    assert_allclose(within.permutation_mean, 10.0, atol=0.1)
    # The exact p keeps platforms apart as the permutation does.
    assert_allclose([free.expected, within.expected], [1.0, 10.0], rtol=EXACT)
    assert abs(within.hypergeometric_p - within.permutation_p) < 3 * np.sqrt(0.25 / 10_000)


def test_mediator_overlap__hypergeometric_p_of_two_strata_by_hand() -> None:
    # Strata of 3 and 2 with lists of 1: shared with chance 1/3 and 1/2, both 1/6, at least one 1 - 2/3 * 1/2.
    first, strata = [1.0, 0.0, 0.0, 1.0, 0.0], [0, 0, 0, 1, 1]
    both = mediator_overlap(sign_first=first, sign_second=first, strata=strata, seed=1)
    one = mediator_overlap(sign_first=first, sign_second=[1.0, 0.0, 0.0, 0.0, 1.0], strata=strata, seed=1)
    assert_allclose([both.hypergeometric_p, one.hypergeometric_p], [1 / 6, 2 / 3], rtol=EXACT)
    assert_allclose(both.expected, 1 / 3 + 1 / 2, rtol=EXACT)


def test_mediator_overlap__platform_without_a_list_in_it_says_nothing() -> None:
    # One of two on either list in the first platform; thirty of the other platform are on none.
    a, b = lists(2, 1, 1, 1)
    rest = np.zeros(30)
    got = mediator_overlap(sign_first=[*a, *rest], sign_second=[*b, *rest], strata=[0, 0, *(rest + 1)], seed=1)
    assert_allclose([got.hypergeometric_p, got.expected], [0.5, 0.5], rtol=EXACT)


def test_mediator_overlap__copies_widen_the_interval() -> None:
    a, b = lists(200, 40, 30, 15)
    copies = np.repeat(np.arange(200), 5)
    independent = mediator_overlap(sign_first=np.repeat(a, 5), sign_second=np.repeat(b, 5), seed=5)
    clustered = mediator_overlap(sign_first=np.repeat(a, 5), sign_second=np.repeat(b, 5), clusters=copies, seed=5)
    single = mediator_overlap(sign_first=a, sign_second=b, seed=5)
    width = [share_over(o, "either")[2] - share_over(o, "either")[1] for o in (independent, clustered, single)]
    assert width[1] > 1.7 * width[0]
    assert_allclose(width[1], width[2], rtol=0.2)


def test_mediator_overlap__clusters_never_make_an_interval_narrower() -> None:
    a, b = lists(40, 4, 4, 4)
    clusters = np.repeat(np.arange(20), 2)
    exact, clustered = (mediator_overlap(sign_first=a, sign_second=b, clusters=c, seed=5) for c in (None, clusters))
    # All are shared: resampled clusters never disagree, and the limit is still not 1.
    assert_allclose(clustered.lower, exact.lower, rtol=EXACT)
    assert exact.lower[0] < 0.5


def test_mediator_overlap__same_direction_null_is_half_of_the_shared() -> None:
    rng = np.random.default_rng(6)
    a = np.where(rng.random(500) < 0.3, rng.choice([-1.0, 1.0], 500), 0)
    opposite = mediator_overlap(sign_first=a, sign_second=-a, seed=7, n_permutations=2000)
    same = mediator_overlap(sign_first=a, sign_second=a, seed=7, n_permutations=2000)
    assert opposite.n_same_direction == 0
    assert opposite.same_direction_p == 1.0
    assert same.same_direction_p == pytest.approx(1 / 2001)
    assert same.n_same_direction == same.n_shared


def test_mediator_overlap__order_of_the_panel_does_not_matter() -> None:
    a, b = lists(80, 20, 25, 10)
    order = np.random.default_rng(8).permutation(80)
    one = mediator_overlap(sign_first=a, sign_second=b, seed=1)
    other = mediator_overlap(sign_first=a[order], sign_second=b[order], seed=1)
    assert_allclose(one.lower, other.lower, rtol=EXACT)
    assert one.hypergeometric_p == other.hypergeometric_p
    # The permutations differ, their distribution does not: three standard errors of 10,000.
    assert abs(one.permutation_p - other.permutation_p) < 3 * np.sqrt(2 * 0.25 / 10_000)


def test_mediator_overlap__swapping_the_outcomes_swaps_two_shares() -> None:
    a, b = lists(80, 20, 25, 10)
    one, other = (mediator_overlap(sign_first=x, sign_second=y, seed=1) for x, y in ((a, b), (b, a)))
    assert_allclose(one.share[[0, 2, 1, 3]], other.share, rtol=EXACT)


def test_mediator_overlap__an_empty_list_is_refused_by_denominator() -> None:
    got = mediator_overlap(sign_first=np.zeros(30), sign_second=np.r_[np.ones(3), np.zeros(27)], seed=1)
    assert got.refusals[DENOMINATORS.index("first")] is not None
    assert got.refusals[DENOMINATORS.index("second")] is None
    assert np.isnan(got.share[DENOMINATORS.index("first")])
    assert got.hypergeometric_p == 1.0
    assert got.permutation_p == 1.0


def test_mediator_overlap__same_seed_same_answer() -> None:
    a, b = lists(80, 20, 25, 10)
    one, again = (mediator_overlap(sign_first=a, sign_second=b, seed=3) for _ in range(2))
    assert one.permutation_p == again.permutation_p


def test_mediator_overlap__faults_come_together() -> None:
    with pytest.raises(MediationInputError) as caught:
        mediator_overlap(sign_first=[1, 0, 2], sign_second=[1, 0], strata=[1], seed=1)
    assert len(caught.value.faults) == 3


def test_shared_mediators__keeps_the_rate_that_intersecting_two_lists_breaks() -> None:
    rng = np.random.default_rng(9)
    p_first, p_second = rng.random(3000), rng.random(3000)
    # Disjoint mediators, each found for certain: every "shared" one is false.
    p_first[:300] = 1e-12
    p_second[300:600] = 1e-12
    in_both_lists = (p_first < 0.005) & (p_second < 0.005)
    got = shared_mediators(p_first, p_second)
    assert in_both_lists.sum() >= 1
    assert got.is_shared.sum() == 0


def test_shared_mediators__finds_the_common_ones() -> None:
    rng = np.random.default_rng(10)
    p_first, p_second = rng.random(2000), rng.random(2000)
    p_first[:200] = 1e-12
    p_second[100:300] = 1e-12
    got = shared_mediators(p_first, p_second)
    assert got.is_shared[100:200].all()
    assert got.is_shared.sum() < 110


def test_shared_mediators__benjamini_hochberg_of_the_larger_p_by_hand() -> None:
    got = shared_mediators([0.01, 0.5, 0.02, 1.0], [0.001, 0.9, 0.0, 0.3])
    assert_allclose(got.p, [0.01, 0.9, 0.02, 1.0], rtol=EXACT)
    assert_allclose(got.q, [0.04, 1.0, 0.04, 1.0], rtol=EXACT)
    assert got.is_shared.tolist() == [True, False, True, False]


def test_mediator_overlap__background_holds_chance_values_only() -> None:
    a, b = lists(200, 20, 10, 5)
    inside = np.arange(200) < 40
    got = mediator_overlap(sign_first=a, sign_second=b, is_background=inside, seed=1)
    alone = mediator_overlap(sign_first=a[inside], sign_second=b[inside], seed=1)
    whole = mediator_overlap(sign_first=a, sign_second=b, seed=1)
    assert (got.n_background, got.n_first, got.n_second) == (40, 20, 10)
    assert (got.n_first_in_background, got.n_second_in_background) == (20, 10)
    assert_allclose(got.share, whole.share, rtol=EXACT)
    assert got.hypergeometric_p == alone.hypergeometric_p
    assert_allclose(got.expected, 20 * 10 / 40, rtol=EXACT)
    assert got.permutation_p > 0.2 > 0.01 > whole.permutation_p
    with pytest.raises(MediationInputError, match="5 mediators of both outcomes lie outside is_background"):
        mediator_overlap(sign_first=a, sign_second=b, is_background=np.arange(200) >= 40, seed=1)


def test_mediator_overlap__an_empty_background_gives_chance_values_of_one() -> None:
    got = mediator_overlap(sign_first=np.ones(5), sign_second=np.zeros(5), is_background=np.zeros(5, bool), seed=1)
    assert (got.hypergeometric_p, got.permutation_p, got.same_direction_p, got.expected) == (1.0, 1.0, 1.0, 0.0)


def test_mediator_overlap__chance_values_come_from_the_counts_in_the_background() -> None:
    a, b = lists(200, 20, 10, 5)
    b[150:160] = 1
    inside = np.arange(200) < 40
    got = mediator_overlap(sign_first=a, sign_second=b, is_background=inside, seed=1)
    assert (got.n_second, got.n_second_in_background) == (20, 10)
    again = stats.hypergeom.sf(
        got.n_shared - 1, got.n_background, got.n_first_in_background, got.n_second_in_background
    )
    assert_allclose(got.hypergeometric_p, again, rtol=EXACT)


def test_shared_exposure_background__passes_the_threshold_of_either_list() -> None:
    exposure = np.array([1e-6, 1e-3, 0.02, 0.5])
    first, second = np.array([1e-4, 0.01, 0.6, 0.9]), np.array([1e-5, 0.4, 0.3, 0.7])
    got = shared_exposure_background(exposure, exposure, first, second, is_first=first < 0.05, is_second=second < 0.05)
    # Thresholds 0.01 and 1e-5: the second biomarker is moved, and could still not be on the second list.
    assert got.tolist() == [True, False, False, False]
    # Without a list: Benjamini-Hochberg of the exposure path, 4e-6, 2e-3, 0.027, 0.5.
    nothing = np.zeros(4, dtype=bool)
    got = shared_exposure_background(exposure, exposure, first, second, is_first=nothing, is_second=nothing)
    assert got.tolist() == [True, True, True, False]
