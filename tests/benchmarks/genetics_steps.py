"""python -m tests.benchmarks.genetics_steps land|munge|regress|fit FOLDER SCRATCH: one step of the GWAS pair.

A step imports what it needs and no more: each is a process of its own.
"""

import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb

TRAITS = ("trait_1", "trait_2")
MUNGE = (
    "stg_gwas__associations",
    "stg_gwas__traits",
    "int_gwas_associations__screened",
    "int_gwas_associations__kept",
    "int_gwas_lines__dropped",
    "int_gwas_associations__repeated",
    "int_gwas_traits__limited",
    "int_gwas_associations__judged",
    "int_gwas_associations__regional",
    "int_gwas_associations__munged",
    "gwas_qc",
)
LD = ("stg_ldsc__ld_scores", "stg_ldsc__ld_score_counts")
MEMORY = "600MB"  # of DuckDB; beyond it spills to disk


def _land_trait(folder: Path, scratch: Path, trait: str) -> None:
    from warehouse.ingest.detect import look_at
    from warehouse.ingest.gwas import AssociationReader, land_file
    from warehouse.ingest.overrides import Overrides
    from warehouse.ingest.rejects import Rejects

    path = folder / f"{trait}.tsv.gz"
    shape = look_at(path, name=path.name, overrides=Overrides())
    land_file(AssociationReader(shape, trait), scratch / "gwas" / f"{trait}.parquet", rejects=Rejects())


def land(folder: Path, scratch: Path) -> None:
    """The two files at a time, as ingest lands them, and the LD scores."""
    from warehouse.ingest.detect import look_at
    from warehouse.ingest.export import GWAS_FILES_AT_ONCE
    from warehouse.ingest.landing import TableWriter
    from warehouse.ingest.ld_scores import COUNT_COLUMNS, SCORE_COLUMNS, land_count, land_scores
    from warehouse.ingest.overrides import Overrides
    from warehouse.ingest.rejects import Rejects

    (scratch / "gwas").mkdir(exist_ok=True)
    with ThreadPoolExecutor(GWAS_FILES_AT_ONCE) as pool:
        for done in [pool.submit(_land_trait, folder, scratch, trait) for trait in TRAITS]:
            done.result()
    with TableWriter(scratch / "ld_scores.parquet", SCORE_COLUMNS) as writer:
        for path in sorted((folder / "ld_scores").glob("*.l2.ldscore.gz")):
            land_scores(look_at(path, name=path.name, overrides=Overrides()), writer=writer, rejects=Rejects())
    with TableWriter(scratch / "ld_score_counts.parquet", COUNT_COLUMNS) as writer:
        for path in sorted((folder / "ld_scores").glob("*.M_5_50")):
            land_count(path, name=path.name, chromosome=path.name.split(".")[0], writer=writer)


def _open(scratch: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(str(scratch / "bench.duckdb"))
    connection.execute(f"set memory_limit = '{MEMORY}'")
    connection.execute("set preserve_insertion_order = false")
    return connection


def munge(folder: Path, scratch: Path) -> None:
    """The SQL of the study, from landed Parquet to munged associations."""
    from tests.rendered_models import build, load_seeds

    parquet = "read_parquet('{}', union_by_name = true, file_row_number = true)"
    nobody = ", ".join(
        f"cast(null as varchar) as {name}"
        for name in ("trait", "source_format", "genome_assembly", "n", "n_cases", "n_controls", "trait_description")
    )
    sources = {
        "associations": parquet.format(scratch / "gwas/*.parquet"),
        "gwas_traits": f"(select {nobody} where false)",
        "ld_scores": parquet.format(scratch / "ld_scores.parquet"),
        "ld_score_counts": parquet.format(scratch / "ld_score_counts.parquet"),
    }
    connection = _open(scratch)
    load_seeds(connection, "gwas_rules", "gwas_trait_codings")
    build(connection, [*MUNGE, *LD], sources=sources)


def regress(folder: Path, scratch: Path) -> None:
    """Heritability in two steps and the genetic correlation in one, as ldsc by default."""
    h2, rg = _regressions(scratch)()
    print(f"h2 {h2:.6f}\nrg {rg:.6f}", flush=True)


def fit(folder: Path, scratch: Path) -> None:
    """The same once more: arrays at hand, compiled code loaded."""
    run = _regressions(scratch)
    run()
    started = time.perf_counter()
    run()
    print(f"fit {time.perf_counter() - started:.6f}", flush=True)


def _regressions(scratch: Path) -> Callable[[], tuple[float | None, float | None]]:
    from python_models.estimators.genetics.genetic_correlation import genetic_correlation
    from python_models.estimators.genetics.heritability import TWO_STEP_CUTOFF, heritability
    from python_models.frames.genetics.gwas_traits import read_ld_scores, read_statistics

    session = _open(scratch)
    scores = read_ld_scores(session)
    assert scores is not None
    first, second = (read_statistics(session, trait=trait, n_ld_scores=scores.l2.size) for trait in TRAITS)

    def run() -> tuple[float | None, float | None]:
        h2 = heritability(z=first.z, n=first.n, ld_scores=scores, two_step=TWO_STEP_CUTOFF)
        return h2.h2, genetic_correlation(first=first, second=second, ld_scores=scores).rg

    return run


STEPS = {"land": land, "munge": munge, "regress": regress, "fit": fit}

if __name__ == "__main__":
    STEPS[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]))
