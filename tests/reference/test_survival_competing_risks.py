"""Competing risks on mgus2 against R: survfit, finegray() + coxph(), and cause-specific coxph."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from python_models.estimators.survival.aalen_johansen import aalen_johansen
from python_models.estimators.survival.cox import fit_cox
from python_models.estimators.survival.fine_gray import fit_fine_gray
from python_models.estimators.survival.gray_test import gray_test
from tests.reference.survival_case import assert_fit, complete, needs_cases, read_case

pytestmark = needs_cases

# Same iterates and stop as coxph: rounding.
SAME_STOP = 1e-10
# Products and sums of exact counts.
CURVE = 1e-11
# cuminc's variance (Aalen) is another estimator than the infinitesimal jackknife: they agree to a few per cent.
OTHER_VARIANCE = 0.05
# cmprsk::crr estimates the censoring curve at T- and treats ties otherwise: the third digit differs.
CRR = 0.01

TERMS = ["age", "male", "mspike"]
TIMES = [60, 120, 180, 240]


@pytest.mark.parametrize("male", [0, 1, None])
def test_aalen_johansen(male: int | None) -> None:
    columns, results = read_case("b01_mgus2_competing")
    rows = np.ones(columns["male"].shape, dtype=bool) if male is None else columns["male"] == male
    table = results["aalen_johansen_overall" if male is None else "aalen_johansen_by_male"]
    expected = [row for row in table if male is None or row["male"] == male]
    curve = aalen_johansen(exit=columns["etime"][rows], event=columns["estat"][rows], times=TIMES)
    low, high = curve.interval()
    ours = {
        "cif_pcm": curve.incidence[0],
        "se_pcm": curve.standard_error[0],
        "lower_pcm_log": low[0],
        "upper_pcm_log": high[0],
        "cif_death": curve.incidence[1],
        "se_death": curve.standard_error[1],
    }
    for name, values in ours.items():
        if name in expected[0]:
            np.testing.assert_allclose(values, [row[name] for row in expected], rtol=CURVE, err_msg=name)


def test_aalen_johansen_beside_cuminc() -> None:
    columns, results = read_case("b01_mgus2_competing")
    for j, name in enumerate(results["cuminc_est_var"]["names"]):
        male, cause = (int(part) for part in name.split())
        rows = columns["male"] == male
        curve = aalen_johansen(exit=columns["etime"][rows], event=columns["estat"][rows], times=TIMES)
        np.testing.assert_allclose(curve.incidence[cause - 1], results["cuminc_est_var"]["est"][j], rtol=CURVE)
        error = np.sqrt(results["cuminc_est_var"]["var"][j])
        np.testing.assert_allclose(curve.standard_error[cause - 1], error, rtol=OTHER_VARIANCE)


def test_gray_test() -> None:
    columns, results = read_case("b01_mgus2_competing")
    for expected in results["gray_test"]:
        test = gray_test(
            exit=columns["etime"], event=columns["estat"], group=columns["male"], cause=int(expected["event"])
        )
        assert test.chi_squared == pytest.approx(expected["stat"], rel=CURVE)
        assert test.p_value == pytest.approx(expected["p"], rel=1e-9)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_fine_gray_is_finegray_and_coxph_clustered(ties: Any) -> None:
    columns, results = read_case("b01_mgus2_competing")
    rows = complete(columns, TERMS)
    fit = fit_fine_gray(
        exit=columns["etime"][rows],
        event=columns["estat"][rows],
        covariates=np.column_stack([columns[name][rows] for name in TERMS]),
        # finegray() saw everyone; coxph() then dropped the rows without mspike.
        censoring_exit=columns["etime"],
        censoring_event=columns["estat"],
        ties=ties,
        stop="coxph",
    )
    assert_fit(fit, results[f"finegray_{ties}_cluster"], SAME_STOP)


def test_fine_gray_of_sex_alone() -> None:
    columns, results = read_case("b01_mgus2_competing")
    expected = results["finegray_male_only_efron"]
    fit = fit_fine_gray(exit=columns["etime"], event=columns["estat"], covariates=columns["male"], stop="coxph")
    assert fit.beta[0] == pytest.approx(expected["coef"]["male"], rel=SAME_STOP)
    assert fit.loglik == pytest.approx(expected["loglik"], rel=SAME_STOP)
    assert fit.loglik_null == pytest.approx(expected["loglik_null"], rel=SAME_STOP)
    assert fit.score_test == pytest.approx(expected["score"]["chisq"], rel=SAME_STOP)
    naive = np.sqrt(np.diag(fit.naive_covariance))
    np.testing.assert_allclose(naive, list(expected["naive_se"].values()), rtol=SAME_STOP)
    # This call had no cluster: its sandwich takes each of finegray's 41,775 pieces as independent. Ours is by person.
    assert fit.standard_error[0] == pytest.approx(expected["se"]["male"], rel=0.03)


def test_fine_gray_is_near_crr() -> None:
    columns, results = read_case("b01_mgus2_competing")
    rows = complete(columns, TERMS)
    covariates = np.column_stack([columns[name][rows] for name in TERMS])
    fit = fit_fine_gray(
        exit=columns["etime"][rows], event=columns["estat"][rows], covariates=covariates, ties="breslow"
    )
    np.testing.assert_allclose(fit.beta, list(results["crr"]["coef"].values()), rtol=CRR)
    np.testing.assert_allclose(fit.standard_error, list(results["crr"]["se"].values()), rtol=CRR)


@pytest.mark.parametrize(("case", "cause"), [("cause_specific_pcm", 1), ("cause_specific_death", 2)])
def test_cause_specific_hazards(case: str, cause: int) -> None:
    columns, results = read_case("b01_mgus2_competing")
    rows = complete(columns, TERMS)
    fit = fit_cox(
        exit=columns["etime"][rows],
        event=columns["estat"][rows] == cause,
        covariates=np.column_stack([columns[name][rows] for name in TERMS]),
        stop="coxph",
    )
    assert_fit(fit, results[case], SAME_STOP)
