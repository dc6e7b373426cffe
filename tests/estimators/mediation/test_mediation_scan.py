"""The panel scan against one analysis per biomarker, its invariances and refusals."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from python_models.estimators.mediation.fit_natural_effects import fit_natural_effects
from python_models.estimators.mediation.mediated_share import mediated_share
from python_models.estimators.mediation.monte_carlo import monte_carlo_effects
from python_models.estimators.mediation.natural_effects import EFFECTS, Contrast
from python_models.estimators.mediation.scan import (
    MediationScanner,
    join_paths,
    mediation_of_paths,
    scan_mediation,
)

# The scan goes to the same maximum by other steps; panels are float32, so the plain fits get the float32 values too.
SCAN_TOLERANCE = 1e-7
# Percentiles of two stratified samples of 1,000, in standard errors.
DRAWN = 0.1


def panel(seed: int = 1, n: int = 1200, k: int = 6) -> dict[str, np.ndarray]:
    """Biomarkers 0 and 1 mediate; late entry; two strata; 5 % of each biomarker missing; tied days."""
    rng = np.random.default_rng(seed)
    c = rng.normal(size=(n, 2))
    a = rng.normal(size=n) + 0.3 * c[:, 0]
    slopes = np.zeros(k)
    slopes[:2] = 0.4, -0.3
    m = a[:, None] * slopes + rng.normal(size=(n, k))
    time = rng.exponential(np.exp(-(0.3 * a + 0.4 * m[:, 0] - 0.3 * m[:, 1] + 0.2 * c[:, 0])))
    end = rng.uniform(0.1, 0.4, size=n)
    days = np.ceil(400 * np.minimum(time, end)).astype(np.int64) + 1
    m[rng.random((n, k)) < 0.05] = np.nan
    return {
        "exposure": a,
        "biomarkers": np.ascontiguousarray(m.T.astype(np.float32)),
        "exit": days,
        "event": time <= end,
        "covariates": c,
        "entry": rng.integers(0, days),
        "strata": rng.integers(0, 2, size=n),
    }


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("left_out", [("entry", "strata"), ("entry",), ("strata",), ()])
def test_scan_mediation__equals_one_analysis_per_biomarker(ties: str, left_out: tuple[str, ...]) -> None:
    data = {name: values for name, values in panel().items() if name not in left_out}
    got = scan_mediation(**data, ties=ties, seed=1, contrast=Contrast(0.0, 1.5))
    for k, values in enumerate(data["biomarkers"]):
        rows = np.isfinite(values)
        single = fit_natural_effects(
            exposure=data["exposure"][rows],
            mediator=values[rows].astype(np.float64),
            outcome=data["exit"][rows],
            event=data["event"][rows] * 1.0,
            covariates=data["covariates"][rows],
            entry=data["entry"][rows] if "entry" in data else None,
            strata=data["strata"][rows] if "strata" in data else None,
            ties=ties,
            contrast=Contrast(0.0, 1.5),
        )
        assert single.effects is not None
        assert_allclose(got.effects.estimate[k], single.effects.estimate, rtol=SCAN_TOLERANCE, atol=1e-10)
        assert_allclose(got.effects.standard_error[k], single.effects.standard_error, rtol=SCAN_TOLERANCE)
        drawn = monte_carlo_effects(single.paths[None], single.covariance[None], contrast=Contrast(0.0, 1.5), seed=1)
        # The single analysis also draws the mediator's mean, which is tied to the slope: other draws, same
        # distribution.
        slack = DRAWN * single.effects.standard_error[:-1]
        assert np.all(np.abs(got.intervals.lower[k] - drawn.lower[0])[:-1] <= slack)
        assert got.paths.n[k] == rows.sum()
        assert got.paths.n_events[k] == data["event"][rows].sum()


def test_scan_mediation__finds_the_planted_mediators() -> None:
    got = scan_mediation(**panel(n=3000), seed=1)
    tnie = EFFECTS.index("tnie")
    is_found = (got.effects.lower[:, tnie] > 0) | (got.effects.upper[:, tnie] < 0)
    assert is_found[:2].all()
    assert np.sign(got.effects.estimate[:2, tnie]).tolist() == [1.0, 1.0]
    assert got.tests is not None
    assert got.tests.p_joint.argmin() in (0, 1)


def test_scan_mediation__biomarkers_the_shared_steps_leave_behind_are_fitted_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = panel()
    together = scan_mediation(**data, seed=1)
    monkeypatch.setattr("python_models.estimators.scans.joint_newton.MAX_SWEEPS", 1)
    alone = scan_mediation(**data, seed=1)
    assert_allclose(alone.effects.estimate, together.effects.estimate, rtol=SCAN_TOLERANCE, atol=1e-10)
    assert_allclose(alone.effects.standard_error, together.effects.standard_error, rtol=SCAN_TOLERANCE)


def test_scan_mediation__order_of_panel_and_people_does_not_matter() -> None:
    data = panel(k=70)
    one = scan_mediation(**data, seed=1)
    order = np.random.default_rng(5).permutation(70)
    people = np.random.default_rng(6).permutation(1200)
    moved = {name: values[people] for name, values in data.items() if name != "biomarkers"}
    moved["biomarkers"] = data["biomarkers"][order][:, people]
    other = scan_mediation(**moved, seed=1)
    assert_allclose(other.effects.estimate, one.effects.estimate[order], rtol=1e-6, atol=1e-9)
    assert_allclose(other.intervals.upper, one.intervals.upper[order], rtol=1e-5, atol=1e-8)


def test_scan_mediation__units_of_the_biomarker_do_not_matter() -> None:
    data = panel()
    one = scan_mediation(**data, seed=1)
    data["biomarkers"] = data["biomarkers"] * np.float32(1024.0)
    other = scan_mediation(**data, seed=1)
    assert_allclose(other.effects.estimate, one.effects.estimate, rtol=1e-6, atol=1e-10)


def test_join_paths__blocks_equal_the_whole() -> None:
    data = panel(k=70)
    whole = scan_mediation(**data, seed=1)
    biomarkers = data.pop("biomarkers")
    scanner = MediationScanner(**data)
    joined = mediation_of_paths(join_paths([scanner.paths(biomarkers[:64]), scanner.paths(biomarkers[64:])]), seed=1)
    assert_allclose(joined.effects.estimate, whole.effects.estimate, rtol=1e-9, atol=1e-12)
    assert_allclose(joined.intervals.lower, whole.intervals.lower, rtol=1e-9, atol=1e-12)


def test_scan_mediation__refused_biomarkers_have_a_reason_and_the_rest_runs() -> None:
    data = panel()
    data["biomarkers"][2] = 3.0
    data["biomarkers"][3] = np.nan
    data["biomarkers"][4, 0] = np.inf
    data["biomarkers"][5, np.flatnonzero(data["event"])] = np.nan
    got = scan_mediation(**data, seed=1)
    assert got.is_tested.tolist() == [True, True, False, False, False, False]
    for k, words in ((2, "constant"), (3, "missing in every row"), (4, "1 infinite"), (5, "too few events: 0")):
        assert words in str(got.paths.refusals[k])
        assert got.vanderweele_share.refusal[k] == got.paths.refusals[k]
        assert np.isnan(got.effects.estimate[k]).all()
    assert np.isfinite(got.effects.estimate[:2]).all()
    assert got.tests is not None
    assert got.tests.p_joint.shape == (2,)
    assert "at least 200" in str(got.tests.hdmt.refusal)


def test_scan_mediation__no_biomarker_left_is_an_answer() -> None:
    data = panel(k=2)
    data["biomarkers"][:] = np.nan
    got = scan_mediation(**data, seed=1)
    assert got.tests is None
    assert all(got.paths.refusals)


def test_scan_mediation__shares_carry_their_own_refusals() -> None:
    got = scan_mediation(**panel(n=3000), seed=1)
    te, pnde, tnie = (EFFECTS.index(e) for e in ("te", "pnde", "tnie"))
    expected = mediated_share(
        definition="vanderweele",
        total=got.effects.estimate[:, te],
        direct=got.effects.estimate[:, pnde],
        indirect=got.effects.estimate[:, tnie],
        total_lower=got.intervals.lower[:, te],
        total_upper=got.intervals.upper[:, te],
    )
    assert got.vanderweele_share.refusal == expected.refusal
    assert_allclose(got.vanderweele_share.share, expected.share, rtol=1e-12)
    given = np.array([reason is None for reason in expected.refusal])
    assert given[:2].all()
    assert np.all(got.vanderweele_share.lower[given] < got.vanderweele_share.share[given])
    assert np.isnan(got.log_scale_share.lower[~given]).all()


def test_scan_mediation__large_panel_has_false_discovery_rates() -> None:
    data = panel(k=220, n=600)
    got = scan_mediation(**data, seed=1)
    assert got.tests is not None
    assert got.tests.hdmt.refusal is None
    assert got.tests.hdmt.q[:2].max() < 0.05
