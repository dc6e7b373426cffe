"""Uniformity of correlated p values: the known distance, called as often as said, excess seen."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from python_models.estimators.scans.panel_draws import panel_spectrum
from python_models.estimators.scans.uniformity import uniformity

M = 40


def test_uniformity__of_independent_ones_is_kolmogorov_and_smirnovs() -> None:
    z = np.random.default_rng(1).normal(size=M) * 1.2
    known = stats.kstest(2.0 * stats.norm.sf(np.abs(z)), "uniform")
    found = uniformity(z, spectrum=panel_spectrum(np.eye(M)), seed=1, n_draws=8_000)
    assert found.distance == pytest.approx(known.statistic, abs=1e-12)
    # Three errors of 8,000 draws.
    assert found.p == pytest.approx(known.pvalue, abs=3 * np.sqrt(0.25 / 8_000))


def test_uniformity__of_correlated_ones_is_called_no_more_often_than_said() -> None:
    rng = np.random.default_rng(2)
    correlation = np.kron(np.eye(4), np.full((10, 10), 0.7) + 0.3 * np.eye(10))
    root, spectrum = np.linalg.cholesky(correlation), panel_spectrum(correlation)
    n, called = 200, np.zeros(2)
    for k in range(n):
        z = root @ rng.normal(size=M)
        as_independent = stats.kstest(2.0 * stats.norm.sf(np.abs(z)), "uniform").pvalue
        called += [uniformity(z, spectrum=spectrum, seed=k, n_draws=199).p <= 0.05, as_independent <= 0.05]
    assert called[0] / n < 0.05 + 3 * np.sqrt(0.05 * 0.95 / n)
    # Taken as independent: the test can fail.
    assert called[1] / n > 0.2


def test_uniformity__errors_that_are_too_small_are_seen() -> None:
    z = 2.0 * np.random.default_rng(3).normal(size=200)
    assert uniformity(z, spectrum=panel_spectrum(np.eye(200)), seed=1).p < 0.01


def test_uniformity__another_panels_spectrum_is_refused() -> None:
    with pytest.raises(ValueError, match="not of a panel of 3"):
        uniformity(np.zeros(4), spectrum=panel_spectrum(np.eye(3)), seed=1)
