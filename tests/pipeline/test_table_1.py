"""Table 1 as one system of equations: what a reader who adds and subtracts everything can solve for."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest

from tests.pipeline.conftest import Project

pytestmark = pytest.mark.pipeline

SEXES = ("female", "male")
SMALLEST_CELL = 5
Row = tuple[Any, ...]  # grouping, group, sex, level, its count and the group's number, None where withheld


def solved_cells(rows: Iterable[Row]) -> dict[tuple[str, str, str, str], float]:
    """Cells (grouping, group, sex, level) that the shown counts of one characteristic determine, with their counts.

    Groups are shown, or outside: everyone less those of the grouping, of which there are none for outcome.
    """
    shown = list(rows)
    levels = sorted({row[3] for row in shown})
    groups: dict[str, list[str]] = defaultdict(list)
    for grouping, group, *_ in shown:
        if group not in groups[grouping]:
            groups[grouping].append(group)
    cells = [
        (grouping, group, sex, level)
        for grouping in groups
        for group in [*groups[grouping], *(() if grouping in ("everyone", "outcome") else ("outside",))]
        for sex in SEXES
        for level in levels
    ]
    place = {cell: number for number, cell in enumerate(cells)}
    present = {(row[0], row[1], row[2], row[3]) for row in shown}
    equations: list[tuple[list[int], list[int], float]] = []

    def sexes_of(sex: str) -> tuple[str, ...]:
        return SEXES if sex == "both" else (sex,)

    totals = {(row[0], row[1], row[2]): row[5] for row in shown}
    for grouping, group, sex, level, n_level, _ in shown:
        if n_level is not None:
            equations.append(([place[grouping, group, one, level] for one in sexes_of(sex)], [], n_level))
    for (grouping, group, sex), total in totals.items():
        if total is not None:
            added = [place[grouping, group, one, level] for one in sexes_of(sex) for level in levels]
            equations.append((added, [], total))
        for level in levels:  # a level that a group lacks has no row
            if (grouping, group, sex, level) not in present:
                equations += [([place[grouping, group, one, level]], [], 0.0) for one in sexes_of(sex)]
    for grouping in groups:
        for sex in SEXES:
            for level in levels:
                added = [place[cell] for cell in cells if (cell[0], cell[2], cell[3]) == (grouping, sex, level)]
                if grouping != "everyone":
                    equations.append((added, [place["everyone", "everyone", sex, level]], 0.0))
    matrix, told = np.zeros((len(equations), len(cells))), np.zeros(len(equations))
    for number, (added, subtracted, count) in enumerate(equations):
        np.add.at(matrix[number], added, 1)
        np.add.at(matrix[number], subtracted, -1)
        told[number] = count
    _, sizes, directions = np.linalg.svd(matrix)
    free = directions[int((sizes > 1e-9).sum()) :]
    solution = np.linalg.lstsq(matrix, told, rcond=None)[0]
    np.testing.assert_allclose(matrix @ solution, told, atol=1e-6)
    is_solved = np.abs(free).max(axis=0, initial=0) < 1e-9
    return {cell: float(solution[number]) for cell, number in place.items() if is_solved[number]}


def test_an_equation_with_one_unknown__is_solved() -> None:
    rows: list[Row] = [
        ("everyone", "everyone", sex, level, n, 100) for sex in SEXES for level, n in (("a", 60), ("b", 40))
    ] + [("grip", "low", sex, level, n, 97) for sex in SEXES for level, n in (("a", 58), ("b", None))]
    solved = solved_cells(rows)
    assert solved["grip", "low", "female", "b"] == pytest.approx(39)
    assert solved["grip", "outside", "female", "a"] == pytest.approx(2)


def test_no_count_of_1_to_4__is_the_solution_of_table_1(built: Project) -> None:
    of_one: dict[object, list[Row]] = defaultdict(list)
    for key, *row in built.query(
        """
        select study || '/' || arm || '/' || characteristic, grouped_by, group_level, sex_group, level, n_level,
            n_participants
        from results.baseline_characteristics
        where value_kind = 'categorical' and characteristic != 'sex'
        """
    ):
        of_one[key].append(tuple(row))
    assert of_one
    told = {
        (key, *cell): count
        for key, rows in of_one.items()
        for cell, count in solved_cells(rows).items()
        if 0.5 < count < SMALLEST_CELL - 0.5
    }
    assert not told, f"{len(told)} cells, such as {sorted(told)[:3]}"
