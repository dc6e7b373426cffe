"""Fields that no planted effect runs through agree with the answers that decide them."""

from collections.abc import Mapping

import numpy as np
import pytest

from warehouse.synthetic import dirt
from warehouse.synthetic.export import draw_block, stream
from warehouse.synthetic.further_answers import DENSITY_AT_ZERO, DENSITY_PER_UNIT, further_cells
from warehouse.synthetic.options import Options
from warehouse.synthetic.population import Floats, Ints

Drawn = tuple[dict[str, Floats], dict[str, Floats], Mapping[str, Ints]]


@pytest.fixture(scope="module")
def drawn() -> Drawn:
    """The further cells, and the answers and choices they were made from."""
    options = Options(participants=4_000, seed=3)
    block = draw_block(options, 0)
    rng = stream(options, 0, "answers")
    answers = dirt.baseline_answers(rng, block.people, block.exposures)
    choices = dirt.baseline_choices(rng, block.people, block.outcomes)
    return further_cells(stream(options, 0, "further_answers"), block.people, answers, choices), answers, choices


def test_heel__both_halves_give_the_density(drawn: Drawn) -> None:
    cells, answers, _ = drawn
    density = answers["p3148_i0"]
    given = ~np.isnan(density)
    assert (np.isnan(cells["p3144_i0"]) == ~given).all()
    found = DENSITY_PER_UNIT * (cells["p3144_i0"] + cells["p3146_i0"]) + DENSITY_AT_ZERO
    slip = density > 2
    assert np.abs(found - np.where(slip, density / 10, density))[given].max() < 0.001
    assert np.nanmin(cells["p3144_i0"]) >= 10
    assert np.nanmax(cells["p3144_i0"]) <= 200
    assert np.nanmin(cells["p3146_i0"]) >= 1350
    assert np.nanmax(cells["p3146_i0"]) <= 1900


def test_activity__days_and_minutes_add_up_to_the_met_minutes(drawn: Drawn) -> None:
    cells, answers, _ = drawn
    total = answers["p22040_i0"]
    known = ~np.isnan(total)
    parts = [(3.3, "p864", "p874"), (4.0, "p884", "p894"), (8.0, "p904", "p914")]
    days = {name: cells[f"{name}_i0"] for _, name, _ in parts}
    found = sum(met * np.maximum(days[d], 0) * np.nan_to_num(cells[f"{m}_i0"]) for met, d, m in parts)
    # Rounding to whole minutes and bouts under ten minutes, which are not counted.
    assert np.abs(found - total)[known].max() < 7 * 10 * (3.3 + 4 + 8)
    assert np.abs(found / total - 1)[known & (total > 1500)].mean() < 0.05
    unanswered = np.isin(np.array(list(days.values())), (-1.0, -3.0)).any(axis=0)
    assert (unanswered == ~known).all()
    assert (np.isnan(cells["p22036_i0"]) == ~known).all()
    for _, d, m in parts:
        assert (np.isnan(cells[f"{m}_i0"]) == (days[d] <= 0)).all()


def test_tobacco_and_schooling__follow_from_status_and_qualifications(drawn: Drawn) -> None:
    cells, answers, choices = drawn
    now = cells["p1239_i0"]
    assert np.isin(now[answers["p20116_i0"] == 2], (1.0, 2.0)).all()
    assert (now[np.isin(answers["p20116_i0"], (0.0, 1.0))] == 0).all()
    has_degree = choices["p6138_i0"] & 1 == 1
    assert np.isnan(cells["p845_i0"][has_degree & (choices["p6138_i0"] >= 0)]).all()
    asked = (choices["p6138_i0"] >= 0) & ~has_degree
    assert (~np.isnan(cells["p845_i0"][asked])).all()


def test_further_cells__move_nothing_that_was_drawn_before() -> None:
    """Their random stream is their own, and the last: the numbers of the others stay."""
    options = Options(participants=100, seed=3)
    assert stream(options, 0, "withdrawals").bit_generator.seed_seq.entropy == [3, 0, 10]  # type: ignore[attr-defined]
    assert stream(options, 0, "further_answers").bit_generator.seed_seq.entropy == [3, 0, 11]  # type: ignore[attr-defined]
