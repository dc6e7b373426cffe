"""How far a mediated effect can be trusted: unmeasured confounding, selection, and what the design cannot show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from python_models.estimators.mediation.faults import raise_if_any
from python_models.estimators.survival.e_values import EValues, e_values

# Above this share of events by the end of follow-up, log hazard ratios are not log risk ratios and a natural effect on
# their scale is a test, not a measure (VanderWeele 2011 asks for a rare outcome; 10 % is the usual reading).
RARE_EVENT_SHARE = 0.10
# Above this share the hazard ratio is turned into a risk ratio before its E-value (VanderWeele & Ding 2017).
RARE_EVENT_SHARE_OF_E_VALUES = 0.15

MediationWarning = Literal[
    "common_outcome",
    "exposure_and_mediator_measured_together",
    "mediator_measured_before_exposure",
    "early_events_kept",
    "exposure_is_part_of_mediator",
    "selected_and_estimated_in_the_same_people",
]
WARNING_MEANINGS: dict[MediationWarning, str] = {
    "common_outcome": "more than 10 % have the event: the indirect effect tests mediation but does not size it",
    "exposure_and_mediator_measured_together": "one visit measured both: that the exposure came first is an assumption",
    "mediator_measured_before_exposure": "the mediator was measured first: the arrow may point the other way",
    "early_events_kept": "events soon after the mediator was measured may have changed it: rerun without them",
    "exposure_is_part_of_mediator": "the marker is made by, or is a measure of, the exposure (creatinine and muscle)",
    "selected_and_estimated_in_the_same_people": "effects of mediators chosen by their p-value are too large: split",
}


@dataclass(frozen=True, slots=True)
class MediationalEValues:
    """E-values (m,) of natural indirect and direct effects: how strongly an unmeasured confounder of mediator and
    outcome would have to be tied to both (risk ratios) to explain the effect away."""

    indirect: EValues
    direct: EValues


def mediational_e_values(
    *,
    indirect: npt.ArrayLike,
    indirect_lower: npt.ArrayLike,
    indirect_upper: npt.ArrayLike,
    direct: npt.ArrayLike,
    direct_lower: npt.ArrayLike,
    direct_upper: npt.ArrayLike,
    event_share: float,
) -> MediationalEValues:
    """E-values of log hazard ratios and their intervals, each (m,); event_share decides whether the outcome is rare.

    References: Smith & VanderWeele 2019, Epidemiology 30:835-837.
    """
    is_rare = event_share <= RARE_EVENT_SHARE_OF_E_VALUES

    def of(value: npt.ArrayLike, low: npt.ArrayLike, high: npt.ArrayLike) -> EValues:
        return e_values(estimate=np.exp(value), lower=np.exp(low), upper=np.exp(high), is_rare=is_rare)

    return MediationalEValues(
        indirect=of(indirect, indirect_lower, indirect_upper), direct=of(direct, direct_lower, direct_upper)
    )


def mediation_warnings(
    *,
    event_share: float,
    mediator_minus_exposure_days: float,
    are_early_events_dropped: bool,
    is_exposure_part_of_mediator: bool = False,
    is_selected_here: bool = False,
) -> tuple[MediationWarning, ...]:
    """Named states a result must carry, in the order of `WARNING_MEANINGS`.

    event_share : events / people; mediator_minus_exposure_days : typical days from exposure to mediator, 0 at one
    visit.
    """
    raise_if_any([] if 0.0 <= event_share <= 1.0 else [f"event_share must lie between 0 and 1, not {event_share}"])
    holds: dict[MediationWarning, bool] = {
        "common_outcome": event_share > RARE_EVENT_SHARE,
        "exposure_and_mediator_measured_together": mediator_minus_exposure_days == 0,
        "mediator_measured_before_exposure": mediator_minus_exposure_days < 0,
        "early_events_kept": not are_early_events_dropped,
        "exposure_is_part_of_mediator": is_exposure_part_of_mediator,
        "selected_and_estimated_in_the_same_people": is_selected_here,
    }
    return tuple(name for name in WARNING_MEANINGS if holds[name])


def split_halves(
    *, n: int, seed: int, stratum: npt.ArrayLike | None = None
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Sorted positions of two random halves of n people, each stratum (event status, say) split evenly."""
    labels = np.zeros(n, dtype=np.int64) if stratum is None else np.unique(np.asarray(stratum), return_inverse=True)[1]
    raise_if_any([] if labels.shape == (n,) else [f"stratum has shape {labels.shape}, expected ({n},)"])
    rng = np.random.default_rng(seed)
    is_first = np.zeros(n, dtype=np.bool_)
    for label in range(int(labels.max(initial=-1)) + 1):
        rows = rng.permutation(np.flatnonzero(labels == label))
        # The odd one out of a stratum goes to either half by chance, or one half would collect them all.
        is_first[rows[: (rows.size + int(rng.integers(2))) // 2]] = True
    return np.flatnonzero(is_first), np.flatnonzero(~is_first)
