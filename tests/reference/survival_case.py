"""Reading the survival reference cases that lie beside the project."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from python_models.estimators.survival.cox import CoxFit

CASES = Path(__file__).parents[3] / "shared" / "reference" / "survival"
needs_cases = pytest.mark.skipif(
    not CASES.is_dir(), reason="the reference cases are not beside the project (../shared)"
)

F8 = npt.NDArray[np.float64]


def read_case(name: str) -> tuple[dict[str, F8], dict[str, Any]]:
    """Columns of NAME.csv, NaN where empty or NA, and the results of NAME.json."""
    with (CASES / f"{name}.csv").open() as file:
        rows = list(csv.DictReader(file))
    columns = {
        key: np.array([np.nan if row[key].strip() in ("", "NA") else float(row[key]) for row in rows])
        for key in rows[0]
    }
    return columns, json.loads((CASES / f"{name}.json").read_text())["results"]


def complete(columns: dict[str, F8], names: list[str]) -> npt.NDArray[np.bool_]:
    """Rows (n,) where none of the named columns is missing."""
    return np.all([np.isfinite(columns[name]) for name in names], axis=0)


def assert_fit(fit: CoxFit, expected: dict[str, Any], tolerance: float) -> None:
    """Coefficients, standard errors, covariance, log likelihoods and tests of one coxph fit."""
    assert fit.refusal is None, fit.refusal
    np.testing.assert_allclose(fit.beta, list(expected["coef"].values()), rtol=tolerance)
    np.testing.assert_allclose(fit.standard_error, list(expected["se"].values()), rtol=tolerance)
    scale = np.outer(fit.standard_error, fit.standard_error)
    np.testing.assert_allclose(fit.covariance / scale, expected["vcov"] / scale, rtol=0, atol=tolerance)
    assert fit.loglik == pytest.approx(expected["loglik"], rel=tolerance)
    assert fit.loglik_null == pytest.approx(expected["loglik_null"], rel=tolerance)
    assert fit.likelihood_ratio == pytest.approx(expected["lrt"]["chisq"], rel=tolerance)
    assert fit.score_test == pytest.approx(expected["score"]["chisq"], rel=tolerance)
    assert fit.wald_test() == pytest.approx(expected["wald"]["chisq"], rel=tolerance)
    # A p-value moves by about z^2 times the relative move of z; none of those compared has z beyond 40.
    p_value = np.maximum(list(expected["p"].values()), 1e-300)
    np.testing.assert_allclose(np.maximum(fit.p_value, 1e-300), p_value, rtol=1600 * tolerance)
    low, high = fit.interval()
    np.testing.assert_allclose(np.exp(low), list(expected["lower95"].values()), rtol=4 * tolerance)
    np.testing.assert_allclose(np.exp(high), list(expected["upper95"].values()), rtol=4 * tolerance)
    if "naive_se" in expected:
        naive = np.sqrt(np.diag(fit.naive_covariance))
        np.testing.assert_allclose(naive, list(expected["naive_se"].values()), rtol=tolerance)
