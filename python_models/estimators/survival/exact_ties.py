"""Cox regression with tied times as truly tied: the discrete ("exact") partial likelihood.

At a time with d events among the risk set R the term is exp(sum of z'b over the events) / sum over all subsets S of R
of size d of exp(sum of z'b over S): a conditional logistic likelihood. The sum over subsets grows by one row at a time,

    B(d, n) = B(d, n - 1) + r_n B(d - 1, n - 1),    r_n = exp(z_n'b),

and its derivatives with it, so that no subset is listed. Cost is rows at risk x events on the day x p^2: for trials in
weeks, not for a biobank in days, whose ties Efron's approximation meets.

References: Cox 1972, JRSS B 34:187, section 6; Gail, Lubin & Rubinstein 1981, Biometrika 68:703 (the recursion);
Therneau & Grambsch 2000, section 3.3; R's `coxph(ties = "exact")`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numba import njit

from python_models.estimators.survival.cox_input import collinear_columns
from python_models.estimators.survival.cox_setup import inverse_information, prepare_cox
from python_models.estimators.survival.newton import NoMaximum, Stop, maximise

F8 = npt.NDArray[np.float64]
I8 = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ExactCoxFit:
    """Estimates of p covariates, or why there are none; the fields are those of `CoxFit`.

    No baseline hazard: in discrete time the model is one of odds.
    """

    names: tuple[str, ...]
    beta: F8
    standard_error: F8
    covariance: F8
    loglik_null: float | None
    loglik: float | None
    score_test: float | None
    iterations: int
    n: int
    n_events: int
    refusal: str | None
    refused_names: tuple[str, ...]


def fit_cox_exact(
    *,
    exit: npt.ArrayLike,
    event: npt.ArrayLike,
    covariates: npt.ArrayLike,
    entry: npt.ArrayLike | None = None,
    strata: npt.ArrayLike | None = None,
    names: Sequence[str] | None = None,
    min_events_per_parameter: float = 1.0,
    stop: Stop = "maximum",
) -> ExactCoxFit:
    """Maximise the exact partial likelihood; arguments as in `fit_cox`.

    Raises
    ------
    EstimatorInputError: lengths differ, events not 0/1, names not p.
    """
    data = prepare_cox(
        exit=exit,
        event=event,
        covariates=covariates,
        entry=entry,
        strata=strata,
        weights=None,
        cluster=None,
        offset=None,
        ties="efron",
        names=names,
        min_events_per_parameter=min_events_per_parameter,
    )

    def refuse(reason: str, at_fault: tuple[str, ...] = (), iterations: int = 0) -> ExactCoxFit:
        nothing = np.empty(0)
        n, n_events = data.matrix.shape[0], data.n_events
        return ExactCoxFit(
            data.labels, nothing, nothing, np.empty((0, 0)), None, None, None, iterations, n, n_events, reason, at_fault
        )

    if data.refusal is not None:
        return refuse(data.refusal, data.refused_names)
    stratum = np.zeros(len(data.exit_time), dtype=np.int64) if data.stratum is None else data.stratum
    entry_time = np.full(len(data.exit_time), np.iinfo(np.int64).min) if data.entry_time is None else data.entry_time
    likelihood = _ExactLikelihood(
        covariates=(data.matrix.astype(np.float64) - data.centre) / data.scale,
        exit_time=data.exit_time,
        entry_time=entry_time,
        is_event=data.is_event,
        stratum=stratum,
    )
    loglik_null = likelihood.loglik(np.zeros(likelihood.p))
    null = likelihood.derivatives()
    collinear = collinear_columns(null.information, data.n_events)
    if collinear:
        at_fault = tuple(data.labels[j] for j in collinear)
        return refuse(f"collinear with the covariates before it: {', '.join(at_fault)}", at_fault)
    score_test = float(null.score @ inverse_information(null.information) @ null.score)
    maximum = maximise(likelihood=likelihood, loglik=loglik_null, derivatives=null, stop=stop)
    if isinstance(maximum, NoMaximum):
        at_fault = tuple(data.labels[j] for j in maximum.columns)
        return refuse(
            f"monotone likelihood, no finite estimate: {', '.join(at_fault)} ({data.n_events} events)",
            at_fault,
            maximum.iterations,
        )
    covariance = inverse_information(maximum.derivatives.information) / np.outer(data.scale, data.scale)
    return ExactCoxFit(
        names=data.labels,
        beta=maximum.beta / data.scale,
        standard_error=np.sqrt(np.diag(covariance)),
        covariance=covariance,
        loglik_null=loglik_null,
        loglik=maximum.loglik,
        score_test=score_test,
        iterations=maximum.iterations,
        n=data.matrix.shape[0],
        n_events=data.n_events,
        refusal=None,
        refused_names=(),
    )


@dataclass(frozen=True, slots=True)
class _Derivatives:
    score: F8
    information: F8


class _ExactLikelihood:
    """Log likelihood with derivatives at the last beta; covariates (n, p) standardised."""

    def __init__(
        self, *, covariates: F8, exit_time: I8, entry_time: I8, is_event: npt.NDArray[np.bool_], stratum: I8
    ) -> None:
        self.covariates = np.ascontiguousarray(covariates)
        self.p = covariates.shape[1]
        self._sets: list[tuple[I8, I8]] = []
        for s, day in sorted({(int(a), int(b)) for a, b in zip(stratum[is_event], exit_time[is_event], strict=True)}):
            own = stratum == s
            died = np.flatnonzero(own & is_event & (exit_time == day))
            at_risk = np.flatnonzero(own & (exit_time >= day) & (entry_time < day))
            self._sets.append((died, at_risk))
        self._last: _Derivatives | None = None

    def loglik(self, beta: F8) -> float:
        value = 0.0
        score, information = np.zeros(self.p), np.zeros((self.p, self.p))
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            predictor = self.covariates @ beta
            for died, at_risk in self._sets:
                highest = float(predictor[at_risk].max())
                relative = np.exp(predictor[at_risk] - highest)
                z = self.covariates[at_risk]
                total, first, second = _subset_sums(relative, z, len(died))
                value += float(predictor[died].sum()) - len(died) * highest - float(np.log(total))
                mean = first / total
                score += self.covariates[died].sum(axis=0) - mean
                information += second / total - np.outer(mean, mean)
        self._last = _Derivatives(score, 0.5 * (information + information.T))
        return value if np.isfinite(value) else -np.inf

    def derivatives(self) -> _Derivatives:
        assert self._last is not None
        return self._last


@njit(cache=True)
def _subset_sums(relative: F8, z: F8, d: int) -> tuple[float, F8, F8]:
    """Sum over subsets of d of the n rows of the product of `relative` (n,), with its first and second derivatives."""
    n, p = z.shape
    total = np.zeros(d + 1)
    first = np.zeros((d + 1, p))
    second = np.zeros((d + 1, p, p))
    total[0] = 1.0
    for i in range(n):
        r = relative[i]
        # From the largest subsets down: those of one row fewer must still be without row i.
        for k in range(min(d, i + 1), 0, -1):
            for a in range(p):
                for b in range(p):
                    second[k, a, b] += r * (
                        second[k - 1, a, b]
                        + z[i, a] * first[k - 1, b]
                        + z[i, b] * first[k - 1, a]
                        + z[i, a] * z[i, b] * total[k - 1]
                    )
            for a in range(p):
                first[k, a] += r * (first[k - 1, a] + z[i, a] * total[k - 1])
            total[k] += r * total[k - 1]
    return total[d], first[d], second[d]
