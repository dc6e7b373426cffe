"""The house estimators beside their peers: the same answer first, then the ratio in the same run."""

import numpy as np
import pandas as pd
from lifelines import CoxPHFitter
from threadpoolctl import threadpool_limits

from python_models.estimators.survival.cox import fit_cox
from python_models.frames.lifelines_cox import PRECISION
from tests.benchmarks.measure import Measurement, time_call

N, P, EVENT_SHARE = 50_000, 12, 0.04


def cox_measurement() -> Measurement:
    """One Cox fit at n = 50,000, p = 12, 4 % events, whole days with ties, against lifelines."""
    rng = np.random.default_rng(20260101)
    covariates = rng.normal(size=(N, P))
    hazard = np.exp(covariates @ rng.normal(scale=0.2, size=P))
    scale = EVENT_SHARE / 4700.0 / hazard.mean()
    onset = rng.exponential(1.0 / (scale * hazard))
    end = rng.integers(4000, 5400, size=N)
    days = np.ceil(np.minimum(onset, end))
    event = onset <= end
    frame = pd.DataFrame(covariates, columns=[f"x{j}" for j in range(P)]).assign(days=days, event=event)

    def ours() -> np.ndarray:
        return fit_cox(exit=days, event=event, covariates=covariates).beta

    def theirs() -> np.ndarray:
        fitted = CoxPHFitter().fit(frame, "days", "event", fit_options={"precision": PRECISION})
        return fitted.params_.to_numpy()

    with threadpool_limits(limits=1):
        difference = float(np.abs(ours() - theirs()).max())
        return Measurement(
            "one Cox fit",
            f"n {N:,}, p {P}, {int(event.sum()):,} events",
            time_call(ours),
            peer="lifelines",
            peer_seconds=time_call(theirs),
            largest_difference=difference,
        )


def estimator_measurements() -> list[Measurement]:
    return [cox_measurement()]
