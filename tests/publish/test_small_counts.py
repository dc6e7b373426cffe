"""No count of people from 1 to 4 is shown, alone or as a share, and none can be had from the step before."""

import re
from pathlib import Path

import pytest

from warehouse.small_counts import SMALLEST_CELL, is_telling, merged_steps, shown_count, shown_share


def test_smallest_cell__is_that_of_the_project() -> None:
    project = (Path(__file__).parents[2] / "dbt_project.yml").read_text(encoding="utf-8")
    assert re.findall(r"smallest_cell: (\d+)", project) == [str(SMALLEST_CELL)]


@pytest.mark.parametrize(
    ("n", "words"), [(0, "0"), (1, "fewer than 5"), (4, "fewer than 5"), (5, "5"), (1200, "1,200")]
)
def test_shown_count(n: int, words: str) -> None:
    assert shown_count(n) == words


@pytest.mark.parametrize(
    ("n_in", "n", "words"),
    [
        (0, 268, "0.0 %"),
        (2, 268, "< 1.9 %"),
        (5, 268, "1.9 %"),
        (266, 268, "> 98.13 %"),
        (268, 268, "100.0 %"),
        (4, 50_000, "< 0.01 %"),
        (0, 1, "0.0 %"),
        (1, 1, "100.0 %"),
        (1, 3, "not shown"),
    ],
)
def test_shown_share__is_a_bound_where_it_stands_for_a_small_count(n_in: int, n: int, words: str) -> None:
    assert shown_share(n_in / n, n) == words
    assert is_telling(n_in / n, n) == words.startswith(("<", ">", "not"))


@pytest.mark.parametrize(
    ("excluded", "told"),
    [
        ((3, 10, 0, 20), ["13", "20"]),
        ((10, 0, 3), ["13"]),
        ((2, 2, 2), ["6"]),
        ((2, 1), ["fewer than 5"]),
        ((0, 0), []),
    ],
)
def test_merged_steps__tell_a_small_count_with_its_neighbour(excluded: tuple[int, ...], told: list[str]) -> None:
    left, rows = 1_000, []
    for k, n in enumerate(excluded):
        left -= n
        rows.append((f"reason {k}", n, left))
    steps = merged_steps(rows)
    assert [shown_count(step.n_excluded) for step in steps] == told
    assert [step.words_out for step in steps] == [
        "more than 995" if words == "fewer than 5" else f"{step.n_out:,}"
        for step, words in zip(steps, told, strict=True)
    ]
