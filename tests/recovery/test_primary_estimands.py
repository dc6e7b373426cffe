"""The study's primary estimands over cohorts of its own generator: bias, coverage, and a null cohort without findings.

Each cohort is drawn in memory, cleaned by the rules of the marts, and fitted by the house Cox model with M2. Truth is
the large-sample value of the same model over ten million people (warehouse/synthetic/large_sample_values.csv).
Budget: 10 minutes on two cores. `python -m tests.recovery.survival_cohorts` writes the numbers to docs/recovery.md.
"""

import numpy as np
import pytest
from scipy import stats

from tests.recovery.survival_cohorts import COHORTS, NULL_COHORTS, Recovery, recover

pytestmark = pytest.mark.recovery

COVERAGE = (0.93, 0.97)
LEAST_P = 0.01


@pytest.fixture(scope="module")
def planted() -> Recovery:
    return recover(null=False)


@pytest.fixture(scope="module")
def null() -> Recovery:
    return recover(null=True, cohorts=NULL_COHORTS)


def test_recovery__every_cohort_gives_every_estimate(planted: Recovery) -> None:
    assert planted.estimate.shape == (COHORTS, len(planted.names))
    assert np.isfinite(planted.estimate).all()


def test_recovery__bias_is_within_monte_carlo_error(planted: Recovery) -> None:
    # Three errors of the mean over cohorts and of the truth itself, plus the bias of order 1 / events that a maximum
    # likelihood estimate has: at most 1 % of these log hazard ratios with 500 events or more.
    error = np.hypot(planted.estimate.std(axis=0, ddof=1) / np.sqrt(COHORTS), planted.truth_error)
    assert np.all(np.abs(planted.bias) < 3 * error + 0.01 * np.abs(planted.truth)), planted.bias / error


def test_recovery__intervals_cover(planted: Recovery) -> None:
    coverage = planted.covers.mean(axis=0)
    assert np.all((coverage >= COVERAGE[0]) & (coverage <= COVERAGE[1])), coverage


def test_recovery__standard_errors_are_the_spread_of_the_estimates(planted: Recovery) -> None:
    ratio = planted.standard_error.mean(axis=0) / planted.estimate.std(axis=0, ddof=1)
    assert np.all(np.abs(ratio - 1) < 3 / np.sqrt(2 * COHORTS)), ratio


def test_null_cohorts__p_values_are_uniform(null: Recovery) -> None:
    for j, name in enumerate(null.names):
        assert stats.kstest(null.p_value[:, j], "uniform").pvalue > LEAST_P, name
