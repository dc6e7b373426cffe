"""PLACO and PLACO+: is a SNP associated with both of two traits?

The null is composite: no association, or with one trait only. PLACO refers the product of the two Z scores to the
distribution it has where one of them is null and the other carries the trait's polygenic spread.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numba import njit
from numpy.typing import ArrayLike

from python_models.estimators.genetics.errors import (
    FloatArray,
    GeneticsInputError,
    IntegerArray,
    vectors_of_one_length,
)
from python_models.estimators.genetics.normal_tails import LOG_10, absolute_z
from python_models.estimators.genetics.product_normal import interpolate_log_tail, product_tail

Method = Literal["placo", "placo_plus"]

NULL_P_THRESHOLD = 1e-4  # a SNP with a smaller P is not null for that trait (Ray and Chatterjee 2020, Methods)
MAXIMUM_Z_SQUARED = 80.0  # larger effects dominate the variance of Z (the same)
FEWEST_NULL_SNPS = 10_000  # the variance of Z is meant to be taken over a genome, not over candidates


@dataclass(frozen=True, slots=True)
class PlacoParameters:
    """What the null distribution of z_1 z_2 depends on.

    variance_1, variance_2 : Var(Z) over SNPs not clearly associated with both traits.
    correlation : Corr(Z_1, Z_2) over SNPs clearly associated with neither: sample overlap. PLACO+ uses it.
    n_for_variance, n_for_correlation : SNPs behind each; 0 where a value was given.
    """

    variance_1: float
    variance_2: float
    correlation: float
    n_for_variance: int = 0
    n_for_correlation: int = 0


@dataclass(frozen=True, slots=True)
class Placo:
    """One test per SNP.

    index : (k,) positions of the tested SNPs in the input.
    p, neg_log10_p : (k,) P value of pleiotropy; P is 0 below 5e-324, neg_log10_p never.
    parameters : of the null distribution.
    n_missing, n_extreme : SNPs left out: without both Z scores; with Z^2 above the maximum in either trait.
    notes : what a reader must know to use the numbers.
    """

    method: Method
    index: IntegerArray
    p: FloatArray
    neg_log10_p: FloatArray
    parameters: PlacoParameters
    n_missing: int
    n_extreme: int
    notes: tuple[str, ...]


def placo_parameters(*, z_1: ArrayLike, z_2: ArrayLike, null_p_threshold: float = NULL_P_THRESHOLD) -> PlacoParameters:
    """Variances and correlation of the Z scores of a whole genome, all finite, extremes already removed.

    Variance over SNPs that do not have P < threshold in both traits; correlation over SNPs that have it in neither.

    Raises
    ------
    GeneticsInputError
        If fewer than two SNPs remain for either.
    """
    first, second = vectors_of_one_length(z_1=z_1, z_2=z_2)
    cutoff = float(absolute_z(-np.log10(null_p_threshold)))
    is_hit_1, is_hit_2 = np.abs(first) > cutoff, np.abs(second) > cutoff
    for_variance, for_correlation = ~(is_hit_1 & is_hit_2), ~(is_hit_1 | is_hit_2)
    if for_correlation.sum() < 2:
        raise GeneticsInputError([f"{int(for_correlation.sum())} SNPs are null in both traits: give a whole genome"])
    return PlacoParameters(
        variance_1=float(first[for_variance].var(ddof=1)),
        variance_2=float(second[for_variance].var(ddof=1)),
        correlation=float(np.corrcoef(first[for_correlation], second[for_correlation])[0, 1]),
        n_for_variance=int(for_variance.sum()),
        n_for_correlation=int(for_correlation.sum()),
    )


def placo(
    *,
    z_1: ArrayLike,
    z_2: ArrayLike,
    method: Method = "placo_plus",
    parameters: PlacoParameters | None = None,
    correlation: float | None = None,
    maximum_z_squared: float | None = MAXIMUM_Z_SQUARED,
) -> Placo:
    """P(|z_1 z_2| this large) under the composite null: G(x / sqrt v_1) + G(x / sqrt v_2) - G(x), x = |z_1 z_2|.

    z_1, z_2 : (n,) Z scores of the same effect alleles, NaN where missing.
    method : "placo_plus" allows correlated Z scores (shared participants, as within UK Biobank); "placo" does not.
    parameters : given, or estimated from these SNPs (then they must be a whole genome, not candidates).
    correlation : of the Z scores, in place of the estimated one (for example from the LD score intercepts).
    maximum_z_squared : SNPs beyond it in either trait are left out and counted; None keeps all.

    Says nothing of direction beyond the sign of z_1 z_2 and cannot tell pleiotropy from one trait causing the other.
    The null takes Z as normal with the variance v: right for a polygenic trait, too small a P where few SNPs carry all
    of a trait's effects (10 % of SNPs with variance 6.25: P < 0.001 at 0.0027 of null SNPs).

    Raises
    ------
    GeneticsInputError
        If lengths differ, the method is unknown, no SNP has both Z scores, or a parameter is impossible.

    References
    ----------
    Ray and Chatterjee 2020, PLoS Genetics 16(12), eq. 3; Park and Ray 2025, HGG Advances 6:100501 (PLACO+).
    """
    if method not in ("placo", "placo_plus"):
        raise GeneticsInputError([f"method {method!r} is unknown; use 'placo' or 'placo_plus'"])
    first, second = vectors_of_one_length(z_1=z_1, z_2=z_2)
    is_present = np.isfinite(first) & np.isfinite(second)
    is_tested = is_present
    if maximum_z_squared is not None:
        is_tested = is_present & (first**2 <= maximum_z_squared) & (second**2 <= maximum_z_squared)
    if not is_tested.any():
        raise GeneticsInputError(["no SNP has both Z scores within bounds"])
    first, second = first[is_tested], second[is_tested]
    null = placo_parameters(z_1=first, z_2=second) if parameters is None else parameters
    if correlation is not None:
        null = replace(null, correlation=correlation, n_for_correlation=0)
    if not (null.variance_1 > 0 and null.variance_2 > 0):
        raise GeneticsInputError([f"variances of Z are {null.variance_1:.3g} and {null.variance_2:.3g}: not positive"])
    tail = product_tail(null.correlation if method == "placo_plus" else 0.0)
    log_p, n_floored = _log_p(
        first,
        second,
        null.variance_1,
        null.variance_2,
        tail.log_tail_plus_decay,
        tail.slope,
        tail.decay,
    )
    return Placo(
        method=method,
        index=np.flatnonzero(is_tested),
        p=np.exp(log_p),
        neg_log10_p=-log_p / LOG_10 + 0.0,
        parameters=null,
        n_missing=int((~is_present).sum()),
        n_extreme=int(is_present.sum() - is_tested.sum()),
        notes=_notes(null, method=method, n_tested=first.size, n_floored=n_floored),
    )


@njit(cache=True, nogil=True)
def _log_p(
    z_1: FloatArray,
    z_2: FloatArray,
    variance_1: float,
    variance_2: float,
    table: FloatArray,
    slope: FloatArray,
    decay: float,
) -> tuple[FloatArray, int]:
    """(n,) log P, and how often the approximation was not positive.

    Where both variances are below 1 the last term can exceed the first two: the tail of the product of two standard
    normals, larger than either, then stands in.
    """
    result = np.empty(z_1.size)
    half_log_1, half_log_2 = 0.5 * np.log(variance_1), 0.5 * np.log(variance_2)
    root_1, root_2 = np.sqrt(variance_1), np.sqrt(variance_2)
    n_floored = 0
    for j in range(z_1.size):
        x = abs(z_1[j] * z_2[j])
        if x == 0.0:
            result[j] = 0.0
            continue
        log_x = np.log(x)
        only_1 = interpolate_log_tail(log_x - half_log_1, x / root_1, table, slope, decay)
        only_2 = interpolate_log_tail(log_x - half_log_2, x / root_2, table, slope, decay)
        neither = interpolate_log_tail(log_x, x, table, slope, decay)
        largest = max(only_1, only_2, neither)
        total = np.exp(only_1 - largest) + np.exp(only_2 - largest) - np.exp(neither - largest)
        if total > 0.0:
            result[j] = min(largest + np.log(total), 0.0)
        else:
            n_floored += 1
            result[j] = neither
    return result, n_floored


def decorrelated(*, z_1: ArrayLike, z_2: ArrayLike, correlation: float) -> tuple[FloatArray, FloatArray]:
    """Z R^(-1/2): two Z scores without the correlation that shared participants give them.

    The symmetric root keeps each trait as close to itself as a decorrelation can.
    """
    first, second = vectors_of_one_length(z_1=z_1, z_2=z_2)
    if not abs(correlation) < 1:
        raise GeneticsInputError([f"correlation is {correlation}; it must lie between -1 and 1"])
    plus, minus = 1 / np.sqrt(1 + correlation), 1 / np.sqrt(1 - correlation)
    own, other = (plus + minus) / 2, (plus - minus) / 2
    return own * first + other * second, other * first + own * second


def _notes(null: PlacoParameters, *, method: Method, n_tested: int, n_floored: int) -> tuple[str, ...]:
    notes = []
    if n_tested < FEWEST_NULL_SNPS and null.n_for_variance > 0:
        notes.append(
            f"variances estimated from {n_tested:,} SNPs: PLACO is for a whole genome, not for a list of candidates"
        )
    if method == "placo" and abs(null.correlation) > 3 / np.sqrt(max(null.n_for_correlation, 1)):
        notes.append(f"the Z scores are correlated ({null.correlation:.3f}) under the null: use placo_plus")
    if n_floored:
        notes.append(
            f"variances of Z below 1 ({null.variance_1:.3f}, {null.variance_2:.3f}) left no probability at "
            f"{n_floored:,} SNPs: P of two standard normals given there (larger)"
        )
    return tuple(notes)
