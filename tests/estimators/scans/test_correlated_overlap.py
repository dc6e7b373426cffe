"""Overlap of lists on a correlated panel: as called as said under the null, as found as by permutation without it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from python_models.estimators.multiplicity import adjust_p_values
from python_models.estimators.scans.correlated_overlap import correlated_overlap
from python_models.estimators.scans.panel_correlation import correlated_groups
from python_models.estimators.scans.panel_draws import flipped, panel_spectrum, rotated

F8 = npt.NDArray[np.float64]
M = 120


def _correlations(rng: np.random.Generator) -> F8:
    """A panel in clusters like metabolites: a few components carry most of it."""
    loadings = rng.normal(size=(M, 6)) * np.array([1.5, 1.0, 0.7, 0.5, 0.4, 0.3])
    covariance = loadings @ loadings.T + 0.3 * np.eye(M)
    size = np.sqrt(np.diag(covariance))
    return covariance / np.outer(size, size)


def _listed(z: F8) -> npt.NDArray[np.bool_]:
    return adjust_p_values(2.0 * stats.norm.sf(np.min(np.abs(np.atleast_2d(z)), axis=0))) < 0.05


def _scores(rng: np.random.Generator, correlation: F8, root: F8, drivers: npt.ArrayLike) -> F8:
    """z scores of an outcome that some biomarkers drive: six standard errors, seen through all they correlate with."""
    places = np.asarray(drivers, dtype=np.intp)
    return root @ rng.normal(size=M) + correlation[:, places] @ rng.choice([-6.0, 6.0], size=places.size)


@pytest.mark.parametrize("n_paths", [1, 2])
def test_correlated_overlap__independent_outcomes_are_called_no_more_often_than_said(n_paths: int) -> None:
    rng = np.random.default_rng(5)
    correlation = _correlations(rng)
    root, spectrum = np.linalg.cholesky(correlation), panel_spectrum(correlation)
    n, called = 200, np.zeros(3)
    for k in range(n):
        z = [
            np.array([_scores(rng, correlation, root, rng.choice(M, 3, replace=False)) for _ in range(n_paths)])
            for _ in range(2)
        ]
        listed = [_listed(one) for one in z]
        got = correlated_overlap(*z, is_first=listed[0], is_second=listed[1], spectrum=spectrum, seed=k, n_draws=199)
        n_shared = int((listed[0] & listed[1]).sum())
        exchangeable = stats.hypergeom.sf(n_shared - 1, M, listed[0].sum(), listed[1].sum())
        called += [got.p <= 0.05, got.same_direction_p <= 0.05, exchangeable <= 0.05]
    allowed = 0.05 + 3 * np.sqrt(0.05 * 0.95 / n)
    assert (called[:2] / n < allowed).all()
    # Biomarkers taken as exchangeable: the test can fail.
    assert called[2] / n > 0.15


def test_correlated_overlap__of_an_uncorrelated_panel_is_the_hypergeometric_one() -> None:
    rng = np.random.default_rng(6)
    first, second = rng.normal(size=M), rng.normal(size=M)
    first[:20] += 6.0
    second[14:34] += 6.0
    listed = _listed(first), _listed(second)
    n_shared = int((listed[0] & listed[1]).sum())
    expected = stats.hypergeom.sf(n_shared - 1, M, listed[0].sum(), listed[1].sum())
    got = correlated_overlap(
        first, second, is_first=listed[0], is_second=listed[1], spectrum=panel_spectrum(np.eye(M)), seed=1,
        n_draws=10_000,
    )  # fmt: skip
    assert 0.02 < expected < 0.9
    # Three errors of 10,000 draws, and the larger of two such p.
    assert got.p == pytest.approx(expected, abs=4 * np.sqrt(0.25 / 10_000))


def test_correlated_overlap__shared_drivers_are_found_and_their_direction_counts() -> None:
    rng = np.random.default_rng(7)
    correlation = np.kron(np.eye(40), np.full((3, 3), 0.6) + 0.4 * np.eye(3))
    spectrum, root = panel_spectrum(correlation), np.linalg.cholesky(correlation)
    first, second = (root @ rng.normal(size=M) + 6.0 * correlation[:, ::12].sum(axis=1) for _ in range(2))
    lists = {"is_first": _listed(first), "is_second": _listed(second)}
    same = correlated_overlap(first, second, **lists, spectrum=spectrum, seed=1)
    opposite = correlated_overlap(first, -second, **lists, spectrum=spectrum, seed=1)
    assert max(same.p, opposite.p, same.same_direction_p) < 0.01
    assert opposite.same_direction_p == 1.0


def test_correlated_overlap__lists_that_do_not_meet_have_p_of_one() -> None:
    z = np.array([5.0, 0.1, 0.2])
    got = correlated_overlap(
        z, z[::-1], is_first=[True, False, False], is_second=[False, False, True],
        spectrum=panel_spectrum(np.eye(3)), seed=1,
    )  # fmt: skip
    assert (got.p, got.same_direction_p) == (1.0, 1.0)
    with pytest.raises(ValueError, match="not of a panel of 3"):
        correlated_overlap(z[:2], z, is_first=z > 1, is_second=z > 1, spectrum=panel_spectrum(np.eye(3)), seed=1)


def test_panel_draws__keep_the_length_along_every_direction_and_correlate_as_the_panel() -> None:
    rng = np.random.default_rng(8)
    correlation = _correlations(rng)
    spectrum = panel_spectrum(correlation)
    z = np.linalg.cholesky(correlation) @ rng.normal(size=M)
    coordinates = spectrum.vectors.T @ z
    (signs,) = flipped(z, spectrum, n_draws=50, rng=rng)
    assert_allclose(np.abs(signs @ spectrum.vectors), np.tile(np.abs(coordinates), (50, 1)), rtol=1e-8, atol=1e-10)
    (turned,) = rotated(z, spectrum, n_draws=50, rng=rng)
    for block in np.unique(spectrum.block):
        at = spectrum.block == block
        assert spectrum.values[at].max() <= 2.0 * spectrum.values[at].min()
        length = ((turned @ spectrum.vectors[:, at]) ** 2 / spectrum.values[at]).sum(axis=1)
        assert_allclose(length, (coordinates[at] ** 2 / spectrum.values[at]).sum(), rtol=1e-8)


def test_correlated_groups__hold_what_correlates_on_average() -> None:
    correlation = np.kron(np.eye(2), np.full((3, 3), 0.6) + 0.4 * np.eye(3))
    correlation[0, 1] = correlation[1, 0] = -0.6
    groups = correlated_groups(correlation, limit=0.3)
    assert len(set(groups[:3])) == len(set(groups[3:])) == 1
    assert groups[0] != groups[3]
    assert len(set(correlated_groups(correlation, limit=0.7))) == 6
    assert correlated_groups(np.eye(1), limit=0.3).tolist() == [0]
