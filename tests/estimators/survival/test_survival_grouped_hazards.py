"""Grouped proportional hazards on visit intervals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from python_models.estimators.survival.cox import EstimatorInputError, fit_cox
from python_models.estimators.survival.grouped_hazards import fit_grouped_hazards
from python_models.estimators.survival.visit_intervals import visit_intervals

ROUNDING = 1e-8


def test_visit_intervals__truth_table() -> None:
    day = np.array(
        [[0, 900, 2000], [0, 950, 1900], [0, 1000, 2100], [0, 800, 1800], [0, 0, 1500], [0, 0, 0], [0, 900, 2000]]
    )
    status = np.array(
        [
            [0, 0, 0],  # seen three times, never has it
            [0, 1, 0],  # has it at the second visit: later visits do not count
            [1, 0, 1],  # has it at the start: never at risk
            [-1, 0, 1],  # first visit uninformative: at risk from the second
            [0, -1, 1],  # second visit missed: one interval spans it
            [0, -1, -1],  # seen once
            [-1, -1, -1],  # never known
        ]
    )
    result = visit_intervals(visit_day=day, status=status)
    found = sorted(
        zip(
            result.person.tolist(),
            result.start_visit.tolist(),
            result.stop_visit.tolist(),
            result.length.tolist(),
            result.event.tolist(),
            strict=True,
        )
    )
    assert found == [
        (0, 0, 1, 900, False),
        (0, 1, 2, 1100, False),
        (1, 0, 1, 950, True),
        (3, 1, 2, 1000, True),
        (4, 0, 2, 1500, True),
    ]


def test_visit_intervals__faults() -> None:
    with pytest.raises(EstimatorInputError, match="status one of -1, 0, 1"):
        visit_intervals(visit_day=[[0, 1]], status=[[0, 2]])
    with pytest.raises(EstimatorInputError, match="1 people have visit 1 on or before"):
        visit_intervals(visit_day=[[5, 5]], status=[[0, 1]])


def test_fit_grouped_hazards__two_groups_in_closed_form() -> None:
    # 30 of 100 and 45 of 100 have it: log(-log(0.55)) - log(-log(0.70)).
    event = np.concatenate([np.arange(100) < 30, np.arange(100) < 45])
    x = np.repeat([0.0, 1.0], 100)
    fit = fit_grouped_hazards(event=event, interval=np.zeros(200), covariates=x)
    assert fit.refusal is None
    assert fit.beta[0] == pytest.approx(np.log(-np.log(0.55)) - np.log(-np.log(0.70)), rel=1e-10)
    assert fit.intercept[0] == pytest.approx(np.log(-np.log(0.70)), rel=1e-10)
    # Delta method on each proportion.
    variance = sum((1 - s) / s / np.log(s) ** 2 / 100 for s in (0.70, 0.55))
    assert fit.standard_error[0] == pytest.approx(np.sqrt(variance), rel=1e-8)
    assert fit.loglik == pytest.approx(
        30 * np.log(0.3) + 70 * np.log(0.7) + 45 * np.log(0.45) + 55 * np.log(0.55), rel=1e-12
    )


def draw(n: int = 1500, seed: int = 2) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 2))
    interval, length = rng.integers(0, 3, n), rng.integers(500, 2500, n)
    hazard = length * np.exp(-9 + 0.4 * interval + x @ [0.5, -0.3])
    return {
        "covariates": x,
        "interval": interval,
        "length": length,
        "event": rng.random(n) < -np.expm1(-hazard),
    }


def test_fit_grouped_hazards__agrees_with_statsmodels() -> None:
    sm = pytest.importorskip("statsmodels.api")
    data = draw()
    design = np.column_stack([data["interval"] == k for k in range(3)] + [data["covariates"]]).astype(float)
    family = sm.families.Binomial(sm.families.links.CLogLog())
    theirs = sm.GLM(data["event"].astype(float), design, family=family, offset=np.log(data["length"])).fit(tol=1e-13)
    ours = fit_grouped_hazards(**data)
    np.testing.assert_allclose(ours.beta, theirs.params[3:], rtol=ROUNDING)
    np.testing.assert_allclose(ours.intercept, theirs.params[:3], rtol=ROUNDING)
    np.testing.assert_allclose(ours.standard_error, theirs.bse[3:], rtol=ROUNDING)
    assert ours.loglik == pytest.approx(theirs.llf, rel=1e-12)


def test_fit_grouped_hazards__a_weight_is_that_many_rows_and_clusters_hold_them() -> None:
    data = draw()
    weights = np.random.default_rng(3).integers(1, 4, 1500)
    rows = np.repeat(np.arange(1500), weights)
    weighted = fit_grouped_hazards(**data, weights=weights, cluster=np.arange(1500))
    copied = fit_grouped_hazards(**{name: values[rows] for name, values in data.items()}, cluster=rows)
    np.testing.assert_allclose(weighted.beta, copied.beta, rtol=ROUNDING)
    np.testing.assert_allclose(weighted.covariance, copied.covariance, rtol=ROUNDING)


def test_fit_grouped_hazards__covariates_by_person_are_covariates_by_row() -> None:
    data = draw()
    person = np.random.default_rng(4).permutation(1500)
    by_row = fit_grouped_hazards(**{**data, "covariates": data["covariates"][person]})
    by_person = fit_grouped_hazards(**data, person=person)
    np.testing.assert_allclose(by_person.beta, by_row.beta, rtol=1e-12)


def test_fit_grouped_hazards__narrow_intervals_come_near_the_cox_model() -> None:
    rng = np.random.default_rng(5)
    x = rng.normal(size=2000)
    time = rng.exponential(1000 * np.exp(-0.7 * x))
    width = 50
    last = np.minimum(np.ceil(time / width), 20).astype(int)
    person = np.repeat(np.arange(2000), last)
    interval = np.concatenate([np.arange(k) for k in last])
    event = (interval == last[person] - 1) & (time[person] <= 20 * width)
    grouped = fit_grouped_hazards(event=event, interval=interval, covariates=x, person=person)
    cox = fit_cox(exit=np.ceil(np.minimum(time, 1000)).astype(int), event=time <= 1000, covariates=x)
    assert grouped.beta[0] == pytest.approx(cox.beta[0], abs=0.2 * cox.standard_error[0])
    assert grouped.standard_error[0] == pytest.approx(cox.standard_error[0], rel=0.02)


def test_fit_grouped_hazards__an_interval_without_events_is_set_aside() -> None:
    data = draw()
    with_silent = {
        "event": np.append(data["event"], [False] * 5),
        "interval": np.append(data["interval"], [9] * 5),
        "length": np.append(data["length"], [700] * 5),
        "covariates": np.vstack([data["covariates"], np.ones((5, 2))]),
    }
    ours, expected = fit_grouped_hazards(**with_silent), fit_grouped_hazards(**data)
    assert ours.uninformative_intervals == ("9",)
    np.testing.assert_allclose(ours.beta, expected.beta, rtol=1e-12)
    assert ours.interval_labels == ("0", "1", "2")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"event": np.zeros(1500)}, "no events in 1500 intervals"),
        ({"event": np.arange(1500) < 2}, "too few events: 2 events for 2 parameters"),
        ({"event": np.ones(1500)}, "no interval has both events and non-events"),
        ({"covariates": np.column_stack([np.arange(1500.0), np.ones(1500)])}, "constant: pace"),
        (
            {"covariates": np.column_stack([np.arange(1500.0), 3 - np.arange(1500.0)])},
            "collinear with the others: pace",
        ),
        ({"covariates": np.full((1500, 2), np.nan)}, "missing or infinite values: 1500 in grip; 1500 in pace"),
    ],
)
def test_fit_grouped_hazards__refusals(change: dict[str, Any], reason: str) -> None:
    fit = fit_grouped_hazards(**{**draw(), **change}, names=["grip", "pace"])
    assert fit.refusal is not None
    assert reason in fit.refusal
    assert fit.beta.size == 0


def test_fit_grouped_hazards__a_separated_covariate_is_monotone() -> None:
    data = draw()
    data["covariates"] = np.column_stack([data["covariates"][:, 0], data["event"].astype(float)])
    fit = fit_grouped_hazards(**data)
    assert fit.refusal == "monotone likelihood, no finite estimate: x2"


def test_fit_grouped_hazards__faults() -> None:
    with pytest.raises(EstimatorInputError, match=r"interval has shape .*; length must be positive; 1 are not"):
        fit_grouped_hazards(event=[0, 1], interval=[1], covariates=[0.0, 1.0], length=[0.0, 5.0])


def test_grouped_hazards__a_level_of_cases_only_is_refused_not_a_crash() -> None:
    """Separation sends the hazard of such rows past what exp holds."""
    rng = np.random.default_rng(3)
    x = (rng.random(400) < 0.02).astype(float)
    event = np.where(x == 1.0, 1, rng.random(400) < 0.02).astype(int)
    fit = fit_grouped_hazards(
        event=event, interval=np.zeros(400), covariates=x[:, None], length=rng.uniform(500, 5000, 400), names=("x",)
    )
    assert fit.refusal == "monotone likelihood, no finite estimate: x"


def saturating(n: int = 4_000, seed: int = 1) -> dict[str, Any]:
    """A covariate with long tails whose effect ends at 1: the model predicts hazards that nobody shows."""
    rng = np.random.default_rng(seed)
    x, z = rng.standard_t(3, n), rng.normal(size=n)
    hazard = np.exp(-2 + np.minimum(x, 1.0) + 0.3 * z)
    event = rng.random(n) < -np.expm1(-hazard)
    return {"event": event, "interval": np.arange(n) % 2, "covariates": np.column_stack([x, z])}


@pytest.mark.parametrize("seed", range(5))
def test_fit_grouped_hazards__a_covariate_with_long_tails_has_its_maximum(seed: int) -> None:
    """Fisher scoring overshoots here for ever, which was taken for a likelihood without a maximum."""
    optimize = pytest.importorskip("scipy.optimize")
    data = saturating(seed=seed)
    fit = fit_grouped_hazards(**data)
    assert fit.refusal is None
    assert fit.iterations < 15
    design = np.column_stack([data["interval"] == k for k in range(2)] + [data["covariates"]]).astype(float)

    def loglik_and_score(beta: np.ndarray) -> tuple[float, np.ndarray]:
        hazard = np.exp(design @ beta)
        of_event = np.where(data["event"], np.log(-np.expm1(-hazard)), -hazard)
        slope = np.where(data["event"], hazard / np.expm1(np.minimum(hazard, 700)), -hazard)
        return -float(of_event.sum()), -design.T @ slope

    found = np.concatenate([fit.intercept, fit.beta])
    _, score = loglik_and_score(found)
    assert np.abs(score).max() < 1e-7
    climbed = optimize.minimize(loglik_and_score, np.zeros(4), jac=True, method="BFGS", options={"gtol": 1e-6})
    np.testing.assert_allclose(found, climbed.x, atol=1e-5)
    assert fit.loglik == pytest.approx(-climbed.fun, rel=1e-10)


def test_fit_grouped_hazards__errors_are_by_the_expected_information() -> None:
    """As R's glm reports them: at the maximum, sum of w w' H^2 / (exp(H) - 1)."""
    data = saturating()
    fit = fit_grouped_hazards(**data)
    design = np.column_stack([data["interval"] == k for k in range(2)] + [data["covariates"]]).astype(float)
    hazard = np.exp(design @ np.concatenate([fit.intercept, fit.beta]))
    information = (design * (hazard**2 / np.expm1(hazard))[:, None]).T @ design
    np.testing.assert_allclose(fit.covariance, np.linalg.inv(information)[2:, 2:], rtol=1e-8)


def test_fit_grouped_hazards__one_non_case_of_many_is_an_estimate_and_none_is_not() -> None:
    rng = np.random.default_rng(5)
    level = np.arange(20_000) < 4_000
    event = np.where(level, True, rng.random(20_000) < 0.05)
    data: dict[str, Any] = {
        "interval": np.zeros(20_000),
        "covariates": np.column_stack([level, rng.normal(size=20_000)]),
    }
    without = fit_grouped_hazards(event=event, **data)
    assert without.refusal == "monotone likelihood, no finite estimate: x1"
    event[0] = False
    found = fit_grouped_hazards(event=event, **data)
    assert found.refusal is None
    rare = event[~level].mean()
    assert found.beta[0] == pytest.approx(np.log(-np.log(1 / 4_000)) - np.log(-np.log(1 - rare)), abs=0.05)
