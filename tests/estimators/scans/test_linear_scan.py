"""The linear scan against least squares, one biomarker at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from python_models.estimators.scans import linear_scan
from python_models.estimators.scans.linear_scan import scan_linear
from python_models.estimators.survival.cox import EstimatorInputError

F8 = npt.NDArray[np.float64]

TWIN = 1e-9


def draw(n: int = 300, k: int = 8, missing: float = 0.2) -> tuple[F8, F8, F8]:
    rng = np.random.default_rng(1)
    covariates = rng.normal(size=(n, 3)) * [1, 10, 0.1] + [0, 60, 1000]
    exposure = rng.normal(size=n) + 0.3 * covariates[:, 0]
    biomarkers = 0.2 * exposure + 0.5 * covariates[:, 0] + rng.normal(size=(k, n)) * (1 + np.abs(exposure)) + 40
    biomarkers[rng.random((k, n)) < missing] = np.nan
    # One nearly empty: its X'X is summed over the rows known.
    biomarkers[-1, 40:] = np.nan
    return exposure, covariates, biomarkers


def least_squares(x: F8, y: F8) -> tuple[F8, F8, F8, float]:
    """Coefficients, classical and HC3 standard errors, R squared, by way of the hat matrix."""
    beta, *_ = np.linalg.lstsq(x, y, rcond=None)
    residual = y - x @ beta
    inverse = np.linalg.inv(x.T @ x)
    leverage = np.diag(x @ inverse @ x.T)
    classical = np.sqrt(np.diag(inverse) * (residual @ residual) / (x.shape[0] - x.shape[1]))
    meat = (x * (residual / (1 - leverage))[:, None] ** 2).T @ x
    total = np.sum((y - y.mean()) ** 2)
    return beta, classical, np.sqrt(np.diag(inverse @ meat @ inverse)), 1 - (residual @ residual) / total


@pytest.mark.parametrize("variance", ["classical", "hc3"])
@pytest.mark.parametrize("levels", [1, 2])
@pytest.mark.parametrize("adjusted", [True, False])
def test_scan_linear__equals_least_squares(
    variance: str, levels: int, adjusted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(linear_scan, "ROWS_PER_BLOCK", 64)
    exposure, covariates, biomarkers = draw()
    exposures = np.column_stack([exposure, exposure**2])[:, :levels]
    rest = covariates if adjusted else None
    scan = scan_linear(exposure=exposures, covariates=rest, biomarkers=biomarkers, variance=variance)
    assert scan.refusals == (None,) * 8
    for k, values in enumerate(biomarkers):
        known = np.isfinite(values)
        centred = covariates[known] - covariates[known].mean(axis=0) if adjusted else np.empty((known.sum(), 0))
        x = np.column_stack([np.ones(known.sum()), centred, exposures[known]])
        beta, classical, hc3, r_squared = least_squares(x, values[known])
        expected = classical if variance == "classical" else hc3
        np.testing.assert_allclose(scan.beta[k], beta[-levels:], rtol=TWIN)
        np.testing.assert_allclose(scan.standard_error[k], expected[-levels:], rtol=TWIN)
        t = beta[-levels:] / expected[-levels:]
        np.testing.assert_allclose(scan.p_value[k], 2 * stats.t.sf(np.abs(t), known.sum() - x.shape[1]), rtol=1e-7)
        assert scan.r_squared[k] == pytest.approx(r_squared, rel=TWIN)
        assert scan.n[k] == known.sum()
        assert scan.standard_deviation[k] == pytest.approx(np.nanstd(values, ddof=1), rel=1e-12)


def test_scan_linear__a_biomarker_that_is_the_exposure_keeps_its_digits() -> None:
    exposure, covariates, _ = draw()
    noise = np.random.default_rng(2).normal(size=300)
    close = (3 * exposure + 1e-5 * noise)[None, :]
    scan = scan_linear(exposure=exposure, covariates=covariates, biomarkers=close)
    centred = covariates - covariates.mean(axis=0)
    beta, classical, _, _ = least_squares(np.column_stack([np.ones(300), centred, exposure]), close[0])
    assert scan.beta[0, 0] == pytest.approx(beta[-1], rel=1e-10)
    assert scan.standard_error[0, 0] == pytest.approx(classical[-1], rel=1e-7)


def test_scan_linear__single_precision_biomarkers() -> None:
    exposure, covariates, biomarkers = draw()
    single = biomarkers.astype(np.float32)
    one = scan_linear(exposure=exposure, covariates=covariates, biomarkers=single)
    other = scan_linear(exposure=exposure, covariates=covariates, biomarkers=single.astype(np.float64))
    np.testing.assert_allclose(one.beta, other.beta, rtol=1e-12)


def test_scan_linear__refuses_one_biomarker_and_fits_the_rest() -> None:
    exposure, covariates, biomarkers = draw(missing=0.0)
    biomarkers[0] = np.nan
    biomarkers[1] = 4.2
    biomarkers[2, 7] = -np.inf
    biomarkers[3, 5:] = np.nan
    level = (np.arange(300) < 20).astype(float)
    biomarkers[4, :20] = np.nan
    scan = scan_linear(exposure=np.column_stack([exposure, level]), covariates=covariates, biomarkers=biomarkers)
    assert scan.refusals[:5] == (
        "no values: the biomarker is missing in every row",
        "constant in all 300 rows where it is known",
        "1 infinite values",
        "too few rows: 5 for 6 coefficients",
        "constant or collinear in the 280 rows where it is known: exposure 2",
    )
    assert scan.refusals[5:7] == (None, None)
    assert np.isnan(scan.beta[:5]).all()
    assert np.isfinite(scan.beta[5:7]).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"variance": "hc1"}, "classical, hc3"),
        ({"exposure": np.ones(300)}, "constant: exposure 1"),
        ({"exposure": np.full(300, np.nan)}, "missing or infinite values: 300 in exposure 1"),
        ({"exposure": np.ones(10)}, "covariates have 300 rows, exposure 10"),
        ({"biomarkers": np.zeros((300, 4))}, r"must be \(K, 300\)"),
    ],
)
def test_scan_linear__faults(change: dict[str, Any], message: str) -> None:
    exposure, covariates, biomarkers = draw()
    arguments = {"exposure": exposure, "covariates": covariates, "biomarkers": biomarkers} | change
    with pytest.raises(EstimatorInputError, match=message):
        scan_linear(**arguments)


def test_scan_linear__collinear_covariates_are_a_fault() -> None:
    _, covariates, biomarkers = draw()
    with pytest.raises(EstimatorInputError, match="collinear with the columns before them: exposure 1"):
        scan_linear(exposure=2 * covariates[:, 0] - 1, covariates=covariates, biomarkers=biomarkers)


def test_scan_linear__null_exposures_have_uniform_p_values() -> None:
    rng = np.random.default_rng(6)
    biomarkers = rng.normal(size=(400, 150))
    for variance in ("classical", "hc3"):
        scan = scan_linear(exposure=rng.normal(size=150), biomarkers=biomarkers, variance=variance)
        assert stats.kstest(scan.p_value[:, 0], "uniform").pvalue > 0.001


def test_scan_linear__a_level_with_nobody_left_is_left_out_for_that_biomarker() -> None:
    rng = np.random.default_rng(12)
    exposure, covariates = rng.normal(size=400), rng.normal(size=(400, 2))
    level = np.arange(400) % 8 == 0
    biomarkers = rng.normal(size=(3, 400))
    biomarkers[1, level] = np.nan
    for variance in ("classical", "hc3"):
        found = scan_linear(
            exposure=exposure,
            biomarkers=biomarkers,
            covariates=np.column_stack([covariates, level]),
            variance=variance,  # type: ignore[arg-type]
        )
        without = scan_linear(
            exposure=exposure,
            biomarkers=biomarkers,
            covariates=covariates,
            variance=variance,  # type: ignore[arg-type]
        )
        assert found.refusals == (None,) * 3
        for name in ("beta", "standard_error", "p_value"):
            np.testing.assert_allclose(getattr(found, name)[1], getattr(without, name)[1], rtol=1e-10)
        assert found.residual_degrees_of_freedom[1] == without.residual_degrees_of_freedom[1] == 350 - 4
        assert found.residual_degrees_of_freedom[0] == 400 - 5
