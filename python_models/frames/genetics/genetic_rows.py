"""Heritabilities and genetic correlations of all GWAS traits, as rows of results."""

from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal

import duckdb
import pyarrow as pa
from dbt.adapters.events.logging import AdapterLogger
from threadpoolctl import threadpool_limits

from python_models.estimators.genetics.genetic_correlation import GeneticCorrelation, genetic_correlations
from python_models.estimators.genetics.heritability import TWO_STEP_CUTOFF, Heritability, heritability
from python_models.estimators.genetics.liability import liability_factor, liability_heritability
from python_models.frames.genetics.gwas_traits import (
    Trait,
    read_all_statistics,
    read_ld_scores,
    read_pair_intercepts,
    read_statistics,
    read_traits,
)

logger = AdapterLogger("Study")
Intercepts = Literal["free", "none"]

NO_LD_SCORES = "no LD scores landed: add *.l2.ldscore.gz and *.l2.M_5_50 of the study's ancestry to the export"
# ldsc's own defaults are two steps for a heritability and one for a pair; at biobank power two steps are biased.
ESTIMATORS: dict[str, float | None] = {"one_step": None, "two_step": TWO_STEP_CUTOFF}
NO_TWO_STEPS = (
    "two steps estimate the intercept in the first, and it is fixed (gwas_intercepts, or the seed): see one_step"
)

HERITABILITY_SCHEMA = pa.schema(
    [
        ("trait", pa.string()),
        ("estimator", pa.string()),
        ("coding", pa.string()),
        ("n_snps", pa.int64()),
        ("n_snps_missing", pa.int64()),
        ("heritability", pa.float64()),
        ("standard_error", pa.float64()),
        ("intercept", pa.float64()),
        ("intercept_standard_error", pa.float64()),
        ("ratio", pa.float64()),
        ("ratio_standard_error", pa.float64()),
        ("mean_chi_square", pa.float64()),
        ("lambda_gc", pa.float64()),
        ("sample_prevalence", pa.float64()),
        ("population_prevalence", pa.float64()),
        ("liability_heritability", pa.float64()),
        ("liability_standard_error", pa.float64()),
        ("liability_refusal", pa.string()),
        ("note", pa.string()),
        ("refusal", pa.string()),
    ]
)
CORRELATION_SCHEMA = pa.schema(
    [
        ("trait_1", pa.string()),
        ("trait_2", pa.string()),
        ("estimator", pa.string()),
        ("sign_convention", pa.string()),
        ("n_snps", pa.int64()),
        ("n_snps_not_shared", pa.int64()),
        ("n_snps_allele_mismatch", pa.int64()),
        ("genetic_correlation", pa.float64()),
        ("standard_error", pa.float64()),
        ("z_score", pa.float64()),
        ("p_value", pa.float64()),
        ("neg_log10_p_value", pa.float64()),
        ("heritability_1", pa.float64()),
        ("heritability_1_standard_error", pa.float64()),
        ("heritability_2", pa.float64()),
        ("heritability_2_standard_error", pa.float64()),
        ("genetic_covariance", pa.float64()),
        ("genetic_covariance_standard_error", pa.float64()),
        ("intercept", pa.float64()),
        ("intercept_standard_error", pa.float64()),
        ("note", pa.string()),
        ("refusal", pa.string()),
    ]
)


def _with_refusal(row: dict[str, Any], refusal: str | None, *, estimates: tuple[str, ...]) -> dict[str, Any]:
    """A refused row keeps its counts and loses its estimates."""
    return {**row, "refusal": refusal, **(dict.fromkeys(estimates) if refusal else {})}


