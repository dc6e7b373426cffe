"""LD score regression of one product of Z scores on one LD score: weights, reweighting, two steps, delete values.

Assumes the SNPs stand in the order of the LD scores (chromosome, position): the jackknife blocks follow that order.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numba import njit

from python_models.estimators.genetics.block_jackknife import (
    Jackknife,
    block_separators,
    jackknife,
    least_squares_delete_values,
)
from python_models.estimators.genetics.errors import BooleanArray, FloatArray, IntegerArray

N_REWEIGHTINGS = 2  # ldsc stops after two, converged or not; more would move the third digit of its published numbers
SMALLEST_L2 = 1.0  # an LD score below 1 is sampling noise: a SNP is in perfect LD with itself


class UndefinedRegressionError(ArithmeticError):
    """The data allow no regression: no weights (a variance that is not positive) or no unique solution."""


# Columns of the block sums.
WEIGHT, WEIGHT_X, WEIGHT_XX, WEIGHT_Y, WEIGHT_XY = range(5)


@dataclass(frozen=True, slots=True)
class Product:
    """The regression's data: y = z_1 z_2 of each SNP (chi-square where both are one trait) and what its variance needs.

    y : (n,) product of the two Z scores.
    x : (n,) N l / mean(N), N = sqrt(N_1 N_2).
    l2, weight_l2 : (n,) LD score, and LD score over the regression SNPs (so that no LD block counts twice).
    n_1, n_2, n_12 : (n,) sample sizes of the two traits and sqrt(N_1 N_2).
    """

    y: FloatArray
    x: FloatArray
    l2: FloatArray
    weight_l2: FloatArray
    n_1: FloatArray
    n_2: FloatArray
    n_12: FloatArray

    def where(self, keep: BooleanArray) -> "Product":
        return Product(*(getattr(self, name)[keep] for name in self.__slots__))


@dataclass(frozen=True, slots=True)
class Moments:
    """What the model says of one Z score, or of a pair: E[z z'] = N total l / M + intercept.

    total : heritability or genetic covariance, in the bounds the weights allow.
    intercept : E[z z'] without genetic signal.
    """

    total: float
    intercept: float


@dataclass(frozen=True, slots=True)
class PairMoments:
    """First trait, second trait and their product: all three set the variance of z_1 z_2."""

    first: Moments
    second: Moments
    product: Moments


# What the weights become when the regression says (total, intercept).
MomentsOf = Callable[[float, float], PairMoments]


@dataclass(frozen=True, slots=True)
class RegressionFit:
    """Total and intercept with their jackknife.

    total, intercept : estimates; `total` = M slope / mean(N).
    delete_values : (B, 2) total and intercept without block b (the intercept column constant where it is fixed).
    jackknife : of (total, intercept).
    is_intercept_fixed : the intercept was given, not estimated.
    """

    total: float
    intercept: float
    delete_values: FloatArray
    jackknife: Jackknife
    is_intercept_fixed: bool

    @property
    def total_standard_error(self) -> float:
        return float(self.jackknife.standard_error[0])

    @property
    def intercept_standard_error(self) -> float | None:
        return None if self.is_intercept_fixed else float(self.jackknife.standard_error[1])


@njit(cache=True, nogil=True)
def _block_sums(
    y: FloatArray,
    x: FloatArray,
    l2: FloatArray,
    weight_l2: FloatArray,
    n_1: FloatArray,
    n_2: FloatArray,
    n_12: FloatArray,
    separators: IntegerArray,
    slope_1: float,
    intercept_1: float,
    slope_2: float,
    intercept_2: float,
    slope_12: float,
    intercept_12: float,
) -> FloatArray:
    """(B, 5) sums of w, w x, w x^2, w y, w x y per block, w = 1 / (Var(z_1 z_2) max(weight_l2, 1)).

    Var(z_1 z_2) = E[z_1^2] E[z_2^2] + E[z_1 z_2]^2 for bivariate normal Z (Isserlis). One pass, nothing stored per SNP:
    the regression is bound by memory, so the weight is made where it is used. A variance that is not positive (negative
    intercepts) makes its block's sums NaN.
    """
    sums = np.zeros((separators.size - 1, 5))
    for block in range(separators.size - 1):
        s_w = s_wx = s_wxx = s_wy = s_wxy = 0.0
        for j in range(separators[block], separators[block + 1]):
            score = max(l2[j], SMALLEST_L2)
            first = slope_1 * n_1[j] * score + intercept_1
            second = slope_2 * n_2[j] * score + intercept_2
            product = slope_12 * n_12[j] * score + intercept_12
            variance = first * second + product * product
            if not variance > 0.0:
                variance = np.nan
            w = 1.0 / (variance * max(weight_l2[j], SMALLEST_L2))
            wx = w * x[j]
            s_w += w
            s_wx += wx
            s_wxx += wx * x[j]
            s_wy += w * y[j]
            s_wxy += wx * y[j]
        sums[block, 0] = s_w
        sums[block, 1] = s_wx
        sums[block, 2] = s_wxx
        sums[block, 3] = s_wy
        sums[block, 4] = s_wxy
    return sums


@dataclass(frozen=True, slots=True)
class Regression:
    """One regression ready to run.

    product : data of all its SNPs.
    n_reference_snps : M, the number of SNPs behind the LD scores.
    moments_of : weights' moments for a total and an intercept.
    null_intercept : intercept without confounding: 1 for a chi-square, 0 for a product of two traits.
    n_blocks : jackknife blocks.
    """

    product: Product
    n_reference_snps: float
    moments_of: MomentsOf
    null_intercept: float
    n_blocks: int

    @property
    def mean_n(self) -> float:
        return float(self.product.n_12.mean())

    def aggregate_total(self, intercept: float) -> float:
        """Start value: M (mean(y) - intercept) / mean(N l)."""
        product = self.product
        signal = self.n_reference_snps * (float(product.y.mean()) - intercept)
        return signal / float((product.n_12 * product.l2).mean())

    def one_step(self, *, fixed_intercept: float | None = None) -> RegressionFit:
        """Two reweightings over all SNPs and a block jackknife."""
        start = self.null_intercept if fixed_intercept is None else fixed_intercept
        separators = block_separators(self.product.y.size, self.n_blocks)
        initial = (self.aggregate_total(start), start)
        estimate, delete_values = self._reweighted(
            self.product, separators=separators, initial=initial, fixed_intercept=fixed_intercept
        )
        return self._fit(estimate, delete_values, is_intercept_fixed=fixed_intercept is not None)

    def two_step(self, *, weak: BooleanArray) -> RegressionFit:
        """Intercept from the weakly associated SNPs alone, then the slope from all SNPs with that intercept.

        weak : (n,) SNPs of step 1 (chi-square below the cutoff, in both traits).

        Step 1 weighs by N l / mean(N) where step 2 weighs by l: ldsc passes the scaled score there, and its numbers
        follow from it wherever N varies.
        """
        initial = (self.aggregate_total(self.null_intercept), self.null_intercept)
        weak_product = self.product.where(weak)
        weak_separators = block_separators(weak_product.y.size, self.n_blocks)
        step_1, step_1_deletes = self._reweighted(
            weak_product, separators=weak_separators, initial=initial, fixed_intercept=None, scores=weak_product.x
        )
        intercept, intercept_deletes = float(step_1[1]), step_1_deletes[:, 1]

        separators = np.flatnonzero(weak)[np.minimum(weak_separators, weak_product.y.size - 1)]
        separators[0], separators[-1] = 0, self.product.y.size
        step_2, step_2_deletes = self._reweighted(
            self.product, separators=separators, initial=initial, fixed_intercept=intercept
        )
        # A slope through a fixed intercept moves by -c per unit of intercept: carry step 1's uncertainty into step 2.
        weighted = self._sums(self.product, separators=separators, total=initial[0], intercept=initial[1]).sum(axis=0)
        c = weighted[WEIGHT_X] / weighted[WEIGHT_XX]
        slope_deletes = step_2_deletes[:, 0] - c * (intercept_deletes - intercept)
        delete_values = np.column_stack([slope_deletes, intercept_deletes])
        return self._fit(np.array([step_2[0], intercept]), delete_values, is_intercept_fixed=False)

    def _fit(self, estimate: FloatArray, delete_values: FloatArray, *, is_intercept_fixed: bool) -> RegressionFit:
        scale = np.array([self._total_per_slope, 1.0])
        estimate, delete_values = estimate * scale, delete_values * scale
        return RegressionFit(
            total=float(estimate[0]),
            intercept=float(estimate[1]),
            delete_values=delete_values,
            jackknife=jackknife(estimate=estimate, delete_values=delete_values),
            is_intercept_fixed=is_intercept_fixed,
        )

    @property
    def _total_per_slope(self) -> float:
        return self.n_reference_snps / self.mean_n

    def _reweighted(
        self,
        product: Product,
        *,
        separators: IntegerArray,
        initial: tuple[float, float],
        fixed_intercept: float | None,
        scores: FloatArray | None = None,
    ) -> tuple[FloatArray, FloatArray]:
        """Slope and intercept (2,), and without each block (B, 2), after the reweightings."""
        sums = self._sums(product, separators=separators, total=initial[0], intercept=initial[1])
        for _ in range(N_REWEIGHTINGS):
            (slope, intercept), _ = _solve(sums, fixed_intercept=fixed_intercept)
            total = slope * self._total_per_slope
            sums = self._sums(product, separators=separators, total=total, intercept=intercept, scores=scores)
        return _solve(sums, fixed_intercept=fixed_intercept)

    def _sums(
        self,
        product: Product,
        *,
        separators: IntegerArray,
        total: float,
        intercept: float,
        scores: FloatArray | None = None,
    ) -> FloatArray:
        moments = self.moments_of(total, intercept)
        per_score = 1.0 / self.n_reference_snps
        sums = _block_sums(
            product.y,
            product.x,
            product.l2 if scores is None else scores,
            product.weight_l2,
            product.n_1,
            product.n_2,
            product.n_12,
            separators,
            moments.first.total * per_score,
            moments.first.intercept,
            moments.second.total * per_score,
            moments.second.intercept,
            moments.product.total * per_score,
            moments.product.intercept,
        )
        if not np.isfinite(sums).all():
            raise UndefinedRegressionError(
                f"the fitted intercepts ({moments.first.intercept:.3g}, {moments.second.intercept:.3g}, product "
                f"{moments.product.intercept:.3g}) leave some SNPs without a positive variance: no weights"
            )
        return sums


def _solve(sums: FloatArray, *, fixed_intercept: float | None) -> tuple[FloatArray, FloatArray]:
    """Slope and intercept (2,), and without each block (B, 2), from the block sums."""
    n_blocks = len(sums)
    if fixed_intercept is None:
        gram = sums[:, [WEIGHT_XX, WEIGHT_X, WEIGHT_X, WEIGHT]].reshape(n_blocks, 2, 2)
        moment = sums[:, [WEIGHT_XY, WEIGHT_Y]]
    else:
        gram = sums[:, WEIGHT_XX].reshape(n_blocks, 1, 1)
        moment = (sums[:, WEIGHT_XY] - fixed_intercept * sums[:, WEIGHT_X]).reshape(n_blocks, 1)
    try:
        estimate, delete_values = least_squares_delete_values(block_gram=gram, block_moment=moment)
    except np.linalg.LinAlgError as error:
        raise UndefinedRegressionError("without one block the LD score does not vary: no slope") from error
    if fixed_intercept is None:
        return estimate, delete_values
    intercepts = np.full((n_blocks, 1), fixed_intercept)
    return np.append(estimate, fixed_intercept), np.hstack([delete_values, intercepts])
