"""Gradients by complex step, so that the delta variance and the draws use one formula, written once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from python_models.estimators.mediation.faults import FloatArray

# Imaginary step: its square vanishes beside any coefficient, so Im f(x + ih)/h is the derivative to the last bit.
COMPLEX_STEP = 1e-100

PathFunction = Callable[[npt.NDArray[Any]], npt.NDArray[Any]]


def complex_step_gradient(function: PathFunction, point: FloatArray) -> FloatArray:
    """d function / d point.

    function : maps (..., P) to (..., E) by arithmetic that is analytic in every column; called with complex arrays.
    point (..., P).
    Returns (..., E, P).

    References: Squire & Trapp 1998, SIAM Review 40:110-112, equation 2.
    """
    n_parameters = point.shape[-1]
    columns = []
    for j in range(n_parameters):
        shifted = point.astype(np.complex128)
        shifted[..., j] += 1j * COMPLEX_STEP
        columns.append(function(shifted).imag / COMPLEX_STEP)
    return np.stack(columns, axis=-1)


def delta_standard_error(function: PathFunction, point: FloatArray, covariance: FloatArray) -> FloatArray:
    """First-order standard errors (..., E) of function(point); covariance (..., P, P) of the point (..., P)."""
    gradient = complex_step_gradient(function, point)
    assert covariance.shape[-2:] == (point.shape[-1], point.shape[-1])
    variance = np.einsum("...ej,...jk,...ek->...e", gradient, covariance, gradient, optimize=True)
    # Rounding may leave -1e-20 where an effect does not depend on any estimated coefficient.
    return np.sqrt(np.maximum(variance, 0.0))
