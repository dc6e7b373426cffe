"""The Cox scan with the exposure's coefficient kept beside each biomarker's, and their covariance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from python_models.estimators.mediation.faults import FloatArray
from python_models.estimators.scans.cox_scan import CoxScan, CoxScanner
from python_models.estimators.survival.cox import Ties


@dataclass(frozen=True, slots=True)
class ExposureScan:
    """K outcome models (exposure, covariates, biomarker k).

    biomarker: the plain scan. exposure_beta (K,): log hazard ratio of the exposure at that biomarker held fixed;
    exposure_variance (K,); covariance (K,) of the exposure's and the biomarker's coefficient. NaN where refused.
    """

    biomarker: CoxScan
    exposure_beta: FloatArray
    exposure_variance: FloatArray
    covariance: FloatArray


class ExposureCoxScanner(CoxScanner):
    """A `CoxScanner` whose first covariate is the exposure; prepared once per exposure and outcome."""

    def __init__(
        self,
        *,
        exposure: FloatArray,
        covariates: FloatArray,
        exit: npt.ArrayLike,
        event: npt.ArrayLike,
        entry: npt.ArrayLike | None = None,
        strata: npt.ArrayLike | None = None,
        ties: Ties = "efron",
    ) -> None:
        names = ("exposure", *(f"covariate_{j + 1}" for j in range(covariates.shape[1])))
        super().__init__(
            exit=exit,
            event=event,
            covariates=np.column_stack([exposure, covariates]),
            entry=entry,
            strata=strata,
            ties=ties,
            names=names,
            n_first=1,
        )

    def scan_both(self, biomarkers: npt.ArrayLike) -> ExposureScan:
        """Scan biomarkers (K, n), NaN where missing, as `CoxScanner.scan`."""
        found = self.scan(biomarkers)
        return ExposureScan(found, found.first_beta[:, 0], found.first_variance[:, 0], found.first_covariance[:, 0])
