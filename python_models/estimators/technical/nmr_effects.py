"""Technical effects on one NMR biomarker, estimated one after the other on what the earlier ones leave.

On the log scale: time from preparation to measurement, row of the well within batch, column of the well within batch,
drift bin within spectrometer. Whoever lacks a place takes no part in that effect and is not adjusted for it.

References: Ritchie 2023, Sci Data 10:64 (steps 2 to 7; rows and columns within batch and bins of fixed size as from
version 2 of its algorithm).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from python_models.estimators.technical.robust_regression import group_locations, line

F8 = npt.NDArray[np.float64]
I8 = npt.NDArray[np.int64]
IP = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Places:
    """A factor within a stratum, such as well row within batch: n samples, -1 where unknown.

    code (n,): level of the sample; n_levels: of all strata together, each stratum's levels its own. strata: for each
    stratum the rows (m,) that lie in it and know their level; separate robust fits, each with a scale of its own.
    """

    code: I8
    n_levels: int
    strata: tuple[IP, ...]


@dataclass(frozen=True, slots=True)
class NmrEffects:
    """To be taken off a log level: slope x log hours, then the effect (n_levels,) of each factor; shift is added.

    log_offset: added to levels before the logarithm, half the smallest positive level where there are zeros, else 0.
    """

    log_offset: float
    shift: float
    slope: float
    factors: tuple[F8, ...]


def places(*, stratum: I8, level: I8) -> Places:
    """Places from codes (n,) of the stratum and of the level, -1 where unknown; levels coded over all strata."""
    known = (stratum >= 0) & (level >= 0)
    n_levels = int(level.max(initial=-1)) + 1
    rows = tuple(np.flatnonzero(known & (stratum == one)) for one in np.unique(stratum[known]))
    return Places(code=np.where(known, level, -1).astype(np.int64), n_levels=n_levels, strata=rows)


def estimate_effects(*, levels: F8, log_hours: F8, factors: tuple[Places, ...]) -> NmrEffects:
    """Effects on one biomarker: levels (n,) absolute, NaN where missing; log_hours (n,), NaN where unknown.

    Negative levels have no logarithm and take no part.
    """
    measured = np.isfinite(levels) & (levels >= 0.0)
    positive = levels[measured & (levels > 0.0)]
    offset = 0.5 * float(positive.min()) if positive.size and positive.size < int(measured.sum()) else 0.0
    if not positive.size:
        return NmrEffects(offset, 0.0, 0.0, tuple(np.zeros(one.n_levels) for one in factors))
    logged = np.full(levels.shape, np.nan)
    logged[measured] = np.log(levels[measured] + offset)
    centre = group_locations(logged[measured], np.zeros(int(measured.sum()), dtype=np.int64), 1)[0]
    timed = measured & np.isfinite(log_hours)
    intercept, slope = line(logged[timed], log_hours[timed])
    residual = logged - (intercept if timed.any() else centre) - slope * np.where(timed, log_hours, 0.0)
    effects = []
    for factor in factors:
        effect = np.zeros(factor.n_levels)
        for stratum in factor.strata:
            rows = stratum[measured[stratum]]
            own, code = np.unique(factor.code[rows], return_inverse=True)
            effect[own] = group_locations(residual[rows], code.astype(np.int64), own.size)
        placed = factor.code >= 0
        residual[placed] -= effect[factor.code[placed]]
        effects.append(effect)
    # Residuals return to where the log levels were: their own robust location.
    shift = centre - (intercept if timed.any() else centre)
    return NmrEffects(offset, float(shift), float(slope), tuple(effects))
