"""Mendelian randomization: by hand, weighted regression by least squares, invariance, recovery, refusals."""

from typing import Any

import numpy as np
import pytest

from python_models.estimators.genetics.errors import FloatArray, GeneticsInputError
from python_models.estimators.genetics.mendelian_randomisation import (
    CausalEstimate,
    Instruments,
    causal_estimate,
    causal_estimates,
    instrument_strength,
    leave_one_out,
    weighted_medians,
)

EXACT = 1e-10


def simulated(
    *, n: int = 40, effect: float = 0.4, pleiotropy: float = 0.0, spread: float = 0.0, seed: int = 1
) -> Instruments:
    """Instruments of a known effect, with directional (mean) and balanced (spread) pleiotropy of the outcome."""
    rng = np.random.default_rng(seed)
    beta = rng.uniform(0.03, 0.12, size=n)
    se_exposure, se_outcome = np.full(n, 0.004), rng.uniform(0.006, 0.012, size=n)
    direct = pleiotropy + spread * rng.normal(size=n)
    return Instruments.of(
        beta_exposure=beta + se_exposure * rng.normal(size=n),
        se_exposure=se_exposure,
        beta_outcome=effect * beta + direct + se_outcome * rng.normal(size=n),
        se_outcome=se_outcome,
    )


def run(instruments: Instruments, method: Any) -> CausalEstimate:
    return causal_estimate(instruments, method=method, rng=np.random.default_rng(5))


def weighted_regression(x: FloatArray, y: FloatArray, weight: FloatArray) -> tuple[FloatArray, FloatArray, float]:
    """Coefficients, standard errors and residual standard deviation of `lm(y ~ x, weights)`."""
    root = np.sqrt(weight)
    coefficients, *_ = np.linalg.lstsq(x * root[:, np.newaxis], y * root)
    sigma = np.sqrt((weight * (y - x @ coefficients) ** 2).sum() / (y.size - x.shape[1]))
    covariance = sigma**2 * np.linalg.inv((x * weight[:, np.newaxis]).T @ x)
    return np.asarray(coefficients), np.asarray(np.sqrt(np.diag(covariance))), float(sigma)


@pytest.mark.parametrize("spread", [0.0, 0.02], ids=["homogeneous", "heterogeneous"])
def test_ivw__is_weighted_regression_through_the_origin(spread: float) -> None:
    data = simulated(spread=spread)
    weight = 1 / data.se_outcome**2
    (slope,), (error,), sigma = weighted_regression(data.beta_exposure[:, np.newaxis], data.beta_outcome, weight)
    floored, multiplicative, fixed = (run(data, m) for m in ("ivw", "ivw_multiplicative", "ivw_fixed"))
    assert floored.estimate == pytest.approx(slope, rel=EXACT)
    assert floored.standard_error == pytest.approx(error / min(1, sigma), rel=EXACT)
    assert multiplicative.standard_error == pytest.approx(error, rel=EXACT)
    assert fixed.standard_error == pytest.approx(error / sigma, rel=EXACT)
    assert floored.q == pytest.approx(sigma**2 * (data.n - 1), rel=EXACT)


def test_egger__is_weighted_regression_with_an_intercept_after_orientation() -> None:
    data = simulated(pleiotropy=0.01, spread=0.02)
    design = np.column_stack([np.ones(data.n), data.beta_exposure])
    coefficients, errors, sigma = weighted_regression(design, data.beta_outcome, 1 / data.se_outcome**2)
    result = run(data, "egger")
    assert (result.intercept, result.estimate) == pytest.approx(tuple(coefficients), rel=EXACT)
    assert (result.intercept_standard_error, result.standard_error) == pytest.approx(
        tuple(errors / min(1, sigma)), rel=EXACT
    )


def test_weighted_medians__by_hand() -> None:
    # Middles of the cumulated weights: 1/8, 4/8, 7/8: the second value is the median.
    assert weighted_medians(np.array([[3.0, 1.0, 2.0]]), np.array([1.0, 1.0, 2.0])).tolist() == [2.0]
    # Equal weights, even number: halfway between the two in the middle.
    assert weighted_medians(np.array([[4.0, 1.0, 2.0, 8.0]]), np.ones(4)).tolist() == [3.0]
    # One weight holds more than half: its own value, not an index out of range.
    assert weighted_medians(np.array([[5.0, 1.0]]), np.array([1.0, 99.0])).tolist()[0] == pytest.approx(1.0, abs=0.1)


def test_wald_ratio__of_one_instrument() -> None:
    one = Instruments.of(beta_exposure=[-0.2], se_exposure=[0.01], beta_outcome=[0.1], se_outcome=[0.02])
    result = run(one, "wald_ratio")
    assert (result.estimate, result.standard_error) == (-0.5, pytest.approx(0.1))


@pytest.mark.parametrize("method", ["ivw", "egger", "weighted_median", "simple_median"])
def test_causal_estimate__counted_allele_and_order_of_instruments_do_not_matter(method: Any) -> None:
    data = simulated(spread=0.02)
    rng = np.random.default_rng(2)
    order, sign = rng.permutation(data.n), rng.choice([-1.0, 1.0], size=data.n)
    other = Instruments.of(
        beta_exposure=(sign * data.beta_exposure)[order],
        se_exposure=data.se_exposure[order],
        beta_outcome=(sign * data.beta_outcome)[order],
        se_outcome=data.se_outcome[order],
    )
    assert run(other, method).estimate == pytest.approx(run(data, method).estimate, rel=EXACT)


