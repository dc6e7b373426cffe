"""The three shares, the four-way decomposition and the Monte-Carlo intervals, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import norm

from python_models.estimators.mediation.faults import MediationInputError
from python_models.estimators.mediation.four_way import COMPONENTS, SHARES, component_values, four_way
from python_models.estimators.mediation.mediated_share import mediated_share, share_values
from python_models.estimators.mediation.monte_carlo import (
    monte_carlo_effects,
    semidefinite_cholesky,
    standard_draws,
)
from python_models.estimators.mediation.natural_effects import EFFECTS, Contrast, effect_values, natural_effects

# Same algebra in another order: rounding only.
EXACT = 1e-12
# The specification prints four digits.
PRINTED = 5e-5
# Percentiles of 20,000 stratified draws of a product against its normal or exact value.
DRAWN = 0.02


@pytest.mark.parametrize(
    ("indirect", "log_scale", "vanderweele"), [(-0.1, 0.1643, 0.1255), (-0.2, 0.3285, 0.2641), (-0.3, 0.4928, 0.4174)]
)
def test_share_values__worked_example_of_the_specification(
    indirect: float, log_scale: float, vanderweele: float
) -> None:
    total = np.array([np.log(0.544)])
    effects = {"total": total, "direct": total - indirect, "indirect": np.array([indirect])}
    assert_allclose(share_values(definition="log_scale", **effects), log_scale, atol=PRINTED)
    assert_allclose(share_values(definition="vanderweele", **effects), vanderweele, atol=PRINTED)


def test_share_values__excess_relative_risk_is_vanderweele_when_the_total_is_the_sum() -> None:
    direct, indirect = np.array([-0.3, 0.2]), np.array([-0.1, 0.4])
    effects = {"total": direct + indirect, "direct": direct, "indirect": indirect}
    assert_allclose(
        share_values(definition="excess_relative_risk", **effects),
        share_values(definition="vanderweele", **effects),
        rtol=EXACT,
    )


def test_mediated_share__refuses_each_meaningless_share_with_its_reason() -> None:
    got = mediated_share(
        definition="vanderweele",
        total=[-0.6, -0.1, -0.5],
        direct=[-0.4, -0.05, -0.7],
        indirect=[-0.2, -0.05, 0.2],
        total_lower=[-0.8, -0.3, -0.7],
        total_upper=[-0.4, 0.1, -0.3],
    )
    assert got.refusal[0] is None
    assert "not distinguishable from zero" in str(got.refusal[1])
    assert "opposite signs" in str(got.refusal[2])
    assert np.isnan(got.share[1:]).all()
    assert_allclose(got.share[0], np.exp(-0.4) * np.expm1(-0.2) / np.expm1(-0.6), rtol=EXACT)


def test_mediated_share__interval_is_the_percentile_of_the_draws() -> None:
    rng = np.random.default_rng(2)
    direct, indirect = rng.normal(-0.4, 0.02, 4001), rng.normal(-0.2, 0.02, 4001)
    draws = np.stack([direct + indirect, direct, indirect], axis=-1)[None]
    got = mediated_share(
        definition="log_scale",
        total=-0.6,
        direct=-0.4,
        indirect=-0.2,
        total_lower=-0.7,
        total_upper=-0.5,
        draws=draws,
    )
    lower, upper = np.quantile(indirect / (direct + indirect), [0.025, 0.975])
    assert_allclose([got.lower[0], got.upper[0]], [lower, upper], rtol=EXACT)


def test_mediated_share__faults_come_together() -> None:
    with pytest.raises(MediationInputError) as caught:
        mediated_share(
            definition="percent",
            total=[1.0, np.nan],
            direct=[1.0],
            indirect=[0, 1],
            total_lower=[0, 0],
            total_upper=[1, 1],
        )
    assert len(caught.value.faults) == 3


@pytest.mark.parametrize("mediator_model", ["linear", "logistic"])
@pytest.mark.parametrize("scale", ["log_ratio", "difference"])
def test_component_values__parts_sum_to_the_total(mediator_model: str, scale: str) -> None:
    paths = np.random.default_rng(4).normal(scale=0.5, size=(20, 6))
    paths[:, 2] = np.abs(paths[:, 2])
    contrast = Contrast(0.2, 1.4, 0.3)
    got = component_values(paths, contrast=contrast, mediator_model=mediator_model, outcome_scale=scale)
    assert_allclose(got[:, :4].sum(axis=1), got[:, 4], rtol=1e-10, atol=1e-12)
    te = effect_values(paths, contrast=contrast, mediator_model=mediator_model, outcome_scale=scale)[
        :, EFFECTS.index("te")
    ]
    assert_allclose(got[:, 4], te if scale == "difference" else np.expm1(te), rtol=1e-10)


def test_component_values__binary_mediator_from_counterfactual_risks() -> None:
    h, b1, t1, t2, t3 = -0.4, 0.7, 0.3, 0.5, 0.2
    level = 1.0
    chance = {a: 1 / (1 + np.exp(-(h + b1 * a))) for a in (0, 1)}

    def risk(a: int, m: float) -> float:
        return float(np.exp(t1 * a + t2 * m + t3 * a * m))

    def mean(a: int, a_star: int) -> float:
        return (1 - chance[a_star]) * risk(a, 0) + chance[a_star] * risk(a, 1)

    base = mean(0, 0)
    cde = (risk(1, level) - risk(0, level)) / base
    interaction = risk(1, 1) - risk(1, 0) - risk(0, 1) + risk(0, 0)
    expected = {
        "cde": cde,
        # With m* = 1 the reference interaction is minus the interaction times the chance of being at 0 instead.
        "intref": -interaction * (1 - chance[0]) / base,
        "intmed": interaction * (chance[1] - chance[0]) / base,
        "pnie": (mean(0, 1) - base) / base,
        "te": (mean(1, 1) - base) / base,
    }
    got = component_values(
        np.array([h, b1, 0.0, t1, t2, t3]), contrast=Contrast(0, 1, level), mediator_model="logistic"
    )
    assert_allclose(got, [expected[name] for name in COMPONENTS], rtol=EXACT)


def test_four_way__no_interaction_leaves_two_parts_and_their_shares() -> None:
    paths = np.array([0.1, 0.5, 1.0, 0.3, 0.2, 0.0])
    covariance = np.diag([0.01, 0.01, 0.02, 0.01, 0.01, 0.0])
    got = four_way(paths, covariance, contrast=Contrast(mediator_level=0.1))
    intmed, intref = got.component[COMPONENTS.index("intmed")], got.component[COMPONENTS.index("intref")]
    # On the ratio scale no interaction of the coefficients is an interaction of the excess risks, not none.
    assert intmed > 0
    te = got.component[COMPONENTS.index("te")]
    assert_allclose(got.share[SHARES.index("interaction")], (intmed + intref) / te, rtol=EXACT)
    assert_allclose(got.share[:4].sum(), 1.0, rtol=EXACT)
    assert (got.component_standard_error > 0).all()


def test_semidefinite_cholesky__rebuilds_and_keeps_zero_columns() -> None:
    root = np.random.default_rng(8).normal(size=(3, 6, 6))
    covariance = root @ np.swapaxes(root, 1, 2)
    covariance[:, 5, :] = covariance[:, :, 5] = 0.0
    factor = semidefinite_cholesky(covariance)
    assert_allclose(factor @ np.swapaxes(factor, 1, 2), covariance, atol=1e-10)
    assert not factor[:, 5].any()
    with pytest.raises(MediationInputError, match="positive semidefinite for 1"):
        semidefinite_cholesky(np.diag([1.0, 1, 1, 1, 1, -0.5])[None])


def test_standard_draws__each_slice_once() -> None:
    draws = standard_draws(n_draws=200, seed=1)
    slices = np.sort(np.floor(norm.cdf(draws) * 200), axis=0)
    assert_allclose(slices, np.tile(np.arange(200.0)[:, None], (1, 6)))


def small_panel() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(6)
    paths = rng.normal(scale=0.2, size=(7, 6))
    paths[:, 2], paths[:, 5] = 1.0, 0.0
    covariance = np.zeros((7, 6, 6))
    covariance[:, range(5), range(5)] = rng.uniform(0.01, 0.03, size=(7, 5)) ** 2
    return paths, covariance


def test_monte_carlo_effects__single_coefficient_has_its_normal_interval() -> None:
    paths, covariance = small_panel()
    got = monte_carlo_effects(paths, covariance, contrast=Contrast(), seed=3)
    exact = natural_effects(paths, covariance, contrast=Contrast())
    column = EFFECTS.index("pnde")
    assert_allclose(got.lower[:, column], exact.lower[:, column], atol=DRAWN * exact.standard_error[:, column].max())
    assert_allclose(got.upper[:, column], exact.upper[:, column], atol=DRAWN * exact.standard_error[:, column].max())


def test_monte_carlo_effects__product_agrees_with_brute_force() -> None:
    paths, covariance = small_panel()
    got = monte_carlo_effects(paths[:1], covariance[:1], contrast=Contrast(), seed=3, n_draws=20_000)
    rng = np.random.default_rng(77)
    b = rng.normal(paths[0, 1], np.sqrt(covariance[0, 1, 1]), 400_000)
    t = rng.normal(paths[0, 4], np.sqrt(covariance[0, 4, 4]), 400_000)
    column = EFFECTS.index("tnie")
    spread = (b * t).std()
    assert_allclose(
        [got.lower[0, column], got.upper[0, column]], np.quantile(b * t, [0.025, 0.975]), atol=2 * DRAWN * spread
    )


def test_monte_carlo_effects__simple_path_equals_general_path() -> None:
    paths, covariance = small_panel()
    simple = monte_carlo_effects(paths, covariance, contrast=Contrast(), seed=3, n_draws=400)
    # One mediator with an interaction sends the whole panel through the general path.
    other = np.concatenate([paths, paths[:1]])
    other[-1, 5] = 0.3
    general = monte_carlo_effects(
        other, np.concatenate([covariance, covariance[:1]]), contrast=Contrast(), seed=3, n_draws=400
    )
    assert_allclose(simple.lower, general.lower[:-1], rtol=1e-10)
    assert_allclose(simple.upper, general.upper[:-1], rtol=1e-10)


def test_monte_carlo_effects__order_of_the_panel_and_its_blocks_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    paths, covariance = small_panel()
    order = np.array([3, 0, 6, 1, 5, 2, 4])
    one = monte_carlo_effects(paths, covariance, contrast=Contrast(), seed=3, n_draws=300)
    monkeypatch.setattr("python_models.estimators.mediation.monte_carlo.BLOCK_PAIRS", 600)
    other = monte_carlo_effects(paths[order], covariance[order], contrast=Contrast(), seed=3, n_draws=300)
    assert_allclose(one.lower[order], other.lower, rtol=EXACT)
    assert_allclose(one.log_share_upper[order], other.log_share_upper, rtol=EXACT)


def test_monte_carlo_effects__same_seed_same_bytes_other_seed_other_draws() -> None:
    paths, covariance = small_panel()
    one = monte_carlo_effects(paths, covariance, contrast=Contrast(), seed=3)
    again = monte_carlo_effects(paths, covariance, contrast=Contrast(), seed=3)
    other = monte_carlo_effects(paths, covariance, contrast=Contrast(), seed=4)
    assert one.lower.tobytes() == again.lower.tobytes()
    assert one.lower.tobytes() != other.lower.tobytes()


def test_monte_carlo_effects__too_few_draws_are_refused() -> None:
    paths, covariance = small_panel()
    with pytest.raises(MediationInputError, match="at least 100"):
        monte_carlo_effects(paths, covariance, contrast=Contrast(), seed=3, n_draws=20)
