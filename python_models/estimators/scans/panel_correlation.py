"""What the correlations of a panel say: an uncorrelated subset, groups, the nearest biomarkers for filling gaps.

References: Troyanskaya 2001, Bioinformatics 17:520 (KNNimpute: a gap is the weighted mean of the nearest variables).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

F4 = npt.NDArray[np.float32]
F8 = npt.NDArray[np.float64]
IP = npt.NDArray[np.intp]


def prune(correlation: F8, *, preference: npt.ArrayLike, limit: float) -> IP:
    """For each biomarker the one that stands for it in a set whose members correlate at most `limit`; (K,).

    Members stand for themselves. correlation (K, K). preference (K,): lower is considered first, ties in order. A
    biomarker left out is stood for by the member it correlates with most strongly.

    Raises
    ------
    ValueError: limit outside 0 to 1, or shapes that do not fit.
    """
    matrix = np.abs(np.asarray(correlation, dtype=np.float64))
    k = matrix.shape[0]
    order = np.argsort(np.asarray(preference), kind="stable")
    if matrix.shape != (k, k) or order.shape != (k,):
        raise ValueError(f"correlation must be square and preference as long; got {matrix.shape} and {order.shape}")
    if not 0.0 < limit <= 1.0:
        raise ValueError(f"limit must lie in (0, 1]; got {limit}")
    members: list[int] = []
    stands_for = np.arange(k, dtype=np.intp)
    for one in order:
        near = matrix[one, members]
        if near.size and near.max() > limit:
            stands_for[one] = -1
        else:
            members.append(int(one))
    for one in np.flatnonzero(stands_for < 0):
        stands_for[one] = members[int(np.argmax(matrix[one, members]))]
    return stands_for


def correlated_groups(correlation: F8, *, limit: float) -> npt.NDArray[np.int64]:
    """Labels (K,) of groups whose members correlate by more than `limit` on average: average linkage of 1 - |r|."""
    matrix = np.abs(np.asarray(correlation, dtype=np.float64))
    if matrix.shape[0] < 2:
        return np.zeros(matrix.shape[0], dtype=np.int64)
    distance = np.clip(1.0 - 0.5 * (matrix + matrix.T), 0.0, None)
    np.fill_diagonal(distance, 0.0)
    groups = fcluster(linkage(squareform(distance, checks=False), "average"), 1.0 - limit, "distance")
    return np.asarray(groups, dtype=np.int64)


def nearest(correlation: F8, k: int) -> IP:
    """Each biomarker's `k` most strongly correlated others (K, k), strongest first; fewer where there are fewer."""
    matrix = np.abs(np.asarray(correlation, dtype=np.float64)).copy()
    np.fill_diagonal(matrix, -1.0)
    k = min(k, matrix.shape[0] - 1)
    return np.argsort(-matrix, axis=1, kind="stable")[:, :k].astype(np.intp)


def fill_gaps(values: F4, neighbours: F4, correlation: F8) -> int:
    """Fill gaps of one standardised biomarker (n,) in place from its neighbours (k, n); returns how many were filled.

    A gap is the mean of the neighbours' values with the sign of their correlations, weighted by |r|, times the
    weighted mean |r|: a weakly tied neighbour pulls the value towards the mean 0. Where every neighbour is missing too
    the gap stays. correlation (k,): of the biomarker with each neighbour.
    """
    gaps = np.flatnonzero(np.isnan(values))
    if not gaps.size or not neighbours.shape[0]:
        return 0
    seen = neighbours[:, gaps].astype(np.float64)
    weight = np.where(np.isnan(seen), 0.0, np.abs(correlation)[:, None])
    total = weight.sum(axis=0)
    known = total > 0.0
    signed = np.where(np.isnan(seen), 0.0, seen * np.sign(correlation)[:, None])
    mean = (weight * signed).sum(axis=0)[known] / total[known]
    strength = (weight**2).sum(axis=0)[known] / total[known]
    values[gaps[known]] = (mean * strength).astype(np.float32)
    return int(known.sum())
