"""E-values: how strong an unmeasured confounder would have to be to explain an association away.

E = RR + sqrt(RR (RR - 1)) for a risk ratio of at least 1, of its inverse below 1. A hazard ratio counts as a risk ratio
where the outcome is rare (under 15 % by the end of follow-up); else RR = (1 - 0.5^sqrt(HR)) / (1 - 0.5^sqrt(1/HR)).
The E-value of an interval is that of the limit nearer 1, and 1 where the interval holds 1.

References: VanderWeele & Ding 2017, Ann Intern Med 167:268 (formulas in table 2); Smith & VanderWeele 2019,
Epidemiology 30:835 (the same formula on a natural indirect effect).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from python_models.estimators.survival.cox_input import EstimatorInputError

F8 = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class EValues:
    """E-values of m estimates: risk_ratio (m,), the estimate on the risk-ratio scale; point, limit (m,), at least 1."""

    risk_ratio: F8
    point: F8
    limit: F8


def e_values(*, estimate: npt.ArrayLike, lower: npt.ArrayLike, upper: npt.ArrayLike, is_rare: bool = True) -> EValues:
    """E-values of risk ratios, or of hazard ratios (is_rare False: a common outcome), with limits; each (m,), > 0.

    Raises
    ------
    EstimatorInputError: values not positive and finite, or an estimate outside its limits.
    """
    ratios = [np.atleast_1d(np.asarray(a, dtype=np.float64)) for a in (estimate, lower, upper)]
    if not all(bool(np.all(np.isfinite(r) & (r > 0.0))) for r in ratios):
        raise EstimatorInputError("ratios and their limits must be positive and finite")
    value, low, high = ratios if is_rare else [risk_ratio_of_common_hazard_ratio(r) for r in ratios]
    if np.any((value < low) | (value > high)):
        raise EstimatorInputError(f"{int(np.sum((value < low) | (value > high)))} estimates lie outside their limits")
    nearer = np.where(value >= 1.0, low, high)
    crosses = (low <= 1.0) & (high >= 1.0)
    return EValues(risk_ratio=value, point=_e_value(value), limit=np.where(crosses, 1.0, _e_value(nearer)))


def risk_ratio_of_common_hazard_ratio(hazard_ratio: npt.ArrayLike) -> F8:
    """Approximate risk ratio of a hazard ratio where the outcome is common (VanderWeele 2020, Biometrics 76:746)."""
    hr = np.asarray(hazard_ratio, dtype=np.float64)
    return (1.0 - 0.5 ** np.sqrt(hr)) / (1.0 - 0.5 ** np.sqrt(1.0 / hr))


def _e_value(risk_ratio: F8) -> F8:
    away = np.maximum(risk_ratio, 1.0 / risk_ratio)
    return away + np.sqrt(away * (away - 1.0))
