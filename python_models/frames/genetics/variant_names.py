"""The names of all variants of a genome as numbers: ten million texts would take a gigabyte."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

I8 = npt.NDArray[np.int64]
RS_NUMBER = re.compile(r"rs(0|[1-9]\d{0,17})")
NO_KEY = int(np.iinfo(np.int64).min)  # of a name that no variant has
NOT_THERE = -1


@dataclass(frozen=True, slots=True)
class VariantNames:
    """Names by position; the macro variant_key makes the keys.

    key : (n,) the rs number, below 0 for any other name.
    other : names of the keys below 0.
    order : (n,) positions by rising key.
    """

    key: I8
    other: dict[int, str]
    order: I8

    @classmethod
    def of(cls, *, key: npt.ArrayLike, other: dict[int, str]) -> "VariantNames":
        keys = np.asarray(key, dtype=np.int64)
        return cls(key=keys, other=other, order=np.argsort(keys, kind="stable"))

    @property
    def size(self) -> int:
        return self.key.size

    def name(self, position: int) -> str:
        """The name at one position."""
        key = int(self.key[position])
        return f"rs{key}" if key >= 0 else self.other[key]

    def names(self, positions: npt.ArrayLike) -> list[str]:
        """The names at several."""
        return [self.name(int(position)) for position in np.asarray(positions)]

    def positions(self, names: Sequence[str]) -> I8:
        """(len(names),) where each name stands, -1 where no variant has it."""
        key_of = {name: key for key, name in self.other.items()}
        asked = np.array(
            [
                int(found.group(1)) if (found := RS_NUMBER.fullmatch(name)) else key_of.get(name, NO_KEY)
                for name in names
            ],
            dtype=np.int64,
        )
        if self.size == 0:
            return np.full(asked.size, NOT_THERE)
        place = np.minimum(np.searchsorted(self.key, asked, sorter=self.order), self.size - 1)
        found_at = self.order[place]
        return np.where(self.key[found_at] == asked, found_at, NOT_THERE)
