"""Scaling of a biomarker: ranks to normal quantiles with both offsets, ties, missing values, z."""

import numpy as np
import pytest
from scipy import stats

from python_models.frames.biomarkers.biomarker_scaling import (
    OFFSETS,
    Transform,
    ascending_known,
    normal_quantile,
    scale_in_place,
    scale_rows,
)

RANK_TRANSFORMS: list[Transform] = ["rank_inverse_normal_blom", "rank_inverse_normal_half"]


@pytest.mark.parametrize("transform", RANK_TRANSFORMS)
def test_ranks_become_normal_quantiles_and_missing_stays_missing(transform: Transform) -> None:
    given = np.array([3.0, np.nan, 1.0, 2.0, 2.0, 10.0], dtype=np.float32)
    values = given.copy()
    scale_in_place(values, transform)
    c, rank = OFFSETS[transform], np.array([4.0, 1.0, 2.5, 2.5, 5.0])
    expected = stats.norm.ppf((rank - c) / (5 - 2 * c + 1))
    assert np.isnan(values[1])
    np.testing.assert_allclose(values[~np.isnan(given)], expected, atol=1e-6)


@pytest.mark.parametrize("transform", RANK_TRANSFORMS)
def test_ranks_without_ties_agree_with_ranks_with_them(transform: Transform) -> None:
    values = np.random.default_rng(3).normal(size=500).astype(np.float32)
    scaled = values.copy()
    scale_in_place(scaled, transform)
    c = OFFSETS[transform]
    expected = stats.norm.ppf((stats.rankdata(values) - c) / (500 - 2 * c + 1))
    np.testing.assert_allclose(scaled, expected, atol=1e-5)


def test_the_two_offsets_differ_in_the_tails() -> None:
    blom, half = (np.arange(10, dtype=np.float32) for _ in range(2))
    scale_in_place(blom, "rank_inverse_normal_blom")
    scale_in_place(half, "rank_inverse_normal_half")
    assert half[-1] > blom[-1] + 0.05


def test_z_has_mean_0_and_sd_1_over_the_known() -> None:
    values = np.array([1.0, 2.0, np.nan, 4.0, 9.0], dtype=np.float32)
    scale_in_place(values, "z")
    known = values[~np.isnan(values)].astype(np.float64)
    assert known.mean() == pytest.approx(0.0, abs=1e-6)
    assert known.std(ddof=1) == pytest.approx(1.0, abs=1e-6)


def test_an_all_missing_biomarker_is_left_as_it_is() -> None:
    values = np.full(4, np.nan, dtype=np.float32)
    scale_in_place(values, "rank_inverse_normal_blom")
    assert np.isnan(values).all()


def test_ascending_known__is_a_stable_sort_of_any_numbers() -> None:
    rng = np.random.default_rng(9)
    for values in (
        rng.normal(size=5_000).astype(np.float32),
        np.round(rng.normal(size=5_000), 1).astype(np.float32),
        np.array([np.inf, -np.inf, 1e-45, -1e-45, 3e38, -3e38, 1.0, 1.0], dtype=np.float32),
        np.empty(0, dtype=np.float32),
    ):
        np.testing.assert_array_equal(ascending_known(values) & 0xFFFFFFFF, np.argsort(values, kind="stable"))


def test_minus_zero_and_zero_are_a_tie() -> None:
    values = np.array([0.0, -0.0, 1.0], dtype=np.float32)
    scale_in_place(values, "rank_inverse_normal_blom")
    assert values[0] == values[1]


def test_normal_quantile__is_scipys_over_all_that_ranks_can_be() -> None:
    p = np.concatenate([np.linspace(1e-6, 1 - 1e-6, 20_001), [1e-300, 1e-20, 1e-12, 0.075, 0.925, 1 - 1e-12]])
    np.testing.assert_allclose([normal_quantile(one) for one in p], stats.norm.ppf(p), rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("transform", ["rank_inverse_normal_blom", "z", "none"])
def test_scale_rows__is_each_row_scaled(transform: Transform) -> None:
    rows = np.random.default_rng(5).normal(size=(7, 200)).astype(np.float32)
    rows[2, ::3] = np.nan
    rows[4, :50] = 1.0
    together = rows.copy()
    scale_rows(together, transform)
    for row in rows:
        scale_in_place(row, transform)
    np.testing.assert_array_equal(together, rows)
    one = rows[:1].copy()
    scale_rows(one, "none")
    np.testing.assert_array_equal(one, rows[:1])


def test_ranks_are_antisymmetric_to_the_last_bit() -> None:
    values = np.random.default_rng(6).permutation(1_001).astype(np.float32)
    scale_in_place(values, "rank_inverse_normal_blom")
    ascending = np.sort(values)
    np.testing.assert_array_equal(ascending, -ascending[::-1])
