"""Whether the effects of one panel on two outcomes agree more than chance: correlation and concordance.

References: Efron 2010, Large-Scale Inference, ch. 8 (z scores of a panel correlate as its biomarkers do); Winkler 2014,
NeuroImage 92:381 (sign flips); Phipson & Smyth 2010, Stat Appl Genet Mol Biol 9:39 (1 added, p never 0).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import linalg

F8 = npt.NDArray[np.float64]
# Draws held at once: 500 of 3,000 biomarkers are 12 MB.
PER_BLOCK = 500


@dataclass(frozen=True, slots=True)
class EffectAgreement:
    """correlation: Pearson, of the two effects; concordance: share of equal signs; one-sided p of each, or None."""

    correlation: float
    concordance: float
    correlation_p: float | None = None
    concordance_p: float | None = None


def effect_agreement(
    first: npt.ArrayLike,
    second: npt.ArrayLike,
    *,
    first_error: npt.ArrayLike | None = None,
    panel_correlation: npt.ArrayLike | None = None,
    seed: int = 0,
    n_draws: int = 2_000,
) -> EffectAgreement | None:
    """Agreement of effects (m,) on two outcomes; None where one of them does not vary.

    first_error (m,): standard errors of the first effects. panel_correlation (m, m): of the biomarkers. Without both
    there is no p: the labels of correlated biomarkers cannot be shuffled.

    Under the null the first z scores are N(0, R), independent of the second. Their coordinates along the eigenvectors
    of R are then independent and symmetric, so flipping each one's sign at random draws from the null given their
    sizes. It stays valid where the first outcome has effects of its own that spread over the panel as R does, which
    redrawing from N(0, R) does not.
    """
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if a.size < 3 or np.ptp(a) == 0.0 or np.ptp(b) == 0.0:
        return None
    scaled, sign = (b - b.mean()) / (b.std() * b.size), np.sign(b)
    correlation = float((a - a.mean()) @ scaled / a.std())
    concordance = float(np.mean(np.sign(a) == sign))
    if first_error is None or panel_correlation is None:
        return EffectAgreement(correlation, concordance)
    error = np.asarray(first_error, dtype=np.float64)
    _, vectors = linalg.eigh(np.asarray(panel_correlation, dtype=np.float64), overwrite_a=False)
    spread = (vectors * (vectors.T @ (a / error))).T * error
    rng = np.random.default_rng(seed)
    at_least = np.zeros(2, dtype=np.int64)
    for start in range(0, n_draws, PER_BLOCK):
        drawn = rng.choice([-1.0, 1.0], size=(min(PER_BLOCK, n_draws - start), a.size)) @ spread
        at_least[0] += np.count_nonzero(drawn @ scaled / drawn.std(axis=1) >= correlation - 1e-12)
        at_least[1] += np.count_nonzero((np.sign(drawn) == sign).mean(axis=1) >= concordance - 1e-12)
    p = (1 + at_least) / (1 + n_draws)
    return EffectAgreement(correlation, concordance, float(p[0]), float(p[1]))
