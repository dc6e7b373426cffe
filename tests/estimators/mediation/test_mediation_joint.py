"""Several mediators at once: closed form, agreement with one mediator, over-counting of single effects, refusals."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from python_models.estimators.mediation.faults import MediationInputError
from python_models.estimators.mediation.fit_natural_effects import fit_natural_effects
from python_models.estimators.mediation.joint_mediation import fit_joint_mediation, joint_effects
from python_models.estimators.mediation.natural_effects import EFFECTS, Contrast

EXACT = 1e-10


def cohort(seed: int = 2, n: int = 2500, correlation: float = 0.8) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    c = rng.normal(size=(n, 2))
    a = rng.normal(size=n) + 0.3 * c[:, 0]
    shared = rng.normal(size=n)
    noise = np.sqrt(correlation) * shared[:, None] + np.sqrt(1 - correlation) * rng.normal(size=(n, 3))
    m = 0.5 * a[:, None] + 0.2 * c[:, :1] + noise
    time = rng.exponential(np.exp(-(0.2 * a + m @ [0.2, 0.2, 0.0])))
    end = rng.uniform(0.1, 0.3, size=n)
    days = np.ceil(2000 * np.minimum(time, end)).astype(np.int64)
    return {"exposure": a, "mediators": m, "time": days, "event": (time <= end) * 1, "covariates": c}


def test_joint_effects__by_hand() -> None:
    got = joint_effects(
        exposure_to_mediator=np.array([0.5, -0.2]),
        mediator_covariance=np.array([[0.04, 0.01], [0.01, 0.09]]),
        exposure_to_outcome=0.3,
        mediator_to_outcome=np.array([0.4, 0.1]),
        outcome_covariance=np.diag([0.01, 0.02, 0.03]),
        contrast=Contrast(0.0, 2.0),
        seed=1,
    )
    assert_allclose(got.path, [0.4, -0.04], rtol=EXACT)
    assert_allclose(got.estimate, [0.36, 0.6, 0.96], rtol=EXACT)
    indirect = 4 * (0.16 * 0.04 + 2 * 0.04 * 0.01 + 0.01 * 0.09 + 0.25 * 0.02 + 0.04 * 0.03)
    assert_allclose(got.standard_error**2, [indirect, 0.04, indirect + 0.04], rtol=EXACT)
    assert_allclose(got.path_standard_error[0] ** 2, 4 * (0.16 * 0.04 + 0.25 * 0.02), rtol=EXACT)


def test_fit_joint_mediation__one_mediator_is_the_single_analysis() -> None:
    data = cohort()
    data["mediators"] = data["mediators"][:, :1]
    joint = fit_joint_mediation(**data, seed=1)
    single = fit_natural_effects(
        exposure=data["exposure"],
        mediator=data["mediators"][:, 0],
        outcome=data["time"],
        event=data["event"],
        covariates=data["covariates"],
    ).effects
    assert joint.effects is not None
    assert single is not None
    columns = [EFFECTS.index(e) for e in ("tnie", "pnde", "te")]
    assert_allclose(joint.effects.estimate, single.estimate[columns], rtol=EXACT)
    assert_allclose(joint.effects.standard_error, single.standard_error[columns], rtol=1e-8)
    assert_allclose(joint.single_indirect[0], joint.effects.estimate[0], rtol=EXACT)


def test_fit_joint_mediation__correlated_single_effects_over_count() -> None:
    got = fit_joint_mediation(**cohort(), seed=1)
    assert got.effects is not None
    # The third mediator does nothing, yet alone it borrows the effect of the other two.
    assert got.single_indirect.sum() > 1.5 * got.effects.estimate[0]
    assert got.single_indirect[2] > 4 * abs(got.effects.path[2])
    assert got.residual_correlation[0, 1] > 0.7


def test_fit_joint_mediation__any_mixture_of_the_mediators_has_the_same_joint_effect() -> None:
    data = cohort()
    one = fit_joint_mediation(**data, seed=1).effects
    data["mediators"] = data["mediators"] @ np.array([[1.0, 2.0, 0.0], [0.0, -1.0, 1.0], [3.0, 0.0, 1.0]]) + 7.0
    other = fit_joint_mediation(**data, seed=1).effects
    assert one is not None
    assert other is not None
    assert_allclose(other.estimate, one.estimate, rtol=1e-7)
    assert_allclose(other.standard_error, one.standard_error, rtol=1e-7)


def test_fit_joint_mediation__draws_agree_with_delta_and_repeat() -> None:
    data = cohort()
    one = fit_joint_mediation(**data, seed=4, n_draws=4000)
    again = fit_joint_mediation(**data, seed=4, n_draws=4000)
    assert one.effects is not None
    assert again.effects is not None
    assert one.effects.draws.tobytes() == again.effects.draws.tobytes()
    # 4,000 draws know a percentile to 4 % of a standard error; three of those.
    slack = 0.12 * one.effects.standard_error
    assert np.all(np.abs(one.effects.draws_lower - one.effects.lower) < slack)
    assert np.all(np.abs(one.effects.draws_upper - one.effects.upper) < slack)


def test_fit_joint_mediation__refuses_by_name() -> None:
    data = cohort()
    data["mediators"] = np.column_stack([data["mediators"], data["mediators"][:, 0] + data["mediators"][:, 1]])
    got = fit_joint_mediation(**data, seed=1, names=("one", "two", "three", "sum"))
    assert got.effects is None
    assert "collinear" in str(got.refusal)
    assert "sum" in str(got.refusal)
    data["mediators"][:, 1] = 3.0
    assert "two" in str(fit_joint_mediation(**data, seed=1, names=("one", "two", "three", "sum")).refusal)


def test_fit_joint_mediation__more_mediators_than_events_is_refused() -> None:
    data = cohort(n=200)
    data["event"] = (np.cumsum(data["event"]) <= 4) * data["event"]
    assert "too few events" in str(fit_joint_mediation(**data, seed=1).refusal)


def test_fit_joint_mediation__faults_come_together() -> None:
    data = cohort(n=50)
    data["mediators"][0, 0] = np.nan
    with pytest.raises(MediationInputError) as caught:
        fit_joint_mediation(**data, seed=1, names=("only",))
    assert len(caught.value.faults) == 2
