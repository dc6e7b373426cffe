"""Munged associations as arrays in the order of the LD scores, every trait read once."""

from collections.abc import Callable
from dataclasses import dataclass

import duckdb
import numpy as np
import numpy.typing as npt

from python_models.estimators.genetics.heritability import LdScores
from python_models.estimators.genetics.trait_statistics import TraitStatistics

F8 = npt.NDArray[np.float64]

# Genome order decides the jackknife blocks; SNP positions replace rsids before anything leaves the database.
LD_ORDER = """
create or replace temp table ld_order as
select
    variant_key,
    ld_score,
    row_number() over (
        order by try_cast(replace(upper(chromosome), 'X', '23') as integer), base_pair_location, variant_key
    ) - 1 as snp
from staging.stg_ldsc__ld_scores
where ld_score is not null
"""
REGRESSION_SNPS = """
select ld_order.snp, munged.z_score, munged.n, munged.orientation
from intermediate.int_gwas_associations__munged as munged
inner join ld_order on munged.variant_key = ld_order.variant_key
where munged.trait = $trait
"""
# Every trait of the quality table, also one that lost all its variants. The mean of one share over ten million lines is
# that share: summed without compensation its last digits are those of how the lines lie in the table.
TRAITS = """
select
    totals.trait,
    coalesce(codings.coding, 'as coded in its file') as coding,
    codings.population_prevalence,
    totals.sample_prevalence,
    totals.is_case_control,
    codings.heritability_intercept,
    (
        select count(*) from intermediate.int_gwas_associations__munged as munged where munged.trait = totals.trait
    ) as n_variants
from (
    select
        trait,
        favg(sample_prevalence) as sample_prevalence,
        coalesce(bool_or(is_case_control), false) as is_case_control
    from (
        select trait, sample_prevalence, is_case_control from intermediate.int_gwas_associations__judged
        where not is_strand_ambiguous
        union all
        select trait, sample_prevalence, is_case_control from intermediate.int_gwas_lines__dropped
    )
    group by trait
) as totals
left join seeds.gwas_trait_codings as codings on totals.trait = codings.trait
order by totals.trait
"""
PAIR_INTERCEPTS = """
select trait_1, trait_2, covariance_intercept from seeds.gwas_trait_pairs where covariance_intercept is not null
"""


@dataclass(frozen=True, slots=True)
class Trait:
    """A GWAS trait: what a higher value means, prevalences if it is a disease, its intercept if fixed."""

    name: str
    coding: str
    population_prevalence: float | None
    sample_prevalence: float | None
    is_case_control: bool
    heritability_intercept: float | None
    n_variants: int

    @property
    def refusal(self) -> str | None:
        """Why nothing can be asked of the trait: no line of its file is left."""
        if self.n_variants:
            return None
        return f"no line of {self.name} is left: quality.gwas_qc counts what each rule dropped"

    @property
    def no_liability_scale(self) -> str | None:
        """Why its heritability cannot be taken to the liability scale; None where it can."""
        if not self.is_case_control:
            return "not a disease: there is no liability behind it"
        missing = [
            f"{what} (seeds/gwas_trait_codings.csv: {where})"
            for what, where, share in (
                ("the share of cases among those studied", "n_cases, n_controls", self.sample_prevalence),
                ("the prevalence in the population", "population_prevalence", self.population_prevalence),
            )
            if share is None
        ]
        return f"not known: {' and '.join(missing)}" if missing else None


def read_traits(session: duckdb.DuckDBPyConnection) -> list[Trait]:
    """Every trait landed, in the order of their names."""
    return [Trait(*row) for row in session.execute(TRAITS).fetchall()]


def read_pair_intercepts(session: duckdb.DuckDBPyConnection) -> dict[frozenset[str], float]:
    """Fixed intercepts of cross-trait regressions, by the two traits."""
    rows = session.execute(PAIR_INTERCEPTS).fetchall()
    return {frozenset((first, second)): float(intercept) for first, second, intercept in rows}


def read_ld_scores(session: duckdb.DuckDBPyConnection) -> LdScores | None:
    """LD scores in genome order, None where the cohort has none; the regression weights are the same scores."""
    session.execute(LD_ORDER)
    l2 = session.execute("select ld_score from ld_order order by snp").fetchnumpy()["ld_score"]
    counted = session.execute("select sum(n_reference_snps) from staging.stg_ldsc__ld_score_counts").fetchone()
    if l2.size == 0 or counted is None or counted[0] is None:
        return None
    return LdScores.of(l2=np.asarray(l2, dtype=np.float64), weight_l2=np.asarray(l2), n_reference_snps=counted[0])


def read_statistics(session: duckdb.DuckDBPyConnection, *, trait: str, n_ld_scores: int) -> TraitStatistics:
    """One trait's Z, N and orientation beside the LD scores, NaN where it lacks the SNP; after `read_ld_scores`."""
    columns = session.execute(REGRESSION_SNPS, {"trait": trait}).fetchnumpy()
    snp = np.asarray(columns["snp"], dtype=np.int64)
    z, n = np.full(n_ld_scores, np.nan), np.full(n_ld_scores, np.nan)
    z[snp], n[snp] = columns["z_score"], columns["n"]
    orientation = np.zeros(n_ld_scores, dtype=np.int8)
    orientation[snp] = columns["orientation"]
    return TraitStatistics.of(name=trait, z=z, n=n, orientation=orientation)


def read_all_statistics(
    session: duckdb.DuckDBPyConnection, *, n_ld_scores: int, tell: Callable[[str], object]
) -> list[TraitStatistics]:
    """`read_statistics` of every trait."""
    traits = read_traits(session)
    statistics = []
    for i, trait in enumerate(traits, start=1):
        statistics.append(read_statistics(session, trait=trait.name, n_ld_scores=n_ld_scores))
        tell(f"GWAS traits: {i} of {len(traits)} read")
    return statistics
