"""The Cox partial likelihood straight from its definition: one loop over event times, every risk set formed anew."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

F8 = npt.NDArray[np.float64]


def plain_partial_likelihood(
    *,
    exit: npt.NDArray[np.int64],
    event: npt.NDArray[np.bool_],
    covariates: F8,
    beta: F8,
    entry: npt.NDArray[np.int64] | None = None,
    stratum: npt.NDArray[np.int64] | None = None,
    weights: F8 | None = None,
    offset: F8 | None = None,
    ties: str = "efron",
) -> tuple[float, F8, F8, F8]:
    """Log likelihood, score (p,), information (p, p) and weighted score residuals (n, p) at beta."""
    n, p = covariates.shape
    begin = np.full(n, -1) if entry is None else entry
    group = np.zeros(n, dtype=int) if stratum is None else stratum
    w = np.ones(n) if weights is None else weights
    r = w * np.exp(covariates @ beta + (0.0 if offset is None else offset))
    loglik, score, information = 0.0, np.zeros(p), np.zeros((p, p))
    residual = np.zeros((n, p))
    for s in np.unique(group):
        for t in np.unique(exit[event & (group == s)]):
            at_risk = (group == s) & (begin < t) & (exit >= t)
            died = at_risk & event & (exit == t)
            d = int(died.sum())
            mean_weight = w[died].sum() / d
            for k in range(d):
                share = k / d if ties == "efron" else 0.0
                part = np.where(died, 1.0 - share, 1.0) * r * at_risk
                s0 = part.sum()
                mean = part @ covariates / s0
                second = (covariates * part[:, None]).T @ covariates / s0
                loglik -= mean_weight * np.log(s0)
                score -= mean_weight * mean
                information += mean_weight * (second - np.outer(mean, mean))
                residual[died] += (w[died] / d)[:, None] * (covariates[died] - mean)
                residual -= (part * mean_weight / s0)[:, None] * (covariates - mean)
            loglik += np.sum((w * (covariates @ beta + (0.0 if offset is None else offset)))[died])
            score += (w[died][:, None] * covariates[died]).sum(axis=0)
    return loglik, score, information, residual
