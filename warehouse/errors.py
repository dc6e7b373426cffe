"""One shape for every refusal: who, which rule, how many break it, what to do.

A fault never carries a participant's id or value: dbt, logs and CI print exceptions.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches


@dataclass(frozen=True, slots=True)
class Fault:
    """One broken rule.

    where : file, seed, table or option the fault is in (never a participant).
    rule : the rule in plain English, as it should hold.
    remedy : what the user does about it.
    count : how many rows, columns or values break it; None where counting makes no sense.
    """

    where: str
    rule: str
    remedy: str
    count: int | None = None

    def __str__(self) -> str:
        counted = "" if self.count is None else f" ({self.count:,} break it)"
        return f"{self.where}: {self.rule}{counted}\n    -> {self.remedy}"


def did_you_mean(name: str, known: Iterable[str], *, otherwise: str) -> str:
    """A remedy for a name that is not known: those it is part of, else the nearest, else `otherwise`."""
    names = sorted(known)
    near = [one for one in names if name and name in one][:5] or get_close_matches(name, names, n=2)
    return f"did you mean {' or '.join(near)}?" if near else otherwise


class StudyError(Exception):
    """All faults of one step, raised once. Each subclass has its own exit code."""

    exit_code = 1
    headline = "The study cannot go on"

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__(str(self))

    def __str__(self) -> str:
        n = len(self.faults)
        lines = [f"{self.headline}: {n} fault{'s' if n != 1 else ''}."]
        lines += [f"  {i}. {fault}" for i, fault in enumerate(self.faults, start=1)]
        return "\n".join(lines)


class SeedError(StudyError):
    exit_code = 3
    headline = "The seeds do not describe a study"


class IngestError(StudyError):
    exit_code = 4
    headline = "The export cannot be read as UK Biobank data"


class SyntheticError(StudyError):
    exit_code = 5
    headline = "The synthetic cohort cannot be written"


class BuildError(StudyError):
    exit_code = 6
    headline = "The build stopped"
