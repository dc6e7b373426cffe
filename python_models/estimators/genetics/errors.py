"""What an estimator raises when its arrays cannot be what they claim to be."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
IntegerArray = NDArray[np.int64]
BooleanArray = NDArray[np.bool_]


class GeneticsInputError(ValueError):
    """All faults of one call, raised once.

    An answer that does not exist is no fault: it comes back as the `refusal` of a result.
    """

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(self.faults))


def vectors_of_one_length(**arrays: ArrayLike) -> tuple[FloatArray, ...]:
    """The named inputs as contiguous float64 vectors (n,), a scalar repeated to the common length.

    Raises
    ------
    GeneticsInputError
        If an input has more than one dimension or two inputs differ in length.
    """
    vectors = {name: np.asarray(array, dtype=np.float64) for name, array in arrays.items()}
    lengths = {name: vector.size for name, vector in vectors.items() if vector.ndim == 1}
    faults = [f"{name} has {v.ndim} dimensions; give a vector" for name, v in vectors.items() if v.ndim > 1]
    if len(set(lengths.values())) > 1:
        faults.append("inputs differ in length: " + ", ".join(f"{name} {n:,}" for name, n in lengths.items()))
    if faults:
        raise GeneticsInputError(faults)
    length = next(iter(lengths.values()), 1)
    return tuple(np.ascontiguousarray(np.broadcast_to(vector, (length,))) for vector in vectors.values())
