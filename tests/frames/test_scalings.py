"""Scalings by hand, and what does not depend on them."""

import numpy as np
import pytest

from python_models.frames.scalings import SCALINGS, scale_exposure

VALUES = np.array([1.0, 2.0, 3.0, 10.0, 20.0, 30.0])
SEX = np.array([0, 0, 0, 1, 1, 1], dtype=np.int32)


def scale(scaling: str, detail: float = float("nan"), values: np.ndarray = VALUES):
    return scale_exposure(
        values=values, sex=SEX, sex_levels=("female", "male"), scaling=scaling, detail=detail, unit="kg"
    )


def test_per_sex_sd__each_sex_has_mean_0_and_sd_1() -> None:
    scaled = scale("per_sex_sd")
    np.testing.assert_allclose(scaled.values[:, 0], [-1, 0, 1, -1, 0, 1], atol=1e-12)
    assert "female 1, male 10" in scaled.note


def test_per_sd__is_the_raw_exposure_with_the_sd_as_step() -> None:
    scaled = scale("per_sd")
    np.testing.assert_array_equal(scaled.values[:, 0], VALUES)
    assert scaled.is_raw
    assert scaled.step == pytest.approx(VALUES.std(ddof=1))


def test_per_units__steps_by_the_detail() -> None:
    scaled = scale("per_units", 5.0)
    assert (scaled.step, scaled.levels) == (5.0, ("per 5 kg",))


def test_categories__one_column_per_level_but_the_reference() -> None:
    scaled = scale("categories", 2.0, np.array([1.0, 2.0, 3.0, 1.0, 2.0, 3.0]))
    assert scaled.levels == ("1 against 2", "3 against 2")
    np.testing.assert_array_equal(scaled.values, [[1, 0], [0, 0], [0, 1], [1, 0], [0, 0], [0, 1]])


def test_sex_quarters__groups_are_cut_within_each_sex() -> None:
    values = np.concatenate([np.arange(8.0), 100 + np.arange(8.0)])
    scaled = scale_exposure(
        values=values,
        sex=np.repeat([0, 1], 8).astype(np.int32),
        sex_levels=("female", "male"),
        scaling="sex_quarters",
        detail=4.0,
        unit="kg",
    )
    assert scaled.values.sum(axis=0).tolist() == [4.0, 4.0, 4.0]
    assert scaled.values[:8].sum(axis=0).tolist() == [2.0, 2.0, 2.0]


def test_unknown_scaling__names_the_known_ones() -> None:
    with pytest.raises(ValueError, match="per_decade is not one of") as raised:
        scale("per_decade")
    assert all(known in str(raised.value) for known in SCALINGS)
