"""The Cox scan with several exposures' coefficients kept beside each biomarker's, and their covariances.

`ExposureCoxScanner` for exposures that share one model, such as the levels of lifestyle factors: one scan for all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from python_models.estimators.mediation.faults import FloatArray
from python_models.estimators.scans.cox_scan import CoxScan, CoxScanner
from python_models.estimators.survival.cox import Ties


@dataclass(frozen=True, slots=True)
class ExposuresScan:
    """K outcome models (E exposures, covariates, biomarker k).

    biomarker: the plain scan. beta (K, E): log hazard ratios of the exposures at that biomarker held fixed; variance
    (K, E); covariance (K, E) of each exposure's and the biomarker's coefficient. NaN where refused.
    """

    biomarker: CoxScan
    beta: FloatArray
    variance: FloatArray
    covariance: FloatArray


class ExposuresCoxScanner(CoxScanner):
    """A `CoxScanner` whose first covariates are the exposures (n, E); prepared once per outcome.

    names: of exposures and covariates; is_level (p,): of the covariates, as in `CoxScanner`.
    """

    def __init__(
        self,
        *,
        exposures: FloatArray,
        covariates: FloatArray,
        exit: npt.ArrayLike,
        event: npt.ArrayLike,
        entry: npt.ArrayLike | None = None,
        strata: npt.ArrayLike | None = None,
        ties: Ties = "efron",
        names: Sequence[str] | None = None,
        is_level: npt.ArrayLike | None = None,
    ) -> None:
        self.n_exposures = exposures.shape[1]
        never = np.zeros(self.n_exposures, dtype=bool)
        super().__init__(
            exit=exit,
            event=event,
            covariates=np.column_stack([exposures, covariates]),
            entry=entry,
            strata=strata,
            ties=ties,
            names=names,
            n_first=self.n_exposures,
            is_level=None if is_level is None else np.concatenate([never, np.asarray(is_level, dtype=bool)]),
        )

    def scan_all(self, biomarkers: npt.ArrayLike) -> ExposuresScan:
        """Scan biomarkers (K, n), NaN where missing, as `CoxScanner.scan`."""
        found = self.scan(biomarkers)
        return ExposuresScan(found, found.first_beta, found.first_variance, found.first_covariance)
