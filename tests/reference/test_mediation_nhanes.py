"""A real cohort end to end: NHANES I follow-up, poverty and body mass index through blood markers to death."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from python_models.estimators.mediation.bootstrap import bootstrap_natural_effects
from python_models.estimators.mediation.fit_natural_effects import fit_natural_effects
from python_models.estimators.mediation.joint_mediation import fit_joint_mediation
from python_models.estimators.mediation.natural_effects import EFFECTS
from python_models.estimators.mediation.scan import scan_mediation
from python_models.estimators.mediation.sensitivity import mediation_warnings

COHORT = Path(__file__).parents[3] / "shared" / "data" / "cohorts" / "nhanes1_followup.csv.gz"
pytestmark = pytest.mark.skipif(not COHORT.is_file(), reason="the real cohort is not beside the project (../shared)")

MARKERS = (
    "serum_albumin",
    "sedimentation_rate",
    "white_blood_cells",
    "serum_iron",
    "serum_magnesium",
    "serum_cholesterol",
)
# Scan and single analyses go to the same maximum by other steps.
TOLERANCE = 1e-7


@pytest.fixture(scope="module")
def cohort() -> dict[str, np.ndarray]:
    """Complete in exposures, covariates and follow-up; markers standardised."""
    with gzip.open(COHORT, "rt") as handle:
        rows = list(csv.DictReader(handle))
    table = {name: np.array([float(row[name]) if row[name] else np.nan for row in rows]) for name in rows[0]}
    keep = np.isfinite(np.column_stack([table[c] for c in ("age", "sex", "race", "poverty_index", "bmi")])).all(axis=1)
    keep &= table["time_years"] > 0
    table = {name: values[keep] for name, values in table.items()}
    markers = np.column_stack([table[name] for name in MARKERS])
    table["markers"] = (markers - np.nanmean(markers, axis=0)) / np.nanstd(markers, axis=0)
    table["days"] = np.ceil(table["time_years"] * 365.25)
    return table


@pytest.mark.parametrize(("exposure", "other"), [("poverty_index", "bmi"), ("bmi", "poverty_index")])
def test_scan_mediation__nhanes(cohort: dict[str, np.ndarray], exposure: str, other: str) -> None:
    a = (cohort[exposure] - cohort[exposure].mean()) / cohort[exposure].std()
    covariates = np.column_stack([cohort["age"], cohort["sex"] == 2, cohort["race"] == 1, cohort[other]])
    given = {"exposure": a, "event": cohort["death"], "covariates": covariates}
    scan = scan_mediation(biomarkers=cohort["markers"].T, exit=cohort["days"], seed=1, **given)
    assert scan.paths.refusals == (None,) * len(MARKERS)
    # Known before any mediation: albumin goes with living longer, sedimentation rate with dying sooner.
    assert scan.paths.mediator_to_outcome[MARKERS.index("serum_albumin")] < 0
    assert scan.paths.mediator_to_outcome[MARKERS.index("sedimentation_rate")] > 0
    for k in range(len(MARKERS)):
        rows = np.isfinite(cohort["markers"][:, k])
        single = fit_natural_effects(
            mediator=cohort["markers"][rows, k],
            outcome=cohort["days"][rows],
            **{name: values[rows] for name, values in given.items()},
        ).effects
        assert single is not None
        assert_allclose(scan.effects.estimate[k], single.estimate, rtol=TOLERANCE, atol=1e-9)
        assert_allclose(scan.effects.standard_error[k], single.standard_error, rtol=TOLERANCE)
    warnings = mediation_warnings(
        event_share=float(cohort["death"].mean()), mediator_minus_exposure_days=0, are_early_events_dropped=False
    )
    assert "common_outcome" in warnings

    complete = np.isfinite(cohort["markers"]).all(axis=1)
    joint = fit_joint_mediation(
        mediators=cohort["markers"][complete],
        time=cohort["days"][complete],
        names=MARKERS,
        seed=1,
        **{name: values[complete] for name, values in given.items()},
    )
    assert joint.refusal is None
    assert joint.effects is not None
    assert_allclose(joint.effects.path.sum(), joint.effects.estimate[0], rtol=1e-12)


def test_bootstrap_natural_effects__nhanes_agrees_with_the_delta_method(cohort: dict[str, np.ndarray]) -> None:
    rows = np.isfinite(cohort["markers"][:, 1])
    a = (cohort["bmi"] - cohort["bmi"].mean()) / cohort["bmi"].std()
    given = {
        "exposure": a[rows],
        "mediator": cohort["markers"][rows, 1],
        "event": cohort["death"][rows],
        "covariates": np.column_stack([cohort["age"], cohort["sex"] == 2, cohort["race"] == 1])[rows],
    }
    got = bootstrap_natural_effects(time=cohort["days"][rows], n_bootstraps=200, seed=1, **given)
    delta = fit_natural_effects(outcome=cohort["days"][rows], **given).effects
    assert delta is not None
    tnie = EFFECTS.index("tnie")
    assert got.n_failed == 0
    assert_allclose(got.estimate, delta.estimate, rtol=1e-12)
    # 200 resamples know a standard error to 5 %; real data are also not exactly normal with equal variance.
    assert_allclose(got.standard_error[tnie], delta.standard_error[tnie], rtol=0.25)
