"""Testing "exposure -> mediator AND mediator -> outcome" when a null mediator may lack either path, or both.

Three nulls hide in one: 00 neither path, 01 only the second, 10 only the first. max(p_a, p_b) is uniform under 01 and
10 when the other path is certain, and much smaller than that under 00, so treating it as uniform wastes power.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from python_models.estimators.mediation.empirical_null import (
    EmpiricalNull,
    EmpiricalNullMethod,
    efron_null,
    jin_cai_null,
    null_share,
)
from python_models.estimators.mediation.faults import (
    FloatArray,
    MediationInputError,
    choice_fault,
    p_value_faults,
    raise_if_any,
)

# coherent: the four shares agree with the two margins. published: HDMT as distributed, where a pi_00 above a margin
# leaves them in conflict (a negative share is cut to zero after the fact).
ShareRule = Literal["coherent", "published"]
# asymptotic: the non-null path is taken as found for certain; finite_sample: its power is estimated.
HdmtPower = Literal["asymptotic", "finite_sample"]

# Storey's threshold above which p-values are taken as null.
DEFAULT_LAMBDA = 0.5
# With fewer tests the shares of the nulls are noise (a quarter of m tests estimate pi_00).
MIN_TESTS = 200
# p-values are kept inside this distance of 0 and 1 where they are turned into z: 0 would be infinite.
SMALLEST_P = 1e-300
LARGEST_P = 1.0 - 2.0**-53


@dataclass(frozen=True, slots=True)
class NullShares:
    """Shares of m mediators: a, b that path null; 00 both null, 01 only a null, 10 only b null, 11 true mediators."""

    pi_a: float
    pi_b: float
    pi_00: float
    pi_01: float
    pi_10: float
    pi_11: float


@dataclass(frozen=True, slots=True)
class Hdmt:
    """q (m,): false-discovery rate of calling every mediator with max(p_a, p_b) this small; refusal: or why not."""

    shares: NullShares | None
    q: FloatArray
    refusal: str | None


@dataclass(frozen=True, slots=True)
class Dact:
    """p (m,) of the divide-aggregate test; null: the fitted null of its z; refusal: or why there is none."""

    weights: tuple[float, float, float]
    null: EmpiricalNull | None
    p: FloatArray
    refusal: str | None


def max_p(p_a: npt.ArrayLike, p_b: npt.ArrayLike) -> FloatArray:
    """Joint significance: max(p_a, p_b), each (m,). A valid p-value under every null, conservative under most.

    Raises MediationInputError for values outside 0 to 1 or different lengths.
    """
    a, b = _checked(p_a, p_b)
    return np.maximum(a, b)


def _checked(p_a: npt.ArrayLike, p_b: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    a, b = np.asarray(p_a, dtype=np.float64), np.asarray(p_b, dtype=np.float64)
    faults = p_value_faults(name="p_a", values=a) + p_value_faults(name="p_b", values=b)
    if a.shape != b.shape:
        faults.append(f"p_a has shape {a.shape} and p_b {b.shape}: one of each per mediator")
    raise_if_any(faults)
    return a, b


def null_shares(
    p_a: FloatArray, p_b: FloatArray, *, threshold: float = DEFAULT_LAMBDA, rule: ShareRule = "coherent"
) -> NullShares:
    """Shares of the three nulls by Storey's counts above `threshold` (lambda).

    References: Storey 2002, J R Stat Soc B 64:479; Dai, Stanford & LeBlanc 2022, J Am Stat Assoc 117:198, section 2.2.
    """
    above_a, above_b = p_a >= threshold, p_b >= threshold
    pi_a = min(1.0, float(above_a.mean()) / (1.0 - threshold))
    pi_b = min(1.0, float(above_b.mean()) / (1.0 - threshold))
    pi_00 = min(1.0, float((above_a & above_b).mean()) / (1.0 - threshold) ** 2)
    if rule == "coherent":
        pi_00 = min(max(pi_00, pi_a + pi_b - 1.0), pi_a, pi_b)
    pi_01, pi_10 = max(0.0, pi_a - pi_00), max(0.0, pi_b - pi_00)
    return NullShares(pi_a, pi_b, pi_00, pi_01, pi_10, max(0.0, 1.0 - pi_00 - pi_01 - pi_10))


def hdmt(
    p_a: npt.ArrayLike,
    p_b: npt.ArrayLike,
    *,
    threshold: float = DEFAULT_LAMBDA,
    rule: ShareRule = "coherent",
    power: HdmtPower = "asymptotic",
) -> Hdmt:
    """q-values of max(p_a, p_b) under the estimated mixture of the three nulls.

    p_a, p_b (m,): independent under the null, as those of a mediator and an outcome model are; m of at least 200.
    FDR(t) = [pi_01 t F_b(t) + pi_10 t F_a(t) + pi_00 t^2] / share of max p <= t, with F the power of the non-null path
    at t (1 for `asymptotic`), made monotone from the largest t down.

    Corrected beside the distributed code: the shares agree with the margins (`coherent`); lambda is the one asked for
    (copies in use read another from a grid by a comparison of floating-point numbers); no jitter is added to the
    p-values; p = 0 is allowed.

    References: Dai, Stanford & LeBlanc 2022, J Am Stat Assoc 117:198-213, equations 4, 7 and section 2.4.
    """
    a, b = _checked(p_a, p_b)
    faults = choice_fault(name="rule", value=rule, allowed=get_args(ShareRule))
    faults += choice_fault(name="power", value=power, allowed=get_args(HdmtPower))
    faults += [] if 0.0 < threshold < 1.0 else [f"threshold must lie between 0 and 1, not {threshold}"]
    raise_if_any(faults)
    m = a.shape[0]
    if m < MIN_TESTS:
        return Hdmt(None, np.full(m, np.nan), f"{m} tests: the null shares need at least {MIN_TESTS}")
    shares = null_shares(a, b, threshold=threshold, rule=rule)
    order = np.argsort(np.maximum(a, b), kind="stable")
    t = np.maximum(a, b)[order]
    share_below = np.searchsorted(t, t, side="right") / m
    power_a = power_b = np.ones(m)
    if power == "finite_sample":
        power_a = nonnull_distribution(a, null=shares.pi_a, at=t)
        power_b = nonnull_distribution(b, null=shares.pi_b, at=t)
    false_share = t * (shares.pi_01 * power_b + shares.pi_10 * power_a) + shares.pi_00 * t * t
    q = np.empty(m)
    q[order] = np.minimum(np.minimum.accumulate((false_share / share_below)[::-1])[::-1], 1.0)
    return Hdmt(shares, q, None)


def nonnull_distribution(p: FloatArray, *, null: float, at: FloatArray) -> FloatArray:
    """Distribution function, at `at`, of the p-values that are not null.

    Grenander: the least concave majorant of the empirical distribution, less the uniform null part.
    """
    if null >= 1.0:
        return np.ones_like(at)
    x, counts = np.unique(p, return_counts=True)
    knots_x, knots_y = np.concatenate([[0.0], x, [1.0]]), np.concatenate([[0.0], np.cumsum(counts) / p.size, [1.0]])
    hull: list[int] = []
    for k in range(knots_x.size):
        while len(hull) > 1:
            i, j = hull[-2], hull[-1]
            rise_before = (knots_y[j] - knots_y[i]) * (knots_x[k] - knots_x[i])
            if rise_before > (knots_y[k] - knots_y[i]) * (knots_x[j] - knots_x[i]):
                break
            hull.pop()
        if not (hull and knots_x[hull[-1]] == knots_x[k] and knots_y[hull[-1]] >= knots_y[k]):
            hull.append(k)
    mixture = np.interp(at, knots_x[hull], knots_y[hull])
    return np.clip((mixture - null * at) / (1.0 - null), 0.0, 1.0)


def dact(
    p_a: npt.ArrayLike,
    p_b: npt.ArrayLike,
    *,
    z_a: npt.ArrayLike | None = None,
    z_b: npt.ArrayLike | None = None,
    correction: EmpiricalNullMethod | None = "efron",
) -> Dact:
    """Divide-aggregate composite-null test: w1 p_a + w2 p_b + w3 max(p)^2, then calibrated by an empirical null.

    p_a, p_b (m,), m of at least 200. z_a, z_b (m,): signed z behind them, for the null shares; else -Phi^-1(p),
    one-sided. correction: "efron", "jin_cai", or None for the bare statistic, no p-value where most mediators lack
    both paths.

    Corrected beside the distributed code: no correction is a choice and not a crash; p = 0 and p = 1 stay finite; an
    empirical null without a positive variance is a refusal and not NaN; the size of m is asked for; "efron", not
    "jin_cai", is the default. Kept: its order is not that of max(p), so its list may disagree with joint significance.

    Where 40 % of mediators have one path (spread 4 standard errors) and none both, m = 3,000, a share 0.10 of them has
    p < 0.05 with "jin_cai" and 0.06 with "efron", 0.005 and 0.0015 have p < 0.001: prefer `hdmt` for a decision.

    References: Liu, Shen, Barfield, Schwartz, Baccarelli & Lin 2022, J Am Stat Assoc 117:67-81, sections 3.2 and 3.3.
    """
    a, b = _checked(p_a, p_b)
    m = a.shape[0]
    if correction is not None:
        raise_if_any(choice_fault(name="correction", value=correction, allowed=get_args(EmpiricalNullMethod)))
    none = np.full(m, np.nan)
    if m < MIN_TESTS:
        return Dact((np.nan, np.nan, np.nan), None, none, f"{m} tests: the empirical null needs at least {MIN_TESTS}")
    null_a = null_share(_upper_z(a) if z_a is None else _finite_z("z_a", z_a, m))
    null_b = null_share(_upper_z(b) if z_b is None else _finite_z("z_b", z_b, m))
    parts = np.array([null_a * (1.0 - null_b), (1.0 - null_a) * null_b, null_a * null_b])
    if parts.sum() == 0:
        return Dact((0.0, 0.0, 0.0), None, none, "no path is estimated to be null: every mediator would be called")
    w1, w2, w3 = parts / parts.sum()
    statistic = w1 * a + w2 * b + w3 * np.maximum(a, b) ** 2
    weights = (float(w1), float(w2), float(w3))
    if correction is None:
        return Dact(weights, None, statistic, None)
    z = _upper_z(statistic)
    fitted = jin_cai_null(z) if correction == "jin_cai" else efron_null(z)
    if fitted.refusal is not None:
        return Dact(weights, fitted, none, fitted.refusal)
    return Dact(weights, fitted, ndtr(-(z - fitted.mean) / fitted.standard_deviation), None)


def _upper_z(p: FloatArray) -> FloatArray:
    return -ndtri(np.clip(p, SMALLEST_P, LARGEST_P))


def _finite_z(name: str, values: npt.ArrayLike, m: int) -> FloatArray:
    z = np.asarray(values, dtype=np.float64)
    if z.shape != (m,) or not np.isfinite(z).all():
        raise MediationInputError([f"{name} must be {m} finite values"])
    return z
