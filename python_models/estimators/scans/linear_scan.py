"""One linear model per biomarker of a panel: exposure -> biomarker, adjusted, with classical or HC3 variance.

y_k = (1, covariates, exposure) b + e on the rows where biomarker k is known. X'X of those rows is X'X of all less that
of the missing ones (or the sum over the known ones where they are fewer); X'y comes from one matrix product for 64
biomarkers. Residuals are formed for HC3, and where a biomarker is explained so well that sums of squares would cancel.
A covariate that says nothing where a biomarker is known (a level with nobody left) is left out for that biomarker.

References: Seber & Lee 2003, Linear Regression Analysis, chapter 3; MacKinnon & White 1985, J Econometrics 29:305
(HC3).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
from numba import njit
from scipy import special

from python_models.estimators.survival.cox_input import (
    COLLINEAR_TOLERANCE,
    EstimatorInputError,
    as_matrix,
    collinear_columns,
    column_moments,
)

F4 = npt.NDArray[np.float32]
F8 = npt.NDArray[np.float64]
I8 = npt.NDArray[np.int64]
Variance = Literal["classical", "hc3"]

LANES = 64
ROWS_PER_BLOCK = 16_384
# Below this share of unexplained variation a difference of sums of squares has lost digits: residuals are formed.
CANCELLATION = 1e-4


@dataclass(frozen=True, slots=True)
class LinearScan:
    """K biomarkers x E exposures.

    beta (K, E): mean difference of the biomarker per unit of the exposure; standard_error, p_value (K, E): from t on n
    - q. n (K,): rows with the biomarker known. residual_degrees_of_freedom (K,): n - q, q = 1 + covariates +
    exposures. r_squared (K,): of the whole model. mean, standard_deviation (K,): of the biomarker (n - 1). refusals:
    None, or why there is no estimate; beta, standard_error, p_value and r_squared are then NaN.
    """

    beta: F8
    standard_error: F8
    p_value: F8
    n: I8
    residual_degrees_of_freedom: I8
    r_squared: F8
    mean: F8
    standard_deviation: F8
    variance: Variance
    refusals: tuple[str | None, ...]


class LinearScanner:
    """Prepared once per exposure and covariates; `scan` takes biomarkers block by block, which bounds the memory.

    exposure (n,) or (n, E), covariates (n, p) or None: complete. variance: "classical" s^2 (X'X)^-1, or "hc3".
    names: of covariates, then exposures; used in errors and refusals.

    Raises
    ------
    EstimatorInputError: lengths differ, values missing or infinite, columns constant or collinear, unknown variance.
    """

    def __init__(
        self,
        *,
        exposure: npt.ArrayLike,
        covariates: npt.ArrayLike | None,
        variance: Variance = "classical",
        names: Sequence[str] | None = None,
    ) -> None:
        if variance not in get_args(Variance):
            raise EstimatorInputError(f"variance must be one of {', '.join(get_args(Variance))}; got {variance!r}")
        exposures = as_matrix(exposure)
        n = exposures.shape[0]
        rest = np.empty((n, 0)) if covariates is None else as_matrix(covariates)
        if rest.shape[0] != n:
            raise EstimatorInputError(f"covariates have {rest.shape[0]} rows, exposure {n}")
        labels = tuple([f"covariate {j + 1}" for j in range(rest.shape[1])])
        labels += tuple(f"exposure {j + 1}" for j in range(exposures.shape[1]))
        if names is not None and len(names) != len(labels):
            raise EstimatorInputError(f"{len(names)} names for {len(labels)} columns of the model")
        labels = labels if names is None else tuple(names)
        self.labels = labels
        given = np.column_stack([rest, exposures]).astype(np.float64)
        centre, scale, faults = column_moments(given, labels)
        if faults:
            listed = "; ".join(f"{count} in {name}" for name, count in faults)
            raise EstimatorInputError(f"missing or infinite values: {listed}")
        constant = [labels[j] for j in np.flatnonzero(scale == 0.0)]
        if constant:
            raise EstimatorInputError(f"constant: {', '.join(constant)}")
        self.variance: Variance = variance
        self.n_exposures = exposures.shape[1]
        self.scale = scale[rest.shape[1] :]
        self.design = np.column_stack([np.ones(n), (given - centre) / scale])
        self.gram = self.design.T @ self.design
        collinear = [labels[j - 1] for j in collinear_columns(self.gram, n)]
        if collinear:
            raise EstimatorInputError(f"collinear with the columns before them: {', '.join(collinear)}")

    def scan(self, biomarkers: npt.ArrayLike) -> LinearScan:
        """Scan biomarkers (K, n), one row each, NaN where missing; best float32.

        Raises
        ------
        EstimatorInputError: not K rows of n values.
        """
        block = np.asarray(biomarkers)
        n = self.design.shape[0]
        if block.ndim != 2 or block.shape[1] != n:
            raise EstimatorInputError(f"biomarkers must be (K, {n}), one biomarker a row; got {block.shape}")
        n_biomarkers = block.shape[0]
        out = LinearScan(
            beta=np.full((n_biomarkers, self.n_exposures), np.nan),
            standard_error=np.full((n_biomarkers, self.n_exposures), np.nan),
            p_value=np.full((n_biomarkers, self.n_exposures), np.nan),
            n=np.zeros(n_biomarkers, dtype=np.int64),
            residual_degrees_of_freedom=np.zeros(n_biomarkers, dtype=np.int64),
            r_squared=np.full(n_biomarkers, np.nan),
            mean=np.zeros(n_biomarkers),
            standard_deviation=np.zeros(n_biomarkers),
            variance=self.variance,
            refusals=(),
        )
        reasons: list[str | None] = []
        for start in range(0, n_biomarkers, LANES):
            reasons += self._scan_lanes(block[start : start + LANES], start, out)
        return LinearScan(
            beta=out.beta,
            standard_error=out.standard_error,
            p_value=out.p_value,
            n=out.n,
            residual_degrees_of_freedom=out.residual_degrees_of_freedom,
            r_squared=out.r_squared,
            mean=out.mean,
            standard_deviation=out.standard_deviation,
            variance=self.variance,
            refusals=tuple(reasons),
        )

    def _scan_lanes(self, block: npt.NDArray[np.floating], start: int, out: LinearScan) -> list[str | None]:
        """Fill rows start .. start + L - 1 of out from block (L, n); returns their refusals."""
        q = self.design.shape[1]
        n_lanes = block.shape[0]
        lanes = slice(start, start + n_lanes)
        mean, square = np.zeros(n_lanes), np.zeros(n_lanes)
        n_known, n_infinite = np.zeros(n_lanes, dtype=np.int64), np.zeros(n_lanes, dtype=np.int64)
        _moments(block, mean, square, n_known, n_infinite)
        out.n[lanes], out.mean[lanes] = n_known, mean
        out.standard_deviation[lanes] = np.sqrt(square / np.maximum(n_known - 1, 1))

        reasons: list[str | None] = []
        inverse = np.zeros((n_lanes, q, q))
        n_coefficients = np.full(n_lanes, q)
        for k in range(n_lanes):
            reason = _refusal(int(n_known[k]), int(n_infinite[k]), bool(square[k] > 0.0), q)
            if reason is None:
                gram = self._gram(block[k], int(n_known[k]))
                inverse[k], lost = _inverse(gram, int(n_known[k]), q - self.n_exposures)
                n_coefficients[k] -= len(lost)
                at_fault = [self.labels[j - 1] for j in lost if j >= q - self.n_exposures]
                if at_fault:
                    named = ", ".join(at_fault)
                    reason = f"constant or collinear in the {n_known[k]} rows where it is known: {named}"
            reasons.append(reason)
        fitted = np.array([reason is None for reason in reasons])
        out.residual_degrees_of_freedom[lanes] = np.maximum(n_known - n_coefficients, 0)

        moments = np.zeros((n_lanes, q))
        for rows, y in self._centred(block, mean, fitted):
            moments += y @ self.design[rows]
        coefficients = np.einsum("kij,kj->ki", inverse, moments)
        residual_square = square - np.einsum("ki,ki->k", coefficients, moments)
        first = q - self.n_exposures
        meat = np.zeros((n_lanes, self.n_exposures))
        is_close = fitted & (residual_square < CANCELLATION * square)
        if self.variance == "hc3" or is_close.any():
            residual_square[:] = 0.0
            for rows, y in self._centred(block, mean, fitted):
                x = self.design[rows]
                residual = np.where(np.isnan(block[:, rows]), 0.0, y - coefficients @ x.T)
                residual_square += np.einsum("ki,ki->k", residual, residual)
                if self.variance == "hc3":
                    for lane in np.flatnonzero(fitted):
                        projected = x @ inverse[lane]
                        leverage = np.einsum("ij,ij->i", projected, x)
                        # A row fitted exactly has leverage 1 and residual 0: it says nothing about the error.
                        free = np.maximum(1.0 - leverage, np.finfo(np.float64).eps)
                        meat[lane] += ((residual[lane] / free) ** 2) @ projected[:, first:] ** 2
        degrees = np.maximum(n_known - n_coefficients, 1)
        if self.variance == "classical":
            exposures = np.arange(first, q)
            squared_error = inverse[:, exposures, exposures] * (residual_square / degrees)[:, None]
        else:
            squared_error = meat
        beta = coefficients[:, first:] / self.scale
        error = np.sqrt(squared_error) / self.scale
        out.beta[lanes][fitted] = beta[fitted]
        out.standard_error[lanes][fitted] = error[fitted]
        with np.errstate(divide="ignore", invalid="ignore"):
            t = np.abs(beta / error)
        out.p_value[lanes][fitted] = (2.0 * special.stdtr(degrees[:, None], -t))[fitted]
        out.r_squared[lanes][fitted] = (1.0 - residual_square / np.where(square > 0.0, square, 1.0))[fitted]
        return reasons

    def _centred(
        self, block: npt.NDArray[np.floating], mean: F8, fitted: npt.NDArray[np.bool_]
    ) -> Iterator[tuple[slice, F8]]:
        """Biomarkers less their means (L, m) by blocks of rows, 0 where missing or not fitted, in one buffer."""
        n = self.design.shape[0]
        buffer = np.empty((block.shape[0], ROWS_PER_BLOCK))
        for first in range(0, n, ROWS_PER_BLOCK):
            rows = slice(first, min(first + ROWS_PER_BLOCK, n))
            y = buffer[:, : rows.stop - first]
            _centre(block[:, rows], mean, fitted, y)
            yield rows, y

    def _gram(self, values: npt.NDArray[np.floating], n_known: int) -> F8:
        """X'X (q, q) of the rows where values (n,) are known, from whichever of known and missing rows is fewer."""
        if n_known == values.shape[0]:
            return self.gram
        is_missing = np.isnan(values)
        if 2 * n_known > values.shape[0]:
            x = self.design[np.flatnonzero(is_missing)]
            return self.gram - x.T @ x
        x = self.design[np.flatnonzero(~is_missing)]
        return x.T @ x


@njit(cache=True, nogil=True)
def _moments(block: npt.NDArray[np.floating], mean: F8, square: F8, known: I8, infinite: I8) -> None:
    """Per biomarker of block (L, n): mean, sum of squares about it, values known, of which infinite."""
    for lane in range(block.shape[0]):
        first, total, squares = 0.0, 0.0, 0.0
        for i in range(block.shape[1]):
            x = np.float64(block[lane, i])
            if np.isnan(x):
                continue
            known[lane] += 1
            if np.isinf(x):
                infinite[lane] += 1
                continue
            if known[lane] == 1:
                first = x
            total += x - first
            squares += (x - first) * (x - first)
        if known[lane] > 0:
            mean[lane] = first + total / known[lane]
            # Equal values leave exactly 0; rounding must not leave less.
            square[lane] = max(squares - total * total / known[lane], 0.0)


@njit(cache=True, nogil=True)
def _centre(block: npt.NDArray[np.floating], mean: F8, fitted: npt.NDArray[np.bool_], centred: F8) -> None:
    """centred (L, m) = block less mean, 0 where missing or not fitted."""
    for lane in range(block.shape[0]):
        for i in range(block.shape[1]):
            x = np.float64(block[lane, i]) - mean[lane]
            centred[lane, i] = x if x == x and fitted[lane] else 0.0


def _inverse(gram: F8, n_known: int, n_covariates: int) -> tuple[F8, list[int]]:
    """Inverse of X'X (q, q), and the columns that are collinear with those before them.

    Where only covariates are, the first n_covariates columns, they are left out: their rows of the inverse are 0.
    """
    try:
        inverse: F8 = np.asarray(np.linalg.inv(gram), dtype=np.float64)
    except np.linalg.LinAlgError:
        inverse = np.zeros_like(gram)
    # The product of the two diagonals is 1 / (1 - R^2) of a column on the others.
    inflation = np.diag(inverse) * np.diag(gram)
    if np.all((inflation > 0.0) & (inflation * COLLINEAR_TOLERANCE < 1.0)):
        return inverse, []
    lost = collinear_columns(gram, n_known) or [gram.shape[0] - 1]
    inverse = np.zeros_like(gram)
    if lost[-1] < n_covariates:
        stay = np.setdiff1d(np.arange(gram.shape[0]), lost)
        inverse[np.ix_(stay, stay)] = np.linalg.inv(gram[np.ix_(stay, stay)])
    return inverse, lost


def _refusal(n_known: int, n_infinite: int, varies: bool, q: int) -> str | None:
    """Why one biomarker is not fitted, from its counts, or None."""
    if n_infinite:
        return f"{n_infinite} infinite values"
    if n_known == 0:
        return "no values: the biomarker is missing in every row"
    if not varies:
        return f"constant in all {n_known} rows where it is known"
    if n_known <= q:
        return f"too few rows: {n_known} for {q} coefficients"
    return None


def scan_linear(
    *,
    exposure: npt.ArrayLike,
    biomarkers: npt.ArrayLike,
    covariates: npt.ArrayLike | None = None,
    variance: Variance = "classical",
) -> LinearScan:
    """Linear model of every biomarker (K, n) on exposure (n,) or (n, E) and covariates (n, p)."""
    return LinearScanner(exposure=exposure, covariates=covariates, variance=variance).scan(biomarkers)
