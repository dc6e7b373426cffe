"""Redrawing the z scores of a correlated panel, under the null that two outcomes have nothing in common.

Under the null the z scores of one outcome are N(0, R), independent of the other's. Along the eigenvectors of R their
coordinates are then independent and symmetric, and of one size where eigenvalues are. So flipping each one's sign at
random draws from the null given their sizes, and turning those of like eigenvalues into each other at random draws
given their joint size. Both stay valid where an outcome has effects of its own that spread over the panel as R does,
which redrawing from N(0, R) does not.

References: Efron 2010, Large-Scale Inference, ch. 8 (z scores of a panel correlate as its biomarkers do); Winkler 2014,
NeuroImage 92:381 (sign flips); Wagner & Dray 2015, Methods Ecol Evol 6:1169 (spectral randomisation, of any field with
a known spectrum); Phipson & Smyth 2010, Stat Appl Genet Mol Biol 9:39 (1 added, p never 0).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import linalg

F8 = npt.NDArray[np.float64]
# Draws held at once: 500 of 3,000 biomarkers are 12 MB.
PER_BLOCK = 500
DEFAULT_DRAWS = 2_000
# Eigenvalues are alike within this ratio; wider and narrower ones call as many independent lists.
ALIKE = 2.0
# Directions without variance of their own, left by rounding or by correlations of incomplete pairs.
SMALLEST = 1e-10


@dataclass(frozen=True, slots=True)
class Spectrum:
    """Of correlations: values (m,), at least SMALLEST; vectors (m, m), in columns; block (m,): of like values."""

    values: F8
    vectors: F8
    block: npt.NDArray[np.intp]


def panel_spectrum(correlation: npt.ArrayLike) -> Spectrum:
    """Eigenvalues and eigenvectors of a panel's correlations (m, m)."""
    values, vectors = linalg.eigh(np.asarray(correlation, dtype=np.float64))
    values = np.maximum(values, SMALLEST)
    block = np.zeros(values.size, dtype=np.intp)
    largest = values[-1]
    for j in range(values.size - 2, -1, -1):
        is_next = values[j] * ALIKE < largest
        block[j] = block[j + 1] + is_next
        largest = values[j] if is_next else largest
    return Spectrum(values, np.asarray(vectors), block)


def _sizes(n_draws: int) -> Iterator[int]:
    for start in range(0, n_draws, PER_BLOCK):
        yield min(PER_BLOCK, n_draws - start)


def flipped(z: F8, spectrum: Spectrum, *, n_draws: int, rng: np.random.Generator) -> Iterator[F8]:
    """Draws (up to PER_BLOCK, m), block by block, of z scores (m,), signs flipped along the eigenvectors."""
    spread = (spectrum.vectors * (spectrum.vectors.T @ z)).T
    for size in _sizes(n_draws):
        yield rng.choice([-1.0, 1.0], size=(size, z.size)) @ spread


def rotated(z: F8, spectrum: Spectrum, *, n_draws: int, rng: np.random.Generator) -> Iterator[F8]:
    """Draws (up to PER_BLOCK, m), block by block, of z scores (m,), coordinates of like eigenvalues turned at random.

    A turned vector is a normal one of the same length. Sizes of single scores are drawn anew, as lists by size need:
    flipping alone leaves them as they were where nothing correlates.
    """
    root = np.sqrt(spectrum.values)
    coordinates = (spectrum.vectors.T @ z) / root
    starts = np.flatnonzero(np.r_[True, np.diff(spectrum.block) != 0])
    position = np.cumsum(np.r_[False, np.diff(spectrum.block) != 0])
    length = np.sqrt(np.add.reduceat(coordinates**2, starts))
    for size in _sizes(n_draws):
        normal = rng.normal(size=(size, z.size))
        scale = length / np.sqrt(np.add.reduceat(normal**2, starts, axis=1))
        yield (normal * scale[:, position] * root) @ spectrum.vectors.T
