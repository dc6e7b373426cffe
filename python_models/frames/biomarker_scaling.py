"""How a biomarker is scaled: ranks to normal quantiles, or z."""

from functools import lru_cache
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
from numba import njit
from scipy import special

F4 = npt.NDArray[np.float32]
F8 = npt.NDArray[np.float64]
Transform = Literal["rank_inverse_normal_blom", "rank_inverse_normal_half", "z", "none"]
# Ranks become (rank - c) / (n - 2 c + 1): c = 3/8 (Blom 1958, Statistical Estimates, table 1) or 1/2.
OFFSETS: dict[str, float] = {"rank_inverse_normal_blom": 0.375, "rank_inverse_normal_half": 0.5}


def known_transform(name: str) -> Transform:
    """The transform of that name.

    Raises
    ------
    ValueError: unknown transform, with the known ones.
    """
    for one in get_args(Transform):
        if one == name:
            return one  # type: ignore[no-any-return]
    raise ValueError(f"transform {name} is not one of {', '.join(get_args(Transform))}")


@lru_cache(maxsize=8)
def _quantiles(n: int, offset: float) -> F8:
    """Normal quantiles of ranks 1 .. n; biomarkers complete in the same samples share them."""
    lower = special.ndtri((np.arange(1, (n + 1) // 2 + 1) - offset) / (n - 2.0 * offset + 1.0))
    # The upper half is the lower one turned round; the middle of an odd number is 0.
    return np.concatenate([lower, -lower[: n // 2][::-1]])


@njit(cache=True, nogil=True)
def ascending_order(values: F4) -> npt.NDArray[np.int32]:
    """Indices (n,) that sort finite or infinite values (n,), equal ones in their order.

    Three passes of 11 bits over the bit patterns, turned so that they sort as the numbers do: a sort by comparison
    takes several times as long, and a panel has thousands of these.
    """
    n = values.shape[0]
    bits = values.view(np.uint32).copy()
    for i in range(n):
        b = bits[i]
        bits[i] = b ^ np.uint32(0xFFFFFFFF) if b >> np.uint32(31) else b ^ np.uint32(0x80000000)
    order, other = np.arange(n).astype(np.int32), np.empty(n, dtype=np.int32)
    for shift in (0, 11, 22):
        start = np.zeros(2049, dtype=np.int64)
        for i in range(n):
            start[((bits[i] >> np.uint32(shift)) & np.uint32(2047)) + 1] += 1
        for digit in range(2048):
            start[digit + 1] += start[digit]
        for i in range(n):
            one = order[i]
            digit = (bits[one] >> np.uint32(shift)) & np.uint32(2047)
            other[start[digit]] = one
            start[digit] += 1
        order, other = other, order
    return order


def centre_within(values: F4, group: npt.NDArray[np.int64], at_least: int) -> None:
    """Take each group's mean off one biomarker (n,), NaN where missing, and put the mean of all back.

    group (n,): codes, -1 in none. Groups with fewer than `at_least` known values, and values in none, stay as they are.
    """
    usable = np.isfinite(values) & (group >= 0)
    if not usable.any():
        return
    known = values[usable].astype(np.float64)
    codes = group[usable]
    count = np.bincount(codes)
    mean = np.bincount(codes, weights=known) / np.maximum(count, 1)
    shift = np.where(count >= at_least, mean - known.mean(), 0.0)
    values[usable] = known - shift[codes]


def scale_in_place(values: F4, transform: Transform) -> None:
    """Scale one biomarker (n,), NaN where missing: ranks to normal quantiles (ties share their mean rank), or z."""
    known = np.flatnonzero(~np.isnan(values))
    n = known.size
    if n == 0 or transform == "none":
        return
    given = values[known]
    if transform == "z":
        wide = given.astype(np.float64)
        deviation = wide.std(ddof=1) if n > 1 else 0.0
        values[known] = (wide - wide.mean()) / deviation if deviation > 0 else 0.0
        return
    offset = OFFSETS[transform]
    order = ascending_order(given)
    ascending = given[order]
    quantile = _quantiles(n, offset)
    starts = np.flatnonzero(np.concatenate([[True], ascending[1:] != ascending[:-1]]))
    if starts.size < n:
        # Ranks first .. last of a tie have the mean (first + last) / 2.
        length = np.diff(np.append(starts, n))
        tied = length > 1
        rank = starts[tied] + 0.5 * (length[tied] + 1)
        quantile = quantile.copy()
        quantile[np.repeat(tied, length)] = np.repeat(
            special.ndtri((rank - offset) / (n - 2.0 * offset + 1.0)), length[tied]
        )
    values[known[order]] = quantile
