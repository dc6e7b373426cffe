"""All munged variants of all GWAS traits along the genome, for whatever looks at single loci."""

from dataclasses import dataclass

import duckdb
import numpy as np
import numpy.typing as npt

from python_models.estimators.genetics.normal_tails import neg_log10_p

F8 = npt.NDArray[np.float64]

VARIANTS = """
create or replace temp table variants as
select
    rsid, chromosome, base_pair_location,
    row_number() over (order by chromosome, base_pair_location, rsid) - 1 as variant
from intermediate.int_gwas_variants__located
"""
TRAIT = """
select
    variants.variant, munged.z_score, munged.n, munged.orientation, munged.beta, munged.standard_error,
    munged.effect_allele_frequency, munged.sample_prevalence
from intermediate.int_gwas_associations__munged as munged
inner join variants on munged.rsid = variants.rsid
where munged.trait = $trait
"""
# A trait is a disease by its seed or by its odds ratios and numbers of cases; nothing else can tell.
TYPES = """
select
    landed.trait,
    coalesce(bool_or(landed.is_case_control), false) as is_case_control,
    coalesce(bool_or(landed.is_case_control), false) or max(codings.trait_type) is not null as is_type_stated
from (
    select trait, is_case_control from intermediate.int_gwas_associations__judged
    union all
    select trait, is_case_control from intermediate.int_gwas_lines__dropped
) as landed
left join seeds.gwas_trait_codings as codings on landed.trait = codings.trait
group by landed.trait
order by landed.trait
"""
Z_CORRELATION = """
select trait_1, trait_2, z_correlation, intercept, intercept_standard_error
from results.gwas_overlap_matrix
"""


@dataclass(frozen=True, slots=True)
class TraitVariants:
    """One trait along all variants, NaN where it lacks one; Z and beta are of the first allele of the variant's class.

    frequency : (n,) of the file's effect allele: for variances 2 f (1 - f), where either allele serves.
    sample_prevalence : cases among the people, None for a quantitative trait or unstated counts.
    is_case_control : a disease, whose effects are log odds ratios.
    is_type_stated : a seed or the file says whether it is one.
    variant_class : (n,) 1 or 2, 0 where the trait lacks the variant: only equal classes are the same variant.
    """

    name: str
    z: F8
    n: F8
    beta: F8
    standard_error: F8
    frequency: F8
    sample_prevalence: float | None
    is_case_control: bool
    is_type_stated: bool
    variant_class: npt.NDArray[np.int8]
    neg_log10_p: F8

    def is_same_variant(self, other: "TraitVariants") -> npt.NDArray[np.bool_]:
        """(n,) both traits report it, with matching alleles."""
        return np.asarray((self.variant_class == other.variant_class) & (self.variant_class > 0))


@dataclass(frozen=True, slots=True)
class Overlap:
    """What the overlap matrix says of two traits; None where their regression was refused."""

    z_correlation: float | None
    intercept: float | None
    intercept_standard_error: float | None


@dataclass(frozen=True, slots=True)
class Genome:
    """Variants in genome order with every trait beside them."""

    rsid: npt.NDArray[np.object_]
    chromosome: F8
    position: F8
    traits: tuple[TraitVariants, ...]
    overlaps: dict[tuple[str, str], Overlap]


def _read_trait(
    session: duckdb.DuckDBPyConnection, *, name: str, is_case_control: bool, is_type_stated: bool, n: int
) -> TraitVariants:
    columns = session.execute(TRAIT, {"trait": name}).fetchnumpy()
    variant = np.asarray(columns["variant"], dtype=np.int64)
    orientation = np.asarray(columns["orientation"], dtype=np.int8)

    def along(values: npt.ArrayLike) -> F8:
        full = np.full(n, np.nan)
        full[variant] = np.ma.filled(np.ma.asarray(values, dtype=np.float64), np.nan)
        return full

    sign = np.sign(orientation)
    variant_class = np.zeros(n, dtype=np.int8)
    variant_class[variant] = np.abs(orientation)
    z = along(columns["z_score"] * sign)
    shares = np.ma.compressed(np.ma.masked_invalid(np.ma.asarray(columns["sample_prevalence"], dtype=np.float64)))
    return TraitVariants(
        name=name,
        z=z,
        n=along(columns["n"]),
        beta=along(columns["beta"] * sign),
        standard_error=along(columns["standard_error"]),
        frequency=along(columns["effect_allele_frequency"]),
        sample_prevalence=float(shares.mean()) if shares.size else None,
        is_case_control=is_case_control,
        is_type_stated=is_type_stated,
        variant_class=variant_class,
        neg_log10_p=neg_log10_p(z),
    )


def read_genome(session: duckdb.DuckDBPyConnection) -> Genome:
    """All variants and traits of the build; no traits where no GWAS was landed."""
    session.execute(VARIANTS)
    located = session.execute("select rsid, chromosome, base_pair_location from variants order by variant").fetchnumpy()
    types = session.execute(TYPES).fetchall()
    return Genome(
        rsid=np.asarray(located["rsid"], dtype=object),
        chromosome=np.asarray(located["chromosome"], dtype=np.float64),
        position=np.asarray(located["base_pair_location"], dtype=np.float64),
        traits=tuple(
            _read_trait(session, name=name, is_case_control=disease, is_type_stated=stated, n=located["rsid"].size)
            for name, disease, stated in types
        ),
        overlaps={
            (first, second): Overlap(*rest) for first, second, *rest in session.execute(Z_CORRELATION).fetchall()
        },
    )
