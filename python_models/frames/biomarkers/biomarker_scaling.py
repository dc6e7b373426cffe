"""How a biomarker is scaled: ranks to normal quantiles, or z."""

from concurrent.futures import ThreadPoolExecutor
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
from numba import njit

F4 = npt.NDArray[np.float32]
F8 = npt.NDArray[np.float64]
Transform = Literal["rank_inverse_normal_blom", "rank_inverse_normal_half", "z", "none"]
# Ranks become (rank - c) / (n - 2 c + 1): c = 3/8 (Blom 1958, Statistical Estimates, table 1) or 1/2.
OFFSETS: dict[str, float] = {"rank_inverse_normal_blom": 0.375, "rank_inverse_normal_half": 0.5}
# Half the width of the probabilities that one rational function serves (Wichura 1988); outside of it are the tails.
CENTRAL = 0.425


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


@njit(cache=True, nogil=True, fastmath={"contract"})
def _central_quantile(q: float) -> float:
    """Standard normal quantile of 1/2 + q, |q| <= 0.425: without a branch, so that ranks are done several at a time."""
    r = 0.180625 - q * q
    a = 2.5090809287301226727e3
    for c in (
        3.3430575583588128105e4, 6.7265770927008700853e4, 4.5921953931549871457e4, 1.3731693765509461125e4,
        1.9715909503065514427e3, 1.3314166789178437745e2, 3.3871328727963666080e0,
    ):  # fmt: skip
        a = a * r + c
    b = 5.2264952788528545610e3
    for c in (
        2.8729085735721942674e4, 3.9307895800092710610e4, 2.1213794301586595867e4, 5.3941960214247511077e3,
        6.8718700749205790830e2, 4.2313330701600911252e1, 1.0,
    ):  # fmt: skip
        b = b * r + c
    return q * a / b


@njit(cache=True, nogil=True, fastmath={"contract"})
def _tail_quantile(p: float) -> float:
    """Standard normal quantile of p in (0, 0.075)."""
    r = np.sqrt(-np.log(p))
    if r <= 5.0:
        r -= 1.6
        a = 7.74545014278341407640e-4
        for c in (
            2.27238449892691845833e-2, 2.41780725177450611770e-1, 1.27045825245236838258e0, 3.64784832476320460504e0,
            5.76949722146069140550e0, 4.63033784615654529590e0, 1.42343711074968357734e0,
        ):  # fmt: skip
            a = a * r + c
        b = 1.05075007164441684324e-9
        for c in (
            5.47593808499534494600e-4, 1.51986665636164571966e-2, 1.48103976427480074590e-1, 6.89767334985100004550e-1,
            1.67638483018380384940e0, 2.05319162663775882187e0, 1.0,
        ):  # fmt: skip
            b = b * r + c
    else:
        r -= 5.0
        a = 2.01033439929228813265e-7
        for c in (
            2.71155556874348757815e-5, 1.24266094738807843860e-3, 2.65321895265761230930e-2, 2.96560571828504891230e-1,
            1.78482653991729133580e0, 5.46378491116411436990e0, 6.65790464350110377720e0,
        ):  # fmt: skip
            a = a * r + c
        b = 2.04426310338993978564e-15
        for c in (
            1.42151175831644588870e-7, 1.84631831751005468180e-5, 7.86869131145613259100e-4, 1.48753612908506148525e-2,
            1.36929880922735805310e-1, 5.99832206555887937690e-1, 1.0,
        ):  # fmt: skip
            b = b * r + c
    return -a / b


@njit(cache=True, nogil=True)
def normal_quantile(p: float) -> float:
    """Standard normal quantile of p in (0, 1), to a few units in the last place; inlined where a panel needs millions.

    References: Wichura 1988, Appl Stat 37:477 (AS 241, PPND16).
    """
    q = p - 0.5
    if abs(q) <= CENTRAL:
        return _central_quantile(q)
    return _tail_quantile(p) if q < 0.0 else -_tail_quantile(1.0 - p)


