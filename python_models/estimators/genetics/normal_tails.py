"""P values and Z scores that keep their digits where a double cannot hold P (|Z| above 38)."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import log_ndtr, ndtri_exp

from python_models.estimators.genetics.errors import FloatArray

LOG_10 = np.log(10.0)
LOG_2 = np.log(2.0)


def two_sided_p(z: ArrayLike) -> FloatArray:
    """P(|N(0, 1)| > |z|), 0 where it is below 5e-324: see `neg_log10_p`.

    >>> float(two_sided_p(0.0))
    1.0
    """
    return np.asarray(np.exp(LOG_2 + log_ndtr(-np.abs(np.asarray(z, dtype=np.float64)))))


def neg_log10_p(z: ArrayLike) -> FloatArray:
    """-log10 of the two-sided P value of z, exact at any z.

    >>> round(float(neg_log10_p(40.0)), 4)
    349.136
    """
    return np.asarray(-(LOG_2 + log_ndtr(-np.abs(np.asarray(z, dtype=np.float64)))) / LOG_10) + 0.0


def absolute_z(neg_log10_p_value: ArrayLike) -> FloatArray:
    """|z| whose two-sided P value is 10 ** -neg_log10_p_value: the inverse of `neg_log10_p`.

    >>> round(float(absolute_z(349.136)), 3)
    40.0
    """
    log_tail = -np.asarray(neg_log10_p_value, dtype=np.float64) * LOG_10 - LOG_2
    return np.asarray(-ndtri_exp(log_tail))
