"""Natural effects by hand, their invariances, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from python_models.estimators.mediation.delta_method import complex_step_gradient
from python_models.estimators.mediation.faults import MediationInputError
from python_models.estimators.mediation.fit_natural_effects import fit_natural_effects
from python_models.estimators.mediation.natural_effects import (
    EFFECTS,
    PATHS,
    Contrast,
    effect_values,
    expit,
    natural_effects,
    path_covariance,
    softplus,
)

# Closed forms against the same closed forms in another order: rounding only.
EXACT = 1e-13
# Printed vectors of the specification carry this many digits.
PRINTED = 5e-8
# Brute-force integration over a mediator grid.
INTEGRATION = 1e-8


def paths_of(**values: float) -> np.ndarray:
    return np.array([values.get(name, 0.0) for name in PATHS])


def test_natural_effects__product_and_sobel_vector() -> None:
    paths = paths_of(exposure_to_mediator=0.2, mediator_to_outcome=0.15, mediator_variance=1.0)
    covariance = np.zeros((6, 6))
    covariance[1, 1], covariance[4, 4] = 0.01**2, 0.03**2
    effects = natural_effects(paths, covariance, contrast=Contrast())
    tnie = effects.column("tnie")
    assert_allclose(effects.estimate[tnie], 0.03, rtol=EXACT)
    assert_allclose(effects.standard_error[tnie], 0.0061847, atol=PRINTED)


def test_effect_values__proportion_mediated_vector() -> None:
    paths = paths_of(exposure_to_outcome=np.log(0.544) + 0.2, exposure_to_mediator=1.0, mediator_to_outcome=-0.2)
    assert_allclose(effect_values(paths, contrast=Contrast())[EFFECTS.index("pm")], 0.2641, atol=5e-5)


@pytest.mark.parametrize("interaction", [0.0, 0.3])
def test_effect_values__linear_mediator_is_the_integral_over_its_distribution(interaction: float) -> None:
    h, b1, s2, t1, t2 = 0.4, 0.7, 0.8, -0.3, 0.5
    a0, a1 = 0.5, 2.0
    node, weight = np.polynomial.hermite_e.hermegauss(80)
    weight = weight / weight.sum()

    def log_mean_rate(a: float, a_star: float) -> float:
        m = h + b1 * a_star + np.sqrt(s2) * node
        return float(np.log(weight @ np.exp(t1 * a + t2 * m + interaction * a * m)))

    got = effect_values(np.array([h, b1, s2, t1, t2, interaction]), contrast=Contrast(a0, a1))
    expected = {
        "pnde": log_mean_rate(a1, a0) - log_mean_rate(a0, a0),
        "tnie": log_mean_rate(a1, a1) - log_mean_rate(a1, a0),
        "tnde": log_mean_rate(a1, a1) - log_mean_rate(a0, a1),
        "pnie": log_mean_rate(a0, a1) - log_mean_rate(a0, a0),
        "te": log_mean_rate(a1, a1) - log_mean_rate(a0, a0),
    }
    for name, value in expected.items():
        assert_allclose(got[EFFECTS.index(name)], value, rtol=INTEGRATION, err_msg=name)


@pytest.mark.parametrize("scale", ["log_ratio", "difference"])
def test_effect_values__logistic_mediator_is_the_sum_over_its_two_values(scale: str) -> None:
    h, b1, t1, t2, t3 = -0.4, 0.7, -0.3, 0.5, 0.2
    a0, a1 = 0.0, 1.5

    def mean(a: float, a_star: float) -> float:
        p = 1 / (1 + np.exp(-(h + b1 * a_star)))
        if scale == "difference":
            return t1 * a + (t2 + t3 * a) * p
        return float(np.log((1 - p) * np.exp(t1 * a) + p * np.exp(t1 * a + t2 + t3 * a)))

    got = effect_values(
        np.array([h, b1, 0.0, t1, t2, t3]), contrast=Contrast(a0, a1), mediator_model="logistic", outcome_scale=scale
    )
    assert_allclose(got[EFFECTS.index("pnde")], mean(a1, a0) - mean(a0, a0), rtol=EXACT)
    assert_allclose(got[EFFECTS.index("tnie")], mean(a1, a1) - mean(a1, a0), rtol=EXACT)
    assert_allclose(got[EFFECTS.index("pnie")], mean(a0, a1) - mean(a0, a0), rtol=EXACT)
    assert_allclose(got[EFFECTS.index("tnde")], mean(a1, a1) - mean(a0, a1), rtol=EXACT)


@pytest.mark.parametrize("mediator_model", ["linear", "logistic"])
@pytest.mark.parametrize("scale", ["log_ratio", "difference"])
def test_complex_step_gradient__equals_central_differences(mediator_model: str, scale: str) -> None:
    point = np.array([0.3, 0.6, 0.9, -0.2, 0.4, 0.15])

    def function(p: np.ndarray) -> np.ndarray:
        return effect_values(p, contrast=Contrast(0.2, 1.3, 0.5), mediator_model=mediator_model, outcome_scale=scale)

    step = 1e-6
    numeric = np.stack(
        [(function(point + step * e) - function(point - step * e)) / (2 * step) for e in np.eye(6)], axis=-1
    )
    assert_allclose(complex_step_gradient(function, point), numeric, rtol=1e-7, atol=1e-8)


def test_softplus_and_expit__do_not_overflow() -> None:
    z = np.array([-1000.0, -1.0, 0.0, 1.0, 1000.0])
    assert_allclose(softplus(z), [0.0, np.log1p(np.exp(-1)), np.log(2), 1 + np.log1p(np.exp(-1)), 1000.0], rtol=EXACT)
    assert_allclose(expit(z), [0.0, 1 / (1 + np.e), 0.5, np.e / (1 + np.e), 1.0], rtol=EXACT)


def test_natural_effects__many_mediators_equal_one_by_one() -> None:
    rng = np.random.default_rng(11)
    paths = rng.normal(size=(5, 6))
    paths[:, 2] = np.abs(paths[:, 2])
    root = rng.normal(size=(5, 6, 6)) * 0.1
    covariance = root @ np.swapaxes(root, 1, 2)
    together = natural_effects(paths, covariance, contrast=Contrast(0.0, 1.0, 0.2))
    for j in range(5):
        alone = natural_effects(paths[j], covariance[j], contrast=Contrast(0.0, 1.0, 0.2))
        assert_allclose(together.estimate[j], alone.estimate, rtol=EXACT)
        assert_allclose(together.standard_error[j], alone.standard_error, rtol=1e-10)


def cohort(seed: int = 3, n: int = 800) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    c = rng.normal(size=(n, 2))
    a = rng.normal(size=n) + 0.3 * c[:, 0]
    m = 0.5 * a + 0.2 * c[:, 1] + rng.normal(size=n)
    time = rng.exponential(np.exp(-(0.2 * a + 0.4 * m + 0.1 * c[:, 0])))
    end = rng.uniform(0.2, 1.5, size=n)
    days = np.ceil(1000 * np.minimum(time, end)).astype(float)
    return {"exposure": a, "mediator": m, "outcome": days, "event": (time <= end) * 1.0, "covariates": c}


def test_fit_natural_effects__order_of_rows_does_not_matter() -> None:
    data = cohort()
    order = np.random.default_rng(1).permutation(data["exposure"].shape[0])
    one = fit_natural_effects(**data, has_interaction=True).effects
    other = fit_natural_effects(**{k: v[order] for k, v in data.items()}, has_interaction=True).effects
    assert one is not None
    assert other is not None
    assert_allclose(one.estimate, other.estimate, rtol=1e-8)
    assert_allclose(one.standard_error, other.standard_error, rtol=1e-8)


@pytest.mark.parametrize("outcome_model", ["cox", "aft_exponential", "aft_weibull", "linear"])
def test_fit_natural_effects__units_of_the_mediator_do_not_matter(outcome_model: str) -> None:
    data = cohort()
    one = fit_natural_effects(**data, outcome_model=outcome_model, has_interaction=True)
    data["mediator"] = 40.0 + 1000.0 * data["mediator"]
    other = fit_natural_effects(
        **data, outcome_model=outcome_model, has_interaction=True, contrast=Contrast(mediator_level=40.0)
    )
    assert one.effects is not None
    assert other.effects is not None
    assert_allclose(one.effects.estimate, other.effects.estimate, rtol=1e-6)
    assert_allclose(one.effects.standard_error, other.effects.standard_error, rtol=1e-6)


def test_fit_natural_effects__rescaled_time_leaves_ratios() -> None:
    data = cohort()
    one = fit_natural_effects(**data, outcome_model="aft_weibull")
    data["outcome"] = data["outcome"] * 365.25
    other = fit_natural_effects(**data, outcome_model="aft_weibull")
    assert one.effects is not None
    assert other.effects is not None
    assert_allclose(one.effects.estimate, other.effects.estimate, rtol=1e-7)


def test_fit_natural_effects__no_interaction_means_one_direct_and_one_indirect_effect() -> None:
    effects = fit_natural_effects(**cohort()).effects
    assert effects is not None
    cde, pnde, tnie, tnde, pnie, te, _ = effects.estimate
    assert_allclose([cde, tnde], pnde, rtol=EXACT)
    assert_allclose(pnie, tnie, rtol=EXACT)
    assert_allclose(te, pnde + tnie, rtol=EXACT)


def test_fit_natural_effects__exponential_model_has_the_rate_ratio_closed_form() -> None:
    exposure = np.repeat([0.0, 1.0], 40)
    mediator = np.tile(np.repeat([0.0, 1.0], 20), 2)
    rng = np.random.default_rng(5)
    time = rng.exponential(1.0, size=80) + 0.1
    event = (rng.random(80) < 0.7) * 1.0
    fit = fit_natural_effects(
        exposure=exposure,
        mediator=mediator,
        outcome=time,
        event=event,
        outcome_model="aft_exponential",
        mediator_model="logistic",
        has_interaction=True,
    )
    rate = {
        (a, m): event[(exposure == a) & (mediator == m)].sum() / time[(exposure == a) & (mediator == m)].sum()
        for a in (0, 1)
        for m in (0, 1)
    }
    assert fit.refusal is None
    assert_allclose(fit.paths[3], -np.log(rate[1, 0] / rate[0, 0]), rtol=1e-8)
    assert_allclose(fit.paths[4], -np.log(rate[0, 1] / rate[0, 0]), rtol=1e-8)
    assert_allclose(fit.paths[5], -np.log(rate[1, 1] * rate[0, 0] / rate[1, 0] / rate[0, 1]), rtol=1e-7)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"mediator": lambda d: np.zeros_like(d["exposure"])}, "mediator model: the response is constant"),
        ({"exposure": lambda d: np.ones_like(d["exposure"])}, "mediator model: 1 columns of the design"),
        ({"mediator": lambda d: 2.0 * d["exposure"]}, "exact combination"),
        ({"event": lambda d: np.zeros_like(d["event"])}, "outcome model: no events"),
    ],
)
def test_fit_natural_effects__refuses_by_name(change: dict, words: str) -> None:
    data = cohort()
    data |= {name: make(data) for name, make in change.items()}
    fit = fit_natural_effects(**data)
    assert fit.effects is None
    assert fit.refusal is not None
    assert words in fit.refusal


def test_fit_natural_effects__a_group_without_events_has_no_aft_estimate() -> None:
    data = cohort()
    data["exposure"] = (data["exposure"] > 1.5) * 1.0
    data["event"] = np.where(data["exposure"] == 1, 0.0, data["event"])
    fit = fit_natural_effects(**data, outcome_model="aft_weibull")
    assert fit.refusal is not None
    assert "no finite maximum" in fit.refusal


def test_fit_natural_effects__separated_binary_mediator_is_refused() -> None:
    data = cohort()
    data["mediator"] = (data["exposure"] > 0) * 1.0
    fit = fit_natural_effects(**data, mediator_model="logistic")
    assert fit.refusal is not None
    assert "separated" in fit.refusal


def test_fit_natural_effects__every_input_fault_in_one_message() -> None:
    data = cohort(n=50)
    data["mediator"] = data["mediator"].copy()
    data["mediator"][:3] = np.nan
    data["event"] = data["event"] * 2
    with pytest.raises(MediationInputError) as caught:
        fit_natural_effects(**data, outcome_model="gompertz")
    message = str(caught.value)
    assert "outcome_model must be one of" in message
    assert "mediator has 3 values" in message


def test_natural_effects__equal_exposures_are_no_contrast() -> None:
    with pytest.raises(MediationInputError, match="no contrast"):
        natural_effects(np.zeros(6), np.zeros((6, 6)), contrast=Contrast(1.0, 1.0))


def test_path_covariance__models_are_independent() -> None:
    got = path_covariance(
        mediator_covariance=np.full((2, 2), 0.5),
        mediator_variance=2.0,
        residual_degrees_of_freedom=100,
        outcome_covariance=np.full((3, 3), 0.25),
    )
    assert not got[:3, 3:].any()
    assert_allclose(got[2, 2], 2 * 4 / 100)
