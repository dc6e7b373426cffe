"""Newton's steps for many biomarkers at once: L lanes share every sweep over the sorted rows.

The steps start from the model without the biomarker; their matrix is the information there, corrected after each step
by the change of score (BFGS). The last step and the covariances use the exact information. Of many rows the steps
before the last are taken on sweeps in single precision: where they lead is checked and mended in double.

References: Nocedal & Wright 2006, Numerical Optimization, 6.1.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from python_models.estimators.scans.lane_hazards import Doubles, Singles
from python_models.estimators.scans.sorted_rows import MomentsOf, SortedRows
from python_models.estimators.survival.cox_input import COLLINEAR_TOLERANCE

Values = npt.NDArray[np.floating]
F8 = npt.NDArray[np.float64]
I8 = npt.NDArray[np.int64]

# The shared steps end when a Newton step is below this share of a standard error, times the square root of the events;
# the exact last step then squares it. The information moves by a few of these steps / sqrt(events), so standard errors
# are good to 1e-8 of themselves. Of many rows a step in single precision may end just above what few are asked for; by
# so many events a part of it is left in a standard error.
STEP_TOLERANCE = 1.5e-8
STEP_TOLERANCE_OF_MANY = 4e-8
# Exact and approximate information may differ; above this the exact step is not the last and the lane is not settled.
LAST_STEP_TOLERANCE = 1e-5
# Moments cost a third more than a sweep without; below this step the next sweep is likely the last and takes them.
LIKELY_LAST = 1e-4
MAX_SWEEPS = 16
# Single precision where many rows average its rounding. Products too, unless a lane has many values missing or a
# standardised coefficient that moved far: its expected events are then not near those without the biomarker, and it is
# their difference that is rounded.
SINGLE_PRECISION_ROWS = 16_384
SINGLE_PRECISION_KNOWN = 0.8
SINGLE_PRECISION_MOVE = 0.2
MAX_SINGLE_SWEEPS = 4
# Below this step the change of a score in single precision says nothing of the information.
LEAST_SINGLE_STEP = 1e-3
# Finished lanes are carried along until fewer than this share is left: copying the rest costs part of a sweep.
COMPRESS_BELOW = 0.6


@dataclass(frozen=True, slots=True)
class Start:
    """The model without the biomarker: beta (p,), information (p, p), n_events; on all rows at risk in visiting order
    relative hazard and expected events (n,), the cumulative hazard at each visit (V + 1,), and the sums of the expected
    events x covariate products (p (p + 1) / 2,)."""

    beta: F8
    information: F8
    n_events: int
    hazard: F8
    expected: F8
    cumulative: F8
    products: F8


@dataclass(frozen=True, slots=True)
class LaneFits:
    """L lanes, parameters covariates then biomarker, standardised: estimate (L, q), covariance (L, q, q), loglik,
    sweeps, is_settled (L,). What is not settled has no meaning."""

    estimate: F8
    covariance: F8
    loglik: F8
    sweeps: I8
    is_settled: npt.NDArray[np.bool_]


def start_of(*, rows: SortedRows, beta: F8, information: F8, n_events: int) -> Start:
    """The shared start from the fit without the biomarker, beta and information on the standardised scale."""
    n = rows.shape[0]
    one, nothing = np.ones(1), np.zeros((n, 1), dtype=np.float32)
    lane = Doubles(
        values=nothing, centre=0 * one, weight=one, beta=beta[:, None], slope=0 * one, longest=rows.longest_strip
    )
    alone = rows.sweep(lane, moments_of="all")
    cumulative = rows.cumulative(alone.hazard_steps)
    hazard = np.exp(rows.covariates @ beta)
    exposure = cumulative[rows.join_visit, 0] - cumulative[rows.leave_visit, 0]
    exposure -= np.where(rows.is_event, alone.tied_steps[rows.join_visit, 0], 0.0)
    expected = hazard * exposure
    return Start(beta, information, n_events, hazard, expected, cumulative[:, 0], rows.shared_products(expected))


def fit_lanes(*, rows: SortedRows, start: Start, values: Values, centre: F8, weight: F8) -> LaneFits:
    """Fit the biomarkers values (n, L), rows sorted, NaN where missing, each as (value - centre) x weight."""
    p, n_lanes = rows.shape[1], values.shape[1]
    q = p + 1
    at_events = (values[rows.event_rows].astype(np.float64) - centre) * weight
    known = np.isfinite(at_events)
    event_sum = np.vstack(
        [rows.covariates[rows.event_rows].T @ known.astype(np.float64), np.where(known, at_events, 0.0).sum(axis=0)]
    )
    theta = np.vstack([np.repeat(start.beta[:, None], n_lanes, axis=1), np.zeros(n_lanes)])
    steps = np.zeros((rows.n_visits, n_lanes))
    tied, loglik = np.zeros_like(steps), np.zeros(n_lanes)
    score, mean_products = np.zeros((q, n_lanes)), np.zeros((q, q, n_lanes))
    is_settled = np.zeros(n_lanes, dtype=bool)
    sweeps = np.zeros(n_lanes, dtype=np.int64)

    is_large = values.shape[0] >= SINGLE_PRECISION_ROWS
    total, of_values, single = rows.start_products(
        values=values, centre=centre, weight=weight, expected=start.expected, with_single=is_large
    )
    n_events = known.sum(axis=0)
    lanes = np.arange(n_lanes)
    current, current_single = values, single
    inverse = np.empty((n_lanes, q, q))
    previous_score, previous_step, previous_size = np.zeros((0, q)), np.zeros((0, q)), np.zeros(0)
    least_step = 0.0
    moments_of: MomentsOf = "biomarker"
    tolerance = (STEP_TOLERANCE_OF_MANY if is_large else STEP_TOLERANCE) * np.sqrt(n_events)
    for count in range(1, MAX_SWEEPS + 1):
        beta, slope, longest = theta[:p, lanes], theta[p, lanes], rows.longest_strip
        swept = rows.sweep(
            Singles(
                x=current_single, base=start.hazard, beta=beta - start.beta[:, None] if count > 1 else None,
                slope=slope, longest=longest,
            )
            if is_large and moments_of != "all"
            else Doubles(
                values=current, centre=centre[lanes], weight=weight[lanes], beta=beta, slope=slope, longest=longest,
                shared=start.hazard if count == 1 else None,
            ),
            moments_of=moments_of,
        )  # fmt: skip
        now = (event_sum[:, lanes] - swept.mean_sum).T
        if count == 1:
            inverse = _start_inverse(
                start=start, total=total, of_values=of_values, moments=swept.moments, n_events=n_events
            )
        else:
            inverse = _updated_inverse(inverse, previous_step, previous_score - now, previous_size > least_step)
        step = np.einsum("kij,kj->ki", inverse, now)
        size = np.sqrt(np.abs(np.einsum("ki,ki->k", step, now)))
        is_small = size <= tolerance[lanes]
        done = is_small & (moments_of == "all")
        if moments_of == "all":
            ended = lanes[done]
            steps[:, ended], tied[:, ended] = swept.hazard_steps[:, done], swept.tied_steps[:, done]
            score[:, ended], mean_products[:, :, ended] = now[done].T, swept.moments[:, :, done]
            loglik[ended] = np.sum(event_sum[:, ended] * theta[:, ended], axis=0) - swept.log_denominator[done]
            is_settled[ended] = True
        # A lane that is done, or small but without moments, stays where it is; one that overflowed is given up.
        open_lanes = ~is_small & np.isfinite(size)
        sweeps[lanes[open_lanes | (is_small & ~is_settled[lanes]) | done]] = count
        step = np.where(open_lanes[:, None], step, 0.0)
        theta[:, lanes] += step.T
        waiting = is_small & ~is_settled[lanes]
        stay = open_lanes | waiting
        if not stay.any():
            break
        # One slow lane must not keep the others from ending.
        is_last = bool(waiting.any()) or bool(np.median(size[open_lanes]) < LIKELY_LAST)
        is_last |= is_large and count >= MAX_SINGLE_SWEEPS
        least_step = LEAST_SINGLE_STEP if is_large and moments_of != "all" else 0.0
        moments_of = "all" if is_last else "none"
        previous_score, previous_step, previous_size = now, step, size
        if stay.sum() < COMPRESS_BELOW * lanes.shape[0]:
            lanes, inverse = lanes[stay], inverse[stay]
            previous_score, previous_step, previous_size = (
                one[stay] for one in (previous_score, previous_step, previous_size)
            )
            current = _columns(values, lanes)
            current_single = _columns(single, lanes) if is_large else single

    fits = LaneFits(theta.T.copy(), np.zeros((n_lanes, q, q)), loglik, sweeps, is_settled)
    settled = np.flatnonzero(is_settled)
    if settled.size:
        of_covariates, of_settled = np.empty((p * (p + 1) // 2, settled.size)), np.empty((q, settled.size))
        is_near = np.zeros(settled.size, dtype=bool)
        if is_large:
            moved = np.abs(theta[:, settled] - np.append(start.beta, 0.0)[:, None]).max(axis=0)
            is_near = (known[:, settled].mean(axis=0) >= SINGLE_PRECISION_KNOWN) & (moved <= SINGLE_PRECISION_MOVE)
        for near in np.unique(is_near):
            place = np.flatnonzero(is_near == near)
            of = settled[place]
            at = {"beta": theta[:p, of], "slope": theta[p, of], "longest": rows.longest_strip}
            expected = {"cumulative": rows.cumulative(steps[:, of]), "tied": tied[:, of]}
            if near:
                at["beta"] -= start.beta[:, None]
                lane = Singles(x=_columns(single, of), base=start.hazard, **at)
                found = rows.product_differences(
                    lane, alone=start.expected, alone_cumulative=start.cumulative, **expected
                )
                of_covariates[:, place] = start.products[:, None] + found[0]
                of_settled[:, place] = of_values[:, of] + found[1]
            else:
                whole = Doubles(values=_columns(values, of), centre=centre[of], weight=weight[of], **at)
                of_covariates[:, place], of_settled[:, place] = rows.products(whole, **expected)
        information = _information(of_covariates, of_settled, mean_products[:, :, settled])
        covariance = _inverses(information)
        step = np.einsum("kij,jk->ki", covariance, score[:, settled])
        fits.estimate[settled] += step
        fits.covariance[settled] = covariance
        is_settled[settled] = _is_regular(information, covariance, step, score[:, settled], n_events[settled])
    return fits


def _columns(values: Values, of: I8) -> Values:
    """Columns `of` of values (n, L), without a copy where they are all."""
    return values if of.shape[0] == values.shape[1] else np.ascontiguousarray(values[:, of])


def _information(of_covariates: F8, of_values: F8, mean_products: F8) -> F8:
    """Information (L, q, q) from sums of expected events x products, less the products of the risk-set means."""
    q, n_lanes = of_values.shape
    lower = np.tril_indices(q - 1)
    information = np.zeros((n_lanes, q, q))
    information[:, lower[0], lower[1]] = of_covariates.T
    information[:, q - 1, :] = of_values.T
    information -= np.moveaxis(mean_products, 2, 0)
    below = np.tril_indices(q, -1)
    information[:, below[1], below[0]] = information[:, below[0], below[1]]
    return information


def _is_regular(information: F8, covariance: F8, step: F8, score: F8, n_events: I8) -> npt.NDArray[np.bool_]:
    """Lanes (L,) whose last step was small and whose columns are not collinear: the others have to be fitted alone."""
    size = np.sqrt(np.abs(np.einsum("ki,ik->k", step, score)))
    # Variance inflation: a column collinear with the others is left to `fit_cox`, which names it.
    inflation = np.einsum("kii->ki", covariance) * np.einsum("kii->ki", information)
    own = np.einsum("kii->ki", information)
    # A column that is constant among those at risk has information from rounding only.
    is_free = np.all((inflation > 0.0) & (inflation * COLLINEAR_TOLERANCE < 1.0), axis=1)
    is_free &= np.all(own > COLLINEAR_TOLERANCE * n_events[:, None], axis=1)
    return np.asarray((size <= LAST_STEP_TOLERANCE) & (covariance[:, -1, -1] > 0.0) & is_free, dtype=np.bool_)


def _start_inverse(*, start: Start, total: F8, of_values: F8, moments: F8, n_events: I8) -> F8:
    """Inverse information (L, q, q) at the start; approximate where values are missing."""
    n_lanes, p = total.shape[0], start.beta.shape[0]
    share = n_events / start.n_events
    information = np.empty((n_lanes, p + 1, p + 1))
    information[:, :p, :p] = start.information * share[:, None, None]
    biomarker = of_values * (n_events / total) - moments[p]
    information[:, p, :] = biomarker.T
    information[:, :, p] = biomarker.T
    return _inverses(information)


def _inverses(information: F8) -> F8:
    """Inverses (L, q, q); NaN where a matrix is exactly singular."""
    try:
        return np.asarray(np.linalg.inv(information), dtype=np.float64)
    except np.linalg.LinAlgError:
        out = np.full_like(information, np.nan)
        for k in range(information.shape[0]):
            with contextlib.suppress(np.linalg.LinAlgError):
                out[k] = np.linalg.inv(information[k])
        return out


def _updated_inverse(inverse: F8, step: F8, fall: F8, usable: npt.NDArray[np.bool_]) -> F8:
    """BFGS update of inverse information (L, q, q) after steps (L, q) by which the score fell (L, q), where usable."""
    curvature = np.einsum("ki,ki->k", step, fall)
    usable = usable & (curvature > 0.0)
    rho = np.divide(1.0, curvature, out=np.zeros_like(curvature), where=usable)
    left = np.eye(step.shape[1]) - rho[:, None, None] * step[:, :, None] * fall[:, None, :]
    updated = left @ inverse @ np.swapaxes(left, 1, 2) + rho[:, None, None] * step[:, :, None] * step[:, None, :]
    return np.where(usable[:, None, None], updated, inverse)
