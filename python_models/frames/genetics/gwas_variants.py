"""Variants of GWAS traits along the genome, for whatever looks at single loci; few traits are held at a time."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import duckdb
import numpy as np
import numpy.typing as npt

from python_models.estimators.genetics.normal_tails import neg_log10_p
from python_models.frames.genetics.variant_names import VariantNames

# Traits that are held at a time; two always are. One of ten million variants takes half a gigabyte.
TRAIT_BYTES = 600_000_000
F8 = npt.NDArray[np.float64]
# Signs of two traits are compared where alleles tell the strand; P and sizes of effects need none.
Strand = Literal["known", "any"]
ASSOCIATIONS: dict[Strand, str] = {
    "known": "intermediate.int_gwas_associations__munged",
    "any": "intermediate.int_gwas_associations__regional",
}

VARIANTS = """
create or replace temp table variants as
select
    variant_key, case when variant_key < 0 then rsid end as other_name, chromosome, base_pair_location,
    row_number() over (order by chromosome, base_pair_location, rsid) - 1 as variant
from intermediate.int_gwas_variants__located
where has_known_strand or {is_any_strand}
"""
TRAIT = """
select
    variants.variant, associations.z_score, associations.n, associations.orientation, associations.beta,
    associations.standard_error, associations.effect_allele_frequency, associations.minor_allele_frequency,
    associations.sample_prevalence
from {associations} as associations
inner join variants on associations.variant_key = variants.variant_key
where associations.trait = $trait
"""
# A trait is a disease by its seed or by its odds ratios and numbers of cases; nothing else can tell.
TYPES = """
select
    landed.trait,
    coalesce(bool_or(landed.is_case_control), false) as is_case_control,
    coalesce(bool_or(landed.is_case_control), false) or max(codings.trait_type) is not null as is_type_stated,
    max(codings.population_prevalence) as population_prevalence
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
    """One trait along all variants, NaN where it lacks one.

    Z, beta and frequency, (n,), are of the first allele of the variant's class; minor_frequency of the rarer allele.
    sample_prevalence : cases among the people, None for a quantitative trait or unstated counts.
    population_prevalence : of a disease, where a seed states it.
    is_case_control : a disease, whose effects are log odds ratios.
    is_type_stated : a seed or the file says whether it is one.
    variant_class : (n,) 0 where the trait lacks the variant: only equal classes are the same variant. Of 1 (A/C) and 2
        (A/G) the first allele is the same in every trait. Of 3 (A/T) and 4 (C/G) it is the letter as stated, on
        whatever strand: signs compare with nothing until `strands` tells.
    """

    name: str
    z: F8
    n: F8
    beta: F8
    standard_error: F8
    frequency: F8
    minor_frequency: F8
    sample_prevalence: float | None
    population_prevalence: float | None
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


class TraitType(NamedTuple):
    """What is known of a trait before its variants are read."""

    name: str
    is_case_control: bool
    is_type_stated: bool
    population_prevalence: float | None


@dataclass(frozen=True, slots=True)
class Genome:
    """Variants in genome order, and every trait beside them for the asking.

    Memory is bounded by the variants of two traits, however many there are.

    strand : known, where signs of two traits are compared: no strand-ambiguous variant; any, where none is.
    """

    session: duckdb.DuckDBPyConnection
    strand: Strand
    rsid: VariantNames
    chromosome: F8
    position: F8
    types: tuple[TraitType, ...]
    overlaps: dict[tuple[str, str], Overlap]
    _held: dict[str, TraitVariants] = field(default_factory=dict)

    @property
    def trait_names(self) -> tuple[str, ...]:
        return tuple(one.name for one in self.types)

    def traits(self) -> Iterator[TraitVariants]:
        """Every trait, one after the other."""
        return (self.trait(name) for name in self.trait_names)

    def trait(self, name: str) -> TraitVariants:
        """One trait along all variants; those read last are held."""
        if name in self._held:
            self._held[name] = self._held.pop(name)  # the last one asked for is the last to go
            return self._held[name]
        (known,) = (one for one in self.types if one.name == name)
        bytes_of_one = 8 * 8 * max(self.position.size, 1)
        while len(self._held) >= max(2, TRAIT_BYTES // bytes_of_one):
            del self._held[next(iter(self._held))]
        self._held[name] = _read_trait(self.session, known, strand=self.strand, n=self.position.size)
        return self._held[name]


def _read_trait(session: duckdb.DuckDBPyConnection, known: TraitType, *, strand: Strand, n: int) -> TraitVariants:
    columns = session.execute(TRAIT.format(associations=ASSOCIATIONS[strand]), {"trait": known.name}).fetchnumpy()
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
    frequency = along(columns["effect_allele_frequency"])
    shares = np.ma.compressed(np.ma.masked_invalid(np.ma.asarray(columns["sample_prevalence"], dtype=np.float64)))
    return TraitVariants(
        name=known.name,
        z=z,
        n=along(columns["n"]),
        beta=along(columns["beta"] * sign),
        standard_error=along(columns["standard_error"]),
        frequency=np.where(along(sign) < 0, 1 - frequency, frequency),
        minor_frequency=along(columns["minor_allele_frequency"]),
        sample_prevalence=float(shares.mean()) if shares.size else None,
        population_prevalence=known.population_prevalence,
        is_case_control=known.is_case_control,
        is_type_stated=known.is_type_stated,
        variant_class=variant_class,
        neg_log10_p=neg_log10_p(z),
    )


def read_genome(session: duckdb.DuckDBPyConnection, *, strand: Strand) -> Genome:
    """The variants of the build and the names of its traits; no traits where no GWAS was landed."""
    session.execute(VARIANTS.format(is_any_strand=str(strand == "any").lower()))
    located = session.execute(
        "select variant_key, chromosome, base_pair_location from variants order by variant"
    ).fetchnumpy()
    others = session.execute("select variant_key, other_name from variants where other_name is not null").fetchall()
    overlaps = session.execute(Z_CORRELATION).fetchall()
    return Genome(
        session=session,
        strand=strand,
        rsid=VariantNames.of(key=located["variant_key"], other=dict(others)),
        chromosome=np.asarray(located["chromosome"], dtype=np.float64),
        position=np.asarray(located["base_pair_location"], dtype=np.float64),
        types=tuple(TraitType(*row) for row in session.execute(TYPES).fetchall()),
        overlaps={(first, second): Overlap(*rest) for first, second, *rest in overlaps},
    )
