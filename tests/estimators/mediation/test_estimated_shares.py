"""Shares that need nothing to be found twice: by hand, and as planted where the share of the found ones is not."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from python_models.estimators.mediation.estimated_shares import LAMBDA, MIN_LISTED, estimated_shares
from python_models.estimators.mediation.faults import MediationInputError
from python_models.estimators.mediation.share_intervals import DENOMINATORS
from python_models.estimators.multiplicity import adjust_p_values

EITHER, FIRST, SECOND, SHORTER = (DENOMINATORS.index(name) for name in ("either", "first", "second", "shorter"))
COHORTS = 150


def test_estimated_shares__by_hand() -> None:
    # Of eight on the first list five have p below 0.25 for the second outcome, one of them in the other direction.
    first = np.r_[np.full(8, 5.0), np.zeros(6)]
    second = np.r_[2.0, 3.0, 1.5, 4.0, -2.0, 0.1, -0.3, 0.5, np.full(6, 5.0)]
    is_first, is_second = first > 4, np.r_[np.zeros(8, dtype=bool), np.ones(6, dtype=bool)]
    shared, same = estimated_shares(first, second, is_first=is_first, is_second=is_second, seed=1)
    expected = (5 - 3 * LAMBDA / (1 - LAMBDA)) / 8
    assert_allclose(shared.share[FIRST], expected, rtol=1e-12)
    assert_allclose(same.share[FIRST], 0.5 * (expected + (4 - 1) / 8), rtol=1e-12)
    # All six of the second list have z of 0 for the first: nothing is shared of it, nor of either.
    assert shared.share[[SECOND, SHORTER, EITHER]].tolist() == [0.0, 0.0, 0.0]
    assert_allclose(shared.upper[SECOND], stats.beta.ppf(0.975, 1, 6), rtol=1e-12)
    assert shared.refusals == (None,) * 4


def test_estimated_shares__of_either_is_what_both_shares_make_it() -> None:
    rng = np.random.default_rng(2)
    z = rng.normal(scale=4.0, size=(2, 300))
    shared, _ = estimated_shares(*z, is_first=np.abs(z[0]) > 6, is_second=np.abs(z[1]) > 5, seed=1)
    first, second = shared.share[FIRST], shared.share[SECOND]
    assert_allclose(shared.share[EITHER], 1 / (1 / first + 1 / second - 1), rtol=1e-12)
    assert shared.share[SHORTER] == first
    swapped, _ = estimated_shares(*z[::-1], is_first=np.abs(z[1]) > 5, is_second=np.abs(z[0]) > 6, seed=1)
    assert_allclose(swapped.share[EITHER], shared.share[EITHER], rtol=1e-12)


def test_estimated_shares__copies_widen_the_interval() -> None:
    rng = np.random.default_rng(3)
    z = np.repeat(rng.normal(scale=2.0, size=(2, 40)), 5, axis=1)
    lists = {"is_first": np.abs(z[0]) > 1.0, "is_second": np.abs(z[1]) > 1.0}
    alone, _ = estimated_shares(*z, **lists, seed=1)
    clustered, _ = estimated_shares(*z, **lists, clusters=np.repeat(np.arange(40), 5), seed=1)
    width = [one.upper[FIRST] - one.lower[FIRST] for one in (alone, clustered)]
    assert width[1] > 1.5 * width[0]


def test_estimated_shares__short_lists_and_wrong_shapes_are_refused() -> None:
    z = np.array([5.0] * (MIN_LISTED - 1) + [0.0] * 10)
    shared, same = estimated_shares(z, -z, is_first=z > 1, is_second=z < 1, seed=1)
    for one in (shared, same):
        assert np.isnan(one.share[[EITHER, FIRST, SHORTER]]).all()
        assert np.isfinite(one.share[SECOND])
        assert [reason is None for reason in one.refusals] == [False, False, True, False]
    with pytest.raises(MediationInputError, match="not of one panel"):
        estimated_shares(z, z[1:], is_first=z > 1, is_second=z > 1, seed=1)


@pytest.mark.parametrize("n_paths", [1, 2])
@pytest.mark.parametrize("strength", [3.0, 3.6, 5.0])
def test_estimated_shares__recover_what_is_planted_whatever_the_power(n_paths: int, strength: float) -> None:
    """Of 3,000 biomarkers 40 are shared, a quarter of these in opposite directions, and 30 are of either outcome."""
    rng = np.random.default_rng(4)
    m, n_shared, n_own = 3_000, 40, 30
    planted = n_shared / (n_shared + 2 * n_own)
    kinds = [np.zeros(m, dtype=bool), np.zeros(m, dtype=bool)]
    kinds[0][: n_shared + n_own] = True
    kinds[1][np.r_[:n_shared, n_shared + n_own : n_shared + 2 * n_own]] = True
    signs = [np.ones(m), np.where(np.arange(m) % 4 == 0, -1.0, 1.0)]
    found, of_found, covered = [], [], np.zeros(3)
    for k in range(COHORTS):
        z = []
        for kind, sign in zip(kinds, signs, strict=True):
            paths = rng.normal(size=(n_paths, m))
            paths[0] += np.where(kind | (rng.random(m) < 0.1), 8.0, 0.0) if n_paths == 2 else 0.0
            paths[-1] += np.where(kind, strength * sign, 0.0)
            z.append(paths)
        lists = [adjust_p_values(2 * stats.norm.sf(np.min(np.abs(one), axis=0))) < 0.05 for one in z]
        shared, same = estimated_shares(*z, is_first=lists[0], is_second=lists[1], seed=k, n_bootstraps=300)
        if shared.refusals[EITHER] is not None:
            continue
        found.append(shared.share[EITHER])
        of_found.append((lists[0] & lists[1]).sum() / (lists[0] | lists[1]).sum())
        truth = n_shared / (n_shared + n_own)
        covered += [
            shared.lower[EITHER] <= planted <= shared.upper[EITHER],
            shared.lower[FIRST] <= truth <= shared.upper[FIRST],
            same.lower[FIRST] <= 0.75 * truth <= same.upper[FIRST],
        ]
    n = len(found)
    assert n > 0.9 * COHORTS
    # Three errors of the coverage below its nominal level; wider than needed it may be.
    assert (covered / n > 0.95 - 3 * np.sqrt(0.95 * 0.05 / n)).all()
    # The 5 % of false ones on a list and the 3 % of weak ones taken for null pull it down a little.
    assert planted - 0.08 < np.mean(found) < planted + 0.02
    if strength < 4.0:
        assert np.mean(of_found) < 0.55 * planted


def test_estimated_shares__where_nothing_is_shared_the_interval_holds_nothing() -> None:
    rng = np.random.default_rng(5)
    m, covered, found = 600, 0, []
    for k in range(COHORTS):
        z = rng.normal(size=(2, m))
        z[0, :40] += 4.0
        z[1, 40:80] += 4.0
        lists = [adjust_p_values(2 * stats.norm.sf(np.abs(one))) < 0.05 for one in z]
        shared, _ = estimated_shares(*z, is_first=lists[0], is_second=lists[1], seed=k, n_bootstraps=300)
        covered += shared.lower[EITHER] <= 0.0
        found.append(shared.share[EITHER])
    assert covered / COHORTS > 0.95 - 3 * np.sqrt(0.95 * 0.05 / COHORTS)
    assert np.mean(found) < 0.03
