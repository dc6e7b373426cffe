"""Landmarks of known place tell the build of real positions: MAGMA's genes of GRCh37, the LD scores of ldsc."""

import csv
import gzip
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.rendered_models import build, load_seeds
from warehouse.ingest.gene_locations import GENE_COLUMNS, land_genes
from warehouse.ingest.landing import TableWriter
from warehouse.ingest.rejects import Rejects

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared/data/genetics"
GENES, LD_SCORES = SHARED / "NCBI37.3.gene.loc", SHARED / "eur_w_ld_chr"
needs_shared = pytest.mark.skipif(not GENES.is_file() or not LD_SCORES.is_dir(), reason="needs ../shared/data/genetics")
ANNOTATIONS_DIFFER_BP = 400


def seed(name: str) -> list[dict[str, str]]:
    with (ROOT / f"warehouse/seeds/{name}.csv").open(newline="") as handle:
        return list(csv.DictReader(handle))


def whole(rows: list[dict[str, str]], column: str) -> list[int]:
    return [int(row[column]) for row in rows]


def judged(genes: pa.Table, variants: pa.Table) -> dict[str, dict[str, Any]]:
    """quality.genome_builds of these gene locations and located variants."""
    connection = duckdb.connect()
    for name in ("landed", "intermediate"):
        connection.execute(f"create schema {name}")
    for name, table in (("landed.gene_locations", genes), ("intermediate.int_gwas_variants__located", variants)):
        connection.register("arrow_table", table)
        connection.execute(f"create table {name} as select * from arrow_table")
    load_seeds(connection, "anchor_genes", "anchor_variants")
    build(
        connection, ("stg_gene_locations__genes", "genome_builds"), sources={"gene_locations": "landed.gene_locations"}
    )
    rows = connection.sql("select * from quality.genome_builds").to_arrow_table().to_pylist()
    return {row["positions_of"]: row for row in rows}


def real_genes(folder: Path) -> pa.Table:
    with TableWriter(folder / "genes.parquet", GENE_COLUMNS) as writer:
        land_genes(GENES, name=GENES.name, writer=writer, rejects=Rejects())
    return pq.read_table(folder / "genes.parquet")


def real_variants() -> pa.Table:
    """The SNPs of the LD scores of ldsc, which lend the study its positions."""
    columns: dict[str, list[Any]] = {"rsid": [], "chromosome": [], "base_pair_location": []}
    wanted = {row["rsid"] for row in seed("anchor_variants")}
    for path in sorted(LD_SCORES.glob("*.l2.ldscore.gz")):
        with gzip.open(path, "rt") as lines:
            for line in lines:
                chromosome, rsid, position = line.split("\t")[:3]
                if rsid in wanted:
                    for name, value in zip(columns, (rsid, int(chromosome), int(position)), strict=True):
                        columns[name].append(value)
    return pa.table(columns)


def landmarks(build: str) -> tuple[pa.Table, pa.Table]:
    """The landmarks themselves, as a gene file without symbols and as located variants."""
    genes, variants = seed("anchor_genes"), seed("anchor_variants")
    ids = [row["entrez_id"] for row in genes]
    return pa.table(
        {
            "gene_id": ids,
            "chromosome": [row["chromosome"] for row in genes],
            "start_bp": [row[f"start_bp_{build}"] for row in genes],
            "stop_bp": [row[f"stop_bp_{build}"] for row in genes],
            "strand": ["+"] * len(ids),
            "symbol": ids,
        }
    ), pa.table(
        {
            "rsid": [row["rsid"] for row in variants],
            "chromosome": whole(variants, "chromosome"),
            "base_pair_location": whole(variants, f"base_pair_{build}"),
        }
    )


@needs_shared
def test_genome_builds__tells_the_build_of_real_genes_and_ld_scores(tmp_path: Path) -> None:
    found = judged(real_genes(tmp_path), real_variants())
    n_genes, n_variants = len(seed("anchor_genes")), len(seed("anchor_variants"))
    for name, n in (("genes", n_genes), ("variants", n_variants)):
        assert (found[name]["n_anchors_compared"], found[name]["n_at_grch37"], found[name]["n_at_grch38"]) == (n, n, 0)
        assert (found[name]["genome_build"], found[name]["is_on_study_build"]) == ("GRCh37", True)
        assert found[name]["what_to_do"] is None


@needs_shared
def test_genome_builds__tells_real_genes_from_a_study_of_the_other_build(tmp_path: Path) -> None:
    found = judged(real_genes(tmp_path), landmarks("grch38")[1])
    assert found["variants"]["genome_build"] == "GRCh38"
    assert found["genes"]["is_on_study_build"] is False
    assert found["genes"]["verdict"] == "GRCh37, the variants GRCh38"
    assert "NCBI38.gene.loc GRCh38" in found["genes"]["what_to_do"]


@needs_shared
def test_anchor_genes__are_magmas_of_grch37() -> None:
    real = {line.split()[0]: line.split() for line in GENES.read_text().splitlines()}
    for row in seed("anchor_genes"):
        gene = real[row["entrez_id"]]
        chromosome = {"X": "23"}.get(gene[1], gene[1])
        assert [row["chromosome"], row["start_bp_grch37"], row["stop_bp_grch37"], row["symbol"]] == [
            chromosome, gene[2], gene[3], gene[5],
        ]  # fmt: skip


def test_genome_builds__tells_each_build_by_ids_alone() -> None:
    for build_name, told in (("grch37", "GRCh37"), ("grch38", "GRCh38")):
        found = judged(*landmarks(build_name))
        assert (found["genes"]["genome_build"], found["variants"]["genome_build"]) == (told, told)
        assert found["genes"]["is_on_study_build"] is True
    crossed = judged(landmarks("grch38")[0], landmarks("grch37")[1])
    assert crossed["genes"]["is_on_study_build"] is False


def test_genome_builds__positions_of_a_third_build_are_on_neither() -> None:
    genes, variants = landmarks("grch37")
    moved = pa.array([str(int(start) - 700_000) for start in genes["start_bp"].to_pylist()])
    ends = pa.array([str(int(stop) - 700_000) for stop in genes["stop_bp"].to_pylist()])
    elsewhere = genes.set_column(2, "start_bp", moved).set_column(3, "stop_bp", ends)
    found = judged(elsewhere, variants)
    assert (found["genes"]["genome_build"], found["genes"]["is_on_study_build"]) == ("neither", False)


def test_anchors__tell_the_builds_apart_on_every_chromosome() -> None:
    genes, variants = seed("anchor_genes"), seed("anchor_variants")
    assert {int(row["chromosome"]) for row in genes} == set(range(1, 24))
    assert {int(row["chromosome"]) for row in variants} == set(range(1, 23))
    for row in genes:
        first, last, first_38, last_38 = (
            int(row[f"{end}_bp_{build}"]) for build in ("grch37", "grch38") for end in ("start", "stop")
        )
        assert first < last
        assert abs((last - first) - (last_38 - first_38)) <= ANNOTATIONS_DIFFER_BP
        assert max(first_38 - last, first - last_38) > last - first, row["symbol"]
    assert all(row["base_pair_grch37"] != row["base_pair_grch38"] for row in variants)
