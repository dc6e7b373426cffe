"""One mediator's arrays for fits of its own: who has it, what is adjusted for, which levels of the exposure compare."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from python_models.frames.biomarkers.biomarker_designs import LIFESTYLE, BiomarkerDesign, Exposure, idle_levels

F4 = npt.NDArray[np.float32]
F8 = npt.NDArray[np.float64]
# Scalings whose 0 is a level that people are at: the mean of their sex, or the reference category.
STARTS_AT_ZERO = ("per_sex_sd", "yes_vs_no")
# A level with 10 events is without one in 1 resample of 22,000.
MIN_EVENTS_OF_LEVEL = 10


@dataclass(frozen=True, slots=True)
class Finalist:
    """One mediator's arrays, complete.

    exposure, mediator, time, event (n,), covariates (n, q), names (q,): of these, centres (n, c), strata (n,) or None.
    exposure is in units of its scaling above exposure_from, the level that effects compare with.
    """

    exposure: F8
    exposure_from: float
    mediator: F8
    time: F8
    event: npt.NDArray[np.bool_]
    covariates: F8
    names: tuple[str, ...]
    centres: F8
    strata: npt.NDArray[np.int32] | None


def compared_level(exposure: F8, label: Exposure) -> float:
    """The level of an exposure (n,), in units of its scaling, that one unit more is compared with.

    With interaction every effect depends on it, so it is one that people are at: the lowest category of a trend, the
    reference of a contrast, the mean of a measurement.
    """
    if label.arm == LIFESTYLE or label.scaling in STARTS_AT_ZERO:
        return 0.0
    if label.scaling == "per_category":
        return float(exposure.min())
    return float(exposure.mean())


def finalist_arrays(design: BiomarkerDesign, label: int, values: F4) -> Finalist:
    """The people of a design who have the biomarker; other exposures of the design are covariates.

    Levels that none of their events has, and centres that none of them attended, join their reference.
    """
    place = sum(one.refusal is None for one in design.labels[:label])
    mediator = values[design.samples].astype(np.float64)
    known = np.isfinite(mediator)
    event = design.event[known]
    covariates = design.covariates[known]
    stay = np.flatnonzero(~idle_levels(covariates, design.names, event))
    other_names = np.delete(np.array(design.exposure_names, dtype=object), place)
    centres = design.centres[known]
    exposure = design.exposures[known, place]
    exposure_from = compared_level(exposure, design.labels[label])
    return Finalist(
        exposure=exposure - exposure_from,
        exposure_from=exposure_from,
        mediator=mediator[known],
        time=design.days[known],
        event=event,
        covariates=np.column_stack([np.delete(design.exposures[known], place, axis=1), covariates[:, stay]]),
        names=(*other_names, *(design.names[j] for j in stay)),
        centres=centres[:, ~idle_levels(centres, design.centre_names)],
        strata=None if design.strata is None else design.strata[known],
    )


def without_rare_levels(one: Finalist) -> Finalist:
    """Indicators with too few events on a side left out: a resample without them has no finite estimate."""
    n_events = int(one.event.sum())
    kept = []
    for j in range(one.covariates.shape[1]):
        column = one.covariates[:, j]
        is_indicator = bool(np.isin(column[:1000], (0.0, 1.0)).all() and np.isin(column, (0.0, 1.0)).all())
        at_level = int(column[one.event].sum()) if is_indicator else 0
        if not is_indicator or MIN_EVENTS_OF_LEVEL <= at_level <= n_events - MIN_EVENTS_OF_LEVEL:
            kept.append(j)
    return replace(one, covariates=one.covariates[:, kept], names=tuple(one.names[j] for j in kept))
