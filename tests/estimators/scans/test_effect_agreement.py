"""Agreement of two panels of effects: by hand, under a null, and within strata; pruning and gap filling."""

import numpy as np
import pytest
from scipy import stats

from python_models.estimators.scans.effect_agreement import effect_agreement
from python_models.estimators.scans.panel_correlation import fill_gaps, nearest, prune


def test_effect_agreement__correlation_and_concordance_by_hand() -> None:
    a, b = np.array([1.0, 2.0, -1.0, -2.0, 0.5]), np.array([2.0, 1.0, -3.0, -1.0, -0.5])
    found = effect_agreement(a, b, strata=np.zeros(5), seed=1, n_permutations=4_000)
    assert found is not None
    assert found.correlation == pytest.approx(np.corrcoef(a, b)[0, 1], rel=1e-12)
    assert found.concordance == 0.8
    exact = [np.corrcoef(a, b[list(order)])[0, 1] for order in _orders(5)]
    assert found.correlation_p == pytest.approx(np.mean(np.array(exact) >= found.correlation - 1e-9), abs=0.02)


def _orders(n: int) -> list[tuple[int, ...]]:
    from itertools import permutations

    return list(permutations(range(n)))


def test_effect_agreement__p_is_uniform_without_agreement() -> None:
    rng = np.random.default_rng(2)
    p = [
        found.correlation_p
        for k in range(150)
        if (found := effect_agreement(*rng.normal(size=(2, 40)), strata=np.zeros(40), seed=k, n_permutations=300))
    ]
    assert stats.kstest(p, "uniform").pvalue > 0.01


def test_effect_agreement__a_shift_between_strata_is_no_agreement() -> None:
    rng = np.random.default_rng(3)
    strata = np.repeat([0, 1], 50)
    a, b = rng.normal(size=(2, 100)) + 4 * strata
    found = effect_agreement(a, b, strata=strata, seed=1, n_permutations=500)
    assert found is not None
    assert found.correlation > 0.7
    assert found.correlation_p > 0.01


def test_effect_agreement__without_variation_there_is_none() -> None:
    assert effect_agreement([1.0, 1.0, 1.0], [1.0, 2.0, 3.0], strata=[0, 0, 0], seed=1) is None


def test_prune__keeps_the_preferred_of_two_copies_and_says_who_stands_for_whom() -> None:
    correlation = np.array([[1.0, 0.95, 0.2], [0.95, 1.0, -0.92], [0.2, -0.92, 1.0]])
    assert prune(correlation, preference=[1, 0, 1], limit=0.9).tolist() == [1, 1, 1]
    assert prune(correlation, preference=[0, 1, 0], limit=0.9).tolist() == [0, 0, 2]
    assert prune(correlation, preference=[0, 0, 0], limit=1.0).tolist() == [0, 1, 2]
    with pytest.raises(ValueError, match="limit must lie in"):
        prune(correlation, preference=[0, 0, 0], limit=0.0)


def test_prune__no_two_kept_correlate_above_the_limit() -> None:
    rng = np.random.default_rng(5)
    correlation = np.corrcoef(rng.normal(size=(40, 3)) @ rng.normal(size=(3, 200)))
    stands = prune(correlation, preference=np.zeros(40), limit=0.9)
    kept = np.flatnonzero(stands == np.arange(40))
    among = np.abs(correlation[np.ix_(kept, kept)]) - np.eye(kept.size)
    assert 1 < kept.size < 40
    assert among.max() <= 0.9
    assert np.abs(correlation[np.arange(40), stands]).min() > 0.9


def test_fill_gaps__is_better_than_the_mean_and_leaves_what_nobody_knows() -> None:
    rng = np.random.default_rng(6)
    shared = rng.normal(size=2_000)
    panel = (0.8 * shared + 0.6 * rng.normal(size=(6, 2_000))).astype(np.float32)
    correlation = np.corrcoef(panel)
    near = nearest(correlation, 5)
    assert near.shape == (6, 5)
    values = panel[0].copy()
    values[:200] = np.nan
    neighbours = panel[near[0]].copy()
    neighbours[:, :5] = np.nan
    assert fill_gaps(values, neighbours, correlation[0, near[0]]) == 195
    assert np.isnan(values[:5]).all()
    assert np.mean((values[5:200] - panel[0, 5:200]) ** 2) < 0.7 * np.mean(panel[0, 5:200] ** 2)