@njit(cache=True, nogil=True)
def quantiles_of_ranks(n: int, offset: float) -> F8:
    """Standard normal quantiles (n,) of (rank - offset) / (n - 2 offset + 1), ranks 1 to n.

    The upper half is the lower turned round; all but the tails in one loop that the compiler does four at a time.
    """
    width = n - 2.0 * offset + 1.0
    half = (n + 1) // 2
    quantiles = np.empty(n)
    for k in range(half):
        quantiles[k] = (k + 1.0 - offset) / width - 0.5
    n_tail = 0
    while n_tail < half and quantiles[n_tail] < -CENTRAL:
        quantiles[n_tail] = _tail_quantile(quantiles[n_tail] + 0.5)
        n_tail += 1
    for k in range(n_tail, half):
        quantiles[k] = _central_quantile(quantiles[k])
    for k in range(half):
        quantiles[n - 1 - k] = -quantiles[k]
    return quantiles


@njit(cache=True, nogil=True)
def ascending_known(values: F4) -> npt.NDArray[np.uint64]:
    """Known values (n,) in ascending order (m,), equal ones in their order: key in the upper 32 bits, index below.

    Three passes of 11 bits over the bit patterns, turned so that they sort as the numbers do: a sort by comparison
    takes several times as long, and a panel has thousands of these. Equal keys are equal values, 0 and -0 as well.
    """
    n = values.shape[0]
    first, other = np.empty(n, dtype=np.uint64), np.empty(n, dtype=np.uint64)
    starts = np.zeros((3, 2048), dtype=np.int64)
    low = np.uint64(2047)
    one = np.empty(1, dtype=np.float32)
    m = 0
    for i in range(n):
        if values[i] != values[i]:
            continue
        one[0] = values[i] + np.float32(0.0)
        b = one.view(np.uint32)[0]
        b = b ^ np.uint32(0xFFFFFFFF) if b >> np.uint32(31) else b ^ np.uint32(0x80000000)
        key = np.uint64(b) << np.uint64(32)
        starts[0, (key >> np.uint64(32)) & low] += 1
        starts[1, (key >> np.uint64(43)) & low] += 1
        starts[2, key >> np.uint64(54)] += 1
        first[m] = key | np.uint64(i)
        m += 1
    for k in range(3):
        total = 0
        for digit in range(2048):
            count = starts[k, digit]
            starts[k, digit] = total
            total += count
    for k in range(3):
        shift = np.uint64(32 + 11 * k)
        for i in range(m):
            digit = (first[i] >> shift) & low
            other[starts[k, digit]] = first[i]
            starts[k, digit] += 1
        first, other = other, first
    return first[:m]


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
    if transform == "none":
        return
    if transform == "z":
        known = np.flatnonzero(~np.isnan(values))
        wide = values[known].astype(np.float64)
        deviation = wide.std(ddof=1) if known.size > 1 else 0.0
        values[known] = (wide - wide.mean()) / deviation if deviation > 0 else 0.0
        return
    _rank(values, OFFSETS[transform])


@njit(cache=True, nogil=True)
def _between(rank: float, n: int, offset: float) -> float:
    """Quantile of a rank that lies between two; 0 in the very middle."""
    width = n - 2.0 * offset + 1.0
    if 2.0 * rank > n + 1:
        return -normal_quantile((n + 1 - rank - offset) / width)
    return normal_quantile((rank - offset) / width)


@njit(cache=True, nogil=True)
def _rank(values: F4, offset: float) -> None:
    """Ranks of the known values (n,) to normal quantiles, in place; ties share their mean rank."""
    ascending = ascending_known(values)
    n = ascending.shape[0]
    quantiles = quantiles_of_ranks(n, offset)
    index, half = np.uint64(0xFFFFFFFF), np.uint64(32)
    start = 0
    while start < n:
        key = ascending[start] >> half
        end = start + 1
        while end < n and ascending[end] >> half == key:
            end += 1
        # Ranks start + 1 .. end of a tie have the mean (start + 1 + end) / 2, a rank or half way between two.
        quantile = quantiles[(start + end - 1) // 2]
        if (end - start) % 2 == 0:
            quantile = _between(0.5 * (start + 1 + end), n, offset)
        for i in range(start, end):
            values[ascending[i] & index] = quantile
        start = end


def scale_rows(rows: F4, transform: Transform) -> None:
    """Scale biomarkers (K, n) in place, on two threads: compiled code holds no lock."""
    halves = (rows[0::2], rows[1::2])
    if rows.shape[0] < 2 or transform not in OFFSETS:
        halves = (rows,)  # type: ignore[assignment]

    def scale(half: F4) -> None:
        for row in half:
            scale_in_place(row, transform)

    with ThreadPoolExecutor(max_workers=len(halves)) as threads:
        list(threads.map(scale, halves))
