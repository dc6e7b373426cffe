"""Draws for the difference method: total and direct effect from two Cox models of the same people.

PERM = (HR_total - HR_direct) / (HR_total - 1) takes its total from the model without the mediator and its direct effect
from the model with it. Either standard error is its own model's; what ties the two estimates is that the same rows move
both, by their score residuals. Without that correlation an interval of the share would be far too wide: the two are
nearly one number.

References: Wei, Lin & Weissfeld 1989, JASA 84:1065 (several models of the same rows); VanderWeele 2015, Explanation in
Causal Inference, section 2.13 (difference method); Lin, Fleming & De Gruttola 1997, Stat Med 16:1515 (its variance).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from python_models.estimators.mediation.faults import FloatArray
from python_models.estimators.mediation.monte_carlo import DEFAULT_DRAWS
from python_models.estimators.survival.cox import CoxFit
from python_models.estimators.survival.outcome_pairs import coefficient_influences

# The draws need a correlation below 1: two models that are one have no difference to draw.
LARGEST_CORRELATION = 1.0 - 1e-12


def correlation_of_total_and_direct(
    *,
    time: npt.ArrayLike,
    event: npt.ArrayLike,
    exposure: FloatArray,
    terms: FloatArray,
    covariates: FloatArray,
    strata: npt.ArrayLike | None,
    total_beta: FloatArray,
    direct_beta: FloatArray,
) -> float:
    """Correlation of the exposure's coefficient without and with the mediator, from score residuals of the same rows.

    time, event, exposure, strata (n,); terms (n, t): mediator, and its product with the exposure if any; covariates
    (n, q). total_beta (1 + q,), direct_beta (1 + t + q,): the maxima, exposure first, then terms, then covariates.
    """
    total, direct = (
        coefficient_influences(
            exit=time, event=event, covariates=np.column_stack(columns), beta=beta, columns=(0,), strata=strata
        )[:, 0]
        for columns, beta in (([exposure, covariates], total_beta), ([exposure, terms, covariates], direct_beta))
    )
    return float((total @ direct) / np.sqrt((total @ total) * (direct @ direct)))


def difference_method_draws(
    *,
    total: CoxFit,
    direct: float,
    direct_error: float,
    correlation: float,
    seed: int,
    n_draws: int = DEFAULT_DRAWS,
) -> FloatArray:
    """Draws (n_draws, 3) of (total, direct, total - direct), as `mediated_share` takes them.

    total: the fit without the mediator, exposure first; direct, direct_error: controlled direct effect of the model
    with it; correlation: of the two.
    """
    rho = min(correlation, LARGEST_CORRELATION)
    drawn = np.random.default_rng(seed).standard_normal((n_draws, 2))
    totals = float(total.beta[0]) + float(total.standard_error[0]) * drawn[:, 0]
    directs = direct + direct_error * (rho * drawn[:, 0] + np.sqrt(1.0 - rho**2) * drawn[:, 1])
    return np.column_stack([totals, directs, totals - directs])
