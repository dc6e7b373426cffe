"""Approximate Bayes factor colocalisation: do two traits share one causal variant in a region?

Five hypotheses, at most one causal variant per trait: none (H0), first trait only (H1), second only (H2), two different
variants (H3), one shared variant (H4).
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import logsumexp

from python_models.estimators.genetics.errors import FloatArray, GeneticsInputError, IntegerArray, vectors_of_one_length
from python_models.estimators.genetics.normal_tails import absolute_z

Kind = Literal["quantitative", "case_control"]

PRIOR_SD_PER_SD_OF_TRAIT = 0.15  # effect of a causal variant on a quantitative trait (Giambartolomei 2014)
PRIOR_SD_LOG_ODDS = 0.2  # on a log odds ratio (the same)
P_1 = P_2 = 1e-4  # prior that a SNP is causal for one trait
P_12 = 1e-5  # prior that it is causal for both
SENSITIVITY_P_12 = tuple(float(p) for p in np.geomspace(1e-8, 1e-4, 41))
SUGGESTIVE_NEG_LOG10_P = 5.0  # without a SNP beyond it a trait has no signal to colocalise
HYPOTHESES = ("H0", "H1", "H2", "H3", "H4")


@dataclass(frozen=True, slots=True)
class RegionTrait:
    """One trait's evidence in a region, ready for Bayes factors.

    z : (n,) |effect| / standard error.
    variance : (n,) variance of the effect estimate on the prior's scale.
    prior_sd : standard deviation of a causal effect.
    sd_of_trait : used for a quantitative trait, None for a disease.
    """

    z: FloatArray
    variance: FloatArray
    prior_sd: float
    sd_of_trait: float | None


def trait_from_effects(
    *,
    beta: ArrayLike,
    standard_error: ArrayLike,
    kind: Kind,
    sd_of_trait: float | None = None,
    allele_frequency: ArrayLike | None = None,
    n: ArrayLike | None = None,
) -> RegionTrait:
    """From effects and STANDARD ERRORS (not variances: the commonest mistake in coloc input).

    beta, standard_error : (n_snps,) effects (log odds ratios for a disease), NaN where missing.
    sd_of_trait : of a quantitative trait; estimated from `allele_frequency` and `n` where not given.

    Raises
    ------
    GeneticsInputError
        If lengths differ, a standard error is not positive, or a quantitative trait has neither its standard deviation
        nor allele frequencies and sample size.
    """
    effects, errors = vectors_of_one_length(beta=beta, standard_error=standard_error)
    if (errors <= 0).any():
        raise GeneticsInputError([f"{int((errors <= 0).sum()):,} standard errors are not positive"])
    if _checked(kind) == "case_control":
        return RegionTrait(np.abs(effects) / errors, errors**2, PRIOR_SD_LOG_ODDS, None)
    if sd_of_trait is None:
        if allele_frequency is None or n is None:
            raise GeneticsInputError(
                ["a quantitative trait needs sd_of_trait, or allele_frequency and n to estimate it from"]
            )
        sd_of_trait = estimated_sd_of_trait(standard_error=errors, allele_frequency=allele_frequency, n=n)
    return RegionTrait(np.abs(effects) / errors, errors**2, PRIOR_SD_PER_SD_OF_TRAIT * sd_of_trait, sd_of_trait)


def trait_from_p(
    *,
    neg_log10_p: ArrayLike,
    allele_frequency: ArrayLike,
    n: ArrayLike,
    kind: Kind,
    case_share: float | None = None,
) -> RegionTrait:
    """From P values alone: variance 1 / (2 N f (1 - f)), for a disease divided by s (1 - s), s the share of cases.

    allele_frequency : (n_snps,) of either allele. n : (n_snps,) or scalar, cases plus controls.

    Raises
    ------
    GeneticsInputError
        If lengths differ, a frequency is not inside (0, 1), or a disease has no share of cases.
    """
    tail, frequency, size = vectors_of_one_length(neg_log10_p=neg_log10_p, allele_frequency=allele_frequency, n=n)
    outside = (frequency <= 0) | (frequency >= 1)
    faults = [f"{int(outside.sum()):,} allele frequencies are not between 0 and 1"] if outside.any() else []
    is_disease = _checked(kind) == "case_control"
    if is_disease and not (case_share is not None and 0 < case_share < 1):
        faults.append(f"case_share is {case_share}; a disease needs cases / (cases + controls)")
    if faults:
        raise GeneticsInputError(faults)
    variance = 1 / (2 * size * frequency * (1 - frequency))
    if is_disease:
        assert case_share is not None
        variance = variance / (case_share * (1 - case_share))
    prior_sd = PRIOR_SD_LOG_ODDS if is_disease else PRIOR_SD_PER_SD_OF_TRAIT
    return RegionTrait(absolute_z(tail), variance, prior_sd, None if is_disease else 1.0)


def estimated_sd_of_trait(*, standard_error: ArrayLike, allele_frequency: ArrayLike, n: ArrayLike) -> float:
    """Standard deviation of a quantitative trait from Var(beta) = sd^2 / (2 N f (1 - f)), by regression through 0.

    sd^2 = sum(x o) / sum(o^2), x = 2 N f (1 - f), o = 1 / se^2, over SNPs with all three.

    Raises
    ------
    GeneticsInputError
        If no SNP has all three or the estimate is not positive.
    """
    errors, frequency, size = vectors_of_one_length(
        standard_error=standard_error, allele_frequency=allele_frequency, n=n
    )
    used = np.isfinite(errors) & np.isfinite(frequency) & np.isfinite(size)
    precision = 1 / errors[used] ** 2
    information = 2 * size[used] * frequency[used] * (1 - frequency[used])
    squared = float((information * precision).sum() / (precision**2).sum()) if used.any() else 0.0
    if not squared > 0:
        raise GeneticsInputError(["the trait's standard deviation cannot be estimated: check allele frequencies and n"])
    return float(np.sqrt(squared))


def log_bayes_factors(trait: RegionTrait) -> FloatArray:
    """(n,) log approximate Bayes factor of each SNP: 1/2 (log(1 - r) + r z^2), r = W / (W + V).

    Wakefield 2009, Genetic Epidemiology 33:79-86, eq. 2 (inverted: association over none).
    """
    shrinkage = trait.prior_sd**2 / (trait.prior_sd**2 + trait.variance)
    return np.asarray(0.5 * (np.log1p(-shrinkage) + shrinkage * trait.z**2))


@dataclass(frozen=True, slots=True)
class Colocalisation:
    """Posterior of the five hypotheses in one region.

    posterior : (5,) H0 to H4, summing to 1.
    snp_posterior : (k,) posterior that a SNP is the shared variant, given H4.
    index : (k,) positions of the SNPs used.
    log_bayes_factor_1, log_bayes_factor_2 : (k,) of each trait.
    p_1, p_2, p_12 : priors used.
    sensitivity_p_12, sensitivity : (m,) other values of p_12 and (m, 5) their posteriors.
    smallest_p_12_for_h4 : smallest of them (and p_12) with H4 above one half, None where none has.
    n_missing : SNPs without evidence for both traits.
    refusal : why there is no posterior; the arrays are then None.
    notes : what a reader must know to use the numbers.
    """

    n_snps: int
    n_missing: int
    p_1: float
    p_2: float
    p_12: float
    refusal: str | None
    notes: tuple[str, ...] = ()
    posterior: FloatArray | None = None
    snp_posterior: FloatArray | None = None
    index: IntegerArray | None = None
    log_bayes_factor_1: FloatArray | None = None
    log_bayes_factor_2: FloatArray | None = None
    sensitivity_p_12: FloatArray | None = None
    sensitivity: FloatArray | None = None
    smallest_p_12_for_h4: float | None = None


def colocalisation(
    *,
    first: RegionTrait,
    second: RegionTrait,
    p_1: float = P_1,
    p_2: float = P_2,
    p_12: float = P_12,
    sensitivity_p_12: ArrayLike = SENSITIVITY_P_12,
) -> Colocalisation:
    """Colocalisation of two traits over the same SNPs of one region (about 500 kb either side of a lead SNP).

    Assumes at most one causal variant per trait and the same ancestry; alleles need no alignment.

    Raises
    ------
    GeneticsInputError
        If the traits differ in length or a prior is not between 0 and 1.

    References
    ----------
    Giambartolomei et al. 2014, PLoS Genetics 10(5), eqs. 2-3 and Text S1; Wallace 2020, PLoS Genetics
    16(4) (choice and sensitivity of p12).
    """
    if first.z.size != second.z.size:
        raise GeneticsInputError([f"the traits have {first.z.size:,} and {second.z.size:,} SNPs"])
    if not all(0 < p < 1 for p in (p_1, p_2, p_12)):
        raise GeneticsInputError([f"priors {p_1}, {p_2}, {p_12} must lie between 0 and 1"])
    evidence = [log_bayes_factors(trait) for trait in (first, second)]
    index = np.flatnonzero(np.isfinite(evidence[0]) & np.isfinite(evidence[1]))
    n_snps = index.size
    refusal = None
    if n_snps == 0:
        refusal = "no SNP has evidence for both traits: check that both cover the region on the same build"
    elif n_snps * (p_1 + p_2 + p_12) + n_snps * (n_snps - 1) * p_1 * p_2 >= 1:
        refusal = f"{n_snps:,} SNPs leave H0 no prior probability: give one region, not a genome"
    counted = Colocalisation(
        n_snps=n_snps, n_missing=first.z.size - n_snps, p_1=p_1, p_2=p_2, p_12=p_12, refusal=refusal
    )
    if refusal is not None:
        return counted
    log_1, log_2 = evidence[0][index], evidence[1][index]
    sums = _LogSums.of(log_1, log_2)
    posterior = sums.posterior(p_1=p_1, p_2=p_2, p_12=p_12)
    other_p_12 = np.asarray(sensitivity_p_12, dtype=np.float64)
    sensitivity = np.array([sums.posterior(p_1=p_1, p_2=p_2, p_12=float(p)) for p in other_p_12]).reshape(-1, 5)
    tried = np.append(other_p_12, p_12)[np.append(sensitivity[:, 4], posterior[4]) > 0.5]
    return replace(
        counted,
        notes=_notes(first, second, index=index, posterior=posterior),
        posterior=posterior,
        snp_posterior=np.exp(log_1 + log_2 - sums.both),
        index=index,
        log_bayes_factor_1=log_1,
        log_bayes_factor_2=log_2,
        sensitivity_p_12=other_p_12,
        sensitivity=sensitivity,
        smallest_p_12_for_h4=float(tried.min()) if tried.size else None,
    )


@dataclass(frozen=True, slots=True)
class _LogSums:
    """Log sums over SNPs of each trait's Bayes factors, of their products, and of products over two different SNPs."""

    first: float
    second: float
    both: float
    different: float

    @classmethod
    def of(cls, log_1: FloatArray, log_2: FloatArray) -> "_LogSums":
        first, second, both = (float(logsumexp(values)) for values in (log_1, log_2, log_1 + log_2))
        share = min(np.exp(both - first - second), 1.0)  # rounding must not leave a negative remainder
        with np.errstate(divide="ignore"):  # one SNP: no two different ones, H3 is 0
            different = first + second + float(np.log1p(-share))
        return cls(first=first, second=second, both=both, different=different)

    def posterior(self, *, p_1: float, p_2: float, p_12: float) -> FloatArray:
        """(5,) posterior for these priors: only the weights change, not the sums."""
        log_joint = np.array(
            [
                0.0,
                np.log(p_1) + self.first,
                np.log(p_2) + self.second,
                np.log(p_1) + np.log(p_2) + self.different,
                np.log(p_12) + self.both,
            ]
        )
        return np.asarray(np.exp(log_joint - logsumexp(log_joint)))


def _checked(kind: Kind) -> Kind:
    if kind not in ("quantitative", "case_control"):
        raise GeneticsInputError([f"kind {kind!r} is unknown; use 'quantitative' or 'case_control'"])
    return kind


def _notes(first: RegionTrait, second: RegionTrait, *, index: IntegerArray, posterior: FloatArray) -> tuple[str, ...]:
    notes = []
    cutoff = float(absolute_z(SUGGESTIVE_NEG_LOG10_P))
    for name, trait in (("first", first), ("second", second)):
        if trait.z[index].max() < cutoff:
            notes.append(f"the {name} trait has no SNP with P < 1e-5 here: the posterior leans on the priors")
    if posterior[3] > 0.8:
        notes.append("H3: two variants, or several per trait, or mismatched SNPs: look at the region's LD")
    return tuple(notes)
