"""Steiger's test: do the instruments explain more of the exposure than of the outcome, as a cause must?"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from python_models.estimators.genetics.errors import BooleanArray, FloatArray, GeneticsInputError, vectors_of_one_length
from python_models.estimators.genetics.normal_tails import absolute_z, two_sided_p

LARGEST_EXACT_NEG_LOG10_P = 290.0  # beyond it the quantile of Student's t underflows
LOGISTIC_VARIANCE = np.pi**2 / 3  # residual variance of a disease on the log odds scale


@dataclass(frozen=True, slots=True)
class Steiger:
    """Direction of the causal effect.

    r_exposure, r_outcome : square root of the variance the instruments explain together.
    is_exposure_first : r_exposure > r_outcome.
    z, p : of the difference of the two correlations.
    is_instrument_exposure_first : (n,) the same, instrument by instrument (for Steiger filtering).
    refusal : why there is no test.
    """

    is_instrument_exposure_first: BooleanArray
    refusal: str | None = None
    r_exposure: float | None = None
    r_outcome: float | None = None
    is_exposure_first: bool | None = None
    z: float | None = None
    p: float | None = None


def correlation_from_p(*, neg_log10_p: ArrayLike, n: ArrayLike) -> FloatArray:
    """(m,) |correlation| of SNP and quantitative trait: F = F^-1(P; 1, N - 1), r^2 = F / (N - 2 + F).

    neg_log10_p : (m,) of a P that may be far below what a double holds. n : (m,) or scalar, sample size.

    Raises
    ------
    GeneticsInputError
        If lengths differ, N is below 3 or -log10 P is negative or infinite.
    """
    tail, size = vectors_of_one_length(neg_log10_p=neg_log10_p, n=n)
    faults = []
    if not (size >= 3).all():
        faults.append(f"{int((~(size >= 3)).sum()):,} sample sizes are below 3 or missing")
    if not ((tail >= 0) & np.isfinite(tail)).all():
        faults.append("-log10 P must be finite and not negative (P = 0: compute it from Z)")
    if faults:
        raise GeneticsInputError(faults)
    degrees = size - 1
    # F(1, k) is a squared t(k), whose quantile keeps its digits where SciPy's F loses them (P < 1e-8).
    exact = stdtrit(degrees, 10.0 ** -np.minimum(tail, LARGEST_EXACT_NEG_LOG10_P) / 2) ** 2
    # Beyond, Wallace's quantile of t in terms of the normal one: relative error 1e-7 at N = 20,000, falling as 1 / N^2.
    z = absolute_z(tail) * (8 * degrees + 3) / (8 * degrees + 1)
    beyond = degrees * np.expm1(z**2 / degrees)
    statistic = np.where(tail > LARGEST_EXACT_NEG_LOG10_P, beyond, exact)
    return np.asarray(np.sqrt(statistic / (size - 2 + statistic)))


def correlation_from_log_odds(
    *,
    log_odds_ratio: ArrayLike,
    allele_frequency: ArrayLike,
    n_cases: ArrayLike,
    n_controls: ArrayLike,
    prevalence: ArrayLike,
) -> FloatArray:
    """(m,) |correlation| of SNP and disease on the log odds scale: r^2 = v / (v + pi^2 / 3), v = 2 f (1 - f) b^2.

    allele_frequency : (m,) of the effect allele in cases and controls together; taken to the population's by the odds
        ratio and the prevalence. TwoSampleMR's `get_r_from_lor` leaves out the 2 of a diploid genotype.

    Raises
    ------
    GeneticsInputError
        If lengths differ, or a frequency or prevalence is not inside (0, 1).

    References
    ----------
    Lee et al. 2012, Genetic Epidemiology 36:214-224, eq. 10.
    """
    effect, frequency, cases, controls, share = vectors_of_one_length(
        log_odds_ratio=log_odds_ratio,
        allele_frequency=allele_frequency,
        n_cases=n_cases,
        n_controls=n_controls,
        prevalence=prevalence,
    )
    for name, values in (("allele_frequency", frequency), ("prevalence", share)):
        if not ((values > 0) & (values < 1)).all():
            raise GeneticsInputError([f"{name} must lie between 0 and 1"])
    sampled = cases / (cases + controls)
    in_cases = _allele_and_case(odds_ratio=np.exp(effect), allele=frequency, case=sampled)
    population = (frequency - in_cases) / (1 - sampled) * (1 - share) + in_cases / sampled * share
    variance = 2 * population * (1 - population) * effect**2
    return np.asarray(np.sqrt(variance / (variance + LOGISTIC_VARIANCE)))


def _allele_and_case(*, odds_ratio: FloatArray, allele: FloatArray, case: FloatArray) -> FloatArray:
    """P(allele and case) in the 2 x 2 table with these margins and this odds ratio (the root inside the margins)."""
    a = odds_ratio - 1
    b = -(1 + a * (allele + case))
    c = odds_ratio * allele * case
    # The smaller root, in the form that survives an odds ratio of 1.
    return np.asarray(2 * c / (-b + np.sqrt(np.maximum(b**2 - 4 * a * c, 0.0))))


def steiger(*, r_exposure: ArrayLike, r_outcome: ArrayLike, n_exposure: ArrayLike, n_outcome: ArrayLike) -> Steiger:
    """Test r_exposure > r_outcome: z = (atanh r_x - atanh r_y) / sqrt(1 / (N_x - 3) + 1 / (N_y - 3)).

    r_exposure, r_outcome : (n,) correlation of each instrument with each trait (sign ignored).
    n_exposure, n_outcome : (n,) or scalar, sample sizes; their means enter the test.

    Assumes independent instruments and that both traits are measured equally well.

    Raises
    ------
    GeneticsInputError
        If lengths differ or a mean sample size is not above 3.

    References
    ----------
    Hemani, Tilling and Davey Smith 2017, PLoS Genetics 13(11), Methods.
    """
    r_x, r_y, n_x, n_y = vectors_of_one_length(
        r_exposure=r_exposure, r_outcome=r_outcome, n_exposure=n_exposure, n_outcome=n_outcome
    )
    if not (n_x.mean() > 3 and n_y.mean() > 3):
        raise GeneticsInputError(["mean sample sizes must be above 3"])
    first = np.abs(r_x) > np.abs(r_y)
    total_x, total_y = float(np.sqrt((r_x**2).sum())), float(np.sqrt((r_y**2).sum()))
    if not (total_x < 1 and total_y < 1):
        return Steiger(
            is_instrument_exposure_first=first,
            refusal=f"the instruments explain {max(total_x, total_y) ** 2:.0%} of a trait: they are not independent",
        )
    z = (np.arctanh(total_x) - np.arctanh(total_y)) / np.sqrt(1 / (n_x.mean() - 3) + 1 / (n_y.mean() - 3))
    return Steiger(
        is_instrument_exposure_first=first,
        r_exposure=total_x,
        r_outcome=total_y,
        is_exposure_first=total_x > total_y,
        z=float(z),
        p=float(two_sided_p(z)),
    )
