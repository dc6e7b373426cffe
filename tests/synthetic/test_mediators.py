"""Planted biomarkers: the shortcut equals the long way, and what the truth says of them adds up."""

import numpy as np
import pytest

from warehouse.synthetic import dirt, estimand, mediators, parameters, population, proteins, truth
from warehouse.synthetic.exposures import draw_exposures
from warehouse.synthetic.outcomes import calibrated, draw_outcomes


def test_draw_residual_effects__has_the_covariance_of_the_explicit_sum() -> None:
    rng = np.random.default_rng(1)
    drawn = np.array(mediators.draw_residual_effects(rng, 400_000))
    b = np.array([mediators.B_OSTEOPOROSIS, mediators.B_SARCOPENIA])
    assert np.cov(drawn) == pytest.approx(b @ b.T, abs=0.005)


def test_planted__three_disjoint_sets_per_lifestyle_factor() -> None:
    for factor in mediators.FACTORS:
        kinds = {one.name: one.kind for one in mediators.PLANTED if one.cause == factor}
        assert set(kinds.values()) == {"same", "opposite", "one"}
    for one in mediators.PLANTED:
        product = one.b_osteoporosis * one.b_sarcopenia
        expected = {"same": product > 0, "opposite": product < 0}
        assert expected.get(one.kind, product == 0), one.name


def test_planted__indirect_effects_leave_room_for_a_direct_one() -> None:
    """total = direct + indirect with the direct effect of the same sign: no factor works through biomarkers alone."""
    for factor, weights in mediators.FACTORS.items():
        for outcome, hazard in (("osteoporosis", parameters.OSTEOPOROSIS), ("sarcopenia", parameters.SARCOPENIA)):
            main = max(weights, key=lambda name: weights[name])
            total = hazard.effects[main]
            indirect = sum(
                one.a * (one.b_osteoporosis if outcome == "osteoporosis" else one.b_sarcopenia)
                for one in mediators.PLANTED
                if one.cause == factor
            )
            assert 0 < indirect / total < 1, (factor, outcome)


def test_planted__omitted_variance_is_small() -> None:
    assert mediators.B_OSTEOPOROSIS @ mediators.B_OSTEOPOROSIS < 0.5
    assert mediators.B_SARCOPENIA @ mediators.B_SARCOPENIA < 0.6


def test_draw_levels__planted_protein_moves_with_its_cause() -> None:
    rng = np.random.default_rng(2)
    people = population.draw_population(rng, 12_000)
    covariates = population.covariate_scores(people)
    exposures = draw_exposures(rng, people, covariates)
    residuals = mediators.draw_residuals(rng, len(people))
    panel = proteins.draw_panel(rng, 60)
    sample = proteins.draw_sample(rng, people, 1.0, with_batch_0=True)
    npx, limit = proteins.draw_levels(rng, panel, sample, covariates, exposures, residuals)
    column = panel.names.index("pigr")
    level = (npx[:, column] - panel.centre[column]) / panel.scale[column]
    smokes = people.smoking[sample.person]
    difference = np.nanmean(level[smokes == 2]) - np.nanmean(level[smokes == 0])
    assert difference == pytest.approx(0.50, abs=0.12)
    assert np.isnan(npx[:, panel.names.index("glipr1")]).mean() > 0.98
    assert limit.shape == (len(sample.plate_batch), 60)
    assert sample.plate_batch[0] == 0
    share_selected = sample.is_selected.mean()
    assert share_selected == pytest.approx(proteins.SELECTED_SHARE, abs=0.03)


def test_truth__every_key_once_and_shares_add_up() -> None:
    """With all proteins: some have the name of a metabolite."""
    panel = proteins.draw_panel(np.random.default_rng(3), 2_923)
    rows = truth.truth_rows(panel, True, None)
    keys = [
        (
            r.quantity, r.arm, r.exposure, r.scaling, r.mediator, r.platform, r.outcome, r.outcome_definition,
            r.adjustment_set,
        )
        for r in rows
    ]  # fmt: skip
    assert {r.platform for r in rows if r.mediator == "apoa1"} == {"protein", "metabolite"}
    assert len(set(keys)) == len(keys)
    for row in rows:
        if row.quantity == "shared_mediator_share" and row.platform == "both_platforms":
            assert row.planted_coefficient is not None
            assert row.planted_coefficient > 0.30
        if row.quantity == "mediated_share":
            assert row.planted_coefficient is not None
            assert abs(row.planted_coefficient) < 0.5
    by_kind = [row for row in rows if row.quantity == "biomarker_effect" and row.large_sample_value == 0]
    planted = [row for row in rows if row.quantity == "biomarker_effect" and row.planted_coefficient]
    assert len(by_kind) > len(planted)  # null biomarkers are the majority


def test_truth__the_two_mediated_shares_by_hand() -> None:
    """HR 0.544 in total, indirect -0.2: 32.85 % on the log scale, 26.41 % as excess relative risk."""
    assert truth._excess_share(-0.2, np.log(0.544)) == pytest.approx(0.2641, abs=5e-5)
    assert -0.2 / np.log(0.544) == pytest.approx(0.3285, abs=5e-5)


def test_effects_on_biomarkers__are_those_of_the_causes_as_measured_and_scaled() -> None:
    """A heel scan errs: per SD of it a biomarker moves by 0.91 of what it would per SD of bone; given M2."""
    rng, n = np.random.default_rng(20), 60_000
    people = population.draw_population(rng, n)
    covariates = population.covariate_scores(people)
    exposures = draw_exposures(rng, people, covariates)
    outcomes = draw_outcomes(rng, people, exposures, covariates, mediators.draw_residual_effects(rng, n), calibrated())
    answers = dirt.baseline_answers(rng, people, exposures)
    continuous, levels = estimand.clean_covariates(answers, dirt.baseline_choices(rng, people, outcomes))
    measured = estimand.clean_exposures(answers)
    adjusted = [np.ones(n), *(continuous[name] for name in estimand.M2 if name in continuous)]
    for name in estimand.M2:
        if name in levels:
            adjusted += [(levels[name] == level) * 1.0 for level in np.unique(levels[name])[1:]]
    matrix = np.column_stack(adjusted)
    causes = exposures.scores() | mediators.factor_scores(covariates)
    found = {}
    for cause in ("grip", "lean_mass", "heel_bmd", "pace"):
        unit = measured[cause].copy()
        if cause in estimand.PER_SEX_SD:
            for sex in np.unique(levels["sex"]):
                rows = (levels["sex"] == sex) & np.isfinite(unit)
                unit[rows] = (unit[rows] - unit[rows].mean()) / unit[rows].std()
        complete = np.isfinite(unit) & np.isfinite(matrix).all(axis=1)
        design = np.column_stack([unit, matrix])[complete]
        found[cause] = np.linalg.lstsq(design, causes[cause][complete], rcond=None)[0][0]
    for cause, slope in found.items():
        # Three standard errors at this size, the largest that of heel_bmd.
        assert slope == pytest.approx(truth.CAUSE_PER_MEASURED_UNIT.get(cause, 1.0), abs=0.015), cause
    # A truth that took measured for true heels would be 9 % off.
    assert found["heel_bmd"] < 0.94
