"""Counts of people too small to be shown: pages tell none from 1 to 4, nor a share that stands for one."""

from collections.abc import Iterable
from dataclasses import dataclass

# Participants, as the var smallest_cell of dbt_project.yml. UK Biobank: no counts below 5 are published.
SMALLEST_CELL = 5
FEWER = f"fewer than {SMALLEST_CELL}"


def is_small(n: float | None) -> bool:
    return n is not None and 0 < n < SMALLEST_CELL


def shown_count(n: int) -> str:
    return FEWER if is_small(n) else f"{n:,}"


def is_telling(share: float, n: float) -> bool:
    """Whether a share of `n` people stands for 1 to 4 of them, or for all but 1 to 4."""
    n_in, n_all = round(share * n), round(n)
    return 0 < n_in < n_all and (is_small(n_in) or is_small(n_all - n_in))


def shown_share(share: float, n: float | None) -> str:
    """Percent, or only on which side of a small count it lies."""
    if n is None or not is_telling(share, n):
        return f"{100 * share:.1f} %"
    if n < 2 * SMALLEST_CELL:
        return "not shown"
    if is_small(round(share * n)):
        return f"< {100 * SMALLEST_CELL / n:.2g} %"
    return f"> {100 * (1 - SMALLEST_CELL / n):.4g} %"


@dataclass(frozen=True, slots=True)
class Step:
    """Who leaves for which reasons, and how many are left."""

    reasons: tuple[str, ...]
    n_excluded: int
    n_out: int

    @property
    def words_out(self) -> str:
        """How many are left; where all who left are a small count, at least how many."""
        if is_small(self.n_excluded):
            return f"more than {self.n_out + self.n_excluded - SMALLEST_CELL:,}"
        return f"{self.n_out:,}"


def merged_steps(steps: Iterable[tuple[str, int, int]]) -> list[Step]:
    """Steps (reason, excluded, left) that exclude somebody; a small count is told together with its neighbour's."""
    merged: list[Step] = []
    for reason, excluded, left in steps:
        if not excluded:
            continue
        before = merged[-1] if merged else None
        if before is not None and (is_small(before.n_excluded) or is_small(excluded)):
            merged[-1] = Step((*before.reasons, reason), before.n_excluded + excluded, left)
        else:
            merged.append(Step((reason,), excluded, left))
    return merged
