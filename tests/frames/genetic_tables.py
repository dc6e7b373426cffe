"""Genetic tables made by hand: 6,000 SNPs of one chromosome, 40 kb apart; a gene is the first and last of its SNPs."""

from collections.abc import Container, Mapping

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

N_SNPS, N_PEOPLE, SPACING_BP = 6_000, 100_000.0, 40_000


def database(
    *,
    traits: dict[str, dict[str, np.ndarray]],
    with_ld_scores: bool = True,
    genes: dict[str, tuple[int, int]] | None = None,
    diseases: Container[str] = (),
    case_shares: Mapping[str, float] | None = None,
    genome_build: str | None = None,
    wrong_genes: str | None = None,
) -> duckdb.DuckDBPyConnection:
    """A database with the tables that the rows read; a trait is z, effect_allele, perhaps beta, se and more.

    effect_allele : A or C of an A/C variant; where palindromic, A or T of an A/T variant.
    diseases : traits known to be case-control studies; case_shares : of those whose counts are stated.
    genome_build : of the variants; wrong_genes : what to do about genes on another.
    """
    connection = duckdb.connect()
    for schema in ("staging", "intermediate", "seeds", "results", "quality"):
        connection.execute(f"create schema {schema}")
    rng = np.random.default_rng(1)
    rsid = [f"rs{i}" for i in range(N_SNPS)]
    position = SPACING_BP * np.arange(1, N_SNPS + 1)
    panel = pa.table(
        {
            "rsid": rsid,
            "variant_key": np.arange(N_SNPS),
            "chromosome": ["1"] * N_SNPS,
            "base_pair_location": position,
            "ld_score": rng.gamma(4, 10, N_SNPS),
        }
    )
    panel = panel if with_ld_scores else panel.slice(0, 0)

    def palindromic(columns: dict[str, np.ndarray]) -> np.ndarray:
        return np.asarray(columns.get("palindromic", np.zeros(N_SNPS)), dtype=np.bool_)

    regional = pa.concat_tables(
        [
            pa.table(
                {
                    "trait": [name] * N_SNPS,
                    "rsid": rsid,
                    "variant_key": np.arange(N_SNPS),
                    "chromosome": np.ones(N_SNPS, dtype=np.int32),
                    "base_pair_location": position,
                    "orientation": (
                        np.where(columns["effect_allele"] == "A", 1, -1) * np.where(palindromic(columns), 3, 1)
                    ).astype(np.int32),
                    "is_strand_ambiguous": palindromic(columns),
                    "n": np.full(N_SNPS, N_PEOPLE),
                    "z_score": columns["z"],
                    "beta": columns.get("beta", columns["z"] / np.sqrt(N_PEOPLE)),
                    "standard_error": columns.get("se", np.full(N_SNPS, 1 / np.sqrt(N_PEOPLE))),
                    "effect_allele_frequency": columns.get("frequency", np.full(N_SNPS, 0.5)),
                    "minor_allele_frequency": np.minimum(
                        columns.get("frequency", np.full(N_SNPS, 0.5)),
                        1 - columns.get("frequency", np.full(N_SNPS, 0.5)),
                    ),
                    "sample_prevalence": pa.array([(case_shares or {}).get(name)] * N_SNPS, pa.float64()),
                    "is_case_control": [name in diseases] * N_SNPS,
                }
            )
            for name, columns in traits.items()
        ]
    )
    munged = regional.filter(pc.invert(regional["is_strand_ambiguous"]))
    located = pa.table(
        {
            "rsid": rsid,
            "variant_key": np.arange(N_SNPS),
            "chromosome": np.ones(N_SNPS, dtype=np.int32),
            "base_pair_location": position,
            "has_known_strand": ~np.all([palindromic(columns) for columns in traits.values()], axis=0),
        }
    )
    counts = pa.table({"n_reference_snps": [float(N_SNPS)] if with_ld_scores else pa.array([], pa.float64())})
    cells = pa.table(
        {
            "trait_1": [first for first in traits for _ in traits],
            "trait_2": [second for _ in traits for second in traits],
            "intercept": np.zeros(len(traits) ** 2),
            "intercept_standard_error": np.full(len(traits) ** 2, 0.01),
            "z_correlation": np.zeros(len(traits) ** 2),
        }
    )
    named = genes or {}
    windows = pa.table(
        {
            "gene_id": pa.array(list(named), pa.string()),
            "symbol": pa.array([name.upper() for name in named], pa.string()),
            "chromosome": np.ones(len(named), dtype=np.int32),
            "window_start_bp": np.array([SPACING_BP * (first + 1) for first, _ in named.values()], dtype=np.int64),
            "window_stop_bp": np.array([SPACING_BP * (last + 1) for _, last in named.values()], dtype=np.int64),
            "gene_locus": np.arange(len(named)),
        }
    )
    tables = {
        "intermediate.int_genes__windowed": windows,
        "staging.stg_ldsc__ld_scores": panel,
        "staging.stg_ldsc__ld_score_counts": counts,
        "intermediate.int_gwas_associations__munged": munged,
        "intermediate.int_gwas_associations__regional": regional,
        "intermediate.int_gwas_associations__judged": regional,
        "intermediate.int_gwas_lines__dropped": munged.select(["trait", "sample_prevalence", "is_case_control"]).slice(
            0, 0
        ),
        "intermediate.int_gwas_variants__located": located,
        "results.gwas_overlap_matrix": cells,
        "quality.genome_builds": pa.table(
            {
                "positions_of": ["variants", "genes"],
                "genome_build": pa.array([genome_build, None], pa.string()),
                "is_on_study_build": [True, wrong_genes is None],
                "what_to_do": pa.array([None, wrong_genes], pa.string()),
            }
        ),
    }
    for name, table in tables.items():
        connection.register("arrow_table", table)
        connection.execute(f"create table {name} as select * from arrow_table")
    connection.execute(
        "create table seeds.gwas_trait_codings (trait varchar, coding varchar, trait_type varchar, "
        "population_prevalence double, heritability_intercept double)"
    )
    connection.execute(
        "create table seeds.gwas_trait_pairs (trait_1 varchar, trait_2 varchar, covariance_intercept double, "
        "overlap_share double)"
    )
    return connection


def polygenic(seed: int = 7) -> dict[str, np.ndarray]:
    """A trait whose chi-square rises with the panel's LD scores."""
    l2 = np.random.default_rng(1).gamma(4, 10, N_SNPS)
    z = np.random.default_rng(seed).normal(size=N_SNPS) * np.sqrt(1 + 0.2 * N_PEOPLE * l2 / N_SNPS / 100)
    return {"z": z, "effect_allele": np.full(N_SNPS, "A")}


def with_hits(at: dict[int, float], seed: int) -> dict[str, np.ndarray]:
    z = np.random.default_rng(seed).normal(size=N_SNPS)
    z[list(at)] = list(at.values())
    return {"z": z, "effect_allele": np.full(N_SNPS, "A")}
