"""Adjusted p-values, q-values and effective numbers of tests."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import interpolate, optimize, stats

from python_models.estimators.multiplicity import (
    LAMBDA_GRID,
    MultiplicityError,
    adjust_p_values,
    correlation_of_rows,
    effective_tests,
    storey_pi0,
    storey_q_values,
)

EXACT = 1e-12


def test_adjust_p_values__by_hand() -> None:
    p = [0.04, np.nan, 0.01, 0.03, 0.2]
    harmonic = 1 + 1 / 2 + 1 / 3 + 1 / 4
    expected = {
        "bonferroni": [0.16, np.nan, 0.04, 0.12, 0.8],
        "holm": [0.09, np.nan, 0.04, 0.09, 0.2],
        "bh": [0.04 * 4 / 3, np.nan, 0.04, 0.04 * 4 / 3, 0.2],
        "by": [0.04 * 4 / 3 * harmonic, np.nan, 0.04 * harmonic, 0.04 * 4 / 3 * harmonic, 0.2 * harmonic],
    }
    for method, values in expected.items():
        np.testing.assert_allclose(adjust_p_values(p, method), values, rtol=EXACT)


@pytest.mark.parametrize("method", ["bh", "by"])
def test_adjust_p_values__agrees_with_scipy(method: str) -> None:
    p = np.random.default_rng(1).random(500) ** 2
    np.testing.assert_allclose(adjust_p_values(p, method), stats.false_discovery_control(p, method=method), rtol=EXACT)


@pytest.mark.parametrize("method", ["bh", "by", "bonferroni", "holm"])
def test_adjust_p_values__order_does_not_matter_and_none_falls(method: str) -> None:
    rng = np.random.default_rng(2)
    p = np.round(rng.random(200), 2)
    shuffled = rng.permutation(200)
    np.testing.assert_allclose(adjust_p_values(p[shuffled], method), adjust_p_values(p, method)[shuffled], rtol=EXACT)
    assert np.all(adjust_p_values(p, method) >= p)
    assert np.all(adjust_p_values(p, method) <= 1)


def test_adjust_p_values__nothing_known_and_faults() -> None:
    assert np.isnan(adjust_p_values([np.nan, np.nan])).all()
    assert adjust_p_values([]).size == 0
    with pytest.raises(MultiplicityError, match="bh, by, bonferroni, holm"):
        adjust_p_values([0.1], "fdr")
    with pytest.raises(MultiplicityError, match="1 lie outside"):
        adjust_p_values([0.1, 1.2])


def test_storey_pi0__finds_the_share_of_nulls() -> None:
    rng = np.random.default_rng(3)
    uniform = rng.random(20_000)
    assert storey_pi0(uniform) == pytest.approx(1.0, abs=0.05)
    mixed = np.concatenate([rng.random(14_000), rng.random(6_000) ** 12])
    # The mixture's own tail: p^12 has a twelfth of a null's density near 1.
    assert storey_pi0(mixed) == pytest.approx(0.7 + 0.3 / 12, abs=0.05)
    np.testing.assert_allclose(storey_q_values(mixed, pi0=0.7), 0.7 * adjust_p_values(mixed, "bh"), rtol=EXACT)


def test_storey_pi0__spline_is_a_line_where_the_points_are_one() -> None:
    # A natural smoothing spline leaves a line as it is: p-values spaced so that #{p >= l} / (m (1 - l)) = 1.
    p = (np.arange(2000) + 0.5) / 2000
    assert storey_pi0(p) == pytest.approx(1.0, abs=1e-9)


def test_storey_pi0__smooths_as_scipys_spline_of_three_degrees_of_freedom() -> None:
    rng = np.random.default_rng(5)
    p = np.concatenate([rng.random(700), rng.random(300) ** 8])
    raw = np.array([np.mean(p >= cut) / (1 - cut) for cut in LAMBDA_GRID])

    def smooth(y: np.ndarray, log_penalty: float) -> np.ndarray:
        return interpolate.make_smoothing_spline(LAMBDA_GRID, y, lam=np.exp(log_penalty))(LAMBDA_GRID)

    def excess(log_penalty: float) -> float:
        return float(sum(smooth(row, log_penalty)[j] for j, row in enumerate(np.eye(19)))) - 3.0

    expected = smooth(raw, optimize.brentq(excess, -20.0, 10.0, xtol=1e-12))[-1]
    assert expected < 1.0
    assert storey_pi0(p) == pytest.approx(expected, rel=1e-9)


def test_storey_pi0__refuses_where_no_p_value_is_large() -> None:
    with pytest.raises(MultiplicityError, match="0 or less"):
        storey_pi0(np.full(100, 0.001))
    with pytest.raises(MultiplicityError, match=r"\(0, 1\]"):
        storey_q_values([0.1], pi0=0.0)


@pytest.mark.parametrize("method", ["li_ji", "galwey"])
def test_effective_tests__independent_and_identical(method: str) -> None:
    assert effective_tests(np.eye(40), method) == pytest.approx(40.0, rel=1e-9)
    assert effective_tests(np.ones((40, 40)), method) == pytest.approx(1.0, abs=1e-3)
    blocks = np.kron(np.eye(5), np.ones((4, 4)))
    assert effective_tests(blocks, method) == pytest.approx(5.0, abs=1e-2)


def test_effective_tests__li_and_ji_by_hand() -> None:
    # Eigenvalues 1 + r and 1 - r: 1 + r + (1 - r) = 2 for any r below 1.
    for r in (0.0, 0.5, 0.9):
        assert effective_tests([[1.0, r], [r, 1.0]], "li_ji") == pytest.approx(2.0, rel=1e-9)
    # Galwey: (sqrt(1.5) + sqrt(0.5))^2 / 2.
    expected = (np.sqrt(1.5) + np.sqrt(0.5)) ** 2 / 2
    assert effective_tests([[1.0, 0.5], [0.5, 1.0]], "galwey") == pytest.approx(expected, rel=1e-9)


def test_effective_tests__faults() -> None:
    with pytest.raises(MultiplicityError, match="li_ji, galwey"):
        effective_tests(np.eye(2), "nyholt")
    with pytest.raises(MultiplicityError, match="square"):
        effective_tests(np.ones((2, 3)))
    with pytest.raises(MultiplicityError, match="diagonal"):
        effective_tests(2 * np.eye(2))


def test_correlation_of_rows__is_numpys_where_complete() -> None:
    rng = np.random.default_rng(4)
    x = rng.normal(size=(6, 300)) + rng.normal(size=300)
    np.testing.assert_allclose(correlation_of_rows(x), np.corrcoef(x), rtol=1e-10)
    holed = x.copy()
    holed[0, :150] = np.nan
    assert 0 < correlation_of_rows(holed)[0, 1] < correlation_of_rows(x)[0, 1]
    with pytest.raises(MultiplicityError, match="1 biomarkers are constant"):
        correlation_of_rows(np.vstack([x, np.ones(300)]))
