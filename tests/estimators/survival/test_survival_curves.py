"""Kaplan-Meier and Aalen-Johansen curves, Fine-Gray regression."""

from __future__ import annotations

import numpy as np
import pytest

from python_models.estimators.survival.aalen_johansen import aalen_johansen
from python_models.estimators.survival.cox import EstimatorInputError, fit_cox
from python_models.estimators.survival.fine_gray import fit_fine_gray
from python_models.estimators.survival.kaplan_meier import kaplan_meier
from tests.estimators.survival.follow_up import simulate_follow_up

BY_HAND = 1e-14
ROUNDING = 1e-9
# Central differences of a curve in a weight, step 1e-5.
DIFFERENCES = 1e-6


def test_kaplan_meier__by_hand() -> None:
    # At risk 5, 3 (one lost on day 2, after that day's event), 1.
    curve = kaplan_meier(exit=[1, 2, 2, 4, 4, 5], event=[0, 1, 0, 1, 0, 1])
    assert curve.time.tolist() == [2, 4, 5]
    assert curve.n_at_risk.tolist() == [5, 3, 1]
    np.testing.assert_allclose(curve.survival, [0.8, 0.8 * 2 / 3, 0.0], rtol=BY_HAND)
    greenwood = [1 / (5 * 4), 1 / (5 * 4) + 1 / (3 * 2)]
    np.testing.assert_allclose(curve.standard_error, [*curve.survival[:2] * np.sqrt(greenwood), 0.0], rtol=BY_HAND)
    np.testing.assert_allclose(curve.cumulative_hazard, [1 / 5, 1 / 5 + 1 / 3, 1 / 5 + 1 / 3 + 1], rtol=BY_HAND)
    value, error = curve.at([1, 2, 3.5, 100])
    np.testing.assert_allclose(value, [1.0, 0.8, 0.8, 0.0], rtol=BY_HAND)
    assert error[0] == 0.0


@pytest.mark.parametrize("scale", ["log", "log-log", "plain"])
def test_kaplan_meier__limits_hold_the_curve_and_stay_in_range(scale: str) -> None:
    data = simulate_follow_up()
    curve = kaplan_meier(exit=data.exit, event=data.event)
    low, high = curve.interval(scale=scale)
    assert np.all((low >= 0) & (low <= curve.survival) & (curve.survival <= high) & (high <= 1))
    wider = curve.interval(level=0.99, scale=scale)
    assert np.all(wider[0] <= low)


def test_kaplan_meier__weights_are_copies_and_late_entry_is_counted() -> None:
    data = simulate_follow_up(late_entry=True)
    weights = np.random.default_rng(1).integers(1, 4, 400)
    rows = np.repeat(np.arange(400), weights)
    weighted = kaplan_meier(exit=data.exit, entry=data.entry, event=data.event, weights=weights)
    copied = kaplan_meier(exit=data.exit[rows], entry=data.entry[rows], event=data.event[rows])
    np.testing.assert_allclose(weighted.survival, copied.survival, rtol=ROUNDING)
    np.testing.assert_allclose(weighted.standard_error, copied.standard_error, rtol=ROUNDING)
    at_risk = [np.sum((data.entry < t) & (data.exit >= t)) for t in copied.time]
    plain = kaplan_meier(exit=data.exit, entry=data.entry, event=data.event)
    assert plain.n_at_risk.tolist() == at_risk


def test_kaplan_meier__refuses_no_events() -> None:
    assert kaplan_meier(exit=[1, 2], event=[0, 0]).refusal == "no events among 2 rows"
    with pytest.raises(EstimatorInputError, match="log, log-log, plain"):
        kaplan_meier(exit=[1, 2], event=[0, 1]).interval(scale="logit")


