"""The Cox scan with the exposure's coefficient kept beside each biomarker's, and their covariance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from python_models.estimators.mediation.faults import FloatArray
from python_models.estimators.scans.cox_scan import CoxScan, CoxScanner
from python_models.estimators.survival.cox import CoxFit, Ties


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
        self._exposure_lanes: list[FloatArray] = []
        self._last_products: tuple[FloatArray, FloatArray] | None = None
        names = ("exposure", *(f"covariate_{j + 1}" for j in range(covariates.shape[1])))
        super().__init__(
            exit=exit,
            event=event,
            covariates=np.column_stack([exposure, covariates]),
            entry=entry,
            strata=strata,
            ties=ties,
            names=names,
        )

    def scan_both(self, biomarkers: npt.ArrayLike) -> ExposureScan:
        """Scan biomarkers (K, n), NaN where missing, as `CoxScanner.scan`."""
        self._exposure_lanes = []
        scanned = self.scan(biomarkers)
        kept = np.concatenate(self._exposure_lanes) if self._exposure_lanes else np.empty((0, 3))
        return ExposureScan(scanned, kept[:, 0], kept[:, 1], kept[:, 2])

    def _scan_lanes(self, block: npt.NDArray[Any]) -> Any:
        self._exposure_lanes.append(np.full((block.shape[0], 3), np.nan))
        return super()._scan_lanes(block)

    def _finish(self, **lanes: Any) -> npt.NDArray[np.bool_]:
        """The exact information of settled lanes is taken again for the exposure's row and column of its inverse."""
        products = self.rows.products

        def remembered(**arguments: Any) -> tuple[FloatArray, FloatArray]:
            self._last_products = products(**arguments)
            return self._last_products

        self.rows.products = remembered  # type: ignore[method-assign]
        try:
            ok = super()._finish(**lanes)
        finally:
            self.rows.products = products  # type: ignore[method-assign]
        if not ok.any() or self._last_products is None:
            return ok
        of_covariates, of_values = self._last_products
        p = self.covariates.shape[1]
        information = np.zeros((ok.shape[0], p + 1, p + 1))
        information[:, self.lower[0], self.lower[1]] = of_covariates.T
        information[:, p, :] = of_values.T
        information -= np.moveaxis(lanes["mean_products"], 2, 0)
        information = np.tril(information) + np.swapaxes(np.tril(information, -1), 1, 2)
        column = np.linalg.inv(information[ok])[:, 0, :]
        scale, weight = self.data.scale[0], lanes["weight"][ok]
        kept = self._exposure_lanes[-1]
        target = lanes["target"][ok]
        step = np.einsum("kj,jk->k", column, lanes["score"][:, ok])
        kept[target, 0] = (lanes["theta"][0, ok] + step) / scale
        kept[target, 1] = column[:, 0] / scale**2
        kept[target, 2] = column[:, p] * weight / scale
        return ok

    def _fit(self, covariates: npt.NDArray[np.floating], labels: Sequence[str], rows: Any) -> CoxFit:
        self._last_fit = super()._fit(covariates, labels, rows)
        return self._last_fit

    def _fit_alone(self, values: npt.NDArray[Any], k: int, result: Any) -> str | None:
        reason = super()._fit_alone(values, k, result)
        if reason is None:
            fit = self._last_fit
            self._exposure_lanes[-1][k] = fit.beta[0], fit.covariance[0, 0], fit.covariance[0, -1]
        return reason
