"""Refusals of hazard ratios, each with its reason and its count; models of parts of the participants."""

import numpy as np
import pytest

from python_models.estimators.survival.cox import fit_cox
from python_models.frames.scalings import ScaledExposure
from python_models.frames.study import CoxAnalysis
from python_models.frames.survival.cox_problems import CoxProblem, refusal_of_data

N = 60
RNG = np.random.default_rng(20260301)
X = RNG.normal(size=(N, 1))
EVENT = np.arange(N) % 2 == 0


def analysis(**changes: object) -> CoxAnalysis:
    fields: dict[str, object] = {
        "study": "s", "arm": "a", "exposure": "grip", "column_name": "grip_kg", "unit": "kg", "scaling": "per_units",
        "detail": 1.0, "outcome": "o", "outcome_definition": "d", "adjustment_set": "M2", "covariates": ("sex",),
        "is_primary_scaling": True, "is_primary_definition": True, "is_primary_adjustment": True,
    }  # fmt: skip
    return CoxAnalysis(**(fields | changes))  # type: ignore[arg-type]


def problem(n_covariates: int = 2, event: np.ndarray = EVENT) -> CoxProblem:
    covariates = RNG.integers(0, 2, size=(N, n_covariates)).astype(float)
    return CoxProblem(
        analysis=analysis(),
        scaled=ScaledExposure(("per 1 kg",), X),
        rows=np.arange(N),
        days=np.arange(1.0, N + 1),
        event=event,
        matrix=np.column_stack([X, covariates]),
        names=("per 1 kg", *(f"c{j}: yes" for j in range(n_covariates))),
        notes=(),
        is_death=np.zeros(N, dtype=bool),
        entry_day=np.zeros(N),
    )


def first(n: int) -> np.ndarray:
    return np.arange(N) < n


@pytest.mark.parametrize(
    ("event", "exposure", "n_parameters", "refusal"),
    [
        (first(0), X, 1, "no events among 60 participants"),
        (first(N), X, 1, "all 60 participants have the event: nobody is left to compare them with"),
        (EVENT, np.ones((N, 1)), 1, "the exposure is constant among 60 participants"),
        (first(9), X, 1, "too few events: 9 of the 10 asked for"),
        (first(10), X, 20, "too few events: 10 events for 20 parameters"),
        (first(30), X, 20, None),
    ],
)
def test_refusal_of_data__names_the_reason_and_the_count(
    event: np.ndarray, exposure: np.ndarray, n_parameters: int, refusal: str | None
) -> None:
    assert refusal_of_data(event=event, exposure=exposure, n_parameters=n_parameters) == refusal


def test_refusal_of_data__nobody() -> None:
    assert refusal_of_data(event=np.zeros(0, bool), exposure=np.zeros((0, 1)), n_parameters=1) is not None


def test_refusal__ten_events_with_twenty_covariates() -> None:
    small = problem(n_covariates=20, event=first(10))
    assert small.refusal == "too few events: 10 events for 21 parameters"


@pytest.mark.parametrize(
    ("exit_day", "entry_day", "refusal"),
    [
        (0.0, 0.0, "follow-up is zero in 1 rows and negative in 0; 1 of these have the event at or before entry"),
        (-5.0, 0.0, "follow-up is zero in 0 rows and negative in 1; 1 of these have the event at or before entry"),
        (40.0, 90.0, "follow-up is zero in 0 rows and negative in 1; 1 of these have the event at or before entry"),
    ],
)
def test_fit__follow_up_of_zero_negative_or_with_the_event_before_entry(
    exit_day: float, entry_day: float, refusal: str
) -> None:
    days, entry = np.arange(1.0, N + 1), np.zeros(N)
    days[0], entry[0] = exit_day, entry_day
    fit = fit_cox(exit=days, event=EVENT, covariates=X, entry=entry)
    assert fit.refusal == refusal
    assert fit.beta.size == 0


def test_keep__indicators_without_events_join_the_reference_and_are_named() -> None:
    whole = problem()
    kept = ~(EVENT & (whole.matrix[:, 1] == 1))
    part = whole.keep(kept)
    assert part.names == ("per 1 kg", "c1: yes")
    assert any("c0: yes" in note for note in part.notes)
    assert part.matrix.shape == (int(kept.sum()), 2)


def test_keep__a_constant_covariate_goes_without_a_word() -> None:
    whole = problem()
    part = whole.keep(whole.matrix[:, 1] == 1)
    assert "c0: yes" not in part.names
    assert part.notes == ()


def test_with_and_without_columns_are_inverses() -> None:
    whole = problem()
    wider = whole.with_columns(np.ones((N, 1)), ["bmi"], after=1)
    assert wider.names == ("per 1 kg", "bmi", "c0: yes", "c1: yes")
    back = wider.without_columns(["bmi"])
    np.testing.assert_array_equal(back.matrix, whole.matrix)
    assert whole.without_columns(["c0"]).names == ("per 1 kg", "c1: yes")
    # The exposure never leaves.
    assert whole.without_columns(["per 1 kg"]).names == whole.names
