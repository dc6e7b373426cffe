"""Landed GWAS lines of a small genome, and the genetic models built on them."""

import duckdb
import numpy as np
import pyarrow as pa

from python_models.estimators.genetics.normal_tails import two_sided_p
from tests.rendered_models import build, load_seeds
from warehouse.ingest.gwas_formats import ASSOCIATION_COLUMNS

N_SNPS = 4_000
MODELS = ("stg_gwas__associations", "stg_gwas__traits", "stg_ldsc__ld_scores", "stg_ldsc__ld_score_counts",
          "int_gwas_associations__screened",
          "int_gwas_associations__kept", "int_gwas_lines__dropped",
          "int_gwas_associations__repeated", "int_gwas_traits__limited",
          "int_gwas_associations__judged", "int_gwas_associations__regional", "int_gwas_associations__munged",
          "gwas_qc", "gwas_builds",
          "int_gwas_variants__located")  # fmt: skip
Lines = dict[str, np.ndarray]


def trait(seed: int) -> Lines:
    """Landed lines of one polygenic trait on the panel's SNPs."""
    l2 = np.random.default_rng(1).gamma(4, 10, N_SNPS)
    z = np.random.default_rng(seed).normal(size=N_SNPS) * np.sqrt(1 + 0.05 * l2)
    texts = {
        "chromosome": np.full(N_SNPS, "1"),
        "base_pair_location": np.arange(1, N_SNPS + 1) * 1_000,
        "rsid": np.char.add("rs", np.arange(N_SNPS).astype(str)),
        "effect_allele": np.full(N_SNPS, "A"),
        "other_allele": np.full(N_SNPS, "C"),
        "n": np.full(N_SNPS, 50_000),
        "beta": z / np.sqrt(50_000),
        "standard_error": np.full(N_SNPS, 1 / np.sqrt(50_000)),
        "p_value": two_sided_p(z),
    }
    return {name: values.astype(str).astype(object) for name, values in texts.items()}


def study(**traits: Lines) -> duckdb.DuckDBPyConnection:
    """The genetic models built on these landed lines, with the panel of `trait`."""
    connection = duckdb.connect()
    connection.execute("create schema landed")
    tables = []
    for name, lines in traits.items():
        n = lines["rsid"].size
        whole = {**dict.fromkeys(ASSOCIATION_COLUMNS, np.full(n, None, dtype=object)), **lines}
        whole["trait"], whole["source_format"] = np.full((2, n), None, dtype=object)
        whole["trait"][:] = name
        columns = {column: pa.array(values, pa.string()) for column, values in whole.items()}
        tables.append(pa.table({**columns, "file_row_number": np.arange(n)}))
    l2 = np.random.default_rng(1).gamma(4, 10, N_SNPS)
    landed = {
        "associations": pa.concat_tables(tables),
        "gwas_traits": pa.table(
            {
                name: pa.array([], pa.string())
                for name in (
                    "trait",
                    "source_format",
                    "genome_assembly",
                    "n",
                    "n_cases",
                    "n_controls",
                    "trait_description",
                )
            }
        ),
        "ld_scores": pa.table(
            {
                "chromosome": ["1"] * N_SNPS,
                "rsid": [f"rs{k}" for k in range(N_SNPS)],
                "base_pair_location": [str(1_000 * (k + 1)) for k in range(N_SNPS)],
                "l2": l2.astype(str).tolist(),
            }
        ),
        "ld_score_counts": pa.table({"chromosome": ["1"], "m_5_50": [str(N_SNPS)]}),
    }
    for name, table in landed.items():
        connection.register("arrow_table", table)
        connection.execute(f"create table landed.{name} as select * from arrow_table")
    load_seeds(connection, "gwas_rules", "gwas_trait_codings", "gwas_trait_pairs")
    build(connection, MODELS, sources={name: f"landed.{name}" for name in landed})
    return connection


def dropped(connection: duckdb.DuckDBPyConnection, name: str) -> dict[str, int]:
    rows = connection.execute("select rule, n_dropped from quality.gwas_qc where trait = $1 and n_dropped > 0", [name])
    return dict(rows.fetchall())


def changed(lines: Lines, **columns: object) -> Lines:
    return {**lines, **{name: np.full(N_SNPS, value, dtype=object) for name, value in columns.items()}}


def without(lines: Lines, places: list[int]) -> Lines:
    return {name: np.delete(values, places) for name, values in lines.items()}


def at(lines: Lines, column: str, places: list[int], value: object) -> Lines:
    values = lines[column].copy()
    values[places] = value
    return {**lines, column: values}
