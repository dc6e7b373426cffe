"""Huber estimates against R's MASS::rlm (script below, R 4.2.2, MASS 7.3-58.2) and by hand; NMR effects recovered."""

import numpy as np
import pytest

from python_models.estimators.technical.nmr_effects import estimate_effects, places
from python_models.estimators.technical.robust_regression import group_locations, line

# y <- c(2.1, 1.9, 2.4, 9.0, 3.3, 3.1, 2.9, -4.0, 3.6, 5.2, 4.8, 5.5); x <- 1:12; g <- factor(rep(1:3, each = 4))
# options(digits = 15); library(MASS); coef(rlm(y ~ x)); coef(rlm(y ~ 0 + g)); coef(rlm(y ~ 1))
VALUES = np.array([2.1, 1.9, 2.4, 9.0, 3.3, 3.1, 2.9, -4.0, 3.6, 5.2, 4.8, 5.5])
GROUP = np.repeat(np.arange(3), 4)
RLM_LINE = (1.560460946468265, 0.290839391935323)
RLM_GROUPS = (2.36532622467301, 2.86800748782005, 4.93462650476174)
RLM_ONE = (3.47999409340661,)
# Digits printed.
PRINTED = 1e-9


def test_line__is_rlm() -> None:
    assert line(VALUES, np.arange(1.0, 13.0)) == pytest.approx(RLM_LINE, rel=PRINTED)


def test_group_locations__are_rlm() -> None:
    assert group_locations(VALUES, GROUP, 3) == pytest.approx(RLM_GROUPS, rel=PRINTED)
    assert group_locations(VALUES, np.zeros(12, dtype=np.int64), 1) == pytest.approx(RLM_ONE, rel=PRINTED)


def test_group_locations__without_outliers_are_means_and_an_empty_group_is_zero() -> None:
    values = np.array([1.0, 1.1, 0.9, 5.0, 5.1, 4.9])
    np.testing.assert_allclose(group_locations(values, np.array([0, 0, 0, 2, 2, 2]), 3), [1.0, 0.0, 5.0], atol=1e-12)


def test_line__that_does_not_vary_has_slope_zero() -> None:
    intercept, slope = line(VALUES, np.full(12, 3.0))
    assert slope == 0.0
    assert intercept == pytest.approx(RLM_ONE[0], rel=PRINTED)


def test_estimate_effects__recovers_what_was_planted_and_leaves_biology() -> None:
    rng = np.random.default_rng(3)
    n = 6_000
    batch, row = rng.integers(0, 2, n), rng.integers(0, 8, n)
    spectrometer, period = rng.integers(0, 3, n), rng.integers(0, 4, n)
    row_effect, drift_effect = 0.3 * rng.normal(size=(2, 8)), 0.4 * rng.normal(size=(3, 4))
    hours, biology = np.exp(rng.normal(1.6, 0.6, n)), rng.normal(size=n)
    log_level = -1.0 + 0.2 * biology + 0.2 * rng.normal(size=n)
    log_level += 0.05 * np.log(hours) + row_effect[batch, row] + drift_effect[spectrometer, period]
    levels = np.exp(log_level)
    levels[:50] = np.nan
    factors = (
        places(stratum=batch, level=batch * 8 + row),
        places(stratum=spectrometer, level=spectrometer * 4 + period),
    )
    found = estimate_effects(levels=levels, log_hours=np.log(hours), factors=factors)
    assert found.log_offset == 0.0
    # The groups' scatter is the noise around the line: its slope is known to 0.015.
    assert found.slope == pytest.approx(0.05, abs=0.06)
    kept = levels > 0
    adjusted = np.log(levels + found.log_offset)[kept] - found.slope * np.log(hours[kept]) + found.shift
    for factor, effect in zip(factors, found.factors, strict=True):
        adjusted -= effect[factor.code[kept]]
    # Nothing technical is left beyond what chance puts between 24 groups, and biology keeps its slope.
    for stratum, level in ((batch, row), (spectrometer, period)):
        groups = (stratum * 8 + level)[kept]
        means = [adjusted[groups == one].mean() for one in np.unique(groups)]
        assert np.std(means) < 0.05
    assert np.polyfit(biology[kept], adjusted, 1)[0] == pytest.approx(0.2, abs=0.015)
    assert np.median(adjusted) == pytest.approx(np.median(np.log(levels[kept])), abs=0.06)


def test_estimate_effects__zeros_get_half_the_smallest_level() -> None:
    levels = np.array([0.0, 0.4, np.nan, 2.0, 1.0])
    found = estimate_effects(levels=levels, log_hours=np.zeros(5), factors=())
    assert found.log_offset == 0.2


def test_estimate_effects__nothing_known_of_the_run_changes_nothing() -> None:
    levels = np.exp(np.random.default_rng(1).normal(size=50))
    unknown = np.full(50, -1)
    found = estimate_effects(
        levels=levels, log_hours=np.full(50, np.nan), factors=(places(stratum=unknown, level=unknown),)
    )
    assert (found.slope, found.shift, found.factors[0].size) == (0.0, 0.0, 0)
