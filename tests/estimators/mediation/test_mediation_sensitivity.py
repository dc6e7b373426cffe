"""Mediational E-values, warnings, and the split against the winner's curse."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from python_models.estimators.mediation.faults import MediationInputError
from python_models.estimators.mediation.sensitivity import (
    WARNING_MEANINGS,
    mediation_warnings,
    mediational_e_values,
    split_halves,
    split_sample,
)

# The specification prints four decimals.
PRINTED = 5e-5


def test_mediational_e_values__vectors_of_the_specification() -> None:
    got = mediational_e_values(
        indirect=np.log([0.97, 1.05]),
        indirect_lower=np.log([0.95, 0.99]),
        indirect_upper=np.log([0.99, 1.11]),
        direct=np.log([0.544, 0.83]),
        direct_lower=np.log([0.5, 0.8]),
        direct_upper=np.log([0.6, 0.86]),
        event_share=0.03,
    )
    assert_allclose(got.indirect.point[0], 1.2095, atol=PRINTED)
    assert_allclose(got.direct.point, [3.0796, 1.7016], atol=PRINTED)
    assert got.indirect.limit[1] == 1.0


def test_mediational_e_values__common_outcome_uses_the_risk_ratio() -> None:
    value = np.log([0.544])
    got = mediational_e_values(
        indirect=value,
        indirect_lower=value,
        indirect_upper=value,
        direct=value,
        direct_lower=value,
        direct_upper=value,
        event_share=0.3,
    )
    assert_allclose(got.direct.risk_ratio, 0.656914, atol=5e-7)
    assert_allclose(got.direct.point, 2.4139, atol=PRINTED)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, ()),
        ({"event_share": 0.2}, ("common_outcome",)),
        ({"mediator_minus_exposure_days": 0.0}, ("exposure_and_mediator_measured_together",)),
        ({"mediator_minus_exposure_days": -30.0}, ("mediator_measured_before_exposure",)),
        ({"are_early_events_dropped": False}, ("early_events_kept",)),
        ({"is_exposure_part_of_mediator": True}, ("exposure_is_part_of_mediator",)),
        ({"is_selected_here": True}, ("selected_and_estimated_in_the_same_people",)),
        (
            {"event_share": 0.2, "is_selected_here": True},
            ("common_outcome", "selected_and_estimated_in_the_same_people"),
        ),
    ],
)
def test_mediation_warnings__truth_table(change: dict, expected: tuple[str, ...]) -> None:
    quiet = {"event_share": 0.05, "mediator_minus_exposure_days": 365.0, "are_early_events_dropped": True}
    assert mediation_warnings(**(quiet | change)) == expected
    assert set(expected) <= set(WARNING_MEANINGS)


def test_mediation_warnings__a_share_is_a_share() -> None:
    with pytest.raises(MediationInputError, match="between 0 and 1"):
        mediation_warnings(event_share=5.0, mediator_minus_exposure_days=0, are_early_events_dropped=True)


def test_split_halves__partition_that_splits_the_events_evenly() -> None:
    event = np.arange(1001) < 100
    first, second = split_halves(n=1001, seed=5, stratum=event)
    assert_allclose(np.sort(np.concatenate([first, second])), np.arange(1001))
    assert event[first].sum() == 50
    assert abs(first.size - second.size) <= 1
    again = split_halves(n=1001, seed=5, stratum=event)
    assert (first == again[0]).all()


def test_split_sample__selected_noise_shrinks_to_nothing_in_the_other_half() -> None:
    rng = np.random.default_rng(8)
    values = rng.normal(size=(400, 300))

    def select(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        mean = values[rows].mean(axis=0)
        chosen = np.argsort(-np.abs(mean))[:10]
        return chosen, mean[chosen]

    def estimate(rows: np.ndarray, selected: np.ndarray) -> np.ndarray:
        return values[np.ix_(rows, selected)].mean(axis=0)

    got = split_sample(halves=split_halves(n=400, seed=1), select=select, estimate=estimate)
    assert np.abs(got.selection_estimate).min() > 0.1
    assert abs(np.mean(np.sign(got.selection_estimate) * got.estimation_estimate)) < 0.07
    assert got.inflation is None or got.inflation > 3


def test_split_sample__true_effects_keep_their_size() -> None:
    effects = np.array([0.5, -0.6, 0.7])
    got = split_sample(
        halves=split_halves(n=10, seed=1),
        select=lambda rows: (np.arange(3), 1.2 * effects),
        estimate=lambda rows, selected: effects[selected],
    )
    assert got.inflation == pytest.approx(1.2)


def test_split_sample__nothing_selected_is_an_answer() -> None:
    got = split_sample(
        halves=split_halves(n=10, seed=1),
        select=lambda rows: (np.empty(0, dtype=np.int64), np.empty(0)),
        estimate=lambda rows, selected: np.empty(0),
    )
    assert got.selected.size == 0
    assert got.inflation is None


def test_split_sample__shared_people_are_refused() -> None:
    with pytest.raises(MediationInputError, match="share 1 people"):
        split_sample(
            halves=(np.array([0, 1]), np.array([1, 2])),
            select=lambda rows: (np.arange(1), np.ones(1)),
            estimate=lambda rows, selected: np.ones(1),
        )
