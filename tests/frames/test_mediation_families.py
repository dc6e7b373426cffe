"""Families of mediators: what half of the people select is what the whole scan of that half would select."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from python_models.estimators.mediation.several_exposures_scan import ExposuresCoxScanner
from python_models.estimators.multiplicity import adjust_p_values
from python_models.estimators.survival.cox import fit_cox
from python_models.frames.biomarkers.biomarker_designs import BiomarkerDesign, Exposure
from python_models.frames.mediation.finalist_arrays import finalist_arrays
from python_models.frames.mediation.finalist_rows import _fitted
from python_models.frames.mediation.joint_mediation_rows import _jointly
from python_models.frames.mediation.mediation_families import (
    LEFT_OUT,
    MediationFamily,
    SelectionFamily,
    halves_of,
    joint_p,
    subset,
)
from python_models.frames.study import CoxAnalysis

N, K = 1_200, 40


@pytest.fixture(scope="module")
def design() -> BiomarkerDesign:
    rng = np.random.default_rng(8)
    exposures = rng.normal(size=(N, 2))
    covariates = rng.normal(size=(N, 2))
    rate = 2e-4 * np.exp(-0.3 * exposures[:, 0])
    time = rng.exponential(1.0 / rate)
    analysis = CoxAnalysis(
        "study", "arm", "exposure", "column", "", "per_sd", np.nan, "outcome", "definition", "M2", (), True, True, True
    )
    labels = (
        Exposure("arm", "first", "per_sd"),
        Exposure("arm", "refused", "per_sd", refusal="the same in everyone analysed"),
        Exposure("arm", "second", "per_sd"),
    )
    return BiomarkerDesign(
        analysis=analysis, labels=labels, samples=np.arange(N), exposures=exposures, covariates=covariates,
        names=("x", "y"),
        centres=np.empty((N, 0)), centre_names=(), strata=None, days=np.ceil(np.minimum(time, 3_000)),
        event=time <= 3_000,
    )  # fmt: skip


@pytest.fixture(scope="module")
def values(design: BiomarkerDesign) -> np.ndarray:
    """The first ten biomarkers are moved by the first exposure and known of those with the event, later more often."""
    rng = np.random.default_rng(9)
    moved = np.zeros((K, N))
    moved[:10] = 0.3 * design.exposures[:, 0] + 0.4 * design.event
    block = (moved + rng.normal(size=(K, N))).astype(np.float32)
    block[3, ::7] = np.nan
    return block


def test_selection_leaves_out_only_what_cannot_be_selected(design: BiomarkerDesign, values: np.ndarray) -> None:
    whole, selection = MediationFamily(design), SelectionFamily(design)
    for start in range(0, K, 16):
        whole.scan(values[start : start + 16])
        selection.scan(values[start : start + 16])
    for label in (0, 2):
        every, chosen = whole.paths_of(label), selection.paths_of(label)
        assert every is not None
        assert chosen is not None
        left_out = np.array([reason == LEFT_OUT for reason in chosen.refusals])
        assert left_out.any()
        assert (joint_p(every)[left_out] >= 0.05).all()
        p = np.where(left_out, 1.0, joint_p(chosen))
        assert_allclose(p[~left_out], joint_p(every)[~left_out], rtol=1e-6)
        called = adjust_p_values(joint_p(every)) < 0.05
        np.testing.assert_array_equal(adjust_p_values(p) < 0.05, called)
        assert called.any() == (label == 0)
    assert whole.paths_of(1) is None


def test_halves_share_nobody_and_events_evenly(design: BiomarkerDesign) -> None:
    def design_of(samples: np.ndarray) -> BiomarkerDesign:
        return replace(
            design, samples=np.arange(samples.size), exposures=design.exposures[samples],
            covariates=design.covariates[samples], centres=design.centres[samples], days=design.days[samples],
            event=design.event[samples],
        )  # fmt: skip

    first, second = halves_of(design, design_of=design_of)
    assert np.intersect1d(first.samples, second.samples).size == 0
    assert first.samples.size + second.samples.size == N
    assert abs(int(first.event.sum()) - int(second.event.sum())) <= 1
    np.testing.assert_array_equal(design.days[first.samples], first.days)


def test_rows_of_a_scan_keep_their_places(design: BiomarkerDesign, values: np.ndarray) -> None:
    whole, some = MediationFamily(design), MediationFamily(design)
    whole.scan(values)
    rows = np.array([2, 3, 30])
    some.scan(values, rows)
    some.scan(values[:5], np.empty(0, dtype=np.intp))
    every, found = whole.paths_of(0), some.paths_of(0)
    assert every is not None
    assert found is not None
    assert found.refusals.count(LEFT_OUT) == K - 3 + 5
    assert_allclose(subset(found, rows).mediator_to_outcome, subset(every, rows).mediator_to_outcome, rtol=1e-6)
    assert subset(found, rows).n[1] == np.isfinite(values[3]).sum()


def test_a_level_that_lost_its_events_joins_the_reference_in_every_model(
    design: BiomarkerDesign, values: np.ndarray
) -> None:
    """No event is left at a level where one biomarker is known: scans, finalists and joint models do without it."""
    level = np.arange(N) % 10 == 0
    centre = np.arange(N) % 20 == 1
    wide = replace(
        design,
        covariates=np.column_stack([design.covariates, level]),
        names=(*design.names, "education: none"),
        centres=centre[:, None].astype(float),
        centre_names=("assessment_centre_code: 11010",),
    )
    block = values[:4].copy()
    block[1, level & design.event] = np.nan
    block[2, centre] = np.nan
    family, plain = MediationFamily(wide), MediationFamily(design)
    family.scan(block)
    paths = family.paths_of(0)
    assert paths is not None
    assert paths.refusals == (None,) * 4
    assert isinstance(family.cox, ExposuresCoxScanner)
    assert family.cox.scan(block[:, wide.samples]).joined == ((), ("education: none",), (), ())
    # The outcome model is the one without the level; the linear one keeps it, since people are still at it.
    assert isinstance(plain.cox, ExposuresCoxScanner)
    without = plain.cox.scan(block[1:2])
    assert_allclose(paths.mediator_to_outcome[1], without.beta[0], rtol=1e-9)
    one = finalist_arrays(wide, 0, block[1])
    assert one.names == ("second per_sd", "x", "y")
    alone = fit_cox(exit=one.time, event=one.event, covariates=np.column_stack([one.exposure, one.covariates]))
    found = _fitted(one, has_interaction=False, alone=alone)
    assert_allclose(found.paths[3:5], [paths.exposure_to_outcome[1], paths.mediator_to_outcome[1]], rtol=1e-7)
    assert finalist_arrays(wide, 0, block[2]).centres.shape[1] == 0
    joint = _jointly(wide, 0, block[:3], ["a", "b", "c"])
    assert joint["refusal"] is None


def test_a_refusal_names_the_covariate_and_its_level(design: BiomarkerDesign, values: np.ndarray) -> None:
    """A level in the model that is the event itself is not a level without events: it is refused, by its name."""
    wide = replace(
        design,
        covariates=np.column_stack([design.covariates, design.event]),
        names=(*design.names, "education: none"),
    )
    family = MediationFamily(wide)
    family.scan(values[:1])
    paths = family.paths_of(0)
    assert paths is not None
    assert "education: none" in str(paths.refusals[0])
