"""Simulated follow-up with known hazards."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

F8 = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FollowUp:
    """n rows: exit, entry (n,) whole days, event (n,), covariates (n, p), stratum (n,), beta (p,) that made them."""

    exit: npt.NDArray[np.int64]
    entry: npt.NDArray[np.int64]
    event: npt.NDArray[np.bool_]
    covariates: F8
    stratum: npt.NDArray[np.int64]
    beta: F8


def simulate_follow_up(
    n: int = 400, p: int = 3, days: int = 300, share: float = 0.4, late_entry: bool = False, seed: int = 1
) -> FollowUp:
    """Exponential event times with a log hazard ratio per covariate, uniform censoring, ties by whole days."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, p))
    if p > 1:
        x[:, -1] = x[:, -1] > 0.3
    beta = np.linspace(0.5, -0.4, p) if p else np.empty(0)
    rate = -np.log1p(-share) / days * np.exp(x @ beta)
    entry = rng.integers(0, days // 2, n) if late_entry else np.zeros(n, dtype=np.int64)
    died = entry + np.ceil(rng.exponential(1.0 / rate)).astype(np.int64)
    lost = entry + rng.integers(1, days, n)
    return FollowUp(
        exit=np.minimum(died, lost),
        entry=entry,
        event=died <= lost,
        covariates=x,
        stratum=rng.integers(0, 3, n),
        beta=beta,
    )
