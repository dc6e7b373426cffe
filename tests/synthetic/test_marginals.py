"""The cohort's margins against published and Showcase figures."""

import numpy as np
import pytest

from warehouse.synthetic import dirt, estimand, exposures, outcomes, parameters, population, visits
from warehouse.synthetic.mediators import draw_residual_effects

N = 60_000
# Five binomial standard errors at 60,000 people of a share near one half: sampling alone stays inside.
SHARE_TOLERANCE = 0.011
# The same for means in units of their SD.
MEAN_TOLERANCE_SD = 0.03


@pytest.fixture(scope="module")
def drawn() -> tuple[population.Population, exposures.Exposures, outcomes.Outcomes, dirt.Answers]:
    rng = np.random.default_rng(3)
    people = population.draw_population(rng, N)
    scores = population.covariate_scores(people)
    measured = exposures.draw_exposures(rng, people, scores)
    happened = outcomes.draw_outcomes(rng, people, measured, scores, draw_residual_effects(rng, N))
    return people, measured, happened, dirt.baseline_answers(rng, people, measured)


SHARES = {  # published or Showcase share: what it is of
    "female": (0.544, lambda people: ~people.is_male),
    "current smoker": (0.104, lambda people: people.smoking == 2),
    "previous smoker": (0.345, lambda people: people.smoking == 1),
    "white": (0.944, lambda people: people.ethnicity_group == 0),
    "Scotland": (0.071, lambda people: people.nation == parameters.SCOTLAND),
    "Wales": (0.041, lambda people: people.nation == parameters.WALES),
    "degree": (0.33, lambda people: people.education == 6),
    "GP-linked": (0.45, lambda people: people.is_gp_linked),
    "diabetes": (0.054, lambda people: people.has_diabetes),
}


@pytest.mark.parametrize("name", sorted(SHARES))
def test_population__shares_are_the_published_ones(drawn: tuple, name: str) -> None:
    share, of = SHARES[name]
    assert np.mean(of(drawn[0])) == pytest.approx(share, abs=SHARE_TOLERANCE)


def test_population__age_and_deprivation(drawn: tuple) -> None:
    people = drawn[0]
    assert people.age_years.mean() == pytest.approx(56.53, abs=MEAN_TOLERANCE_SD * 8.1)
    assert people.age_years.std() == pytest.approx(8.1, rel=0.05)
    assert people.age_years.min() >= 40
    assert people.age_years.max() <= 70
    assert people.townsend.mean() == pytest.approx(-1.3, abs=0.2)
    assert people.townsend.std() == pytest.approx(3.0, rel=0.1)


def test_exposures__are_those_of_uk_biobank(drawn: tuple) -> None:
    people, measured, _, answers = drawn
    assert answers["p50_i0"][~np.isnan(answers["p50_i0"])].mean() == pytest.approx(169.0, abs=1.0)
    low = np.where(people.is_male, measured.grip_kg < 27, measured.grip_kg < 16)
    assert low.mean() == pytest.approx(0.053, abs=0.01)  # probable sarcopenia, Dodds 2020
    share = np.bincount(measured.pace_level, minlength=4)[1:] / N
    assert share == pytest.approx([0.08, 0.525, 0.395], abs=0.015)
    body_mass_index = measured.lean_mass_index + people.fat_mass_index
    assert body_mass_index.mean() == pytest.approx(27.4, abs=0.5)
    assert body_mass_index.std() == pytest.approx(4.7, abs=0.5)


def test_answers__missing_as_often_as_in_uk_biobank(drawn: tuple) -> None:
    answers = drawn[3]
    assert np.isnan(answers["p22032_i0"]).mean() == pytest.approx(0.21, abs=SHARE_TOLERANCE)
    assert np.isnan(answers["p3148_i0"]).mean() == pytest.approx(1 - 278_878 / 502_366, abs=0.03)
    assert np.isnan(answers["p4105_i0"]).mean() == pytest.approx(1 - 196_610 / 502_366, abs=0.03)
    assert np.isnan(answers["p30890_i0"]).mean() == pytest.approx(1 - 449_830 / 502_366, abs=0.015)


def test_outcomes__happen_as_often_as_planned(drawn: tuple) -> None:
    people, _, happened, _ = drawn
    dead = happened.death_record_day < outcomes.NEVER
    assert dead.mean() == pytest.approx(44_499 / 502_366, abs=0.006)
    rng = np.random.default_rng(4)
    cohort = estimand.draw_cohort(rng, N, outcomes.calibrated())
    for definition, planned in (
        ("first_occurrence_any_source", parameters.OSTEOPOROSIS_INCIDENCE),
        ("hospital_m625", parameters.SARCOPENIA_INCIDENCE),
    ):
        at_risk = cohort.at_risk[definition]
        assert cohort.event[definition][at_risk].mean() == pytest.approx(planned, rel=0.10)
    lost = happened.lost_day < outcomes.NEVER
    assert lost.mean() == pytest.approx(0.0026, abs=0.001)
    assert np.all(happened.lost_day[lost] > people.visit_day[lost])


def test_visits__the_healthy_come_back(drawn: tuple) -> None:
    people, measured, happened, _ = drawn
    rng = np.random.default_rng(5)
    choices = dirt.baseline_choices(rng, people, happened)
    later = visits.draw_visits(rng, people, measured, happened, choices)
    for instance, share in ((1, 0.04), (2, 0.15), (3, 0.03)):
        assert later.attended[instance].mean() == pytest.approx(share, abs=0.015)
    came = later.attended[2]
    assert measured.grip_z[came].mean() > measured.grip_z[~came].mean() + 0.1
    assert np.isnan(later.answers["p46_i2"][~came]).all()


def test_visits__the_faulty_dynamometer_reads_lower_from_month_to_month(drawn: tuple) -> None:
    people, measured, happened, _ = drawn
    rng = np.random.default_rng(6)
    choices = dirt.baseline_choices(rng, people, happened)
    later = visits.draw_visits(rng, people, measured, happened, choices)
    faulty = later.devices["p38_i1"] == dirt.DYNAMOMETERS
    low = measured.grip_kg - np.fmax(later.answers["p46_i1"], later.answers["p47_i1"])
    day = later.answers["p53_i1"]
    early = faulty & (day < parameters.day("2013-02-15"))
    late = faulty & (day > parameters.day("2013-05-01"))
    honest = later.attended[1] & ~faulty
    assert np.nanmean(low[late]) > np.nanmean(low[early]) + 4
    assert np.nanmean(low[early]) > np.nanmean(low[honest]) + 1