@dataclass(frozen=True, slots=True)
class RegressionOptions:
    """What is fixed beforehand in every LD score regression of a build.

    intercepts : none fixes them at 1 for heritabilities and 0 for covariances (ldsc --no-intercept); free estimates
        those that no seed fixes.
    maximum_chi_square : SNPs at or above it are left out (ldsc --chisq-max).
    """

    intercepts: Intercepts = "free"
    maximum_chi_square: float | None = None

    @classmethod
    def of(cls, *, intercepts: str, chi_square_max: float | str | None) -> "RegressionOptions":
        """Checked options, as dbt gives them.

        Raises
        ------
        ValueError
            If gwas_intercepts is not one of its choices, or gwas_chi_square_max is not a number above 0.
        """
        if intercepts not in ("free", "none"):
            raise ValueError(f"gwas_intercepts is free or none, not {intercepts!r}: mend it in dbt_project.yml")
        most = None if chi_square_max in (None, "", "null", "None") else float(str(chi_square_max))
        if most is not None and not most > 0:
            raise ValueError(
                f"gwas_chi_square_max is a number above 0 or null, not {most:g}: mend it in dbt_project.yml"
            )
        return cls(intercepts="free" if intercepts == "free" else "none", maximum_chi_square=most)

    def of_trait(self, trait: Trait) -> float | None:
        return 1.0 if self.intercepts == "none" else trait.heritability_intercept


def _on_the_liability_scale(trait: Trait, fit: Heritability) -> dict[str, float | None]:
    if fit.h2 is None or fit.h2_standard_error is None or trait.no_liability_scale is not None:
        return {}
    assert trait.sample_prevalence is not None
    assert trait.population_prevalence is not None
    shares = {
        "sample_prevalence": trait.sample_prevalence,
        "population_prevalence": trait.population_prevalence,
    }
    return {
        "liability_heritability": liability_heritability(h2=fit.h2, **shares),
        "liability_standard_error": fit.h2_standard_error * liability_factor(**shares),
    }


def _heritability_row(
    trait: Trait, estimator: str, fit: Heritability | None, *, reason: str | None = None
) -> dict[str, Any]:
    row: dict[str, Any] = {
        "trait": trait.name,
        "estimator": estimator,
        "coding": trait.coding,
        "sample_prevalence": trait.sample_prevalence,
        "population_prevalence": trait.population_prevalence,
    }
    if fit is None:
        return {**row, "refusal": reason, "liability_refusal": reason}
    refusal = trait.refusal or fit.refusal
    if refusal is None and fit.h2 is not None and fit.h2 <= 0:
        refusal = f"heritability is {fit.h2:.3g}, not above 0: no polygenic signal to measure"
    row |= {
        "n_snps": fit.n_snps,
        "n_snps_missing": fit.n_missing,
        "heritability": fit.h2,
        "standard_error": fit.h2_standard_error,
        "intercept": fit.intercept,
        "intercept_standard_error": fit.intercept_standard_error,
        "ratio": fit.ratio,
        "ratio_standard_error": fit.ratio_standard_error,
        "mean_chi_square": fit.mean_chi_square,
        "lambda_gc": fit.lambda_gc,
        "liability_refusal": trait.no_liability_scale or refusal,
        "note": "; ".join(fit.notes) or None,
        **_on_the_liability_scale(trait, fit),
    }
    estimates = ("heritability", "standard_error", "liability_heritability", "liability_standard_error")
    return _with_refusal(row, refusal, estimates=estimates)


def heritability_rows(
    session: duckdb.DuckDBPyConnection, *, options: RegressionOptions = RegressionOptions()
) -> pa.Table:
    """Each trait's heritability in one step and in two; no rows where no GWAS was landed."""
    ld_scores = read_ld_scores(session)
    traits = read_traits(session)
    rows = []
    with threadpool_limits(limits=1):
        for i, trait in enumerate(traits, start=1):
            if ld_scores is None:
                rows += [_heritability_row(trait, estimator, None, reason=NO_LD_SCORES) for estimator in ESTIMATORS]
                continue
            intercept = options.of_trait(trait)
            read = read_statistics(session, trait=trait.name, n_ld_scores=ld_scores.l2.size)
            for estimator, two_step in ESTIMATORS.items():
                if two_step is not None and intercept is not None:
                    rows.append(_heritability_row(trait, estimator, None, reason=NO_TWO_STEPS))
                    continue
                fit = heritability(
                    z=read.z,
                    n=read.n,
                    ld_scores=ld_scores,
                    two_step=two_step,
                    intercept=intercept,
                    maximum_chi_square=options.maximum_chi_square,
                )
                rows.append(_heritability_row(trait, estimator, fit))
            logger.info(f"heritabilities: {i} of {len(traits)} traits fitted")
    return pa.Table.from_pylist(rows, schema=HERITABILITY_SCHEMA)


