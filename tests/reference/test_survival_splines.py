"""Restricted cubic splines on pbc against Hmisc::rcspline.eval with coxph, and rms::cph."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from python_models.estimators.survival.splines import SplineFit, fit_cox_spline, harrell_knots, restricted_cubic_basis
from tests.reference.survival_case import needs_cases, read_case

pytestmark = needs_cases

# Differences of cubes; absolute, the columns being of order 1 to 10.
BASIS = 1e-12
# coxph stops short of the maximum by up to 2e-9 of a coefficient here; two spline columns correlate at 0.999999, so a
# standard error keeps about eight digits (five knots: seven) in R and here alike: in an orthogonal basis k5's is 2e-7
# from R's.
FIT = {"k3": 1e-9, "k4": 1e-8, "k5": 5e-7, "fixed": 5e-8}
# The curve is a contrast of those columns and keeps more.
CURVE = {"k3": 1e-9, "k4": 1e-8, "k5": 5e-7, "fixed": 5e-8}
# rms stops its own Newton at a change of 0.005 in the log likelihood's gradient criterion: six digits.
RMS = 1e-4


def cases() -> list[Any]:
    return [pytest.param(k, id=name) for k, name in enumerate(("k3", "k4", "k5", "fixed"))]


def fitted(expected: dict[str, Any]) -> tuple[SplineFit, dict[str, Any]]:
    columns, _ = read_case("f01_pbc_bili_rcs")
    own = {"knots": expected["knots"]} if expected["k"] == "fixed" else {"n_knots": int(expected["k"][1])}
    fit = fit_cox_spline(
        exit=columns["time"],
        event=columns["event"],
        exposure=columns["bili"],
        covariates=np.column_stack([columns["age"], columns["male"]]),
        **own,
    )
    assert fit.refusal is None
    return fit, columns


@pytest.mark.parametrize("k", cases())
def test_knots_and_basis(k: int) -> None:
    columns, results = read_case("f01_pbc_bili_rcs")
    expected = results[k]
    if expected["k"] != "fixed":
        knots = harrell_knots(columns["bili"], int(expected["k"][1]))
        np.testing.assert_allclose(knots, expected["knots"], rtol=1e-14)
    basis = restricted_cubic_basis(columns["bili"][:5], expected["knots"])
    np.testing.assert_allclose(basis, expected["basis_first5"], rtol=0, atol=BASIS)


@pytest.mark.parametrize("k", cases())
def test_spline_fit_tests_and_curve(k: int) -> None:
    expected = read_case("f01_pbc_bili_rcs")[1][k]
    tolerance = FIT[expected["k"]]
    spline, _ = fitted(expected)
    assert spline.fit is not None
    np.testing.assert_allclose(spline.fit.beta, list(expected["fit"]["coef"].values()), rtol=tolerance)
    np.testing.assert_allclose(spline.fit.standard_error, list(expected["fit"]["se"].values()), rtol=tolerance)
    assert spline.fit.loglik == pytest.approx(expected["fit"]["loglik"], rel=1e-11)
    assert spline.wald_overall == pytest.approx(expected["wald_overall"]["chisq"], rel=tolerance)
    assert spline.wald_nonlinear == pytest.approx(expected["wald_nonlinear"]["chisq"], rel=tolerance)
    assert spline.likelihood_ratio_nonlinear == pytest.approx(expected["lrt_nonlinear"]["chisq"], rel=1e-10)
    assert spline.likelihood_ratio_overall == pytest.approx(expected["lrt_overall"]["chisq"], rel=1e-10)
    assert spline.p_overall == pytest.approx(expected["wald_overall"]["p"], rel=1e-5)
    assert spline.p_nonlinear == pytest.approx(expected["wald_nonlinear"]["p"], rel=1e-5)
    assert spline.p_nonlinear_likelihood_ratio == pytest.approx(expected["lrt_nonlinear"]["p"], rel=1e-8)
    assert spline.wald_overall == pytest.approx(expected["rms_anova"]["overall_chisq"], rel=RMS)
    assert spline.wald_nonlinear == pytest.approx(expected["rms_anova"]["nonlinear_chisq"], rel=RMS)
    curve = expected["hr_curve"]
    log_ratio, _, low, high = spline.curve([point["x"] for point in curve], curve[0]["ref"])
    for ours, name in ((log_ratio, "hr"), (low, "lower"), (high, "upper")):
        np.testing.assert_allclose(np.exp(ours), [point[name] for point in curve], rtol=CURVE[expected["k"]])
