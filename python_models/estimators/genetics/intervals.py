"""Stretches of the genome that touch: the one step behind merged loci, shared loci and genes that travel together."""

import numpy as np
from numpy.typing import ArrayLike

from python_models.estimators.genetics.errors import FloatArray, GeneticsInputError, IntegerArray


def connected_stretches(
    *, chromosome: ArrayLike, start: ArrayLike, end: ArrayLike, largest_gap: int = 0
) -> IntegerArray:
    """(k,) stretch of each interval: intervals overlap or follow within `largest_gap` base pairs, directly or in chain.

    chromosome : (k,) any labels that sort. start, end : (k,) first and last base pair.
    Stretches are numbered along the genome.

    Raises
    ------
    GeneticsInputError
        If lengths differ or an interval ends before it starts.

    >>> connected_stretches(chromosome=[1, 1, 1, 2], start=[1, 8, 30, 1], end=[10, 20, 40, 5]).tolist()
    [0, 0, 1, 2]
    """
    label, first, last = (np.asarray(values) for values in (chromosome, start, end))
    if not label.shape == first.shape == last.shape:
        raise GeneticsInputError([f"intervals differ in length: {label.size}, {first.size}, {last.size}"])
    if (last < first).any():
        raise GeneticsInputError([f"{int((last < first).sum()):,} intervals end before they start"])
    stretch = np.empty(label.size, dtype=np.int64)
    current, reach, before = -1, 0, None
    for k in np.lexsort((first, label)):
        if before is None or label[k] != before or first[k] > reach + largest_gap:
            current += 1
            reach, before = last[k], label[k]
        reach = max(reach, last[k])
        stretch[k] = current
    return stretch


def extents(stretch: IntegerArray, *, first: FloatArray, last: FloatArray, n: int) -> tuple[IntegerArray, IntegerArray]:
    """(n,) first and last base pair of each stretch from those of its members."""
    start, end = np.full(n, np.inf), np.full(n, -np.inf)
    np.minimum.at(start, stretch, first)
    np.maximum.at(end, stretch, last)
    return start.astype(np.int64), end.astype(np.int64)
