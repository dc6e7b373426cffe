"""Delete-one-block jackknife over contiguous blocks of SNPs: standard errors that survive linkage disequilibrium."""

from dataclasses import dataclass

import numpy as np

from python_models.estimators.genetics.errors import FloatArray, IntegerArray


@dataclass(frozen=True, slots=True)
class Jackknife:
    """Jackknife of p parameters over B blocks.

    estimate : (p,) bias-corrected estimate, the mean of the pseudovalues.
    covariance : (p, p) covariance of the estimate.
    """

    estimate: FloatArray
    covariance: FloatArray

    @property
    def standard_error(self) -> FloatArray:
        """(p,) square root of the diagonal of the covariance."""
        return np.sqrt(np.diag(self.covariance))


def block_separators(n_snps: int, n_blocks: int) -> IntegerArray:
    """(n_blocks + 1,) first index of each of `n_blocks` nearly equal contiguous blocks, then `n_snps`.

    >>> block_separators(7, 3).tolist()
    [0, 2, 4, 7]
    """
    return np.floor(np.linspace(0, n_snps, n_blocks + 1)).astype(np.int64)


def jackknife(*, estimate: FloatArray, delete_values: FloatArray) -> Jackknife:
    """Jackknife from the whole-sample estimate and the delete-one-block values.

    estimate : (p,) whole-sample estimate.
    delete_values : (B, p) estimate without block b.

    Pseudovalues B * estimate - (B - 1) * delete_value are treated as B independent draws
    (Tukey 1958; Busing et al. 1999, Statistics and Computing 9:3-8, eq. 5).
    """
    n_blocks, n_parameters = delete_values.shape
    assert estimate.shape == (n_parameters,)
    pseudovalues = n_blocks * estimate - (n_blocks - 1) * delete_values
    covariance = np.atleast_2d(np.cov(pseudovalues.T, ddof=1)) / n_blocks
    return Jackknife(estimate=pseudovalues.mean(axis=0), covariance=covariance)


def least_squares_delete_values(*, block_gram: FloatArray, block_moment: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Least-squares estimate (p,) and delete-one-block values (B, p) from per-block normal equations.

    block_gram : (B, p, p) sum over block b of w x x'.
    block_moment : (B, p) sum over block b of w x y.

    Raises
    ------
    numpy.linalg.LinAlgError
        If the normal equations, whole or without one block, are singular.
    """
    gram, moment = block_gram.sum(axis=0), block_moment.sum(axis=0)
    estimate = np.linalg.solve(gram, moment)
    delete_values = np.linalg.solve(gram - block_gram, (moment - block_moment)[..., np.newaxis])[..., 0]
    return estimate, delete_values
