"""The Cox estimator: by hand, against the plainest likelihood, invariances, refusals, and two other programs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import optimize

from python_models.estimators.survival import partial_likelihood
from python_models.estimators.survival.cox import CoxFit, EstimatorInputError, fit_cox
from tests.estimators.survival.follow_up import FollowUp, simulate_follow_up
from tests.estimators.survival.plain_cox import plain_partial_likelihood

# The same sums in another order: rounding only.
ROUNDING = 1e-10
# Closed forms and roots found by bisection.
BY_HAND = 1e-12
# Both at the maximum, each to its own last Newton step.
OTHER_PROGRAM = 1e-8

# lifelines compares half the squared Newton decrement with its precision: 1e-12 would leave 1e-6 of a standard error.
LIFELINES_STOP = {"precision": 1e-18}

# Therneau & Grambsch 2000, appendix E.1: six people, two tied at day 6.
SIX = {"exit": [1, 1, 6, 6, 8, 9], "event": [1, 0, 1, 1, 0, 1], "covariates": [1.0, 1.0, 1.0, 0.0, 0.0, 0.0]}


def fit(data: FollowUp, **options: Any) -> CoxFit:
    return fit_cox(exit=data.exit, event=data.event, covariates=data.covariates, **options)


def assert_same(one: CoxFit, other: CoxFit, tolerance: float = ROUNDING) -> None:
    assert one.refusal is None
    assert other.refusal is None
    np.testing.assert_allclose(one.beta, other.beta, rtol=tolerance)
    np.testing.assert_allclose(one.covariance, other.covariance, rtol=tolerance, atol=tolerance * 1e-3)


# By hand


def test_fit_cox__breslow_root_of_a_quadratic() -> None:
    result = fit_cox(**SIX, ties="breslow")
    r = (3.0 + np.sqrt(33.0)) / 2.0
    assert result.beta[0] == pytest.approx(np.log(r), rel=BY_HAND)
    assert result.information[0, 0] == pytest.approx(r / (r + 1) ** 2 + 6 * r / (r + 3) ** 2, rel=1e-9)
    assert result.loglik == pytest.approx(2 * np.log(r) - np.log(3 * r + 3) - 2 * np.log(r + 3), rel=BY_HAND)
    assert result.loglik_null == pytest.approx(-np.log(6) - 2 * np.log(4), rel=BY_HAND)


def test_fit_cox__efron_root_of_its_score() -> None:
    result = fit_cox(**SIX, ties="efron")
    beta = optimize.brentq(
        lambda b: 2 - np.exp(b) * sum(1.0 / (np.exp(b) + k) for k in (1.0, 3.0, 5.0)), 0, 5, xtol=1e-15
    )
    r = np.exp(beta)
    assert result.beta[0] == pytest.approx(beta, rel=BY_HAND)
    assert result.information[0, 0] == pytest.approx(sum(k * r / (r + k) ** 2 for k in (1, 3, 5)), rel=1e-9)
    # Hazard increments at days 1, 6 (two of four die) and 9, at the covariate's zero.
    at_zero = result.baseline_cumulative_hazard * np.exp(-result.beta[0] * result.covariate_means[0])
    steps = [1 / (3 * r + 3), 1 / (r + 3) + 1 / ((r + 5) / 2), 1.0]
    np.testing.assert_allclose(at_zero, np.cumsum(steps), rtol=1e-9)
    assert result.baseline_time.tolist() == [1, 6, 9]


def test_fit_cox__lin_wei_residuals_by_hand() -> None:
    result = fit_cox(**SIX, ties="breslow", robust=True)
    r = np.exp(result.beta[0])
    x = np.array(SIX["covariates"])
    hazard = r**x
    first, second = r / (r + 1), r / (r + 3)
    residual = np.zeros(6)
    residual[0] = (1 - first) - hazard[0] * (1 - first) / (3 * r + 3)
    residual[1] = -hazard[1] * (1 - first) / (3 * r + 3)
    for i in (2, 3, 4, 5):
        residual[i] = -hazard[i] * ((x[i] - first) / (3 * r + 3) + 2 * (x[i] - second) / (r + 3))
    residual[2] += 1 - second
    residual[3] += 0 - second
    # The last event is alone at risk: its mean is its own value, so it adds nothing.
    variance = result.naive_covariance[0, 0]
    assert result.covariance[0, 0] == pytest.approx(variance**2 * np.sum(residual**2), rel=1e-9)


# Against the definition

GRID = [
    pytest.param(
        dict(zip(("ties", "late", "strata", "weights", "offset"), case, strict=True)), id="-".join(map(str, case))
    )
    for case in [
        ("efron", False, False, False, False),
        ("breslow", False, False, False, False),
        ("efron", True, False, False, False),
        ("efron", True, True, False, False),
        ("efron", False, True, True, False),
        ("breslow", True, True, True, True),
        ("efron", True, True, True, True),
    ]
]


@pytest.mark.parametrize("case", GRID)
def test_fit_cox__is_the_maximum_of_the_plain_likelihood(case: dict[str, Any]) -> None:
    data = simulate_follow_up(n=150, days=60, late_entry=True)
    rng = np.random.default_rng(5)
    options: dict[str, Any] = {"ties": case["ties"]}
    if case["late"]:
        options["entry"] = data.entry
    if case["weights"]:
        options["weights"] = rng.uniform(0.3, 2.0, 150)
    if case["offset"]:
        options["offset"] = rng.normal(0, 0.5, 150)
    stratum = data.stratum if case["strata"] else None
    result = fit(data, strata=stratum, robust=True, **options)
    assert result.refusal is None
    loglik, score, information, residual = plain_partial_likelihood(
        exit=data.exit, event=data.event, covariates=data.covariates, beta=result.beta, stratum=stratum, **options
    )
    assert np.max(np.abs(score) / np.sqrt(np.diag(information))) < 1e-8
    assert result.loglik == pytest.approx(loglik, rel=ROUNDING)
    np.testing.assert_allclose(result.information, information, rtol=1e-8)
    naive = np.linalg.inv(information)
    np.testing.assert_allclose(result.covariance, naive @ residual.T @ residual @ naive, rtol=1e-7)
    null = plain_partial_likelihood(
        exit=data.exit, event=data.event, covariates=data.covariates, beta=np.zeros(3), stratum=stratum, **options
    )
    assert result.loglik_null == pytest.approx(null[0], rel=ROUNDING)
    assert result.score_test == pytest.approx(null[1] @ np.linalg.solve(null[2], null[1]), rel=1e-8)


# Invariance


def test_fit_cox__order_of_rows_does_not_matter() -> None:
    data = simulate_follow_up()
    shuffled = np.random.default_rng(2).permutation(400)
    other = fit_cox(exit=data.exit[shuffled], event=data.event[shuffled], covariates=data.covariates[shuffled])
    assert_same(fit(data), other)


def test_fit_cox__units_and_origin_of_covariates_do_not_matter() -> None:
    data = simulate_follow_up()
    scale = np.array([1e4, 1e-3, 7.0])
    other = fit_cox(exit=data.exit, event=data.event, covariates=data.covariates * scale + np.array([1950.0, 3.0, 0.0]))
    one = fit(data)
    np.testing.assert_allclose(one.beta, other.beta * scale, rtol=1e-8)
    np.testing.assert_allclose(one.standard_error, other.standard_error * scale, rtol=1e-8)


def test_fit_cox__time_may_be_stretched() -> None:
    data = simulate_follow_up()
    other = fit_cox(exit=data.exit**2 * 3, event=data.event, covariates=data.covariates)
    assert_same(fit(data), other)


def test_fit_cox__weight_two_is_a_row_twice_under_breslow() -> None:
    data = simulate_follow_up()
    weights = np.random.default_rng(3).integers(1, 4, 400)
    rows = np.repeat(np.arange(400), weights)
    other = fit_cox(
        exit=data.exit[rows], event=data.event[rows], covariates=data.covariates[rows], ties="breslow", cluster=rows
    )
    assert_same(fit(data, weights=weights, ties="breslow", robust=True), other)


def test_fit_cox__one_stratum_is_no_stratum() -> None:
    data = simulate_follow_up()
    assert_same(fit(data), fit(data, strata=np.full(400, "all")))


def test_fit_cox__strata_add_their_log_likelihoods() -> None:
    data = simulate_follow_up()
    together = fit(data, strata=data.stratum)
    apart = 0.0
    for s in range(3):
        rows = data.stratum == s
        apart += plain_partial_likelihood(
            exit=data.exit[rows], event=data.event[rows], covariates=data.covariates[rows], beta=together.beta
        )[0]
    assert together.loglik == pytest.approx(apart, rel=ROUNDING)
    assert set(together.baseline_stratum.tolist()) == {0, 1, 2}


def test_fit_cox__splitting_a_row_in_time_changes_nothing() -> None:
    data = simulate_follow_up(late_entry=True)
    whole = fit(data, entry=data.entry, cluster=np.arange(400))
    cut = (data.entry + data.exit) // 2
    in_two = cut > data.entry
    rows = np.concatenate([np.arange(400), np.flatnonzero(in_two)])
    split = fit_cox(
        entry=np.concatenate([data.entry, cut[in_two]]),
        exit=np.concatenate([np.where(in_two, cut, data.exit), data.exit[in_two]]),
        event=np.concatenate([np.where(in_two, False, data.event), data.event[in_two]]),
        covariates=data.covariates[rows],
        cluster=rows,
    )
    assert_same(whole, split)


def test_fit_cox__entry_before_all_events_is_no_entry() -> None:
    data = simulate_follow_up()
    assert_same(fit(data), fit(data, entry=np.zeros(400, dtype=int)))


def test_fit_cox__ages_in_years_tie_as_their_days_do() -> None:
    data = simulate_follow_up(late_entry=True)
    # Ages built from a birthday and days since, as in real files: equal days differ in the last bits.
    age = np.random.default_rng(4).integers(40, 70, 400)
    quarter_days = 1461 * age
    days = fit_cox(
        entry=quarter_days + 4 * data.entry,
        exit=quarter_days + 4 * data.exit,
        event=data.event,
        covariates=data.covariates,
    )
    years = fit_cox(
        entry=age + data.entry / 365.25, exit=age + data.exit / 365.25, event=data.event, covariates=data.covariates
    )
    assert_same(days, years)


def test_fit_cox__rows_standardised_block_by_block_and_single_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    data = simulate_follow_up()
    single = data.covariates.astype(np.float32)
    stored = fit_cox(exit=data.exit, event=data.event, covariates=single.astype(np.float64), robust=True)
    monkeypatch.setattr(partial_likelihood, "MAX_STORED_BYTES", 0)
    monkeypatch.setattr(partial_likelihood, "MIN_BLOCK_ROWS", 64)
    monkeypatch.setattr(partial_likelihood, "BLOCK_VALUES", 64)
    blocked = fit_cox(exit=data.exit, event=data.event, covariates=single, robust=True)
    assert_same(stored, blocked)


def test_fit_cox__clusters_of_one_are_rows() -> None:
    data = simulate_follow_up()
    assert_same(fit(data, robust=True), fit(data, cluster=np.arange(400)[::-1]))


def test_fit_cox__start_does_not_matter() -> None:
    data = simulate_follow_up()
    one = fit(data)
    assert_same(one, fit(data, start=one.beta))
    assert_same(one, fit(data, start=[2.0, 2.0, 2.0]))


def test_fit_cox__no_covariates_is_the_null_model() -> None:
    data = simulate_follow_up()
    empty = fit_cox(exit=data.exit, event=data.event, covariates=np.empty((400, 0)))
    assert empty.refusal is None
    assert empty.loglik == empty.loglik_null == pytest.approx(fit(data).loglik_null, rel=BY_HAND)


def test_fit_cox__stopping_as_coxph_is_short_of_the_maximum_by_little() -> None:
    data = simulate_follow_up()
    early, late = fit(data, stop="coxph"), fit(data)
    assert early.iterations <= late.iterations
    np.testing.assert_allclose(early.beta, late.beta, rtol=1e-4)


# Refusals

ROWS = 40
BASE: dict[str, Any] = {
    "exit": np.arange(1, ROWS + 1),
    "event": np.arange(ROWS) % 2 == 0,
    "covariates": np.random.default_rng(0).normal(size=(ROWS, 2)),
    "names": ["age", "grip"],
}


def changed(**entries: Any) -> dict[str, Any]:
    return {**BASE, **entries}


def replaced(array: Any, row: int, value: float) -> Any:
    copy = np.array(array, dtype=np.float64)
    copy[row] = value
    return copy


X = BASE["covariates"]
REFUSALS = [
    ("zero follow-up", changed(exit=replaced(BASE["exit"], 0, 0)), "zero in 1 rows and negative in 0; 1 of these", ()),
    ("negative", changed(exit=replaced(BASE["exit"], 1, -3)), "zero in 0 rows and negative in 1; 0 of these", ()),
    ("event before entry", changed(entry=np.full(ROWS, 3)), "zero in 1 rows and negative in 2; 2 of these", ()),
    ("no events", changed(event=np.zeros(ROWS)), "no events among 40 rows", ()),
    (
        "ten events, twenty covariates",
        changed(event=np.arange(ROWS) < 10, covariates=np.random.default_rng(1).normal(size=(ROWS, 20)), names=None),
        "too few events: 10 events for 20 parameters",
        (),
    ),
    ("constant", changed(covariates=np.column_stack([X[:, 0], np.ones(ROWS)])), "constant: grip", ("grip",)),
    ("collinear", changed(covariates=np.column_stack([X[:, 0], 5 - 2 * X[:, 0]])), "collinear", ("grip",)),
    ("missing", changed(covariates=np.column_stack([replaced(X[:, 0], 3, np.nan), X[:, 1]])), "1 in age", ("age",)),
    ("missing time", changed(exit=replaced(BASE["exit"], 2, np.nan)), "missing or infinite values: 1 in exit", ()),
    (
        "constant in its stratum",
        changed(covariates=np.column_stack([X[:, 0], np.arange(ROWS) < 20]), strata=np.arange(ROWS) < 20),
        "constant among those at risk at every event: grip",
        ("grip",),
    ),
    (
        "a level without events",
        changed(covariates=np.column_stack([X[:, 0], (np.arange(ROWS) % 4 == 1)])),
        "monotone likelihood, no finite estimate: grip (20 events)",
        ("grip",),
    ),
    (
        "separated",
        changed(covariates=np.column_stack([X[:, 0], -np.arange(ROWS)])),
        "monotone likelihood, no finite estimate: grip (20 events)",
        ("grip",),
    ),
]


@pytest.mark.parametrize(("arguments", "reason", "names"), [pytest.param(*r[1:], id=r[0]) for r in REFUSALS])
def test_fit_cox__refuses_by_name_and_count(arguments: dict[str, Any], reason: str, names: tuple[str, ...]) -> None:
    result = fit_cox(**arguments)
    assert result.refusal is not None
    assert reason in result.refusal
    assert result.refused_names == names
    assert result.beta.size == 0
    assert result.loglik is None


def test_fit_cox__all_events_is_no_reason_to_refuse() -> None:
    result = fit_cox(**changed(event=np.ones(ROWS)))
    assert result.refusal is None
    assert result.n_events == ROWS


def test_fit_cox__a_strong_but_finite_effect_is_not_called_monotone() -> None:
    rng = np.random.default_rng(7)
    x = rng.normal(size=500)
    exit = np.ceil(rng.exponential(1000 * np.exp(-4 * x))).astype(int)
    result = fit_cox(exit=exit, event=np.ones(500), covariates=x)
    assert result.refusal is None
    assert result.beta[0] == pytest.approx(4.0, abs=0.5)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"ties": "exact"}, "ties must be one of efron, breslow"),
        ({"event": np.full(ROWS, 2)}, "event must be 0 or 1"),
        ({"weights": np.zeros(ROWS)}, "weights must be positive; 40 are not"),
        ({"names": ["age"]}, "1 names for 2 covariates"),
        ({"entry": np.zeros(3), "strata": np.zeros(4)}, "strata has shape"),
        ({"start": [0.0]}, "start has shape"),
    ],
)
def test_fit_cox__faults_of_the_caller_are_errors(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(EstimatorInputError, match=message):
        fit_cox(**changed(**wrong))


# Other programs


@pytest.mark.parametrize("strata", [False, True])
def test_fit_cox__agrees_with_lifelines(strata: bool) -> None:
    pandas = pytest.importorskip("pandas")
    lifelines = pytest.importorskip("lifelines")
    data = simulate_follow_up(days=60)
    frame = pandas.DataFrame(data.covariates, columns=["a", "b", "c"]).assign(
        exit=data.exit, event=data.event, s=data.stratum
    )
    fitter = lifelines.CoxPHFitter(strata=["s"] if strata else None)
    fitter.fit(frame if strata else frame.drop(columns="s"), "exit", "event", fit_options=LIFELINES_STOP)
    ours = fit(data, strata=data.stratum if strata else None)
    np.testing.assert_allclose(ours.beta, fitter.params_.to_numpy(), rtol=OTHER_PROGRAM)
    np.testing.assert_allclose(ours.standard_error, fitter.standard_errors_.to_numpy(), rtol=OTHER_PROGRAM)
    assert ours.loglik == pytest.approx(fitter.log_likelihood_, rel=1e-10)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("late_entry", [False, True])
def test_fit_cox__agrees_with_statsmodels(ties: str, late_entry: bool) -> None:
    phreg = pytest.importorskip("statsmodels.duration.hazard_regression")
    data = simulate_follow_up(days=60, late_entry=late_entry)
    model = phreg.PHReg(
        data.exit.astype(float),
        data.covariates,
        status=data.event.astype(float),
        # Its risk sets include the entry day itself; half a day later they are (entry, exit].
        entry=data.entry + 0.5 if late_entry else None,
        strata=data.stratum,
        ties=ties,
    )
    theirs = model.fit(method="newton", disp=0, tol=1e-12)
    ours = fit(data, strata=data.stratum, ties=ties, entry=data.entry if late_entry else None)
    np.testing.assert_allclose(ours.beta, theirs.params, rtol=OTHER_PROGRAM)
    np.testing.assert_allclose(ours.standard_error, theirs.bse, rtol=OTHER_PROGRAM)
