"""SNP heritability of one trait by LD score regression."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from python_models.estimators.genetics.errors import FloatArray, GeneticsInputError, vectors_of_one_length
from python_models.estimators.genetics.ld_score_regression import (
    Moments,
    PairMoments,
    Product,
    Regression,
    UndefinedRegressionError,
)

ROUNDED_MEDIAN_CHI_SQUARE = 0.4549  # median of a chi-square with one degree of freedom, as rounded by ldsc
TWO_STEP_CUTOFF = 30.0  # chi-square below which a SNP belongs to step 1 (Bulik-Sullivan 2015a, Online Methods)
DEFAULT_N_BLOCKS = 200
FEWEST_SNPS_PER_BLOCK = 2  # a block of one SNP is no block
FEWEST_SNPS = 200_000  # below this ldsc warns: too few SNPs to tell LD from confounding
FEW_SNPS = f"fewer than {FEWEST_SNPS:,} almost never give a stable estimate: check that the file is whole"

TwoStep = float | Literal["default"] | None


@dataclass(frozen=True, slots=True)
class LdScores:
    """LD scores in genome order, shared by all traits of a study.

    l2 : (n,) LD score.
    weight_l2 : (n,) LD score over the regression SNPs.
    n_reference_snps : M, SNPs with MAF > 5 % behind the scores (sum of M_5_50).
    """

    l2: FloatArray
    weight_l2: FloatArray
    n_reference_snps: float

    @classmethod
    def of(cls, *, l2: ArrayLike, weight_l2: ArrayLike, n_reference_snps: float) -> "LdScores":
        """Checked LD scores.

        Raises
        ------
        GeneticsInputError
            If lengths differ, a score is missing, or M is not positive.
        """
        scores, weights = vectors_of_one_length(l2=l2, weight_l2=weight_l2)
        faults = [
            f"{name}: {int((~np.isfinite(vector)).sum()):,} LD scores are missing; drop those SNPs first"
            for name, vector in (("l2", scores), ("weight_l2", weights))
            if not np.isfinite(vector).all()
        ]
        if not n_reference_snps > 0:
            faults.append(f"n_reference_snps is {n_reference_snps}; give the sum of the M_5_50 files")
        if faults:
            raise GeneticsInputError(faults)
        return cls(l2=scores, weight_l2=weights, n_reference_snps=float(n_reference_snps))


@dataclass(frozen=True, slots=True)
class Heritability:
    """Observed-scale SNP heritability of one trait.

    h2, h2_standard_error : estimate and block-jackknife standard error.
    intercept, intercept_standard_error : 1 without confounding; no standard error where it was given.
    ratio, ratio_standard_error : (intercept - 1) / (mean chi-square - 1), the share of inflation that is not polygenic.
    mean_chi_square, lambda_gc : over the SNPs used; lambda_gc = median / 0.4549.
    n_snps, n_missing, n_above_maximum : SNPs used, without Z or N, at or above `maximum_chi_square`.
    two_step : cutoff used, None for a one-step fit.
    h2_delete_values : (B,) h2 without block b.
    refusal : why there is no estimate; every number above is then None.
    notes : what a reader must know to use the numbers.
    """

    n_snps: int
    n_missing: int
    n_above_maximum: int
    n_blocks: int
    two_step: float | None
    refusal: str | None
    notes: tuple[str, ...]
    h2: float | None = None
    h2_standard_error: float | None = None
    intercept: float | None = None
    intercept_standard_error: float | None = None
    ratio: float | None = None
    ratio_standard_error: float | None = None
    mean_chi_square: float | None = None
    lambda_gc: float | None = None
    h2_delete_values: FloatArray | None = None


def heritability(
    *,
    z: ArrayLike,
    n: ArrayLike,
    ld_scores: LdScores,
    n_blocks: int = DEFAULT_N_BLOCKS,
    two_step: TwoStep = "default",
    intercept: float | None = None,
    maximum_chi_square: float | None = None,
) -> Heritability:
    """LD score regression of chi-square on LD score: E[z^2] = N h2 l / M + intercept.

    z : (n_snps,) Z scores in the order of the LD scores, NaN where the trait lacks the SNP.
    n : (n_snps,) or scalar, sample size (effective sample size of a case-control study).
    two_step : cutoff of the two-step estimator; "default" is 30 with a free intercept (as `ldsc --h2`), None one step.
    intercept : fixed value, None to estimate it.
    maximum_chi_square : SNPs at or above it are left out, None for all.

    Two steps are biased at biobank power (the cut at 30 removes signal from step 1): with h2 0.30 and intercept 1.08
    simulated, two steps give about 0.288 and 1.13, one step 0.299 and 1.083. Compute both and show both.

    Raises
    ------
    GeneticsInputError
        If arrays differ in length, or a cutoff is combined with a fixed intercept.

    References
    ----------
    Bulik-Sullivan et al. 2015, Nature Genetics 47:291-295, eq. 1 and Online Methods.
    """
    cutoff = resolved_two_step(two_step, has_fixed_intercept=intercept is not None)
    z_all, n_all, l2, weight_l2 = vectors_of_one_length(z=z, n=n, l2=ld_scores.l2, weight_l2=ld_scores.weight_l2)
    is_present = np.isfinite(z_all) & np.isfinite(n_all) & (n_all > 0)
    is_kept = is_present if maximum_chi_square is None else is_present & (z_all**2 < maximum_chi_square)
    return fit_heritability(
        product=heritability_product(z=z_all[is_kept], n=n_all[is_kept], l2=l2[is_kept], weight_l2=weight_l2[is_kept]),
        n_reference_snps=ld_scores.n_reference_snps,
        n_blocks=n_blocks,
        cutoff=cutoff,
        intercept=intercept,
        n_missing=int((~is_present).sum()),
        n_above_maximum=int(is_present.sum() - is_kept.sum()),
    )


def resolved_two_step(two_step: TwoStep, *, has_fixed_intercept: bool) -> float | None:
    """The cutoff to use: a default gives way to a fixed intercept, an explicit cutoff beside one is a contradiction."""
    if two_step == "default":
        return None if has_fixed_intercept else TWO_STEP_CUTOFF
    if two_step is not None and has_fixed_intercept:
        raise GeneticsInputError(["two_step estimates the intercept in its first step: leave the intercept free"])
    return two_step


def heritability_product(*, z: FloatArray, n: FloatArray, l2: FloatArray, weight_l2: FloatArray) -> Product:
    """The trait with itself: y = z^2. All inputs (n,), finite."""
    x = n * l2 / n.mean() if n.size else n
    return Product(y=z * z, x=x, l2=l2, weight_l2=weight_l2, n_1=n, n_2=n, n_12=n)


def unable_to_regress(product: Product, *, n_blocks: int) -> str | None:
    """Why these SNPs cannot carry the regression, None where they can."""
    n_snps = product.y.size
    if n_snps == 0:
        return "no SNP has both a Z score and an LD score: check SNP names and genome build"
    if n_snps < FEWEST_SNPS_PER_BLOCK * n_blocks:
        return f"{n_snps:,} SNPs are too few for {n_blocks} jackknife blocks"
    if np.ptp(product.x) <= 0:
        return "the LD score is the same at every SNP: slope and intercept cannot be told apart"
    return None


def heritability_moments(total: float, intercept: float) -> PairMoments:
    """Weights of a chi-square: Var(z^2) = 2 (N h2 l / M + intercept)^2, h2 kept in [0, 1]."""
    moments = Moments(total=min(max(total, 0.0), 1.0), intercept=intercept)
    return PairMoments(first=moments, second=moments, product=moments)


def fit_heritability(
    *,
    product: Product,
    n_reference_snps: float,
    n_blocks: int,
    cutoff: float | None,
    intercept: float | None,
    n_missing: int = 0,
    n_above_maximum: int = 0,
) -> Heritability:
    """`heritability` on SNPs already chosen."""
    refusal = unable_to_regress(product, n_blocks=n_blocks)
    weak = product.y < cutoff if cutoff is not None else None
    if refusal is None and weak is not None and weak.sum() < FEWEST_SNPS_PER_BLOCK * n_blocks:
        refusal = f"{int(weak.sum()):,} SNPs have chi-square below {cutoff:g}: too few for {n_blocks} jackknife blocks"
    counted = Heritability(
        n_snps=product.y.size,
        n_missing=n_missing,
        n_above_maximum=n_above_maximum,
        n_blocks=n_blocks,
        two_step=cutoff,
        refusal=refusal,
        notes=(),
    )
    if refusal is not None:
        return counted
    regression = Regression(
        product=product,
        n_reference_snps=n_reference_snps,
        moments_of=heritability_moments,
        null_intercept=1.0,
        n_blocks=n_blocks,
    )
    try:
        fit = regression.one_step(fixed_intercept=intercept) if weak is None else regression.two_step(weak=weak)
    except UndefinedRegressionError as error:
        return replace(counted, refusal=str(error))
    mean_chi_square = float(product.y.mean())
    notes = []
    if product.y.size < FEWEST_SNPS:
        notes.append(f"{product.y.size:,} SNPs: {FEW_SNPS}")
    if fit.total > 1:
        notes.append(f"h2 is {fit.total:.3g} > 1: check N, the trait's scale and the LD scores")
    ratio = ratio_standard_error = None
    if fit.is_intercept_fixed:
        notes.append(f"intercept fixed at {fit.intercept:g}: no ratio")
    elif mean_chi_square <= 1:
        notes.append(f"mean chi-square is {mean_chi_square:.4g} <= 1: the ratio is undefined")
    else:
        ratio = (fit.intercept - 1) / (mean_chi_square - 1)
        ratio_standard_error = float(fit.jackknife.standard_error[1]) / (mean_chi_square - 1)
    return replace(
        counted,
        h2=fit.total,
        h2_standard_error=fit.total_standard_error,
        intercept=fit.intercept,
        intercept_standard_error=fit.intercept_standard_error,
        ratio=ratio,
        ratio_standard_error=ratio_standard_error,
        mean_chi_square=mean_chi_square,
        lambda_gc=float(np.median(product.y)) / ROUNDED_MEDIAN_CHI_SQUARE,
        h2_delete_values=fit.delete_values[:, 0],
        notes=tuple(notes),
    )
