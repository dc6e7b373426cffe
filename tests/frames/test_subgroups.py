"""Subgroups and joint exposures by hand; the interaction test against two stratified models."""

from typing import Any

import numpy as np
import pytest

from python_models.frames.columns import Categories
from python_models.frames.survival.cox_problems import HouseFits
from python_models.frames.survival.joint_rows import excess_risk_of_interaction
from python_models.frames.survival.subgroup_rows import interaction_p_value
from python_models.frames.survival.subgroups import JointPart, Subgroup
from tests.frames.test_cox_problems import problem

SEX = Categories(np.array([0, 0, 0, 1, 1, 1], dtype=np.int32), ("female", "male"))
COLUMNS: dict[str, Any] = {"sex": SEX, "age_years": np.array([50.0, 60.0, 70.0, 59.9, np.nan, 60.1])}
EVERYONE = np.arange(6)


@pytest.mark.parametrize(
    ("column", "rule", "value", "members"),
    [
        ("sex", "equals", "male", [0, 0, 0, 1, 1, 1]),
        ("sex", "equals", "unheard of", [0, 0, 0, 0, 0, 0]),
        ("age_years", "below", "60", [1, 0, 0, 1, 0, 0]),
        ("age_years", "at_least", "60", [0, 1, 1, 0, 0, 1]),
    ],
)
def test_members(column: str, rule: str, value: str, members: list[int]) -> None:
    group = Subgroup("s", "g", "name", column, rule, value)
    np.testing.assert_array_equal(group.members(COLUMNS, EVERYONE), np.array(members, dtype=bool))


@pytest.mark.parametrize(("column", "rule"), [("sex", "below"), ("age_years", "about")])
def test_members__what_has_no_meaning_is_named(column: str, rule: str) -> None:
    with pytest.raises(ValueError, match="subgroup name"):
        Subgroup("s", "g", "name", column, rule, "60").members(COLUMNS, EVERYONE)


def test_is_low__by_value_and_by_share_within_sex() -> None:
    values = np.array([15.0, 16.0, 30.0, 26.9, 27.0, 40.0])
    by_value = JointPart("grip", "low grip", "below_value", 16.0, 27.0)
    np.testing.assert_array_equal(by_value.is_low(values, SEX), [True, False, False, True, False, False])
    by_share = JointPart("lean", "low lean mass", "lowest_share", 0.5, 0.5)
    np.testing.assert_array_equal(by_share.is_low(values, SEX), [True, False, False, True, False, False])


def test_excess_risk__by_hand() -> None:
    beta = np.log([2.0, 3.0, 7.0])
    excess, error = excess_risk_of_interaction(beta, np.diag([0.01, 0.01, 0.01]))
    assert excess == pytest.approx(7 - 2 - 3 + 1)
    assert error == pytest.approx(0.1 * np.sqrt(2**2 + 3**2 + 7**2))


def test_interaction_p_value__does_not_depend_on_the_order_of_groups() -> None:
    whole = problem(n_covariates=1)
    members = [whole.matrix[:, 1] == 0, whole.matrix[:, 1] == 1]
    p_value = interaction_p_value(whole, HouseFits(), members)
    assert p_value is not None
    assert 0 < p_value < 1
    assert interaction_p_value(whole, HouseFits(), members[::-1]) == pytest.approx(p_value, rel=1e-6)
