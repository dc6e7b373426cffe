"""One scan that keeps several exposures equals the scans that keep one each."""

import numpy as np

from python_models.estimators.mediation.exposure_scan import ExposureCoxScanner
from python_models.estimators.mediation.several_exposures_scan import ExposuresCoxScanner


def test_several_exposures_equal_one_at_a_time() -> None:
    rng = np.random.default_rng(11)
    n = 900
    exposures, covariates = rng.normal(size=(n, 3)), rng.normal(size=(n, 2))
    biomarkers = rng.normal(size=(5, n)) + 0.3 * exposures[:, 0]
    biomarkers[1, ::7] = np.nan
    biomarkers[2] = np.nan
    # Explained by the covariates: left to the plain fit, which refuses it.
    biomarkers[3] = exposures[:, 1] + covariates[:, 0]
    rate = np.exp(0.3 * exposures[:, 0] - 0.2 * exposures[:, 2] + 0.4 * biomarkers[0])
    time, censored = rng.exponential(1.0 / rate), rng.exponential(2.0, size=n)
    exit, event = np.ceil(100 * np.minimum(time, censored)), time <= censored
    strata = rng.integers(0, 3, size=n)
    together = ExposuresCoxScanner(
        exposures=exposures, covariates=covariates, exit=exit, event=event, strata=strata
    ).scan_all(biomarkers)
    assert together.biomarker.refusals[2] is not None
    assert together.biomarker.refusals[3] is not None
    given = [0, 1, 4]
    for j in range(3):
        others = np.delete(exposures, j, axis=1)
        alone = ExposureCoxScanner(
            exposure=exposures[:, j],
            covariates=np.column_stack([others, covariates]),
            exit=exit,
            event=event,
            strata=strata,
        ).scan_both(biomarkers)
        np.testing.assert_allclose(together.beta[given, j], alone.exposure_beta[given], rtol=1e-7, atol=1e-9)
        np.testing.assert_allclose(together.variance[given, j], alone.exposure_variance[given], rtol=1e-7)
        np.testing.assert_allclose(together.covariance[given, j], alone.covariance[given], rtol=1e-6, atol=1e-10)
        np.testing.assert_allclose(together.biomarker.beta[given], alone.biomarker.beta[given], rtol=1e-7, atol=1e-9)
