"""Agreement of two panels of effects: by hand, under nulls of a correlated panel; pruning and gap filling."""

from itertools import product

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from python_models.estimators.scans.effect_agreement import effect_agreement
from python_models.estimators.scans.panel_correlation import fill_gaps, nearest, prune
from python_models.estimators.scans.panel_draws import panel_spectrum

F8 = npt.NDArray[np.float64]


def test_effect_agreement__correlation_and_concordance_by_hand() -> None:
    a, b = np.array([1.0, 2.0, -1.0, -2.0, 0.5]), np.array([2.0, 1.0, -3.0, -1.0, -0.5])
    found = effect_agreement(a, b, errors=(np.ones(5), np.ones(5)), spectrum=panel_spectrum(np.eye(5)), n_draws=8_000)
    assert found is not None
    assert found.correlation == pytest.approx(np.corrcoef(a, b)[0, 1], rel=1e-12)
    assert found.concordance == 0.8
    signs = np.array(list(product([-1.0, 1.0], repeat=5)))
    # Either outcome's signs flipped, and the larger p: which outcome comes first does not matter.
    exact = [
        np.mean([np.corrcoef(one, kept)[0, 1] >= found.correlation - 1e-9 for one in signs * moved])
        for moved, kept in ((a, b), (b, a))
    ]
    assert found.correlation_p == pytest.approx(max(exact), abs=0.02)
    assert found.concordance_p == pytest.approx(stats.binom.sf(3, 5, 0.5), abs=0.02)


def _panel(rng: np.random.Generator, m: int) -> tuple[F8, F8]:
    """Correlations (m, m) of a panel in clusters like metabolites, known from 2,000 samples, and their root."""
    loadings = rng.normal(size=(m, 6)) * np.array([1.5, 1.0, 0.7, 0.5, 0.4, 0.3])
    known = np.corrcoef(loadings @ rng.normal(size=(6, 2_000)) + 0.7 * rng.normal(size=(m, 2_000)))
    covariance = loadings @ loadings.T + 0.49 * np.eye(m)
    size = np.sqrt(np.diag(covariance))
    return known, np.linalg.cholesky(covariance / np.outer(size, size))


@pytest.mark.parametrize("spread", [0.0, 5.0])
def test_effect_agreement__independent_effects_of_a_correlated_panel_are_called_as_often_as_said(spread: float) -> None:
    """spread: of true effects, which reach every biomarker through those it correlates with; 0: none."""
    rng = np.random.default_rng(2)
    m, n = 60, 600
    known, root = _panel(rng, m)
    error = rng.uniform(0.8, 1.25, size=m)
    spectrum = panel_spectrum(known)
    p = np.empty((n, 2))
    for k in range(n):
        z = root @ rng.normal(size=(m, 2)) + spread * (root @ root.T) @ rng.normal(size=(m, 2)) / np.sqrt(m)
        found = effect_agreement(
            z[:, 0] * error, z[:, 1] * error, errors=(error, error), spectrum=spectrum, seed=k, n_draws=199
        )
        assert found is not None
        p[k] = found.correlation_p, found.concordance_p
    rejected = (p <= 0.05).mean(axis=0)
    # Three standard errors of the simulation above; concordance is discrete and may fall short.
    assert (rejected < 0.05 + 3 * np.sqrt(0.05 * 0.95 / n)).all()
    assert rejected[0] > 0.05 - 3 * np.sqrt(0.05 * 0.95 / n)


def test_effect_agreement__does_not_depend_on_which_outcome_comes_first() -> None:
    rng = np.random.default_rng(4)
    known, root = _panel(rng, 80)
    spectrum, ones = panel_spectrum(known), np.ones(80)
    # Effects of one outcome sit in one cluster, those of the other everywhere: flipping one or the other differs.
    first = root @ rng.normal(size=80) + 4.0 * known[:, 0]
    second = root @ rng.normal(size=80) + 0.4 * first
    one, other = (
        effect_agreement(*pair, errors=(ones, ones), spectrum=spectrum, n_draws=4_000)
        for pair in ((first, second), (second, first))
    )
    assert one is not None
    assert other is not None
    # Two errors of 4,000 draws each.
    assert one.concordance_p == pytest.approx(other.concordance_p, abs=4 * 0.5 / np.sqrt(4_000))
    assert one.correlation_p == pytest.approx(other.correlation_p, abs=4 * 0.5 / np.sqrt(4_000))


def test_effect_agreement__shared_effects_are_found() -> None:
    rng = np.random.default_rng(3)
    known, root = _panel(rng, 200)
    shared = 3.0 * rng.normal(size=200)
    z = root @ rng.normal(size=(200, 2)) + shared[:, None]
    found = effect_agreement(*z.T, errors=(np.ones(200), np.ones(200)), spectrum=panel_spectrum(known))
    assert found is not None
    assert found.correlation_p is not None
    assert found.concordance_p is not None
    assert max(found.correlation_p, found.concordance_p) < 0.01


def test_effect_agreement__without_the_panels_correlations_there_is_no_p() -> None:
    found = effect_agreement([1.0, 2.0, -1.0], [1.0, 3.0, -2.0])
    assert found is not None
    assert (found.correlation_p, found.concordance_p) == (None, None)


def test_effect_agreement__without_variation_there_is_none() -> None:
    assert effect_agreement([1.0, 1.0, 1.0], [1.0, 2.0, 3.0]) is None


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
