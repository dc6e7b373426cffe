"""How a biomarker is scaled: ranks to normal quantiles, or z."""

from functools import lru_cache
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
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
    return np.asarray(special.ndtri((np.arange(1, n + 1) - offset) / (n - 2.0 * offset + 1.0)), dtype=np.float64)


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
    order = np.argsort(given)
    ascending = given[order]
    quantile = _quantiles(n, offset)
    starts = np.flatnonzero(np.concatenate([[True], ascending[1:] != ascending[:-1]]))
    if starts.size < n:
        # Ranks first .. last of a tie have the mean (first + last) / 2.
        length = np.diff(np.append(starts, n))
        rank = starts + 0.5 * (length + 1)
        of_value = special.ndtri((rank - offset) / (n - 2.0 * offset + 1.0))
        quantile = np.repeat(of_value, length)
    values[known[order]] = quantile
