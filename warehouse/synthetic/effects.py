"""What is planted: everything (`full`), or nothing (`none`), for studies of false findings.

Under `none` no exposure, lifestyle factor, illness or biomarker acts on a hazard, no cause moves a planted biomarker,
and no two GWAS traits share a variant. Hazards keep age, sex, ethnicity and deprivation, which M2 and M3 hold, so that
their true hazard ratio is exactly 1 while the unadjusted one stays confounded. The same random numbers are drawn:
everything but what an effect made stays as it was, and shares with an event are brought back to those of `full`.
"""

from dataclasses import replace
from typing import Literal, get_args

import numpy as np
from scipy.optimize import brentq

from warehouse.synthetic import mediators
from warehouse.synthetic.population import Floats

Effects = Literal["full", "none"]
EFFECTS: tuple[Effects, ...] = get_args(Effects)
CONFOUNDERS = ("age", "female", "deprivation", "asian", "black", "chinese")


def planted(effects: Effects) -> tuple[mediators.Planted, ...]:
    """The planted biomarkers; under `none` by the same names, doing nothing."""
    if effects == "full":
        return mediators.PLANTED
    return tuple(replace(one, a=0.0, b_osteoporosis=0.0, b_sarcopenia=0.0) for one in mediators.PLANTED)


def on_hazard(effects: Effects, of_full: dict[str, float]) -> dict[str, float]:
    """The log hazard ratios that act."""
    if effects == "full":
        return of_full
    return {name: value for name, value in of_full.items() if name in CONFOUNDERS}


def same_share(log_hazard: Floats, of_full: Floats, log_cumulative: float) -> float:
    """What is added to `log_hazard` so that as many have the event as under `of_full`.

    log_cumulative : log cumulative baseline hazard at the end of follow-up, or log odds of having it already. Means of
        hazards would not do: those at high risk have their event early and then add nothing.
    """

    def share(shift: float, log_hazard: Floats) -> float:
        return float(-np.expm1(-np.exp(log_cumulative + shift + log_hazard)).mean())

    wanted = share(0.0, of_full)
    return float(brentq(lambda shift: share(shift, log_hazard) - wanted, -5.0, 5.0, xtol=1e-6))
