"""With interaction effects depend on the levels of the exposure that are compared: they are levels people are at."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from python_models.estimators.mediation.fit_natural_effects import fit_natural_effects
from python_models.estimators.mediation.natural_effects import EFFECTS, Contrast
from python_models.frames.biomarkers.biomarker_designs import LIFESTYLE, BiomarkerDesign, Exposure
from python_models.frames.mediation.finalist_arrays import finalist_arrays
from python_models.frames.mediation.finalist_rows import SIX, _rows
from python_models.frames.study import CoxAnalysis

N = 3_000
# Newton stops within 1e-9 of the maximum; the two parameterisations stop at different points.
ITERATION = 1e-6


def design_of(exposure: np.ndarray, label: Exposure) -> tuple[BiomarkerDesign, np.ndarray]:
    """A mediator and an outcome that depends on it more where the exposure is higher."""
    rng = np.random.default_rng(5)
    step = (exposure - exposure.mean()) / exposure.std()
    mediator = (0.5 * step + rng.normal(size=N)).astype(np.float32)
    time = rng.exponential(3_000 / np.exp(0.3 * step + 0.4 * mediator + 0.3 * step * mediator))
    analysis = CoxAnalysis(
        "study", "arm", "exposure", "column", "", label.scaling, np.nan, "outcome", "definition", "M2", (),
        True, True, True,
    )  # fmt: skip
    design = BiomarkerDesign(
        analysis=analysis, labels=(label,), samples=np.arange(N), exposures=exposure[:, None].astype(np.float64),
        covariates=rng.normal(size=(N, 1)), names=("x",), centres=np.empty((N, 0)), centre_names=(), strata=None,
        days=np.ceil(np.minimum(time, 2_000)), event=time <= 2_000,
    )  # fmt: skip
    return design, mediator


def effects_of(exposure: np.ndarray, label: Exposure) -> tuple[dict[str, float], tuple[float, float]]:
    """The rows of the model with interaction, and the levels that they name."""
    design, mediator = design_of(exposure, label)
    rows = [row for row in _rows(finalist_arrays(design, 0, mediator), n_bootstraps=0) if "with" in row["model"]]
    mine = [row for row in rows if row["model"] == "with_interaction" and row["quantity_kind"] == "effect"]
    levels = {(row["exposure_from"], row["exposure_to"]) for row in rows}
    assert len(levels) == 1
    return {row["quantity"]: row["estimate"] for row in mine}, levels.pop()


def test_a_trend_compares_the_lowest_category_with_the_next() -> None:
    pace = np.random.default_rng(1).integers(1, 4, size=N).astype(np.float64)
    label = Exposure("arm", "walking_pace", "per_category")
    found, levels = effects_of(pace, label)
    assert levels == (1.0, 2.0)
    design, mediator = design_of(pace, label)
    again = fit_natural_effects(
        exposure=pace, mediator=mediator.astype(np.float64), outcome=design.days, event=design.event,
        covariates=design.covariates, mediator_covariates=design.centres, strata=None, has_interaction=True,
        contrast=Contrast(exposure_from=1.0, exposure_to=2.0), covariate_names=design.names,
    )  # fmt: skip
    assert again.effects is not None
    expected = dict(zip(EFFECTS, again.effects.estimate, strict=True))
    assert_allclose([found[name] for name in SIX], [expected[name] for name in SIX], rtol=ITERATION)


@pytest.mark.parametrize("scaling", ["per_sd", "per_units"])
def test_a_measurement_compares_its_mean_with_one_unit_more_wherever_zero_is(scaling: str) -> None:
    grip = np.random.default_rng(2).normal(3.0, 1.0, size=N)
    label = Exposure("arm", "grip_strength", scaling)
    found, levels = effects_of(grip, label)
    moved, far = effects_of(grip + 40.0, label)
    assert levels == pytest.approx((grip.mean(), grip.mean() + 1.0))
    assert far[0] == pytest.approx(levels[0] + 40.0)
    assert_allclose([moved[name] for name in SIX], [found[name] for name in SIX], rtol=ITERATION)


@pytest.mark.parametrize(
    "label",
    [
        Exposure(LIFESTYLE, "smoking_status", "current_vs_never"),
        Exposure("arm", "smoking_cessation", "yes_vs_no"),
        Exposure("arm", "grip_strength", "per_sex_sd"),
    ],
)
def test_contrasts_and_z_scores_start_at_their_zero(label: Exposure) -> None:
    exposure = (np.random.default_rng(3).random(N) < 0.3).astype(np.float64)
    assert effects_of(exposure, label)[1] == (0.0, 1.0)
