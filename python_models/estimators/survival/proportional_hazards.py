"""Do hazard ratios change with time: the score test of R >= 3.0 `cox.zph`.

The test adds z_j g(t) to the model and takes the score test of its coefficient at 0. With V(t) the information at event
time t: U = sum g (z - zbar), and the augmented information is [[sum V, sum gV], [sum gV, sum g^2 V]]. With hundreds of
thousands of people it rejects for departures of no interest: read it beside `period_hazard_ratios`.

References: Grambsch & Therneau 1994, Biometrika 81:515; Therneau & Grambsch 2000, section 6.2; survival 3 `cox.zph`
documentation (exact score test in place of the 1994 approximation).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
from scipy import special

from python_models.estimators.survival.cox import fit_likelihood
from python_models.estimators.survival.cox_input import EstimatorInputError, Ties
from python_models.estimators.survival.cox_setup import CoxData, prepare_cox
from python_models.estimators.survival.kaplan_meier import kaplan_meier
from python_models.estimators.survival.newton import Stop

F8 = npt.NDArray[np.float64]
I8 = npt.NDArray[np.int64]
Transform = Literal["km", "identity", "log", "rank"]


@dataclass(frozen=True, slots=True)
class ProportionalHazardsTest:
    """Score tests of T terms and of all together.

    terms: T names. chi_squared, degrees_of_freedom, p_value (T,); global_*: all terms. transform: g(t).
    refusal: None, or why the model was not fitted (arrays empty, global values None).
    """

    terms: tuple[str, ...]
    chi_squared: F8
    degrees_of_freedom: I8
    p_value: F8
    global_chi_squared: float | None
    global_degrees_of_freedom: int
    global_p_value: float | None
    transform: Transform
    refusal: str | None


def check_proportional_hazards(
    *,
    exit: npt.ArrayLike,
    event: npt.ArrayLike,
    covariates: npt.ArrayLike,
    entry: npt.ArrayLike | None = None,
    strata: npt.ArrayLike | None = None,
    weights: npt.ArrayLike | None = None,
    offset: npt.ArrayLike | None = None,
    ties: Ties = "efron",
    transform: Transform = "km",
    names: Sequence[str] | None = None,
    terms: Sequence[tuple[str, Sequence[int]]] | None = None,
    stop: Stop = "maximum",
) -> ProportionalHazardsTest:
    """Score test of proportional hazards for each term of a Cox model.

    Arguments as in `fit_cox`. transform: g(t) is 1 minus the left-continuous Kaplan-Meier curve of all rows ("km"), t,
    log t, or the mean rank of t among all exits, censored ones too. terms: (name, columns) pairs tested jointly, as the
    indicators of a factor are; every column by itself by default.

    Raises
    ------
    EstimatorInputError: as `fit_cox`, and unknown transform.
    """
    if transform not in get_args(Transform):
        raise EstimatorInputError(f"transform must be one of {', '.join(get_args(Transform))}; got {transform!r}")
    data = prepare_cox(
        exit=exit,
        event=event,
        covariates=covariates,
        entry=entry,
        strata=strata,
        weights=weights,
        cluster=None,
        offset=offset,
        ties=ties,
        names=names,
        min_events_per_parameter=1.0,
    )
    likelihood = None if data.refusal is not None else data.likelihood(ties)
    fit = fit_likelihood(data=data, likelihood=likelihood, ties=ties, is_robust=False, stop=stop)
    grouped = (
        [(label, [j]) for j, label in enumerate(data.labels)] if terms is None else [(t, list(c)) for t, c in terms]
    )
    names_of_terms = tuple(term for term, _ in grouped)
    if likelihood is None or fit.refusal is not None:
        none = np.empty(0)
        return ProportionalHazardsTest(
            names_of_terms, none, np.empty(0, dtype=np.int64), none, None, 0, None, transform, fit.refusal
        )
    g = _time_scale(data, likelihood.risk_sets.group_time, likelihood.risk_sets.deaths, transform)
    likelihood.loglik(fit.beta * data.scale)
    plain = likelihood.derivatives().information
    once = likelihood.derivatives(time_weight=g)
    twice = likelihood.derivatives(time_weight=g * g).information
    p = plain.shape[0]

    def statistic(columns: Sequence[int]) -> float:
        added = np.asarray(columns)
        score = once.score[added]
        augmented = np.block(
            [[plain, once.information[:, added]], [once.information[added], twice[np.ix_(added, added)]]]
        )
        padded = np.concatenate([np.zeros(p), score])
        return float(padded @ np.linalg.solve(augmented, padded))

    chi_squared = np.array([statistic(columns) for _, columns in grouped])
    degrees = np.array([len(columns) for _, columns in grouped], dtype=np.int64)
    every = sorted({j for _, columns in grouped for j in columns})
    overall = statistic(every)
    return ProportionalHazardsTest(
        terms=names_of_terms,
        chi_squared=chi_squared,
        degrees_of_freedom=degrees,
        p_value=special.chdtrc(degrees, chi_squared),
        global_chi_squared=overall,
        global_degrees_of_freedom=len(every),
        global_p_value=float(special.chdtrc(len(every), overall)),
        transform=transform,
        refusal=None,
    )


def _time_scale(data: CoxData, whole_time: F8, deaths: I8, transform: Transform) -> F8:
    """g at the event times (D,), centred over the events; centring changes nothing but the rounding."""
    time = data.times(whole_time)
    g: npt.NDArray[np.floating]
    if transform == "identity":
        g = time
    elif transform == "log":
        g = np.log(time)
    elif transform == "rank":
        ordered = np.sort(data.exit_time)
        first = np.searchsorted(ordered, whole_time, side="left")
        last = np.searchsorted(ordered, whole_time, side="right")
        g = (first + last + 1) / 2.0
    else:
        curve = kaplan_meier(exit=data.exit_time, event=data.is_event, entry=data.entry_time)
        left = np.concatenate([[1.0], curve.survival])
        g = 1.0 - left[np.searchsorted(curve.time, whole_time, side="left")]
    return np.asarray(g - np.average(g, weights=deaths), dtype=np.float64)
