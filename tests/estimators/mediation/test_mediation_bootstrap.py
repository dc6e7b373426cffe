"""The bootstrap of the whole chain against plain refits, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from python_models.estimators.mediation import bootstrap as bootstrap_module
from python_models.estimators.mediation.bootstrap import bootstrap_natural_effects, resampling_weights
from python_models.estimators.mediation.faults import MediationInputError
from python_models.estimators.mediation.fit_natural_effects import fit_natural_effects
from python_models.estimators.mediation.mediated_share import mediated_share
from python_models.estimators.mediation.natural_effects import EFFECTS, Contrast
from python_models.estimators.mediation.reweighted_cox import (
    REMAINING_ERROR,
    fit_full,
    reweighted_coefficients,
    share_risk_sets,
    weighted_products,
)
from python_models.estimators.survival.cox import fit_cox

# Chord steps stop at REMAINING_ERROR standard errors by their own forecast; twice that is allowed for.
REFIT_TOLERANCE = 2 * REMAINING_ERROR


def cohort(seed: int = 3, n: int = 1500, scale: float = 30.0) -> dict[str, np.ndarray]:
    """Times in coarse units (many ties), late entry, two strata."""
    rng = np.random.default_rng(seed)
    c = rng.normal(size=(n, 3))
    a = rng.normal(size=n) + 0.3 * c[:, 0]
    m = 5.0 + 0.5 * a + 0.2 * c[:, 1] + rng.normal(size=n)
    time = rng.exponential(np.exp(-(0.2 * a + 0.4 * (m - 5) + 0.1 * c[:, 0])))
    end = rng.uniform(0.1, 0.4, size=n)
    days = np.ceil(scale * np.minimum(time, end)).astype(np.int64) + 1
    return {
        "a": a,
        "m": m,
        "c": c,
        "days": days,
        "event": time <= end,
        "entry": rng.integers(0, days),
        "strata": rng.integers(0, 2, size=n),
    }


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("has_entry", [False, True])
@pytest.mark.parametrize("has_strata", [False, True])
def test_reweighted_coefficients__equal_refits_on_the_rows_drawn(ties: str, has_entry: bool, has_strata: bool) -> None:
    data = cohort()
    entry = data["entry"] if has_entry else None
    strata = data["strata"] if has_strata else None
    covariates = np.column_stack([data["a"], data["m"], data["c"]])
    sets = share_risk_sets(exit=data["days"], is_event=data["event"], entry=entry, strata=strata, ties=ties)
    full = fit_full(sets, covariates)
    assert not isinstance(full, str)
    weights = resampling_weights(n=1500, n_sets=6, rng=np.random.default_rng(5))
    got = reweighted_coefficients(sets, full, weights[:, sets.order])
    for b in range(6):
        keep = weights[b] > 0
        refit = fit_cox(
            exit=data["days"][keep],
            event=data["event"][keep],
            covariates=covariates[keep],
            entry=None if entry is None else entry[keep],
            strata=None if strata is None else strata[keep],
            weights=weights[b, keep],
            ties=ties,
        )
        assert refit.refusal is None
        assert np.max(np.abs(got[b] - refit.beta) / refit.standard_error) < REFIT_TOLERANCE


def test_reweighted_coefficients__weight_one_is_the_full_fit() -> None:
    data = cohort()
    covariates = np.column_stack([data["a"], data["m"], data["c"]])
    sets = share_risk_sets(exit=data["days"], is_event=data["event"], entry=None, strata=None, ties="efron")
    full = fit_full(sets, covariates)
    assert not isinstance(full, str)
    fit = fit_cox(exit=data["days"], event=data["event"], covariates=covariates)
    assert_allclose(reweighted_coefficients(sets, full, np.ones((1, 1500)))[0], fit.beta, rtol=1e-9)


def test_reweighted_coefficients__weights_far_from_one_go_the_safe_way(monkeypatch: pytest.MonkeyPatch) -> None:
    data = cohort()
    covariates = np.column_stack([data["a"], data["m"], data["c"]])
    sets = share_risk_sets(exit=data["days"], is_event=data["event"], entry=None, strata=None, ties="efron")
    full = fit_full(sets, covariates)
    assert not isinstance(full, str)
    weights = resampling_weights(n=1500, n_sets=2, rng=np.random.default_rng(1))
    usual = reweighted_coefficients(sets, full, weights)
    monkeypatch.setattr("python_models.estimators.mediation.reweighted_cox.MAX_CHORD_STEPS", 1)
    refitted = reweighted_coefficients(sets, full, weights)
    assert np.max(np.abs(usual - refitted)) < REFIT_TOLERANCE * np.max(full.standard_error / full.scale)


def test_weighted_products__equal_the_plain_gram() -> None:
    rng = np.random.default_rng(2)
    columns, weights = rng.normal(size=(2500, 4)), rng.random((3, 2500))
    expected = np.einsum("bi,ij,ik->bjk", weights, columns, columns)
    assert_allclose(weighted_products(columns, weights), expected, rtol=1e-10, atol=1e-10)


def run(data: dict[str, np.ndarray], **options: object) -> bootstrap_module.BootstrapEffects:
    given = {"has_interaction": False, "n_bootstraps": 200, "seed": 9} | options
    return bootstrap_natural_effects(
        exposure=data["a"], mediator=data["m"], time=data["days"], event=data["event"], covariates=data["c"], **given
    )


def test_bootstrap_natural_effects__each_draw_is_the_whole_chain_refitted() -> None:
    data = cohort()
    # Breslow: a person drawn twice is then the same as weight 2 (Efron would break the tie between the two copies).
    options = {"has_interaction": True, "contrast": Contrast(0.0, 1.5, 5.0), "ties": "breslow"}
    got = run(data, n_bootstraps=100, **options)
    weights = resampling_weights(n=1500, n_sets=2, rng=np.random.default_rng(9))
    order = share_risk_sets(exit=data["days"], is_event=data["event"], entry=None, strata=None, ties="breslow").order
    for b in range(2):
        rows = np.repeat(order, weights[b].astype(int))
        refit = fit_natural_effects(
            exposure=data["a"][rows],
            mediator=data["m"][rows],
            outcome=data["days"][rows],
            event=data["event"][rows],
            covariates=data["c"][rows],
            covariate_levels=data["c"].mean(axis=0),
            **options,
        )
        assert refit.effects is not None
        assert np.max(np.abs(got.draws[b] - refit.effects.estimate) / refit.effects.standard_error) < REFIT_TOLERANCE


def test_bootstrap_natural_effects__interval_agrees_with_the_delta_method() -> None:
    data = cohort(n=3000)
    got = run(data, n_bootstraps=400)
    delta = fit_natural_effects(
        exposure=data["a"], mediator=data["m"], outcome=data["days"], event=data["event"], covariates=data["c"]
    ).effects
    assert delta is not None
    for effect in ("tnie", "pnde", "te"):
        j = EFFECTS.index(effect)
        # 400 resamples know a standard error to 3.5 %, three of which are allowed for.
        assert_allclose(got.standard_error[j], delta.standard_error[j], rtol=0.12)
        assert got.lower[j] < delta.estimate[j] < got.upper[j]
    assert_allclose(got.estimate, delta.estimate, rtol=1e-12)


def test_bootstrap_natural_effects__gives_the_excess_relative_risk_share_its_interval() -> None:
    data = cohort(n=3000)
    got = run(data, n_bootstraps=200)
    direct, indirect = EFFECTS.index("pnde"), EFFECTS.index("tnie")
    total = got.total_without_mediator_draws
    draws = np.stack([total, got.draws[:, direct], got.draws[:, indirect]], axis=-1)[None]
    lower, upper = np.quantile(total, [0.025, 0.975])
    share = mediated_share(
        definition="excess_relative_risk",
        total=got.total_without_mediator,
        direct=got.estimate[direct],
        indirect=got.estimate[indirect],
        total_lower=lower,
        total_upper=upper,
        draws=draws,
    )
    without = fit_cox(exit=data["days"], event=data["event"], covariates=np.column_stack([data["a"], data["c"]])).beta[
        0
    ]
    expected = (np.exp(without) - np.exp(got.estimate[direct])) / np.expm1(without)
    assert share.refusal == (None,)
    assert_allclose(share.share[0], expected, rtol=1e-9)
    assert share.lower[0] < expected < share.upper[0]


def test_bootstrap_natural_effects__same_seed_same_bytes_whatever_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    data = cohort(n=400)
    one = run(data, n_bootstraps=100)
    again = run(data, n_bootstraps=100)
    assert one.draws.tobytes() == again.draws.tobytes()
    monkeypatch.setattr(bootstrap_module, "RESAMPLES_PER_BLOCK", 7)
    assert_allclose(run(data, n_bootstraps=100).draws, one.draws, rtol=1e-9)


def test_bootstrap_natural_effects__units_and_offset_of_the_mediator_do_not_matter() -> None:
    data = cohort(n=400)
    one = run(data, n_bootstraps=100)
    data["m"] = 1e4 + 1e3 * data["m"]
    assert_allclose(run(data, n_bootstraps=100).draws, one.draws, rtol=1e-5, atol=1e-8)


def test_bootstrap_natural_effects__refuses_what_has_no_fit() -> None:
    data = cohort(n=300)
    data["event"] = np.zeros(300, dtype=bool)
    assert "no events" in str(run(data).refusal)
    data = cohort(n=300)
    data["m"] = np.full(300, 2.0)
    assert "mediator model" in str(run(data).refusal)


def test_bootstrap_natural_effects__too_few_events_for_resampling_is_a_refusal() -> None:
    data = cohort(n=300)
    data["event"] = data["event"] & (np.cumsum(data["event"]) <= 7)
    got = run(data, n_bootstraps=100)
    assert got.refusal is not None
    assert got.draws.shape == (0, 7)


def test_bootstrap_natural_effects__asks_for_enough_resamples() -> None:
    with pytest.raises(MediationInputError, match="at least 100"):
        run(cohort(n=300), n_bootstraps=10)
