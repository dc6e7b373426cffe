"""What a number of shared mediators is a share of, and how far that share is known."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import stats

from python_models.estimators.mediation.faults import FloatArray

# What "shared" is a share of: either outcome's mediators, the first's, the second's, the shorter list.
Denominator = Literal["either", "first", "second", "shorter"]
DENOMINATORS: tuple[Denominator, ...] = ("either", "first", "second", "shorter")
DEFAULT_BOOTSTRAPS = 2_000
BoolArray = npt.NDArray[np.bool_]


def denominator_sizes(
    n_first: npt.ArrayLike, n_second: npt.ArrayLike, n_shared: npt.ArrayLike
) -> npt.NDArray[np.int64]:
    """(..., 4) in the order of DENOMINATORS; n_shared: on both lists."""
    first, second, shared = np.asarray(n_first), np.asarray(n_second), np.asarray(n_shared)
    return np.stack([first + second - shared, first, second, np.minimum(first, second)], axis=-1)


def share_interval(
    counted: BoolArray,
    *,
    is_first: BoolArray,
    is_second: BoolArray,
    rng: np.random.Generator,
    clusters: npt.ArrayLike | None = None,
    n_bootstraps: int = DEFAULT_BOOTSTRAPS,
    level: float = 0.95,
) -> tuple[FloatArray, FloatArray]:
    """Limits (4,), (4,) of the share of `counted` over each of DENOMINATORS; NaN where that is empty.

    counted, is_first, is_second (m,): counted ones are on both lists. clusters (m,): labels of correlated mediators, or
    None where they are independent.

    Exact binomial, and where mediators correlate widened on either side to the percentile interval that resamples
    clusters with all their mediators: correlated ones are found and missed together. The bootstrap alone has no width
    where all or none are shared. The share is that of the found ones: a cohort with more power would find others.

    References: Clopper & Pearson 1934, Biometrika 26:404; Field & Welsh 2007, J R Stat Soc B 69:369 (clusters).
    """
    n_counted = int(np.count_nonzero(counted))
    sizes = denominator_sizes(is_first.sum(), is_second.sum(), (is_first & is_second).sum())
    lower, upper = _exact_interval(n_counted, sizes, level)
    if clusters is not None:
        cluster = np.unique(np.asarray(clusters), return_inverse=True)[1]
        wider = _bootstrap_interval(
            [counted, is_first, is_second, is_first & is_second], cluster, n_bootstraps=n_bootstraps, level=level,
            rng=rng,
        )  # fmt: skip
        lower, upper = np.fmin(lower, wider[0]), np.fmax(upper, wider[1])
    return np.where(sizes > 0, lower, np.nan), np.where(sizes > 0, upper, np.nan)


def _exact_interval(n_counted: int, sizes: npt.NDArray[np.int64], level: float) -> tuple[FloatArray, FloatArray]:
    """Clopper-Pearson, each share a proportion of its denominator."""
    tail, size = 0.5 - level / 2.0, sizes.astype(np.float64)
    with np.errstate(invalid="ignore"):
        lower = np.where(n_counted > 0, stats.beta.ppf(tail, n_counted, size - n_counted + 1), 0.0)
        upper = np.where(n_counted < size, stats.beta.ppf(1 - tail, n_counted + 1, size - n_counted), 1.0)
    return lower, upper


def _bootstrap_interval(
    lists: list[BoolArray], cluster: npt.NDArray[np.int64], *, n_bootstraps: int, level: float, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Percentile interval resampling clusters; lists (m,): counted, first, second, both."""
    n_clusters = int(cluster.max()) + 1
    counts = np.stack([np.bincount(cluster[rows], minlength=n_clusters) for rows in lists], axis=-1)
    times = rng.multinomial(n_clusters, np.full(n_clusters, 1.0 / n_clusters), size=n_bootstraps)
    counted, first, second, both = (times @ counts).T
    sizes = denominator_sizes(first, second, both)
    tail = 0.5 - level / 2.0
    lower, upper = np.full(4, np.nan), np.full(4, np.nan)
    for j in range(4):
        known = sizes[:, j] > 0
        if known.any():
            lower[j], upper[j] = np.quantile(counted[known] / sizes[known, j], [tail, 1.0 - tail])
    return lower, upper
