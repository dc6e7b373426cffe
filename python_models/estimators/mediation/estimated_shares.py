"""Which share of the biomarkers of one outcome are of the other too, found there or not.

The share of the found ones that are found for both falls with power: with four of ten shared and three standard errors
of effect it is 0.08. But among the biomarkers found for one outcome, the p values for the other tell how many are not
null there without any of them having to be found, since the two were estimated from different events.

References: Storey 2002, J R Stat Soc B 64:479 (share of null p values by those above lambda); Storey & Tibshirani 2003,
PNAS 100:9440; as pi1 of replication: Nica 2011, PLoS Genet 7:e1002003, "Estimation of eQTL sharing".
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import stats

from python_models.estimators.mediation.faults import FloatArray, MediationInputError
from python_models.estimators.mediation.share_intervals import BoolArray

# p values above are taken as null ones. A lower one than the usual 0.5 halves the error, and of effects of three
# standard errors it takes 3 in 100 for null.
LAMBDA = 0.25
# The interval of fewer holds almost every share.
MIN_LISTED = 5
DEFAULT_BOOTSTRAPS = 2_000


@dataclass(frozen=True, slots=True)
class EstimatedShares:
    """share, lower, upper (4,), in the order of DENOMINATORS; NaN where refusals (4,) says why.

    either: of those of either outcome, 1 / (1 / first + 1 / second - 1), as long as shared ones are found as often as
    others. shorter: of the shorter list.
    """

    share: FloatArray
    lower: FloatArray
    upper: FloatArray
    refusals: tuple[str | None, ...]


def estimated_shares(
    z_first: npt.ArrayLike,
    z_second: npt.ArrayLike,
    *,
    is_first: npt.ArrayLike,
    is_second: npt.ArrayLike,
    seed: int,
    clusters: npt.ArrayLike | None = None,
    n_bootstraps: int = DEFAULT_BOOTSTRAPS,
    level: float = 0.95,
) -> tuple[EstimatedShares, EstimatedShares]:
    """Shares of the listed that are of the other outcome too; and that are so in the same direction.

    z_first, z_second (k, m): of the paths that a biomarker of the outcome needs, normal under the null: its own, or
    those of a mediator, whose direction is the product of their signs. A path that both lists need (of one exposure)
    is left out: whoever is on one list has it. is_first, is_second (m,): on the list. clusters (m,): labels of
    correlated biomarkers, or None.

    Each path of the other outcome scores 1 below LAMBDA and -LAMBDA / (1 - LAMBDA) above, 0 on average if it is null
    and nearly 1 if not; a biomarker scores their product. False ones on a list, 5 %, share as they do. The interval is
    the wider on either side of the exact binomial one and of the bootstrap of clusters.

    Raises MediationInputError for shapes that do not fit.
    """
    z = [np.atleast_2d(np.asarray(one, dtype=np.float64)) for one in (z_first, z_second)]
    listed = [np.asarray(one, dtype=np.bool_) for one in (is_first, is_second)]
    m = z[0].shape[1]
    if z[1].shape[1] != m or any(one.shape != (m,) for one in listed):
        raise MediationInputError(
            [f"paths {z[0].shape}, {z[1].shape} and lists {listed[0].shape}, {listed[1].shape} are not of one panel"]
        )
    cluster = np.arange(m) if clusters is None else np.unique(np.asarray(clusters), return_inverse=True)[1]
    rng = np.random.default_rng(seed)
    sign = [np.sign(one).prod(axis=0) for one in z]
    of_list = [
        _scores(z[other][:, listed[own]], is_same=(sign[own] * sign[other] > 0.0)[listed[own]])
        for own, other in ((0, 1), (1, 0))
    ]
    found = []
    for kind in range(2):
        first, second = (
            _share(of_list[own][kind], cluster[listed[own]], n_bootstraps=n_bootstraps, level=level, rng=rng)
            for own in (0, 1)
        )
        found.append(_by_denominator(first, second, listed))
    shared, same = found
    # Two estimates with errors of their own may come out the other way round.
    most = np.minimum(same.share, shared.share)
    return shared, replace(same, share=most, lower=np.minimum(same.lower, most))


def _scores(z: FloatArray, *, is_same: BoolArray) -> tuple[FloatArray, FloatArray]:
    """Of the other outcome's paths (k, n): scores (n,) of being shared, and of being shared in the same direction.

    Being so in the same less in the opposite direction scores its sign where every path is below LAMBDA, 0 on average
    if a path is null.
    """
    is_below = 2.0 * stats.norm.sf(np.abs(z)) < LAMBDA
    shared = np.where(is_below, 1.0, -LAMBDA / (1.0 - LAMBDA)).prod(axis=0)
    direction = np.where(is_same, 1.0, -1.0) * is_below.all(axis=0)
    return shared, 0.5 * (shared + direction)


def _share(
    scores: FloatArray, cluster: npt.NDArray[np.intp], *, n_bootstraps: int, level: float, rng: np.random.Generator
) -> FloatArray:
    """Mean of scores (n,) with its interval, all within 0 to 1: (3,); NaN of too few."""
    n = scores.size
    if n < MIN_LISTED:
        return np.full(3, np.nan)
    share, tail = float(np.clip(scores.mean(), 0.0, 1.0)), 0.5 - level / 2.0
    exact = [
        stats.beta.ppf(tail, n * share, n * (1.0 - share) + 1.0) if share > 0.0 else 0.0,
        stats.beta.ppf(1.0 - tail, n * share + 1.0, n * (1.0 - share)) if share < 1.0 else 1.0,
    ]
    label = np.unique(cluster, return_inverse=True)[1]
    sums, sizes = np.bincount(label, weights=scores), np.bincount(label)
    times = rng.multinomial(sums.size, np.full(sums.size, 1.0 / sums.size), size=n_bootstraps)
    drawn = np.quantile((times @ sums) / (times @ sizes), [tail, 1.0 - tail])
    return np.clip([share, min(exact[0], drawn[0]), max(exact[1], drawn[1])], 0.0, 1.0)


def _by_denominator(first: FloatArray, second: FloatArray, listed: list[BoolArray]) -> EstimatedShares:
    n_first, n_second = (int(one.sum()) for one in listed)
    both = np.minimum(first, second)
    with np.errstate(divide="ignore"):
        either = np.where(both > 0.0, 1.0 / (1.0 / first + 1.0 / second - 1.0), 0.0) + 0.0 * (first + second)
    columns = np.stack([either, first, second, first if n_first <= n_second else second])
    shortest = min(n_first, n_second)
    sizes = (shortest, n_first, n_second, shortest)
    refusals = tuple(None if n >= MIN_LISTED else f"a list of {n}: fewer than {MIN_LISTED} say nothing" for n in sizes)
    return EstimatedShares(columns[:, 0], columns[:, 1], columns[:, 2], refusals)
