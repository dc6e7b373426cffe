"""Steiger's direction test: the printed vector, extremes, a logistic simulation, refusals."""

from typing import Any

import numpy as np
import pytest
from scipy.stats import t as student

from python_models.estimators.genetics.errors import GeneticsInputError
from python_models.estimators.genetics.normal_tails import neg_log10_p
from python_models.estimators.genetics.steiger import correlation_from_log_odds, correlation_from_p, steiger

PRINTED = 1e-5  # the vector is printed with 6 digits


def test_steiger__equals_the_printed_vector() -> None:
    r_x = correlation_from_p(neg_log10_p=[10.0], n=1e5)
    r_y = correlation_from_p(neg_log10_p=[3.0], n=2e5)
    assert float(r_x[0]) == pytest.approx(0.0204484, rel=PRINTED)
    assert float(r_y[0]) == pytest.approx(0.0073578, rel=PRINTED)
    result = steiger(r_exposure=r_x, r_outcome=r_y, n_exposure=1e5, n_outcome=2e5)
    assert result.z == pytest.approx(3.380644, rel=PRINTED)
    assert result.p == pytest.approx(7.23161e-04, rel=PRINTED)
    assert result.is_exposure_first


def test_correlation_from_p__goes_on_where_p_underflows() -> None:
    just_below, just_above = correlation_from_p(neg_log10_p=[289.999, 290.001], n=50_000)
    assert just_above == pytest.approx(just_below, rel=1e-5)
    z, n = 60.0, 400_000
    r = correlation_from_p(neg_log10_p=neg_log10_p([z]), n=n)[0]
    assert r == pytest.approx(z / np.sqrt(n + z**2), rel=1e-2)


def test_correlation_from_p__is_the_correlation_that_has_that_p() -> None:
    r, n = 0.3, 200
    statistic = r * np.sqrt((n - 2) / (1 - r**2))
    p = 2 * student.sf(statistic, n - 1)  # N - 1 degrees of freedom, as TwoSampleMR
    assert correlation_from_p(neg_log10_p=[-np.log10(p)], n=n)[0] == pytest.approx(r, rel=1e-9)


def test_correlation_from_log_odds__explains_the_simulated_share_of_the_log_odds() -> None:
    rng = np.random.default_rng(1)
    effect, frequency, n = 0.5, 0.3, 400_000
    genotype = rng.binomial(2, frequency, size=n)
    latent = -2.0 + effect * genotype + rng.logistic(size=n)
    disease = latent > 0
    share = np.var(effect * genotype) / np.var(latent)
    ours = correlation_from_log_odds(
        log_odds_ratio=[effect],
        allele_frequency=[genotype.mean() / 2],
        n_cases=disease.sum(),
        n_controls=n - disease.sum(),
        prevalence=disease.mean(),
    )[0]
    assert ours**2 == pytest.approx(share, rel=0.03)


def test_correlation_from_log_odds__uses_the_population_not_the_sample_frequency() -> None:
    rare, frequent, null = correlation_from_log_odds(
        log_odds_ratio=[1.0, 1.0, 0.0],
        allele_frequency=0.3,
        n_cases=500.0,
        n_controls=500.0,
        prevalence=[0.001, 0.5, 0.1],
    )
    assert rare < frequent  # among controls, hence in the population, the risk allele is rarer than 0.3
    assert null == 0.0


def test_steiger__swapping_the_traits_turns_the_sign() -> None:
    one = steiger(r_exposure=[0.05, 0.02], r_outcome=[0.01, 0.03], n_exposure=1e5, n_outcome=2e5)
    other = steiger(r_exposure=[0.01, 0.03], r_outcome=[0.05, 0.02], n_exposure=2e5, n_outcome=1e5)
    assert one.z == pytest.approx(-other.z)  # type: ignore[operator]
    assert one.is_instrument_exposure_first.tolist() == [True, False]


def test_steiger__refuses_instruments_that_explain_more_than_everything() -> None:
    result = steiger(r_exposure=[0.8, 0.8], r_outcome=[0.1, 0.1], n_exposure=100, n_outcome=100)
    assert result.refusal == "the instruments explain 128% of a trait: they are not independent"
    assert result.p is None


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (lambda: correlation_from_p(neg_log10_p=[np.inf], n=10), "compute it from Z"),
        (lambda: correlation_from_p(neg_log10_p=[1.0], n=2), "below 3"),
        (lambda: steiger(r_exposure=[0.1], r_outcome=[0.1], n_exposure=3, n_outcome=9), "above 3"),
        (
            lambda: correlation_from_log_odds(
                log_odds_ratio=[1], allele_frequency=[0], n_cases=1, n_controls=1, prevalence=0.1
            ),
            "allele_frequency must lie",
        ),
    ],
)
def test_steiger__refuses_bad_input_by_name(call: Any, reason: str) -> None:
    with pytest.raises(GeneticsInputError, match=reason):
        call()
