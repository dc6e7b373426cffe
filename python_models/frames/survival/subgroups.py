"""Subgroups and joint exposures as the seeds state them."""

from dataclasses import dataclass
from typing import Literal, get_args

import duckdb
import numpy as np
import numpy.typing as npt

from python_models.frames.columns import Categories, Columns, take

F8 = npt.NDArray[np.float64]
Rule = Literal["equals", "below", "at_least"]
Cut = Literal["below_value", "lowest_share"]


@dataclass(frozen=True, slots=True)
class Subgroup:
    """One level of a grouping: those whose column equals a word, lies below a number, or at least at it."""

    study: str
    grouping: str
    subgroup: str
    column_name: str
    rule: str
    value: str

    def members(self, columns: Columns, rows: npt.NDArray[np.intp]) -> npt.NDArray[np.bool_]:
        """Who of `rows` belongs, (n,).

        Raises
        ------
        ValueError: unknown rule, with the known ones; a word compared with a number.
        """
        if self.rule not in get_args(Rule):
            raise ValueError(f"rule {self.rule} of subgroup {self.subgroup} is not one of {', '.join(get_args(Rule))}")
        column = take(columns[self.column_name], rows)
        if isinstance(column, Categories):
            if self.rule != "equals":
                raise ValueError(f"subgroup {self.subgroup}: {self.column_name} holds words, and they have no order")
            wanted = column.levels.index(self.value) if self.value in column.levels else -2
            return column.codes == wanted
        number = float(self.value)
        if self.rule == "equals":
            return column == number
        return column < number if self.rule == "below" else column >= number


@dataclass(frozen=True, slots=True)
class JointPart:
    """Who is low in one exposure: below a value, or in the lowest share, each by sex."""

    exposure: str
    label: str
    cut: str
    female: float
    male: float

    def is_low(self, values: F8, sex: Categories) -> npt.NDArray[np.bool_]:
        """Who is low, (n,); values (n,) finite.

        Raises
        ------
        ValueError: unknown cut, with the known ones.
        """
        if self.cut not in get_args(Cut):
            raise ValueError(f"cut {self.cut} of {self.exposure} is not one of {', '.join(get_args(Cut))}")
        low = np.zeros(len(values), dtype=np.bool_)
        for word, limit in (("female", self.female), ("male", self.male)):
            rows = sex.codes == (sex.levels.index(word) if word in sex.levels else -2)
            if rows.any():
                low[rows] = values[rows] < (limit if self.cut == "below_value" else np.quantile(values[rows], limit))
        return low


@dataclass(frozen=True, slots=True)
class JointExposure:
    """Two exposures whose low groups are crossed: neither, the first alone, the second alone, both."""

    study: str
    arm: str
    joint_exposure: str
    parts: tuple[JointPart, JointPart]


_OF_COHORT = """
inner join seeds.studies as studies on rows_of_seed.study = studies.study
inner join seeds.cohorts as cohorts on studies.cohort_kind = cohorts.kind
where cohorts.cohort = $cohort
"""


def read_subgroups(session: duckdb.DuckDBPyConnection, *, cohort: str) -> list[Subgroup]:
    """Subgroups of the studies that run on this cohort, by grouping."""
    found = session.execute(
        "select rows_of_seed.study, grouping, subgroup, column_name, rule, value from seeds.subgroups as rows_of_seed "
        + _OF_COHORT
        + "order by all",
        {"cohort": cohort},
    ).fetchall()
    return [Subgroup(*row) for row in found]


def read_joint_exposures(session: duckdb.DuckDBPyConnection, *, cohort: str) -> list[JointExposure]:
    """Joint exposures of the studies that run on this cohort.

    Raises
    ------
    ValueError: one with another number of parts than two.
    """
    found = session.execute(
        "select rows_of_seed.study, arm, joint_exposure, exposure, label, cut, cut_female, cut_male "
        "from seeds.joint_exposures as rows_of_seed " + _OF_COHORT + "order by 1, 2, 3, part",
        {"cohort": cohort},
    ).fetchall()
    parts: dict[tuple[str, str, str], list[JointPart]] = {}
    for study, arm, name, *part in found:
        parts.setdefault((study, arm, name), []).append(JointPart(*part))
    wrong = sorted(name for (_, _, name), own in parts.items() if len(own) != 2)
    if wrong:
        raise ValueError(f"joint exposures have two parts; mend {', '.join(wrong)} in joint_exposures.csv")
    return [JointExposure(*key, parts=(own[0], own[1])) for key, own in parts.items()]
