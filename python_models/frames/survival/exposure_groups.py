"""Groups of an exposure that people can picture: its few values, or thirds within sex."""

import numpy as np
import numpy.typing as npt

F8 = npt.NDArray[np.float64]
THIRDS = ("lowest third", "middle third", "highest third")
YES_NO = {0.0: "no", 1.0: "yes"}
# With more values than this, thirds.
MOST_LEVELS = 6


def exposure_groups(values: F8, sex: npt.NDArray[np.int32]) -> list[tuple[str, npt.NDArray[np.bool_]]]:
    """Name and members (n,) of each group of values (n,), finite; each value where there are few, else thirds."""
    levels = np.unique(values)
    if levels.size <= 2:
        return [(YES_NO.get(float(level), f"{level:g}"), values == level) for level in levels]
    if levels.size <= MOST_LEVELS:
        return [(f"{level:g}", values == level) for level in levels]
    third = np.zeros(values.size, dtype=np.int64)
    for code in np.unique(sex):
        rows = sex == code
        third[rows] = np.searchsorted(np.quantile(values[rows], [1 / 3, 2 / 3]), values[rows], side="right")
    return [(name, third == k) for k, name in enumerate(THIRDS)]
