"""Whether the effects of one panel on two outcomes agree more than chance pairs them: correlation and concordance.

References: Phipson & Smyth 2010, Stat Appl Genet Mol Biol 9:39 (permutation p with 1 added, never 0).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

F8 = npt.NDArray[np.float64]
# Permutations held at once: 1,000 of 3,000 biomarkers are 24 MB.
PER_BLOCK = 1_000


@dataclass(frozen=True, slots=True)
class EffectAgreement:
    """correlation: Pearson, of the two effects; concordance: share of equal signs; one-sided permutation p of each."""

    correlation: float
    concordance: float
    correlation_p: float
    concordance_p: float


def effect_agreement(
    first: npt.ArrayLike, second: npt.ArrayLike, *, strata: npt.ArrayLike, seed: int, n_permutations: int = 2_000
) -> EffectAgreement | None:
    """Agreement of effects (m,) on two outcomes; second changes places within strata (m,). None where it has none.

    Biomarkers are exchangeable under the null, so near-copies make p too small: use a pruned set for those.
    """
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if a.size < 3 or np.ptp(a) == 0.0 or np.ptp(b) == 0.0:
        return None
    z = (a - a.mean()) / a.std() / a.size
    signs = np.sign(a)
    scaled, sign = (b - b.mean()) / b.std(), np.sign(b)
    correlation, concordance = float(z @ scaled), float(np.mean(signs == sign))
    _, group = np.unique(np.asarray(strata), return_inverse=True)
    rows = [np.flatnonzero(group == one) for one in range(int(group.max()) + 1)]
    rng = np.random.default_rng(seed)
    at_least = np.zeros(2, dtype=np.int64)
    for start in range(0, n_permutations, PER_BLOCK):
        n = min(PER_BLOCK, n_permutations - start)
        order = np.tile(np.arange(a.size), (n, 1))
        for one in rows:
            order[:, one] = one[rng.permuted(np.tile(np.arange(one.size), (n, 1)), axis=1)]
        at_least[0] += np.count_nonzero(scaled[order] @ z >= correlation - 1e-12)
        at_least[1] += np.count_nonzero((sign[order] == signs).mean(axis=1) >= concordance - 1e-12)
    p = (1 + at_least) / (1 + n_permutations)
    return EffectAgreement(correlation, concordance, float(p[0]), float(p[1]))
