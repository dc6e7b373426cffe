"""Strata of the outcome model as covariates of the mediator model alone: against least squares and Cox alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from python_models.estimators.mediation.bootstrap import bootstrap_natural_effects
from python_models.estimators.mediation.fit_natural_effects import fit_natural_effects
from python_models.estimators.mediation.joint_mediation import fit_joint_mediation
from python_models.estimators.mediation.natural_effects import EFFECTS, PATHS
from python_models.estimators.mediation.regression_fits import design_refusal, fit_least_squares, triangular
from python_models.estimators.survival.cox import fit_cox

N, CENTRES = 1_500, 4


@pytest.fixture(scope="module")
def people() -> dict[str, Any]:
    """Centres differ in exposure, mediator and baseline hazard."""
    rng = np.random.default_rng(5)
    centre = rng.integers(CENTRES, size=N)
    c = rng.normal(size=(N, 1))
    a = rng.normal(size=N) + 0.5 * centre + 0.3 * c[:, 0]
    m = 0.4 * a - 0.6 * centre + rng.normal(size=N)
    rate = 1e-4 * np.exp(0.4 * centre - 0.3 * a - 0.4 * m)
    time = rng.exponential(1.0 / rate)
    days = np.ceil(np.minimum(time, 3_000))
    return {
        "exposure": a, "mediator": m, "covariates": c, "strata": centre, "event": (time <= 3_000) * 1.0, "days": days,
        "mediator_covariates": np.eye(CENTRES)[centre][:, 1:],
    }  # fmt: skip


def test_mediator_covariates_enter_the_mediator_model_only(people: dict[str, Any]) -> None:
    given = {name: values for name, values in people.items() if name != "days"}
    fit = fit_natural_effects(outcome=people["days"], **given)
    a, m, c = people["exposure"], people["mediator"], people["covariates"]
    wide = np.column_stack([np.ones(N), a, c, people["mediator_covariates"]])
    slopes = np.linalg.lstsq(wide, m, rcond=None)[0]
    cox = fit_cox(
        exit=people["days"], event=people["event"], covariates=np.column_stack([a, m, c]), strata=people["strata"]
    )
    assert_allclose(fit.paths[PATHS.index("exposure_to_mediator")], slopes[1], rtol=1e-10)
    assert_allclose(fit.paths[3:5], cox.beta[:2], rtol=1e-10)
    # At the means of everything a least-squares line passes through the mean.
    assert_allclose(fit.paths[0] + slopes[1] * a.mean(), m.mean(), rtol=1e-10)
    without = fit_natural_effects(
        outcome=people["days"], **{name: values for name, values in given.items() if name != "mediator_covariates"}
    )
    assert abs(without.paths[1] - fit.paths[1]) > 0.1


def test_bootstrap_and_joint_effects_agree_with_the_single_fit(people: dict[str, Any]) -> None:
    given = {name: values for name, values in people.items() if name != "days"}
    single = fit_natural_effects(outcome=people["days"], **given).effects
    assert single is not None
    drawn = bootstrap_natural_effects(time=people["days"], n_bootstraps=200, seed=1, **given)
    assert drawn.refusal is None
    tnie = EFFECTS.index("tnie")
    # 200 resamples know a standard error to 5 %.
    assert_allclose(drawn.standard_error[tnie], single.standard_error[tnie], rtol=0.25)
    assert_allclose(drawn.draws[:, tnie].mean(), single.estimate[tnie], atol=0.3 * single.standard_error[tnie])
    mediators = given.pop("mediator")[:, None]
    joint = fit_joint_mediation(mediators=mediators, time=people["days"], seed=1, **given)
    assert joint.effects is not None
    assert_allclose(joint.effects.estimate[0], single.estimate[tnie], rtol=1e-9)
    assert_allclose(joint.effects.standard_error[0], single.standard_error[tnie], rtol=1e-9)
    assert_allclose(joint.single_indirect, joint.effects.path, rtol=1e-12)


def test_triangular_is_least_squares_of_several_responses() -> None:
    rng = np.random.default_rng(6)
    design = np.column_stack([np.ones(200), 1e4 + rng.normal(size=200), rng.normal(size=(200, 3)) * 1e-3])
    responses = rng.normal(size=(200, 2)) + design[:, 1:2]
    solved = triangular(design=design, responses=responses)
    assert not isinstance(solved, str)
    expected = np.linalg.lstsq(design, responses, rcond=None)[0]
    residual = responses - design @ expected
    assert_allclose(solved.beta, expected, rtol=1e-6)
    assert_allclose(solved.residual_factor.T @ solved.residual_factor, residual.T @ residual, rtol=1e-8)
    one = fit_least_squares(design=design, response=responses[:, 0])
    assert_allclose(one.residual_variance, residual[:, 0] @ residual[:, 0] / (200 - 5), rtol=1e-8)


def test_triangular_refuses_by_name_what_has_no_one_answer() -> None:
    column = np.arange(10.0)
    for design, words in (
        (np.column_stack([np.ones(10), column, 2 * column]), "collinear"),
        (np.column_stack([np.ones(10), np.zeros(10)]), "zero"),
        (np.ones((3, 3)), "3 rows for 3 coefficients"),
    ):
        assert words in str(design_refusal(design))