@pytest.mark.parametrize("method", ["ivw", "egger", "weighted_median", "simple_median"])
def test_causal_estimate__unit_of_the_exposure_scales_the_estimate(method: Any) -> None:
    data = simulated(spread=0.02)
    grams = Instruments.of(
        beta_exposure=1_000 * data.beta_exposure,
        se_exposure=1_000 * data.se_exposure,
        beta_outcome=data.beta_outcome,
        se_outcome=data.se_outcome,
    )
    one, other = run(data, method), run(grams, method)
    assert one.estimate is not None
    assert one.standard_error is not None
    assert other.estimate == pytest.approx(one.estimate / 1_000, rel=EXACT)
    assert other.standard_error == pytest.approx(one.standard_error / 1_000, rel=1e-6)
    assert other.p == pytest.approx(one.p, rel=1e-6)


def test_medians__repeat_with_their_seed() -> None:
    data = simulated()
    assert run(data, "weighted_median") == run(data, "weighted_median")


def test_causal_estimates__egger_and_not_ivw_withstands_directional_pleiotropy() -> None:
    data = simulated(n=200, pleiotropy=0.03)
    ivw, egger = run(data, "ivw"), run(data, "egger")
    assert ivw.estimate is not None
    assert ivw.standard_error is not None
    assert egger.estimate is not None
    assert egger.standard_error is not None
    assert abs(ivw.estimate - 0.4) > 5 * ivw.standard_error
    assert abs(egger.estimate - 0.4) < 2.5 * egger.standard_error
    assert egger.intercept == pytest.approx(0.03, abs=0.005)
    assert egger.intercept_p is not None
    assert egger.intercept_p < 1e-6


def test_causal_estimates__the_median_withstands_a_minority_of_invalid_instruments() -> None:
    data = simulated(n=60)
    spoiled = data.beta_outcome.copy()
    spoiled[:20] += 0.1
    data = Instruments(data.beta_exposure, data.se_exposure, spoiled, data.se_outcome)
    estimates = {e.method: e.estimate for e in causal_estimates(data, rng=np.random.default_rng(1))}
    assert estimates["wald_ratio"] is None
    assert estimates["ivw"] is not None
    assert estimates["weighted_median"] is not None
    assert abs(estimates["weighted_median"] - 0.4) < 0.2 < abs(estimates["ivw"] - 0.4)


def test_ivw__covers_the_planted_effect_in_95_of_100_studies() -> None:
    covered = 0
    for seed in range(400):
        result = run(simulated(seed=seed, spread=0.01), "ivw")
        assert result.estimate is not None
        assert result.standard_error is not None
        covered += abs(result.estimate - 0.4) < 1.96 * result.standard_error
    assert covered / 400 == pytest.approx(0.95, abs=0.035)


def test_leave_one_out__finds_the_instrument_that_carries_the_result() -> None:
    data = simulated(effect=0.0)
    spoiled = data.beta_outcome.copy()
    spoiled[7] += 0.5
    data = Instruments(data.beta_exposure, data.se_exposure, spoiled, data.se_outcome)
    without = leave_one_out(data)
    assert len(without) == data.n
    p = [estimate.p for estimate in without]
    q = [estimate.q for estimate in without]
    assert int(np.argmin(np.array(q, dtype=float))) == 7
    assert p[7] is not None
    assert p[7] > 0.05


@pytest.mark.parametrize(
    ("n", "method", "reason"),
    [
        (1, "ivw", "needs at least 2"),
        (2, "egger", "needs at least 3"),
        (2, "weighted_median", "needs at least 3"),
        (2, "wald_ratio", "for exactly one"),
    ],
)
def test_causal_estimate__too_few_instruments_is_a_refusal(n: int, method: Any, reason: str) -> None:
    result = run(simulated(n=n), method)
    assert result.refusal is not None
    assert reason in result.refusal
    assert result.estimate is None


def test_egger__refuses_where_all_instruments_are_equally_strong() -> None:
    same = Instruments.of(
        beta_exposure=[0.1] * 4, se_exposure=[0.01] * 4, beta_outcome=[0.1, 0.2, 0.0, 0.1], se_outcome=[0.1] * 4
    )
    assert run(same, "egger").refusal == "all instruments move the exposure equally: no slope"


def test_instrument_strength__warns_of_overlap_weakness_and_dilution() -> None:
    strong = instrument_strength(simulated())
    assert strong.mean_f > 100
    assert strong.notes == ()
    shared = instrument_strength(simulated(), overlap_share=1.0)
    assert shared.expected_relative_bias == pytest.approx(1 / shared.mean_f)
    assert any(note.startswith("assumed, not known: the studies share 100%") for note in shared.notes)
    stated = instrument_strength(simulated(), overlap_share=0.4, is_overlap_known=True)
    assert any(note.startswith("as stated: the studies share 40%") for note in stated.notes)
    weak = Instruments.of(
        beta_exposure=[0.02, 0.03, 0.025], se_exposure=[0.01] * 3, beta_outcome=[0.0] * 3, se_outcome=[0.01] * 3
    )
    notes = instrument_strength(weak).notes
    assert any("weak instruments" in note for note in notes)
    assert any("diluted" in note for note in notes)


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (lambda: causal_estimate(simulated(), method="mode"), "unknown"),  # type: ignore[arg-type]
        (lambda: causal_estimate(simulated(), method="weighted_median"), "default_rng"),
        (lambda: instrument_strength(simulated(), overlap_share=1.5), "between 0 and 1"),
    ],
)
def test_causal_estimate__refuses_bad_options_by_name(call: Any, reason: str) -> None:
    with pytest.raises(GeneticsInputError, match=reason):
        call()


def test_instruments__faults_are_one_report() -> None:
    with pytest.raises(GeneticsInputError) as caught:
        Instruments.of(
            beta_exposure=[0.0, np.nan], se_exposure=[0.1, -1.0], beta_outcome=[1.0, 1.0], se_outcome=[0.0, 1.0]
        )
    assert len(caught.value.faults) == 4
