"""Relative hazards of many biomarkers at given coefficients, strip by strip of the sorted rows.

`Doubles` gives them to a unit in the last place. `Singles` gives them in single precision, as what they are without
the biomarker times how far its coefficients have moved; a sweep with it costs less than half.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from python_models.estimators.scans import cox_scan_kernels, single_precision_kernels

Values = npt.NDArray[np.floating]
F4 = npt.NDArray[np.float32]
F8 = npt.NDArray[np.float64]
I8 = npt.NDArray[np.int64]


class Doubles:
    """Lanes x = (values - centre) x weight at beta (p, L), slope (L,): hazards exp(z'beta + x slope).

    values (n, L), rows sorted, NaN where missing; centre, weight (L,). longest: rows asked for at a time. shared (n,):
    relative hazards that every lane has, where the caller knows them; beta then stands for them and slope is 0.
    """

    kind = np.float64

    def __init__(
        self,
        *,
        values: Values,
        centre: F8,
        weight: F8,
        beta: F8,
        slope: F8,
        longest: int,
        shared: F8 | None = None,
    ) -> None:
        self.values, self.centre, self.weight = values, centre, weight
        self.beta, self.slope, self.shared = np.ascontiguousarray(beta), slope, shared
        self.n_lanes = slope.shape[0]
        self._x, self._hazard = np.empty((longest, self.n_lanes)), np.empty((longest, self.n_lanes))

    def at_strip(self, rows: slice, covariates: Values) -> tuple[F8, F8]:
        """x and hazards (m, L) of some rows, whose covariates are (m, p), in buffers that the next call overwrites."""
        m = covariates.shape[0]
        return self._at(rows, covariates, self._x[:m], self._hazard[:m])

    def at_rows(self, rows: I8, covariates: Values) -> tuple[F8, F8]:
        """The same of any rows, in arrays of their own."""
        shape = (rows.shape[0], self.n_lanes)
        return self._at(rows, covariates, np.empty(shape), np.empty(shape))

    def _at(self, rows: slice | I8, covariates: Values, x: F8, hazard: F8) -> tuple[F8, F8]:
        if self.shared is not None:
            cox_scan_kernels.same_hazards(self.values[rows], self.centre, self.weight, self.shared[rows], x, hazard)
        else:
            np.matmul(covariates, self.beta, out=hazard)
            cox_scan_kernels.relative_hazards(self.values[rows], self.centre, self.weight, self.slope, x, hazard)
        return x, hazard


class Singles:
    """Standardised lanes x (n, L) at beta (p, L), less that without the biomarker, and slope (L,).

    base (n,): hazards without the biomarker. None for beta: nothing has moved.
    """

    kind = np.float32

    def __init__(self, *, x: F4, base: F8, beta: F8 | None, slope: F8, longest: int) -> None:
        self.x, self.base, self.base_double = x, base.astype(np.float32), base
        self.has_moved = beta is not None
        self.beta: F4 = np.empty((0, 0), np.float32) if beta is None else np.ascontiguousarray(beta, np.float32)
        self.slope = slope.astype(np.float32)
        self.n_lanes = slope.shape[0]
        self._hazard = np.empty((longest, self.n_lanes), np.float32)

    def at_strip(self, rows: slice, covariates: Values) -> tuple[F4, F4]:
        """x and hazards (m, L) of some rows, whose covariates are (m, p), in buffers that the next call overwrites."""
        return self._at(self.x[rows], rows, covariates, self._hazard[: covariates.shape[0]])

    def at_rows(self, rows: I8, covariates: Values) -> tuple[F4, F4]:
        """The same of any rows, in arrays of their own."""
        return self._at(self.x[rows], rows, covariates, np.empty((rows.shape[0], self.n_lanes), np.float32))

    def _at(self, x: F4, rows: slice | I8, covariates: Values, hazard: F4) -> tuple[F4, F4]:
        if self.has_moved:
            np.matmul(covariates, self.beta, out=hazard)
            single_precision_kernels.relative_hazards(x, self.slope, self.base[rows], hazard)
        else:
            single_precision_kernels.same_hazards(x, self.base[rows], hazard)
        return x, hazard
