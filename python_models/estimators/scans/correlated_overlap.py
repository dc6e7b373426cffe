"""Whether two outcomes share more biomarkers of a correlated panel than chance gives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from python_models.estimators.scans.panel_draws import DEFAULT_DRAWS, Spectrum, rotated


@dataclass(frozen=True, slots=True)
class CorrelatedOverlap:
    """p: at least as many on both lists; same_direction_p: at least as many on both in one direction."""

    p: float
    same_direction_p: float


def correlated_overlap(
    first: npt.ArrayLike,
    second: npt.ArrayLike,
    *,
    is_first: npt.ArrayLike,
    is_second: npt.ArrayLike,
    spectrum: Spectrum,
    seed: int,
    n_draws: int = DEFAULT_DRAWS,
) -> CorrelatedOverlap:
    """Chance that two lists of a correlated panel share so many, when what they list is independent.

    first, second (k, m): z scores of the paths that a biomarker needs to be on the list: one, or those of a mediator,
    whose direction is the product of their signs. is_first, is_second (m,): on the list. spectrum: of the panel.

    One outcome's paths are redrawn (`panel_draws.rotated`) and its list is as long as it was: the biomarkers whose
    weakest path is strongest. Such lists are in clusters as the panel is; labels that change places freely are not, and
    call half of independent outcomes with three strong markers each. Either outcome may be the one redrawn; the larger
    p is given.

    Raises
    ------
    ValueError: shapes that do not fit.
    """
    z = [np.atleast_2d(np.asarray(one, dtype=np.float64)) for one in (first, second)]
    listed = [np.asarray(one, dtype=np.bool_) for one in (is_first, is_second)]
    m = spectrum.values.size
    if any(one.shape[1] != m for one in z) or any(one.shape != (m,) for one in listed):
        raise ValueError(
            f"paths {z[0].shape} and {z[1].shape} and lists {listed[0].shape} and {listed[1].shape} are not of a panel "
            f"of {m}"
        )
    sign = [np.sign(one).prod(axis=0) for one in z]
    both = listed[0] & listed[1]
    found = np.array([both.sum(), (both & (sign[0] * sign[1] > 0.0)).sum()])
    if not both.any():
        return CorrelatedOverlap(1.0, 1.0)
    rng = np.random.default_rng(seed)
    p = np.zeros(2)
    for moved, kept in ((0, 1), (1, 0)):
        length = int(listed[moved].sum())
        at_least = np.zeros(2, dtype=np.int64)
        for paths in zip(*(rotated(one, spectrum, n_draws=n_draws, rng=rng) for one in z[moved]), strict=True):
            weakest = np.min(np.abs(paths), axis=0)
            direction = np.sign(paths).prod(axis=0)
            on_list = np.argpartition(-weakest, length - 1, axis=1)[:, :length]
            shared = listed[kept][on_list]
            same = shared & (np.take_along_axis(direction, on_list, axis=1) == sign[kept][on_list])
            at_least += np.count_nonzero(np.stack([shared.sum(axis=1), same.sum(axis=1)], axis=1) >= found, axis=0)
        p = np.maximum(p, (1 + at_least) / (1 + n_draws))
    return CorrelatedOverlap(float(p[0]), float(p[1]))
