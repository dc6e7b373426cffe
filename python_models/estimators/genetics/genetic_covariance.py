"""Genetic covariance of two traits by LD score regression of the product of their Z scores."""

from dataclasses import dataclass

import numpy as np

from python_models.estimators.genetics.errors import BooleanArray, FloatArray
from python_models.estimators.genetics.heritability import Heritability
from python_models.estimators.genetics.ld_score_regression import Moments, PairMoments, Product, Regression
from python_models.estimators.genetics.normal_tails import neg_log10_p, two_sided_p


@dataclass(frozen=True, slots=True)
class GeneticCovariance:
    """Cross-trait LD score regression of z_1 z_2.

    genetic_covariance, standard_error, z, p, neg_log10_p : on the observed scale.
    intercept, intercept_standard_error : phenotypic correlation times N_s / sqrt(N_1 N_2), N_s the people in both
        samples; no standard error where it was given.
    mean_z_product : mean of z_1 z_2.
    delete_values : (B,) covariance without block b.
    """

    genetic_covariance: float
    standard_error: float
    z: float
    p: float
    neg_log10_p: float
    intercept: float
    intercept_standard_error: float | None
    mean_z_product: float
    delete_values: FloatArray


def pair_product(
    *, z_1: FloatArray, z_2: FloatArray, n_1: FloatArray, n_2: FloatArray, l2: FloatArray, weight_l2: FloatArray
) -> Product:
    """Two traits on the same SNPs: y = z_1 z_2, N = sqrt(N_1 N_2). All inputs (n,), finite."""
    n_12 = np.sqrt(n_1 * n_2)
    x = n_12 * l2 / n_12.mean() if n_12.size else n_12
    return Product(y=z_1 * z_2, x=x, l2=l2, weight_l2=weight_l2, n_1=n_1, n_2=n_2, n_12=n_12)


def fit_genetic_covariance(
    *,
    product: Product,
    weak: BooleanArray | None,
    moments: tuple[Moments, Moments],
    n_reference_snps: float,
    n_blocks: int,
    intercept: float | None,
) -> GeneticCovariance:
    """E[z_1 z_2] = sqrt(N_1 N_2) rho_g l / M + intercept on SNPs already chosen.

    weak : (n,) SNPs of step 1, None for a one-step fit.
    moments : heritability and intercept of each trait on the same SNPs; they and the covariance set the weights.
    """
    first, second = (Moments(total=min(max(m.total, 0.0), 1.0), intercept=m.intercept) for m in moments)

    def moments_of(total: float, product_intercept: float) -> PairMoments:
        bounded = Moments(total=min(max(total, -1.0), 1.0), intercept=product_intercept)
        return PairMoments(first=first, second=second, product=bounded)

    regression = Regression(
        product=product,
        n_reference_snps=n_reference_snps,
        moments_of=moments_of,
        null_intercept=0.0,
        n_blocks=n_blocks,
    )
    fit = regression.one_step(fixed_intercept=intercept) if weak is None else regression.two_step(weak=weak)
    z = fit.total / fit.total_standard_error
    return GeneticCovariance(
        genetic_covariance=fit.total,
        standard_error=fit.total_standard_error,
        z=z,
        p=float(two_sided_p(z)),
        neg_log10_p=float(neg_log10_p(z)),
        intercept=fit.intercept,
        intercept_standard_error=fit.intercept_standard_error,
        mean_z_product=float(product.y.mean()),
        delete_values=fit.delete_values[:, 0],
    )


def own_moments(fit: Heritability) -> Moments:
    """The trait's share in the weights of a pair."""
    assert fit.h2 is not None
    assert fit.intercept is not None
    return Moments(total=fit.h2, intercept=fit.intercept)


def own_delete_values(fit: Heritability) -> FloatArray:
    """(B,) the trait's h2 without each block."""
    assert fit.h2_delete_values is not None
    return fit.h2_delete_values
