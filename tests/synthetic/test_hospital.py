"""Hospital episodes: the end of follow-up can be computed from them, and the negative control is one."""

import numpy as np
import pytest

from warehouse.synthetic import export, hospital, parameters
from warehouse.synthetic.options import Options

BIG = Options(participants=50_000, seed=4)


@pytest.fixture(scope="module")
def drawn() -> tuple[hospital.Episodes, hospital.Diagnoses, export.Block]:
    block = export.draw_block(BIG, 0)
    return (*hospital.draw_hospital(np.random.default_rng(8), block.people, block.outcomes), block)


def test_episodes__the_90_percent_rule_finds_the_planted_end_of_england(drawn: tuple) -> None:
    """Last month with more records than 90 % of the mean of the three months before."""
    episodes = drawn[0]
    days = episodes.day[(episodes.nation == parameters.ENGLAND) & ~episodes.is_icd9]
    months = days.astype("datetime64[D]").astype("datetime64[M]").astype(int)
    counts = np.bincount(months - months.min())
    before = np.array([counts[k - 3 : k].mean() for k in range(3, len(counts))])
    last = months.min() + 3 + np.flatnonzero((counts[3:] > 0.9 * before) & (counts[3:] > 20)).max()
    assert str(np.datetime64(int(last), "M")) == "2022-10"
    assert (days > parameters.HOSPITAL_END[0]).any()


def test_episodes__about_nine_each_sorted_with_unique_numbers(drawn: tuple) -> None:
    episodes, _, block = drawn
    assert len(episodes) / block.n == pytest.approx(9, rel=0.15)
    key = episodes.person * 100_000 + episodes.ins_index
    assert np.all(np.diff(key) > 0)


def test_diagnoses__codes_of_an_episode_are_distinct_and_one_is_primary(drawn: tuple) -> None:
    diagnoses = drawn[1]
    key = diagnoses.episode * 10_000 + diagnoses.code
    assert len(np.unique(key)) == len(key)
    assert np.all(diagnoses.level[diagnoses.arr_index == 0] <= 2)


def test_transport_accidents__are_unrelated_to_grip_given_age(drawn: tuple) -> None:
    """The negative control: within age, deprivation and smoking, those hit grip as hard as anyone."""
    episodes, diagnoses, block = drawn
    is_transport = np.char.startswith(np.array(hospital.CODES), "V")[diagnoses.code] & ~diagnoses.is_icd9
    hit = np.zeros(block.n, dtype=bool)
    hit[episodes.person[diagnoses.episode[is_transport]]] = True
    scores = block.covariates
    design = np.column_stack(
        [np.ones(block.n), scores["age_women"], scores["age_men"], scores["deprivation"], scores["current_smoker"],
         scores["female"]]
    )  # fmt: skip
    residual = block.exposures.grip_z - design @ np.linalg.lstsq(design, block.exposures.grip_z, rcond=None)[0]
    assert hit.mean() > 0.015
    difference = residual[hit].mean() / (residual.std() / np.sqrt(hit.sum()))
    assert abs(difference) < 4
