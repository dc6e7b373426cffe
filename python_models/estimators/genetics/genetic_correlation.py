"""Genetic covariance and correlation of two traits by cross-trait LD score regression, for one pair or all pairs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from python_models.estimators.genetics.block_jackknife import jackknife
from python_models.estimators.genetics.errors import BooleanArray, FloatArray, GeneticsInputError
from python_models.estimators.genetics.genetic_covariance import (
    GeneticCovariance,
    fit_genetic_covariance,
    own_delete_values,
    own_moments,
    pair_product,
)
from python_models.estimators.genetics.heritability import (
    DEFAULT_N_BLOCKS,
    FEW_SNPS,
    FEWEST_SNPS,
    FEWEST_SNPS_PER_BLOCK,
    Heritability,
    LdScores,
    fit_heritability,
    heritability_product,
    resolved_two_step,
    unable_to_regress,
)
from python_models.estimators.genetics.ld_score_regression import UndefinedRegressionError
from python_models.estimators.genetics.normal_tails import neg_log10_p, two_sided_p
from python_models.estimators.genetics.trait_statistics import OrientedTrait, TraitStatistics

OUT_OF_BOUNDS = 1.2  # |rg| above which ldsc calls an estimate unusable


@dataclass(frozen=True, slots=True)
class GeneticCorrelation:
    """Genetic correlation of two traits.

    trait_1, trait_2 : the pair; a positive rg means that what raises one trait AS CODED raises the other as coded.
    rg, rg_standard_error, z, p, neg_log10_p : covariance / sqrt(h2_1 h2_2), with its ratio jackknife.
    rg_jackknife : bias-corrected estimate (mean of the pseudovalues).
    covariance, heritability_1, heritability_2 : the three regressions, all on the pair's SNPs.
    n_snps : SNPs used.
    n_not_shared, n_allele_mismatch, n_above_maximum : LD-score SNPs that one trait lacks, that are not the same
        variant in both (or strand-ambiguous), whose z_1^2 z_2^2 is at or above the maximum squared.
    refusal : why there is no rg; rg, its standard error, z and p are then None.
    notes : what a reader must know to use the numbers.
    """

    trait_1: str
    trait_2: str
    n_snps: int
    n_not_shared: int
    n_allele_mismatch: int
    n_above_maximum: int
    n_blocks: int
    two_step: float | None
    refusal: str | None
    notes: tuple[str, ...]
    rg: float | None = None
    rg_standard_error: float | None = None
    z: float | None = None
    p: float | None = None
    neg_log10_p: float | None = None
    rg_jackknife: float | None = None
    covariance: GeneticCovariance | None = None
    heritability_1: Heritability | None = None
    heritability_2: Heritability | None = None


@dataclass(frozen=True, slots=True)
class _Options:
    n_blocks: int
    two_step: float | None
    maximum_chi_square: float | None


# Fits already made on all SNPs of a trait, by trait and fixed intercept: pairs with the same SNPs share them.
_Fits = dict[tuple[str, float | None], Heritability]


def genetic_correlation(
    *,
    first: TraitStatistics,
    second: TraitStatistics,
    ld_scores: LdScores,
    n_blocks: int = DEFAULT_N_BLOCKS,
    two_step: float | None = None,
    heritability_intercepts: tuple[float | None, float | None] = (None, None),
    covariance_intercept: float | None = None,
    maximum_chi_square: float | None = None,
) -> GeneticCorrelation:
    """LD score regression of z_1 z_2 on LD score: E[z_1 z_2] = sqrt(N_1 N_2) rho_g l / M + intercept.

    two_step : cutoff for both traits in step 1; None (as `ldsc --rg`) for one step.
    heritability_intercepts, covariance_intercept : fixed values, None to estimate; overlapping samples need a free
        covariance intercept. (1, 1) and 0 is `ldsc --no-intercept`.
    maximum_chi_square : SNPs with z_1^2 z_2^2 >= its square are left out.

    The two heritabilities are refitted on the pair's SNPs with the same options.

    Raises
    ------
    GeneticsInputError
        If lengths differ, or a cutoff is combined with a fixed intercept.

    References
    ----------
    Bulik-Sullivan et al. 2015, Nature Genetics 47:1236-1241, eq. 1 and Supplementary Note.
    """
    options = _options(
        n_blocks=n_blocks,
        two_step=two_step,
        maximum_chi_square=maximum_chi_square,
        fixed_intercepts=(*heritability_intercepts, covariance_intercept),
    )
    oriented = [OrientedTrait.of(trait, n_ld_scores=ld_scores.l2.size) for trait in (first, second)]
    return _pair(
        *oriented,
        ld_scores=ld_scores,
        options=options,
        fits={},
        heritability_intercepts=heritability_intercepts,
        covariance_intercept=covariance_intercept,
    )


def genetic_correlations(
    *,
    traits: Sequence[TraitStatistics],
    ld_scores: LdScores,
    n_blocks: int = DEFAULT_N_BLOCKS,
    two_step: float | None = None,
    heritability_intercepts: Mapping[str, float] | None = None,
    covariance_intercepts: Mapping[frozenset[str], float] | None = None,
    maximum_chi_square: float | None = None,
) -> tuple[GeneticCorrelation, ...]:
    """`genetic_correlation` of every pair, in the order (0, 1), (0, 2), ..., (1, 2), ...; each trait is read once.

    heritability_intercepts : fixed intercept of each named trait.
    covariance_intercepts : fixed intercept of each named pair, keyed by frozenset({trait_1, trait_2}).

    Raises
    ------
    GeneticsInputError
        If a trait name occurs twice, an intercept names an unknown trait, or as for `genetic_correlation`.
    """
    own = dict(heritability_intercepts or {})
    shared = dict(covariance_intercepts or {})
    names = [trait.name for trait in traits]
    faults = [
        f"trait {name!r} is given {names.count(name)} times" for name in sorted(set(names)) if names.count(name) > 1
    ]
    unknown = sorted((set(own) | {name for pair in shared for name in pair}) - set(names))
    if unknown:
        faults.append(f"intercepts name unknown traits {unknown}; the traits are {names}")
    if faults:
        raise GeneticsInputError(faults)
    options = _options(
        n_blocks=n_blocks,
        two_step=two_step,
        maximum_chi_square=maximum_chi_square,
        fixed_intercepts=(*own.values(), *shared.values()),
    )
    oriented = [OrientedTrait.of(trait, n_ld_scores=ld_scores.l2.size) for trait in traits]
    fits: _Fits = {}
    return tuple(
        _pair(
            first,
            second,
            ld_scores=ld_scores,
            options=options,
            fits=fits,
            heritability_intercepts=(own.get(first.name), own.get(second.name)),
            covariance_intercept=shared.get(frozenset({first.name, second.name})),
        )
        for first, second in combinations(oriented, 2)
    )


def _options(
    *,
    n_blocks: int,
    two_step: float | None,
    maximum_chi_square: float | None,
    fixed_intercepts: tuple[float | None, ...],
) -> _Options:
    cutoff = resolved_two_step(two_step, has_fixed_intercept=any(i is not None for i in fixed_intercepts))
    return _Options(n_blocks=n_blocks, two_step=cutoff, maximum_chi_square=maximum_chi_square)


def _pair(
    first: OrientedTrait,
    second: OrientedTrait,
    *,
    ld_scores: LdScores,
    options: _Options,
    fits: _Fits,
    heritability_intercepts: tuple[float | None, float | None],
    covariance_intercept: float | None,
) -> GeneticCorrelation:
    is_shared = first.is_present & second.is_present
    matches = first.matches(second)
    is_matched = is_shared if matches is None else is_shared & matches
    is_kept = is_matched
    if options.maximum_chi_square is not None:
        is_kept = is_matched & ((first.z * second.z) ** 2 < options.maximum_chi_square**2)
    n_kept, n_matched, n_shared = int(is_kept.sum()), int(is_matched.sum()), int(is_shared.sum())
    counted = GeneticCorrelation(
        trait_1=first.name,
        trait_2=second.name,
        n_snps=n_kept,
        n_not_shared=first.z.size - n_shared,
        n_allele_mismatch=n_shared - n_matched,
        n_above_maximum=n_matched - n_kept,
        n_blocks=options.n_blocks,
        two_step=options.two_step,
        refusal=_without_snps(n_shared=n_shared, n_matched=n_matched),
        notes=(f"{n_kept:,} SNPs: {FEW_SNPS}",) if n_kept < FEWEST_SNPS else (),
    )
    if counted.refusal is not None:
        return counted

    def taken(values: FloatArray) -> FloatArray:
        return values if n_kept == values.size else values[is_kept]

    z_1, z_2 = taken(first.z), taken(second.z)
    product = pair_product(
        z_1=z_1,
        z_2=z_2,
        n_1=taken(first.n),
        n_2=taken(second.n),
        l2=taken(ld_scores.l2),
        weight_l2=taken(ld_scores.weight_l2),
    )
    weak = None if options.two_step is None else (z_1**2 < options.two_step) & (z_2**2 < options.two_step)
    refusal = unable_to_regress(product, n_blocks=options.n_blocks) or _too_few_weak(weak, options=options)
    if refusal is not None:
        return replace(counted, refusal=refusal)

    def own_heritability(trait: OrientedTrait, z: FloatArray, n: FloatArray, intercept: float | None) -> Heritability:
        key = (trait.name, intercept)
        if n_kept == trait.n_present and key in fits:
            return fits[key]
        fit = fit_heritability(
            product=heritability_product(z=z, n=n, l2=product.l2, weight_l2=product.weight_l2),
            n_reference_snps=ld_scores.n_reference_snps,
            n_blocks=options.n_blocks,
            cutoff=options.two_step,
            intercept=intercept,
        )
        if n_kept == trait.n_present:
            fits[key] = fit
        return fit

    heritability_1 = own_heritability(first, z_1, product.n_1, heritability_intercepts[0])
    heritability_2 = own_heritability(second, z_2, product.n_2, heritability_intercepts[1])
    fitted = replace(counted, heritability_1=heritability_1, heritability_2=heritability_2)
    if heritability_1.refusal is not None or heritability_2.refusal is not None:
        return replace(fitted, refusal=heritability_1.refusal or heritability_2.refusal)
    try:
        covariance = fit_genetic_covariance(
            product=product,
            weak=weak,
            moments=(own_moments(heritability_1), own_moments(heritability_2)),
            n_reference_snps=ld_scores.n_reference_snps,
            n_blocks=options.n_blocks,
            intercept=covariance_intercept,
        )
    except UndefinedRegressionError as error:
        return replace(fitted, refusal=str(error))
    return _with_ratio(replace(fitted, covariance=covariance), covariance, (heritability_1, heritability_2))


def _without_snps(*, n_shared: int, n_matched: int) -> str | None:
    if n_shared == 0:
        return "no SNP has a Z score in both traits and an LD score: check SNP names and genome build"
    if n_matched == 0:
        return f"none of {n_shared:,} shared SNPs has matching, strand-unambiguous alleles: check the allele columns"
    return None


def _too_few_weak(weak: BooleanArray | None, *, options: _Options) -> str | None:
    if weak is None or weak.sum() >= FEWEST_SNPS_PER_BLOCK * options.n_blocks:
        return None
    return (
        f"{int(weak.sum()):,} SNPs have chi-square below {options.two_step:g} in both traits: "
        f"too few for {options.n_blocks} jackknife blocks"
    )


def _with_ratio(
    fitted: GeneticCorrelation, covariance: GeneticCovariance, heritabilities: tuple[Heritability, Heritability]
) -> GeneticCorrelation:
    """Add rg = covariance / sqrt(h2_1 h2_2) and its ratio jackknife, or the reason why there is none."""
    names = (fitted.trait_1, fitted.trait_2)
    h2 = np.array([own_moments(fit).total for fit in heritabilities])
    if (h2 <= 0).any():
        named = [f"h2 of {name} is {value:.3g} <= 0" for name, value in zip(names, h2, strict=True) if value <= 0]
        return replace(fitted, refusal=f"{' and '.join(named)}: genetic correlation is undefined")
    delete_h2 = np.column_stack([own_delete_values(fit) for fit in heritabilities])
    delete_product = delete_h2.prod(axis=1)
    if (delete_product <= 0).any():
        n_not_positive = (delete_h2 <= 0).sum(axis=0)
        return replace(
            fitted,
            refusal=(
                f"h2 without one of {len(delete_h2)} blocks is <= 0 in {n_not_positive[0]} cases for {names[0]} and "
                f"{n_not_positive[1]} for {names[1]}: the standard error of the genetic correlation is undefined"
            ),
        )
    rg = covariance.genetic_covariance / float(np.sqrt(h2.prod()))
    delete_values = covariance.delete_values / np.sqrt(delete_product)
    resampled = jackknife(estimate=np.array([rg]), delete_values=delete_values[:, np.newaxis])
    standard_error = float(resampled.standard_error[0])
    notes = list(fitted.notes)
    if abs(rg) > OUT_OF_BOUNDS:
        notes.append(f"|rg| is {abs(rg):.3g} > {OUT_OF_BOUNDS}: out of bounds, do not interpret (h2 is too small)")
    return replace(
        fitted,
        rg=rg,
        rg_standard_error=standard_error,
        z=rg / standard_error,
        p=float(two_sided_p(rg / standard_error)),
        neg_log10_p=float(neg_log10_p(rg / standard_error)),
        rg_jackknife=float(resampled.estimate[0]),
        notes=tuple(notes),
    )
