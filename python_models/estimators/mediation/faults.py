"""What callers did wrong: every fault is collected, then raised once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


class MediationInputError(ValueError):
    """Arrays or options that no estimate can be made from, all in one message, without a value of any participant."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(self.faults))


def raise_if_any(faults: Sequence[str]) -> None:
    """Raise MediationInputError when `faults` is not empty."""
    if faults:
        raise MediationInputError(faults)


def choice_fault(*, name: str, value: object, allowed: Sequence[str]) -> list[str]:
    """A fault naming the allowed words, or nothing."""
    return [] if value in allowed else [f"{name} must be one of {', '.join(allowed)}, not {value!r}"]


def column_faults(*, name: str, values: npt.NDArray[Any], n: int) -> list[str]:
    """Faults of one array that should hold n finite rows."""
    if values.shape[:1] != (n,):
        return [f"{name} has shape {values.shape}, expected {n} rows"]
    n_bad = int(np.count_nonzero(~np.isfinite(values)))
    return (
        [f"{name} has {n_bad} values that are missing or infinite; drop those rows from every model alike"]
        if n_bad
        else []
    )


def p_value_faults(*, name: str, values: npt.NDArray[Any]) -> list[str]:
    """Faults of an array of p-values: one dimension, finite, between 0 and 1."""
    if values.ndim != 1:
        return [f"{name} must have one dimension, not {values.ndim}"]
    n_bad = int(np.count_nonzero(~((values >= 0) & (values <= 1))))
    return [f"{name} has {n_bad} values outside 0 to 1"] if n_bad else []