def _correlation_row(
    first: Trait, second: Trait, estimator: str, fit: GeneticCorrelation | None, *, reason: str | None = None
) -> dict[str, Any]:
    row: dict[str, Any] = {
        "trait_1": first.name,
        "trait_2": second.name,
        "estimator": estimator,
        "sign_convention": f"{first.name}: {first.coding}; {second.name}: {second.coding}",
    }
    if fit is None:
        return {**row, "refusal": reason}
    row |= {
        "n_snps": fit.n_snps,
        "n_snps_not_shared": fit.n_not_shared,
        "n_snps_allele_mismatch": fit.n_allele_mismatch,
        "genetic_correlation": fit.rg,
        "standard_error": fit.rg_standard_error,
        "z_score": fit.z,
        "p_value": fit.p,
        "neg_log10_p_value": fit.neg_log10_p,
        "note": "; ".join(fit.notes) or None,
        "refusal": first.refusal or second.refusal or fit.refusal,
    }
    for place, own in (("heritability_1", fit.heritability_1), ("heritability_2", fit.heritability_2)):
        if own is not None:
            row |= {place: own.h2, f"{place}_standard_error": own.h2_standard_error}
    if fit.covariance is not None:
        row |= {
            "genetic_covariance": fit.covariance.genetic_covariance,
            "genetic_covariance_standard_error": fit.covariance.standard_error,
            "intercept": fit.covariance.intercept,
            "intercept_standard_error": fit.covariance.intercept_standard_error,
        }
    return row


def genetic_correlation_rows(
    session: duckdb.DuckDBPyConnection, *, options: RegressionOptions = RegressionOptions()
) -> pa.Table:
    """Every pair of traits, in the order of their names, in one step as ldsc does by default and in two."""
    ld_scores = read_ld_scores(session)
    traits = {trait.name: trait for trait in read_traits(session)}
    if ld_scores is None:
        rows = [
            _correlation_row(first, second, estimator, None, reason=NO_LD_SCORES)
            for estimator in ESTIMATORS
            for first, second in combinations(traits.values(), 2)
        ]
        return pa.Table.from_pylist(rows, schema=CORRELATION_SCHEMA)
    statistics = read_all_statistics(session, n_ld_scores=ld_scores.l2.size, tell=logger.info)
    own = {name: fixed for name, trait in traits.items() if (fixed := options.of_trait(trait)) is not None}
    shared = {pair: fixed for pair, fixed in read_pair_intercepts(session).items() if pair <= traits.keys()}
    if options.intercepts == "none":
        shared = {frozenset(pair): 0.0 for pair in combinations(traits, 2)}
    rows = []
    with threadpool_limits(limits=1):
        for estimator, two_step in ESTIMATORS.items():
            fits = genetic_correlations(
                traits=statistics,
                ld_scores=ld_scores,
                two_step=two_step,
                # two steps need free ones: pairs with a fixed one are refused below
                heritability_intercepts=own if two_step is None else None,
                covariance_intercepts=shared if two_step is None else None,
                maximum_chi_square=options.maximum_chi_square,
            )
            for fit in fits:
                pair = frozenset((fit.trait_1, fit.trait_2))
                is_refused = two_step is not None and (pair in shared or not own.keys().isdisjoint(pair))
                row = _correlation_row(
                    traits[fit.trait_1],
                    traits[fit.trait_2],
                    estimator,
                    None if is_refused else fit,
                    reason=NO_TWO_STEPS,
                )
                rows.append(row)
            logger.info(f"genetic correlations: {len(fits):,} pairs fitted, {estimator}")
    return pa.Table.from_pylist(rows, schema=CORRELATION_SCHEMA)
