"""Mediators shared by two outcomes: how many, out of what, more than chance, in the same direction."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from python_models.estimators.mediation.composite_null import max_p
from python_models.estimators.mediation.faults import FloatArray, choice_fault, raise_if_any
from python_models.estimators.mediation.share_intervals import (
    DEFAULT_BOOTSTRAPS,
    DENOMINATORS,
    Denominator,
    denominator_sizes,
    share_interval,
)
from python_models.estimators.multiplicity import adjust_p_values

DEFAULT_PERMUTATIONS = 10_000
# Permutations held at once: their labels at 3,000 mediators are 12 MB.
PERMUTATIONS_PER_BLOCK = 1_000


@dataclass(frozen=True, slots=True)
class MediatorOverlap:
    """Overlap of the mediators of two outcomes; chance values among the `n_background` that could be on both lists.

    n_first, n_second, n_shared, n_same_direction: counts. n_first_in_background, n_second_in_background: of either
    list, those in the background, which chance values are given. expected: of n_shared by chance, summed over strata.
    share, lower, upper (4,): n_shared over each of DENOMINATORS, NaN with `refusals` where the denominator is 0.
    hypergeometric_p: at least n_shared by chance, mediators of a stratum exchangeable. permutation_p: the same by
    permutation, permutation_mean and permutation_upper (95th percentile) of n_shared under it. same_direction_p: at
    least n_same_direction by the same permutations. Correlated mediators are not exchangeable: `sign_flip_overlap`.
    """

    n_background: int
    n_first: int
    n_second: int
    n_first_in_background: int
    n_second_in_background: int
    n_shared: int
    n_same_direction: int
    expected: float
    share: FloatArray
    lower: FloatArray
    upper: FloatArray
    level: float
    hypergeometric_p: float
    permutation_p: float
    permutation_mean: float
    permutation_upper: float
    same_direction_p: float
    n_permutations: int
    refusals: tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class SharedMediators:
    """Which mediators serve both outcomes, with the false-discovery rate of that very statement.

    p (m,): the larger of the two mediation p-values; q (m,): Benjamini-Hochberg over the panel; is_shared (m,): q <
    level.
    """

    p: FloatArray
    q: FloatArray
    is_shared: npt.NDArray[np.bool_]


def shared_mediators(p_first: npt.ArrayLike, p_second: npt.ArrayLike, *, level: float = 0.05) -> SharedMediators:
    """Mediators of both outcomes at a false-discovery rate of `level`; intersecting two q < level lists gives no such
    rate.

    p_first, p_second (m,): joint-significance p-values of mediation for the two outcomes, the same mediators in the
    same order; dependent or not. Their maximum is a valid p-value of "mediates for the first AND for the second".

    Benjamini-Hochberg and not HDMT: joint-significance p-values are larger than uniform where a path is missing, the
    counts above lambda then hide the mediators of one outcome only, and where nothing was shared HDMT called something
    shared in 12 % of simulated panels.

    Raises MediationInputError for values outside 0 to 1 or different lengths.
    """
    p = max_p(p_first, p_second)
    q = adjust_p_values(p)
    return SharedMediators(p=p, q=q, is_shared=q < level)


def mediator_overlap(
    *,
    sign_first: npt.ArrayLike,
    sign_second: npt.ArrayLike,
    strata: npt.ArrayLike | None = None,
    clusters: npt.ArrayLike | None = None,
    is_background: npt.ArrayLike | None = None,
    seed: int,
    n_permutations: int = DEFAULT_PERMUTATIONS,
    n_bootstraps: int = DEFAULT_BOOTSTRAPS,
    level: float = 0.95,
) -> MediatorOverlap:
    """Overlap of two lists of mediators over the whole tested panel.

    sign_first, sign_second (m,): +1 or -1 the direction of the indirect effect of a mediator of that outcome, 0 for no
    mediator; m counts every mediator tested for both. Of one exposure: the direction of the outcome path, which alone
    differs. is_background (m,): which are exchangeable under the null; all of them unless given, and
    `shared_exposure_background` where both lists are mediators of one exposure. strata (m,): labels (platform) within
    which alone mediators are exchangeable, for every chance value: pooled, platforms with unlike backgrounds seem to
    share more than chance. clusters (m,): labels of correlated mediators, for the interval only: see `share_interval`.

    Raises MediationInputError for lengths, codes other than -1, 0, 1, or an empty panel.

    References: Phipson & Smyth 2010, Stat Appl Genet Mol Biol 9:39 (permutation p with 1 added, never 0).
    """
    a, b = np.asarray(sign_first, dtype=np.float64), np.asarray(sign_second, dtype=np.float64)
    m = a.shape[0] if a.ndim == 1 else 0
    faults = [] if m else ["sign_first must be one column with at least one mediator"]
    for name, values in (("sign_first", a), ("sign_second", b)):
        if values.shape != (m,):
            faults.append(f"{name} has shape {values.shape}, expected ({m},)")
        elif not np.isin(values, (-1.0, 0.0, 1.0)).all():
            faults.append(f"{name} must be -1, 0 or 1")
    labels = {"strata": strata, "clusters": clusters, "is_background": is_background}
    for name, given in labels.items():
        if given is not None and np.shape(given) != (m,):
            faults.append(f"{name} has shape {np.shape(given)}, expected ({m},)")
    raise_if_any(faults)
    inside = np.ones(m, dtype=np.bool_) if is_background is None else np.asarray(is_background, dtype=np.bool_)
    n_outside = int(np.count_nonzero((a != 0) & (b != 0) & ~inside))
    raise_if_any([f"{n_outside} mediators of both outcomes lie outside is_background"] if n_outside else [])
    stratum = np.zeros(m, dtype=np.int64) if strata is None else np.unique(np.asarray(strata), return_inverse=True)[1]
    is_a, is_b = a != 0, b != 0
    n_first, n_second = int(is_a.sum()), int(is_b.sum())
    n_shared, n_same = int((is_a & is_b).sum()), int((a * b > 0).sum())
    denominators = denominator_sizes(n_first, n_second, n_shared)
    refusals = tuple(None if d > 0 else "no mediators to be a share of" for d in denominators)
    with np.errstate(invalid="ignore"):
        share = np.where(denominators > 0, n_shared / np.maximum(denominators, 1), np.nan)
    rng = np.random.default_rng(seed)
    shared, same = _permuted_counts(
        a=a[inside], b=b[inside], stratum=stratum[inside], n_permutations=n_permutations, rng=rng
    )
    n_background, first_inside, second_inside = (int(np.count_nonzero(x & inside)) for x in (inside, is_a, is_b))
    expected, hypergeometric_p = _by_chance(n_shared, is_a=is_a[inside], is_b=is_b[inside], stratum=stratum[inside])
    lower, upper = share_interval(
        is_a & is_b, is_first=is_a, is_second=is_b, clusters=clusters, rng=rng, n_bootstraps=n_bootstraps, level=level
    )
    return MediatorOverlap(
        n_background=n_background,
        n_first=n_first,
        n_second=n_second,
        n_first_in_background=first_inside,
        n_second_in_background=second_inside,
        n_shared=n_shared,
        n_same_direction=n_same,
        expected=expected,
        share=share,
        lower=lower,
        upper=upper,
        level=level,
        hypergeometric_p=hypergeometric_p,
        permutation_p=float((1 + np.count_nonzero(shared >= n_shared)) / (1 + n_permutations)),
        permutation_mean=float(shared.mean()),
        permutation_upper=float(np.quantile(shared, 0.95)),
        same_direction_p=float((1 + np.count_nonzero(same >= n_same)) / (1 + n_permutations)),
        n_permutations=n_permutations,
        refusals=refusals,
    )


def shared_exposure_background(
    p_exposure_first: npt.ArrayLike,
    p_exposure_second: npt.ArrayLike,
    p_first: npt.ArrayLike,
    p_second: npt.ArrayLike,
    *,
    is_first: npt.ArrayLike,
    is_second: npt.ArrayLike,
    level: float = 0.05,
) -> npt.NDArray[np.bool_]:
    """Which biomarkers (m,) one exposure moves clearly enough to be on both lists of its mediators.

    Both lists hold only biomarkers that the exposure moves, so they meet more often than lists drawn from the whole
    panel even where the outcome paths are independent. Given the exposure path, a biomarker is on a list if its outcome
    path passes that list's threshold: among those whose exposure path passes both, the outcome paths are exchangeable.
    That a weaker exposure path counts as moved is not enough: such a biomarker cannot be on the list.

    p_exposure_first, p_exposure_second (m,): of the exposure path, as fitted beside either outcome. p_first, p_second
    (m,): joint significance; is_first, is_second (m,): on the list. Where a list is empty, its threshold is the
    Benjamini-Hochberg one of the exposure path at `level`.
    """
    inside: list[npt.NDArray[np.bool_]] = []
    for exposure, joint, listed in ((p_exposure_first, p_first, is_first), (p_exposure_second, p_second, is_second)):
        p, on_list = np.asarray(exposure, dtype=np.float64), np.asarray(listed, dtype=np.bool_)
        if on_list.any():
            inside.append(p <= np.asarray(joint, dtype=np.float64)[on_list].max())
        else:
            inside.append(adjust_p_values(p) < level)
    return inside[0] & inside[1]


def share_over(overlap: MediatorOverlap, denominator: Denominator) -> tuple[float, float, float]:
    """(share, lower, upper) over one named denominator."""
    raise_if_any(choice_fault(name="denominator", value=denominator, allowed=DENOMINATORS))
    j = DENOMINATORS.index(denominator)
    return float(overlap.share[j]), float(overlap.lower[j]), float(overlap.upper[j])


def _by_chance(
    n_shared: int, *, is_a: npt.NDArray[np.bool_], is_b: npt.NDArray[np.bool_], stratum: npt.NDArray[np.int64]
) -> tuple[float, float]:
    """Expected number of shared and the chance of at least n_shared, exchangeable within strata.

    The number shared is a sum of independent hypergeometric numbers, one per stratum: their probabilities convolved.
    """
    expected, probability, last = 0.0, np.ones(1), None
    for one in np.unique(stratum):
        at = stratum == one
        size, first, second = int(at.sum()), int(is_a[at].sum()), int(is_b[at].sum())
        expected += first * second / size
        last = stats.hypergeom(size, first, second)
        probability = np.convolve(probability, last.pmf(np.arange(min(first, second) + 1)))
    if n_shared == 0 or last is None:
        return expected, 1.0
    if np.ptp(stratum) == 0:
        # Far in the tail more exact than a sum of probabilities.
        return expected, float(last.sf(n_shared - 1))
    return expected, float(min(probability[n_shared:].sum(), 1.0))


def _permuted_counts(
    *,
    a: FloatArray,
    b: FloatArray,
    stratum: npt.NDArray[np.int64],
    n_permutations: int,
    rng: np.random.Generator,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Shared and same-direction counts (n_permutations,) when b's labels change places within strata."""
    shared, same = np.zeros(n_permutations), np.zeros(n_permutations)
    for one in np.unique(stratum):
        signs_a, signs_b = a[stratum == one], b[stratum == one]
        if not (signs_a.any() and signs_b.any()):
            continue
        for begin in range(0, n_permutations, PERMUTATIONS_PER_BLOCK):
            block = slice(begin, min(begin + PERMUTATIONS_PER_BLOCK, n_permutations))
            moved = rng.permuted(np.tile(signs_b, (block.stop - begin, 1)), axis=1)
            agreement, both = moved @ signs_a, np.abs(moved) @ np.abs(signs_a)
            shared[block] += both
            same[block] += 0.5 * (agreement + both)
    return np.rint(shared).astype(np.int64), np.rint(same).astype(np.int64)
