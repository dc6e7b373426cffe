"""Composite-null tests by hand, their orderings, calibration on small panels, and refusals."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import ndtr

from python_models.estimators.mediation.composite_null import (
    dact,
    hdmt,
    max_p,
    nonnull_distribution,
    null_shares,
)
from python_models.estimators.mediation.empirical_null import EmpiricalNull, efron_null, jin_cai_null, null_share
from python_models.estimators.mediation.faults import MediationInputError
from python_models.estimators.mediation.high_dimensional import composite_tests, jt_comp

EXACT = 1e-12
# The specification prints eight digits.
PRINTED = 5e-9


def panel(seed: int, m: int = 2000, shares: tuple[float, ...] = (0.7, 0.12, 0.12, 0.06)) -> dict[str, np.ndarray]:
    """z of two paths; kind 0 neither path, 1 only b, 2 only a, 3 both."""
    rng = np.random.default_rng(seed)
    kind = rng.choice(4, size=m, p=shares)
    z_a = rng.normal(size=m) + np.where(kind >= 2, rng.normal(scale=4, size=m), 0)
    z_b = rng.normal(size=m) + np.where(kind % 2 == 1, rng.normal(scale=4, size=m), 0)
    return {"kind": kind, "z_a": z_a, "z_b": z_b}


def test_max_p__sobel_vector_of_the_specification() -> None:
    p_a = 2 * ndtr(-0.2 / 0.01)
    p_b = 2 * ndtr(-0.15 / 0.03)
    assert_allclose(max_p([p_a], [p_b]), [5.733e-07], rtol=1e-3)


def test_jt_comp__is_placo_on_its_vector() -> None:
    rng = np.random.default_rng(1)
    z_a, z_b = rng.normal(size=500), rng.normal(size=500)
    got = jt_comp(z_a, z_b)
    order = np.argsort(np.abs(z_a * z_b))
    assert np.all(np.diff(got.p[order]) <= 0)
    assert_allclose(got.variance_a, z_a.var(ddof=1), rtol=0.2)


def test_null_shares__by_hand() -> None:
    p_a = np.array([0.1, 0.2, 0.6, 0.7, 0.8, 0.9, 0.1, 0.3])
    p_b = np.array([0.6, 0.2, 0.7, 0.2, 0.8, 0.1, 0.9, 0.4])
    got = null_shares(p_a, p_b)
    assert_allclose([got.pi_a, got.pi_b], [1.0, 1.0])
    assert_allclose(got.pi_00, 1.0)
    published = null_shares(p_a[:4], p_b[:4], rule="published")
    assert_allclose([published.pi_a, published.pi_b, published.pi_00], [1.0, 1.0, 1.0])


def test_null_shares__coherent_shares_add_up_to_their_margins() -> None:
    for seed in range(20):
        data = panel(seed, m=300)
        got = null_shares(2 * ndtr(-np.abs(data["z_a"])), 2 * ndtr(-np.abs(data["z_b"])))
        assert_allclose(got.pi_00 + got.pi_01, got.pi_a, rtol=EXACT)
        assert_allclose(got.pi_00 + got.pi_10, got.pi_b, rtol=EXACT)
        assert_allclose(got.pi_00 + got.pi_01 + got.pi_10 + got.pi_11, 1.0, rtol=EXACT)
        assert min(got.pi_00, got.pi_01, got.pi_10, got.pi_11) >= 0


def test_hdmt__q_by_the_formula() -> None:
    data = panel(3, m=400)
    p_a, p_b = 2 * ndtr(-np.abs(data["z_a"])), 2 * ndtr(-np.abs(data["z_b"]))
    got = hdmt(p_a, p_b)
    assert got.shares is not None
    top = np.maximum(p_a, p_b)
    raw = np.array(
        [((got.shares.pi_01 + got.shares.pi_10) * t + got.shares.pi_00 * t * t) / np.mean(top <= t) for t in top]
    )
    expected = np.array([min(1.0, raw[top >= t].min()) for t in top])
    assert_allclose(got.q, expected, rtol=EXACT)


def test_hdmt__finite_sample_never_asks_for_more_than_asymptotic() -> None:
    data = panel(4)
    p_a, p_b = 2 * ndtr(-np.abs(data["z_a"])), 2 * ndtr(-np.abs(data["z_b"]))
    assert np.all(hdmt(p_a, p_b, power="finite_sample").q <= hdmt(p_a, p_b).q + EXACT)


def test_hdmt__zero_p_values_are_allowed_and_first() -> None:
    data = panel(5)
    p_a, p_b = 2 * ndtr(-np.abs(data["z_a"])), 2 * ndtr(-np.abs(data["z_b"]))
    p_a[7] = p_b[7] = 0.0
    assert hdmt(p_a, p_b).q[7] == 0.0
    assert np.isfinite(dact(p_a, p_b).p).all()


def test_hdmt__and_dact_refuse_a_small_panel() -> None:
    p = np.linspace(0.01, 0.99, 50)
    for got in (hdmt(p, p), dact(p, p)):
        assert got.refusal is not None
        assert "at least 200" in got.refusal


def test_nonnull_distribution__least_concave_majorant_by_hand() -> None:
    # Empirical steps 1/4 at 0.1, 2/4 at 0.2, 3/4 at 0.8, 1 at 0.9; the majorant skips (0.1, .25) and (0.8, .75) at no
    # corner.
    p = np.array([0.1, 0.2, 0.8, 0.9])
    at = np.array([0.0, 0.1, 0.2, 0.55, 0.9, 1.0])
    expected = np.array([0.0, 0.25, 0.5, 0.75, 1.0, 1.0])
    assert_allclose(nonnull_distribution(p, null=0.0, at=at), expected, rtol=EXACT)


@pytest.mark.parametrize("correction", [None, "jin_cai", "efron"])
def test_dact__a_smaller_p_value_never_raises_it(correction: str | None) -> None:
    data = panel(6)
    p_a, p_b = 2 * ndtr(-np.abs(data["z_a"])), 2 * ndtr(-np.abs(data["z_b"]))
    got = dact(p_a, p_b, correction=correction)
    assert got.refusal is None
    w1, w2, w3 = got.weights
    statistic = w1 * p_a + w2 * p_b + w3 * np.maximum(p_a, p_b) ** 2
    assert np.all(np.diff(got.p[np.argsort(statistic)]) >= 0)
    assert_allclose(w1 + w2 + w3, 1.0, rtol=EXACT)


def test_null_share__of_known_mixtures() -> None:
    rng = np.random.default_rng(9)
    assert null_share(rng.normal(size=5_000)) > 0.93
    mixed = np.where(rng.random(5_000) < 0.3, rng.normal(4, 1, 5_000), rng.normal(size=5_000))
    assert_allclose(null_share(mixed), 0.7, atol=0.06)


@pytest.mark.parametrize("fit", [jin_cai_null, efron_null])
def test_empirical_null__finds_a_shifted_null(fit: Callable[[np.ndarray], EmpiricalNull]) -> None:
    got = fit(np.random.default_rng(10).normal(0.3, 1.2, 20_000))
    assert got.refusal is None
    assert_allclose([got.mean, got.standard_deviation], [0.3, 1.2], atol=0.05)


def test_efron_null__is_not_moved_by_five_percent_signals() -> None:
    rng = np.random.default_rng(10)
    z = rng.normal(0.3, 1.2, 20_000)
    z[:1000] = rng.normal(6, 1, 1000)
    got = efron_null(z)
    assert_allclose([got.mean, got.standard_deviation], [0.3, 1.2], atol=0.12)


@pytest.mark.parametrize("fit", [jin_cai_null, efron_null])
def test_empirical_null__equal_values_are_refused(fit: Callable[[np.ndarray], EmpiricalNull]) -> None:
    assert fit(np.full(500, 0.0)).refusal is not None


def test_composite_tests__counts_and_order_do_not_depend_on_the_order_of_the_panel() -> None:
    data = panel(12)
    order = np.random.default_rng(0).permutation(2000)
    one = composite_tests(data["z_a"], data["z_b"])
    other = composite_tests(data["z_a"][order], data["z_b"][order])
    assert (one.n_a, one.n_b, one.n_both) == (other.n_a, other.n_b, other.n_both)
    assert_allclose(one.hdmt.q[order], other.hdmt.q, rtol=EXACT)
    assert_allclose(one.jt_comp.p[order], other.jt_comp.p, rtol=1e-9)
    assert_allclose(one.dact.p[order], other.dact.p, rtol=1e-4)


def test_composite_tests__hdmt_finds_mediators_that_joint_significance_misses() -> None:
    data = panel(13)
    got = composite_tests(data["z_a"], data["z_b"])
    is_called = got.hdmt.q < 0.05
    bonferroni = got.p_joint < 0.05 / 2000
    assert is_called.sum() > bonferroni.sum() > 0
    assert (data["kind"][is_called] == 3).mean() > 0.85


def test_composite_tests__faults_come_together() -> None:
    with pytest.raises(MediationInputError) as caught:
        composite_tests([1.0, np.nan], [np.inf, 1.0])
    assert len(caught.value.faults) == 2
    with pytest.raises(MediationInputError, match="outside 0 to 1"):
        max_p([1.5], [0.1])
