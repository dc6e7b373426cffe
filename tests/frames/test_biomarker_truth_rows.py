"""What truth measures say of few null biomarkers, and of shares that incomplete power pulls down."""

import numpy as np
import pytest
from scipy import stats

from python_models.estimators.multiplicity import adjust_p_values
from python_models.estimators.scans.panel_draws import panel_spectrum
from python_models.frames.biomarkers.biomarker_truth_rows import _family_rows, _shares_of_pair
from python_models.frames.biomarkers.mediator_truth_rows import Row

# Of 200 biomarkers 20 are shared, five of these in opposite directions, and 15 are of either outcome alone.
M, SHARED, OPPOSITE, OWN = 200, 20, 5, 15
PLANTED = (SHARED - OPPOSITE) / (SHARED + 2 * OWN)


def outcome(rng: np.random.Generator, truth: np.ndarray, error: float) -> np.ndarray:
    """Log hazard ratio, its error, p, q and truth, (5, m)."""
    beta = truth + rng.normal(scale=error, size=truth.size)
    p = 2 * stats.norm.sf(np.abs(beta / error))
    return np.stack([beta, np.full(truth.size, error), p, adjust_p_values(p), truth])


def measures_of_pair(error: float, seed: int) -> dict[str, Row]:
    rng = np.random.default_rng(seed)
    first, second = np.zeros(M), np.zeros(M)
    first[: SHARED + OWN] = 0.3
    second[:SHARED] = np.where(np.arange(SHARED) < OPPOSITE, -0.3, 0.3)
    second[SHARED + OWN : SHARED + 2 * OWN] = 0.3
    rows = _shares_of_pair({}, outcome(rng, first, error), outcome(rng, second, error))
    return {row["measure"]: row for row in rows}


def test_with_full_power_both_shares_are_the_planted_one() -> None:
    rows = measures_of_pair(error=0.01, seed=1)
    for row in rows.values():
        assert row["expected"] == pytest.approx(PLANTED, abs=0.02)
        assert row["is_covered"]
    # A false one or two on a list.
    assert rows["found_shared_share"]["estimate"] == pytest.approx(PLANTED, abs=0.03)


def test_with_little_power_the_found_ones_are_expected_to_be_few_and_the_estimate_is_not() -> None:
    rows = [measures_of_pair(error=0.1, seed=seed) for seed in range(60)]
    for measure in ("shared_share", "found_shared_share"):
        # Intervals of 95 %, less three errors of 60 cohorts.
        assert np.mean([row[measure]["is_covered"] for row in rows]) > 0.95 - 3 * np.sqrt(0.95 * 0.05 / 60)
    found, expected = (np.mean([row["found_shared_share"][name] for row in rows]) for name in ("estimate", "expected"))
    assert found < 0.6 * PLANTED
    assert found == pytest.approx(expected, abs=0.05)
    estimated = np.mean([row["shared_share"]["estimate"] for row in rows])
    assert estimated == pytest.approx(PLANTED, abs=0.06)
    assert {row["shared_share"]["expected"] for row in rows} == {PLANTED}


@pytest.mark.parametrize(("n_null", "is_given"), [(3, False), (14, False), (15, True)])
def test_uniformity_of_a_handful_is_refused(n_null: int, is_given: bool) -> None:
    rng = np.random.default_rng(3)
    # One is planted; one has no effect and shows 0.2 for what it follows.
    truth = np.r_[np.zeros(n_null), 0.5, 0.2]
    columns = np.vstack([outcome(rng, truth, 0.1), np.r_[np.zeros(n_null), 0.5, 0.0], np.zeros(n_null + 2)])
    members = [("study", "arm", "protein", f"p{k}", *column) for k, column in enumerate(columns.T)]
    rows = _family_rows({}, members, lambda names: panel_spectrum(np.eye(len(names))))
    found = {row["measure"]: row for row in rows}
    row = found["null_uniformity"]
    assert row["n"] == n_null
    assert (row.get("p_value") is not None) == is_given
    assert (row.get("refusal") is None) == is_given
    assert (found["truth_uniformity"].get("refusal") is None) == (n_null + 2 >= 15)
    assert [found[name]["n"] for name in ("power", "coverage", "coverage_of_followers")] == [1, 1, 1]
