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
