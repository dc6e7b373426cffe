"""Whether the p values of a correlated panel are uniform.

Kolmogorov and Smirnov's test takes p values for independent. Those of biomarkers that correlate leave the diagonal
together, and it would call them not uniform too often; the distance is therefore set beside that of z scores drawn from
N(0, R), R being how the panel's z scores correlate.

References: Efron 2010, Large-Scale Inference, ch. 7 and 8; Phipson & Smyth 2010, Stat Appl Genet Mol Biol 9:39.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from python_models.estimators.scans.panel_draws import DEFAULT_DRAWS, PER_BLOCK, Spectrum

F8 = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Uniformity:
    """distance: the largest of the two-sided p values' distribution from uniform; p: of one at least as large."""

    distance: float
    p: float


def _distance(z: F8) -> F8:
    """Kolmogorov-Smirnov distance (draws,) from uniform of the two-sided p values of z (draws, m)."""
    p = np.sort(2.0 * special.ndtr(-np.abs(z)), axis=1)
    m = p.shape[1]
    above = np.arange(1, m + 1) / m - p
    below = p - np.arange(m) / m
    return np.asarray(np.maximum(above.max(axis=1), below.max(axis=1)))


def uniformity(z: npt.ArrayLike, *, spectrum: Spectrum, seed: int, n_draws: int = DEFAULT_DRAWS) -> Uniformity:
    """Of z scores (m,) that are N(0, R) where nothing is wrong; spectrum: of R.

    Raises
    ------
    ValueError: shapes that do not fit, or no z score.
    """
    given = np.asarray(z, dtype=np.float64)
    if given.shape != spectrum.values.shape or not given.size:
        raise ValueError(f"z scores {given.shape} are not of a panel of {spectrum.values.size}")
    rng = np.random.default_rng(seed)
    found = float(_distance(given[None, :])[0])
    root = (spectrum.vectors * np.sqrt(spectrum.values)).T
    at_least = 0
    for start in range(0, n_draws, PER_BLOCK):
        normal = rng.normal(size=(min(PER_BLOCK, n_draws - start), given.size))
        at_least += int(np.count_nonzero(_distance(normal @ root) >= found - 1e-12))
    return Uniformity(found, (1 + at_least) / (1 + n_draws))
