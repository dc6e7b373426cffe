"""Whether the effects of one panel on two outcomes agree more than chance: correlation and concordance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from python_models.estimators.scans.panel_draws import DEFAULT_DRAWS, Spectrum, flipped

F8 = npt.NDArray[np.float64]


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
    errors: tuple[npt.ArrayLike, npt.ArrayLike] | None = None,
    spectrum: Spectrum | None = None,
    seed: int = 0,
    n_draws: int = DEFAULT_DRAWS,
) -> EffectAgreement | None:
    """Agreement of effects (m,) on two outcomes; None where one of them does not vary.

    errors (m,) each: standard errors of the effects. spectrum: of the panel's correlations.
    Without both there is no p: the labels of correlated biomarkers cannot be shuffled.

    The z scores of one outcome are redrawn (`panel_draws.flipped`); either may be the one, and the larger p is given.
    """
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if a.size < 3 or np.ptp(a) == 0.0 or np.ptp(b) == 0.0:
        return None
    correlation = float(np.corrcoef(a, b)[0, 1])
    concordance = float(np.mean(np.sign(a) == np.sign(b)))
    if errors is None or spectrum is None:
        return EffectAgreement(correlation, concordance)
    rng = np.random.default_rng(seed)
    p = np.zeros(2)
    for moved, kept, given in ((a, b, errors[0]), (b, a, errors[1])):
        error = np.asarray(given, dtype=np.float64)
        scaled, sign = (kept - kept.mean()) / (kept.std() * kept.size), np.sign(kept)
        at_least = np.zeros(2, dtype=np.int64)
        for z in flipped(moved / error, spectrum, n_draws=n_draws, rng=rng):
            drawn = z * error
            at_least[0] += np.count_nonzero(drawn @ scaled / drawn.std(axis=1) >= correlation - 1e-12)
            at_least[1] += np.count_nonzero((np.sign(drawn) == sign).mean(axis=1) >= concordance - 1e-12)
        p = np.maximum(p, (1 + at_least) / (1 + n_draws))
    return EffectAgreement(correlation, concordance, float(p[0]), float(p[1]))
