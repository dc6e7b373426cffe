"""E-values, Rubin's rules and incidence rates."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from python_models.estimators.survival.cox import EstimatorInputError
from python_models.estimators.survival.e_values import e_values, risk_ratio_of_common_hazard_ratio
from python_models.estimators.survival.incidence import incidence_by_group, incidence_rates
from python_models.estimators.survival.rubin import pool_estimates, pool_wald_test

EXACT = 1e-12


def test_e_values__published_example_and_test_vectors() -> None:
    # VanderWeele & Ding 2017: breastfeeding, RR 3.9 (1.8, 8.7) -> 7.26, limit 3.0.
    result = e_values(estimate=[3.9, 0.544, 0.83, 0.74], lower=[1.8, 0.5, 0.8, 0.7], upper=[8.7, 0.6, 1.1, 0.8])
    np.testing.assert_allclose(result.point, [7.2630, 3.0796, 1.7016, 2.0404], atol=5e-5)
    assert result.limit[0] == pytest.approx(3.0, abs=1e-12)
    assert result.limit[2] == 1.0
    assert risk_ratio_of_common_hazard_ratio(0.544) == pytest.approx(0.656914, abs=5e-7)


def test_e_values__a_ratio_and_its_inverse_need_the_same_confounder() -> None:
    for is_rare in (True, False):
        one = e_values(estimate=[1.7], lower=[1.2], upper=[2.4], is_rare=is_rare)
        other = e_values(estimate=[1 / 1.7], lower=[1 / 2.4], upper=[1 / 1.2], is_rare=is_rare)
        np.testing.assert_allclose(one.point, other.point, rtol=EXACT)
        np.testing.assert_allclose(one.limit, other.limit, rtol=EXACT)


@pytest.mark.parametrize(("estimate", "lower"), [(0.0, 0.0), (np.nan, 0.5), (2.0, 2.5)])
def test_e_values__faults(estimate: float, lower: float) -> None:
    with pytest.raises(EstimatorInputError):
        e_values(estimate=[estimate], lower=[lower], upper=[3.0])


def test_pool_estimates__by_hand() -> None:
    pooled = pool_estimates(estimates=[[1.0], [2.0], [3.0]], standard_errors=[[0.5], [0.5], [0.5]])
    # W = 1/4, B = 1, T = 1/4 + 4/3 = 19/12, lambda = 16/19, nu = 2 / lambda^2.
    assert pooled.estimate[0] == pytest.approx(2.0, rel=EXACT)
    assert pooled.standard_error[0] == pytest.approx(np.sqrt(19 / 12), rel=EXACT)
    assert pooled.degrees_of_freedom[0] == pytest.approx(2 * (19 / 16) ** 2, rel=EXACT)
    assert pooled.relative_increase[0] == pytest.approx(16 / 3, rel=EXACT)
    nu = 2 * (19 / 16) ** 2
    assert pooled.fraction_missing[0] == pytest.approx((16 / 3 + 2 / (nu + 3)) / (19 / 3), rel=EXACT)
    low, high = pooled.interval()
    assert high[0] - 2.0 == pytest.approx(stats.t.ppf(0.975, nu) * np.sqrt(19 / 12), rel=EXACT)
    assert low[0] + high[0] == pytest.approx(4.0, rel=EXACT)


def test_pool_estimates__barnard_rubin_never_exceeds_the_complete_data() -> None:
    rng = np.random.default_rng(1)
    q, u = rng.normal(size=(20, 4)) * [0.0, 0.01, 0.3, 3.0], np.full((20, 4), 0.5)
    pooled = pool_estimates(estimates=q, standard_errors=u, complete_degrees_of_freedom=30)
    assert np.all(pooled.degrees_of_freedom <= 30 * 31 / 33 + 1e-9)
    assert pooled.degrees_of_freedom[0] == pytest.approx(30 * 31 / 33, rel=EXACT)
    large = pool_estimates(estimates=q, standard_errors=u)
    assert np.isinf(large.degrees_of_freedom[0])
    # Agreeing imputations are one analysis: normal limits.
    assert large.interval()[1][0] == pytest.approx(stats.norm.ppf(0.975) * 0.5, rel=EXACT)


def test_pool_wald_test__one_coefficient_is_the_square_of_its_t() -> None:
    rng = np.random.default_rng(2)
    q, u = rng.normal(1.0, 0.3, (10, 1)), rng.uniform(0.2, 0.4, (10, 1))
    joint = pool_wald_test(estimates=q, covariances=(u**2)[:, :, None])
    single = pool_estimates(estimates=q, standard_errors=u)
    assert joint.statistic == pytest.approx((single.estimate[0] / single.standard_error[0]) ** 2, rel=EXACT)
    same = pool_wald_test(estimates=np.ones((3, 2)), covariances=np.broadcast_to(np.eye(2), (3, 2, 2)))
    assert same.p_value == pytest.approx(stats.chi2.sf(2.0, 2), rel=EXACT)


def test_pool_estimates__faults() -> None:
    with pytest.raises(EstimatorInputError, match="m >= 2"):
        pool_estimates(estimates=[[1.0]], standard_errors=[[1.0]])
    with pytest.raises(EstimatorInputError, match="positive standard error"):
        pool_estimates(estimates=[[1.0], [np.nan]], standard_errors=[[1.0], [1.0]])


@pytest.mark.recovery
def test_pool_estimates__intervals_cover_under_imputation() -> None:
    rng = np.random.default_rng(3)
    covered = 0
    n, missing, m = 60, 30, 10
    for _ in range(2000):
        y = rng.normal(size=n)
        seen = y[missing:]
        estimates, errors = [], []
        for _ in range(m):
            # Proper draws: variance, then mean, then the missing values.
            variance = np.sum((seen - seen.mean()) ** 2) / rng.chisquare(seen.size - 1)
            mean = rng.normal(seen.mean(), np.sqrt(variance / seen.size))
            full = np.concatenate([rng.normal(mean, np.sqrt(variance), missing), seen])
            estimates.append([full.mean()])
            errors.append([full.std(ddof=1) / np.sqrt(n)])
        pooled = pool_estimates(estimates=estimates, standard_errors=errors, complete_degrees_of_freedom=n - 1)
        low, high = pooled.interval()
        covered += int(low[0] <= 0.0 <= high[0])
    assert 0.93 <= covered / 2000 <= 0.97


def test_incidence_rates__exact_poisson_limits() -> None:
    result = incidence_rates(n_events=[0, 1, 20], person_years=[1000.0, 500.0, 4000.0])
    np.testing.assert_allclose(result.rate, [0.0, 2.0, 5.0], rtol=EXACT)
    # Garwood 1936: 0 -> 3.6889, 1 -> 0.0253 to 5.5716, 20 -> 12.2165 to 30.8884.
    np.testing.assert_allclose(result.lower, [0.0, 2 * 0.025318, 12.21652 / 4], atol=1e-5)
    np.testing.assert_allclose(result.upper, [3.688879, 2 * 5.571643, 30.88838 / 4], atol=1e-5)
    for count, high in ((1, 5.571643), (20, 30.88838)):
        assert stats.poisson.cdf(count, high) == pytest.approx(0.025, abs=1e-6)


def test_incidence_by_group__counts_and_days() -> None:
    result = incidence_by_group(
        exit=[365.25, 730.5, 3652.5, 10], entry=[0, 365.25, 0, 5], event=[1, 0, 1, 0], group=[0, 0, 2, 2], n_groups=3
    )
    assert result.n_events.tolist() == [1, 0, 1]
    np.testing.assert_allclose(result.person_years, [2.0, 0.0, 10 + 5 / 365.25], rtol=EXACT)
    assert result.refusals == (None, "no follow-up time", None)
    assert result.rate[1] == 0.0
    with pytest.raises(EstimatorInputError, match="in 1 rows; 1 group codes"):
        incidence_by_group(exit=[0, 5], event=[1, 0], group=[0, 7], n_groups=2)
