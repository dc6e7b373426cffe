"""The Cox scan with several exposures' coefficients kept beside each biomarker's, and their covariances.

`ExposureCoxScanner` for exposures that share one model, such as the levels of lifestyle factors: one scan for all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from python_models.estimators.mediation.faults import FloatArray
from python_models.estimators.scans.cox_scan import CoxScan, CoxScanner
from python_models.estimators.survival.cox import CoxFit, Ties


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
    """A `CoxScanner` whose first covariates are the exposures (n, E); prepared once per outcome."""

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
    ) -> None:
        self.n_exposures = exposures.shape[1]
        self._kept: list[FloatArray] = []
        self._products: tuple[FloatArray, FloatArray] | None = None
        super().__init__(
            exit=exit,
            event=event,
            covariates=np.column_stack([exposures, covariates]),
            entry=entry,
            strata=strata,
            ties=ties,
        )

    def scan_all(self, biomarkers: npt.ArrayLike) -> ExposuresScan:
        """Scan biomarkers (K, n), NaN where missing, as `CoxScanner.scan`."""
        self._kept = []
        scanned = self.scan(biomarkers)
        kept = np.concatenate(self._kept) if self._kept else np.empty((0, self.n_exposures, 3))
        return ExposuresScan(scanned, kept[:, :, 0], kept[:, :, 1], kept[:, :, 2])

    def _scan_lanes(self, block: npt.NDArray[Any]) -> Any:
        self._kept.append(np.full((block.shape[0], self.n_exposures, 3), np.nan))
        return super()._scan_lanes(block)

    def _finish(self, **lanes: Any) -> npt.NDArray[np.bool_]:
        """The exact information of settled lanes is taken again for the exposures' rows of its inverse."""
        products = self.rows.products

        def remembered(**arguments: Any) -> tuple[FloatArray, FloatArray]:
            self._products = products(**arguments)
            return self._products

        self.rows.products = remembered  # type: ignore[method-assign]
        try:
            ok = super()._finish(**lanes)
        finally:
            self.rows.products = products  # type: ignore[method-assign]
        if not ok.any() or self._products is None:
            return ok
        of_covariates, of_values = self._products
        p, e = self.covariates.shape[1], self.n_exposures
        information = np.zeros((ok.shape[0], p + 1, p + 1))
        information[:, self.lower[0], self.lower[1]] = of_covariates.T
        information[:, p, :] = of_values.T
        information -= np.moveaxis(lanes["mean_products"], 2, 0)
        information = np.tril(information) + np.swapaxes(np.tril(information, -1), 1, 2)
        inverse = np.linalg.inv(information[ok])[:, :e, :]
        scale, weight = self.data.scale[:e], lanes["weight"][ok]
        target = lanes["target"][ok]
        step = np.einsum("kej,jk->ke", inverse, lanes["score"][:, ok])
        kept = self._kept[-1]
        kept[target, :, 0] = (lanes["theta"][:e, ok].T + step) / scale
        kept[target, :, 1] = np.einsum("kee->ke", inverse[:, :, :e]) / scale**2
        kept[target, :, 2] = inverse[:, :, p] * weight[:, None] / scale
        return ok

    def _fit(self, covariates: npt.NDArray[np.floating], labels: Any, rows: Any) -> CoxFit:
        self._last_fit = super()._fit(covariates, labels, rows)
        return self._last_fit

    def _fit_alone(self, values: npt.NDArray[Any], k: int, result: Any) -> str | None:
        reason = super()._fit_alone(values, k, result)
        if reason is None:
            fit, e = self._last_fit, self.n_exposures
            self._kept[-1][k] = np.column_stack([fit.beta[:e], np.diag(fit.covariance)[:e], fit.covariance[:e, -1]])
        return reason