def causes(seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    data = simulate_follow_up(late_entry=True, seed=seed)
    kind = np.where(np.random.default_rng(seed).random(400) < 0.4, 2, 1)
    return data.exit, data.entry, np.where(data.event, kind, 0)


def test_aalen_johansen__by_hand() -> None:
    # Day 1: one of 4 by cause 1; day 2: one of 3 by cause 2; day 3: the last two, one each (tied, not jittered).
    curve = aalen_johansen(exit=[1, 2, 3, 3], event=[1, 2, 1, 2])
    assert curve.causes.tolist() == [1, 2]
    np.testing.assert_allclose(curve.incidence[0], [1 / 4, 1 / 4, 1 / 4 + 1 / 4], rtol=BY_HAND)
    np.testing.assert_allclose(curve.incidence[1], [0, 1 / 4, 1 / 2], rtol=BY_HAND)
    assert curve.event_free[-1] == 0.0
    # Without censoring an incidence is a proportion: variance p (1 - p) / n.
    p = curve.incidence
    np.testing.assert_allclose(curve.standard_error, np.sqrt(p * (1 - p) / 4), rtol=1e-12)


def test_aalen_johansen__causes_and_survivors_share_everyone() -> None:
    exit, entry, event = causes()
    curve = aalen_johansen(exit=exit, entry=entry, event=event)
    np.testing.assert_allclose(curve.incidence.sum(axis=0) + curve.event_free, 1.0, rtol=ROUNDING)
    one = aalen_johansen(exit=exit, entry=entry, event=event > 0)
    kaplan = kaplan_meier(exit=exit, entry=entry, event=event > 0)
    np.testing.assert_allclose(one.incidence[0], 1 - kaplan.survival, rtol=ROUNDING)


def test_aalen_johansen__variance_is_the_sum_of_squared_derivatives_in_the_weights() -> None:
    exit, entry, event = (values[:60] for values in causes())
    times = np.array([40.0, 90.0, 150.0])
    curve = aalen_johansen(exit=exit, entry=entry, event=event, times=times)
    step = 1e-5
    influence = np.empty((60, 2, 3))
    for i in range(60):
        bumped = []
        for sign in (1, -1):
            weights = np.ones(60)
            weights[i] += sign * step
            bumped.append(aalen_johansen(exit=exit, entry=entry, event=event, weights=weights, times=times).incidence)
        influence[i] = (bumped[0] - bumped[1]) / (2 * step)
    np.testing.assert_allclose(curve.standard_error, np.sqrt((influence**2).sum(axis=0)), rtol=DIFFERENCES)


def test_aalen_johansen__values_between_events_are_those_of_the_last() -> None:
    curve = aalen_johansen(exit=[2, 4, 6], event=[1, 2, 0], times=[1, 3, 5, 9])
    np.testing.assert_allclose(curve.incidence[0], [0, 1 / 3, 1 / 3, 1 / 3], rtol=BY_HAND)
    np.testing.assert_allclose(curve.incidence[1], [0, 0, 1 / 3, 1 / 3], rtol=BY_HAND)
    low, high = curve.interval()
    assert low[1, 0] == high[1, 0] == 0.0
    assert np.all(high <= 1.0)


def test_aalen_johansen__agrees_with_lifelines_without_ties() -> None:
    lifelines = pytest.importorskip("lifelines")
    rng = np.random.default_rng(4)
    exit, event = rng.permutation(200) + 1, rng.integers(0, 3, 200)
    fitter = lifelines.AalenJohansenFitter(calculate_variance=False).fit(exit, event, event_of_interest=1)
    curve = aalen_johansen(exit=exit, event=event, times=np.arange(1, 201))
    theirs = fitter.cumulative_density_.iloc[:, 0].reindex(np.arange(1, 201), method="ffill")
    np.testing.assert_allclose(curve.incidence[0], theirs.to_numpy(), rtol=ROUNDING)


# Fine-Gray


def expanded(exit: np.ndarray, event: np.ndarray, stratum: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """Rows with their falling weights written out, one piece per later event time of the cause."""
    pieces = []
    strata = np.zeros(exit.shape[0], dtype=int) if stratum is None else stratum
    for s in np.unique(strata):
        members = np.flatnonzero(strata == s)
        own = exit[members]

        def uncensored(t: int, own: np.ndarray = own, members: np.ndarray = members) -> float:
            """G(t-), a censoring after the events of its day."""
            g = 1.0
            for c in np.unique(own[event[members] == 0]):
                if c < t:
                    at_risk = np.sum(own >= c) - np.sum((own == c) & (event[members] != 0))
                    g *= 1 - np.sum((own == c) & (event[members] == 0)) / at_risk
            return g

        times = np.unique(own[event[members] == 1])
        for i in members:
            pieces.append((i, 0, exit[i], event[i] == 1, 1.0))
            if event[i] == 2:
                start = exit[i]
                for t in times[times > exit[i]]:
                    pieces.append((i, start, t, False, uncensored(t) / uncensored(exit[i])))
                    start = t
    row, entry, end, died, weight = (np.array(column) for column in zip(*pieces, strict=True))
    return {"row": row, "entry": entry, "exit": end, "event": died, "weights": weight}


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("strata", [False, True])
def test_fit_fine_gray__is_a_weighted_cox_model_on_expanded_rows(ties: str, strata: bool) -> None:
    data = simulate_follow_up(n=120, p=2, days=25)
    event = np.where(data.event, np.where(np.random.default_rng(3).random(120) < 0.5, 2, 1), 0)
    stratum = data.stratum if strata else None
    pieces = expanded(data.exit, event, stratum)
    rows = pieces.pop("row")
    expected = fit_cox(
        covariates=data.covariates[rows],
        cluster=rows,
        strata=None if stratum is None else stratum[rows],
        ties=ties,
        **pieces,
    )
    ours = fit_fine_gray(exit=data.exit, event=event, covariates=data.covariates, strata=stratum, ties=ties)
    np.testing.assert_allclose(ours.beta, expected.beta, rtol=ROUNDING)
    np.testing.assert_allclose(ours.covariance, expected.covariance, rtol=1e-7)
    np.testing.assert_allclose(ours.naive_covariance, expected.naive_covariance, rtol=1e-7)
    assert ours.loglik == pytest.approx(expected.loglik, rel=ROUNDING)


def test_fit_fine_gray__without_competing_events_is_cox_with_robust_variance() -> None:
    data = simulate_follow_up()
    ours = fit_fine_gray(exit=data.exit, event=data.event.astype(int), covariates=data.covariates)
    cox = fit_cox(exit=data.exit, event=data.event, covariates=data.covariates, robust=True)
    np.testing.assert_allclose(ours.beta, cox.beta, rtol=ROUNDING)
    np.testing.assert_allclose(ours.covariance, cox.covariance, rtol=ROUNDING)


def test_fit_fine_gray__without_censoring_competing_events_stay_to_the_end() -> None:
    data = simulate_follow_up(n=300)
    event = np.where(data.event, 1, 2)
    stayed = np.where(event == 2, data.exit.max() + 1, data.exit)
    ours = fit_fine_gray(exit=data.exit, event=event, covariates=data.covariates)
    cox = fit_cox(exit=stayed, event=event == 1, covariates=data.covariates, robust=True)
    np.testing.assert_allclose(ours.beta, cox.beta, rtol=ROUNDING)
    np.testing.assert_allclose(ours.covariance, cox.covariance, rtol=1e-8)


def test_fit_fine_gray__refuses_and_faults() -> None:
    arguments = {"exit": [1, 2, 3, 4], "event": [2, 2, 0, 0], "covariates": [0.1, 0.4, 0.2, 0.9]}
    assert fit_fine_gray(**arguments).refusal == "no events among 4 rows"
    with pytest.raises(EstimatorInputError, match="cause one of the other codes"):
        fit_fine_gray(**arguments, cause=0)
    with pytest.raises(EstimatorInputError, match="not with strata"):
        fit_fine_gray(**arguments, strata=[1, 1, 2, 2], censoring_exit=[1], censoring_event=[0])
