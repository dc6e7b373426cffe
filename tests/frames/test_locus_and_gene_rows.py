"""Genes, colocalisation and LD from tables made by hand: what is hit, what is shared, what an LD reference changes."""

from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from bed_reader import to_bed

from python_models.estimators.genetics.conjunctional_fdr import MHC_GRCH37, MHC_GRCH38
from python_models.frames.genetics.colocalisation_rows import colocalisation_rows
from python_models.frames.genetics.gene_rows import gene_association_rows
from python_models.frames.genetics.genome_build import NO_GENES, mhc_region
from python_models.frames.genetics.gwas_variants import read_genome
from python_models.frames.genetics.ld_reference import LdReferenceError, read_ld_reference
from python_models.frames.genetics.mendelian_randomisation_rows import mendelian_randomisation_rows
from python_models.frames.genetics.shared_gene_rows import gene_overlap_rows, shared_gene_rows
from python_models.frames.genetics.shared_locus_rows import shared_locus_rows
from tests.frames.genetic_tables import N_SNPS, SPACING_BP, database, with_hits

GENES = {f"g{k:03d}": (50 * k, 50 * k + 5) for k in range(100)}
LD_PEOPLE = 400


def keep(connection: duckdb.DuckDBPyConnection, name: str, rows: pa.Table) -> None:
    connection.register("arrow_rows", rows)
    connection.execute(f"create or replace table results.{name} as select * from arrow_rows")


def plink(folder: Path, *, shift_bp: int = 0, people: int = LD_PEOPLE, names: list[str] | None = None) -> Path:
    """Genotypes of all SNPs: each odd SNP is a copy of the one before it, others are independent."""
    rng = np.random.default_rng(3)
    dosage = rng.integers(0, 3, size=(people, N_SNPS)).astype(np.float32)
    dosage[:, 1::2] = dosage[:, ::2]
    to_bed(
        folder / "reference.bed",
        dosage,
        properties={
            "sid": names or [f"rs{i}" for i in range(N_SNPS)],
            "chromosome": ["1"] * N_SNPS,
            "bp_position": SPACING_BP * np.arange(1, N_SNPS + 1) + shift_bp,
        },
    )
    return folder


def test_gene_association_rows__the_gene_with_the_hit_is_significant_and_named_by_its_snp() -> None:
    connection = database(traits={"a": with_hits({102: 7.0}, 1)}, genes=GENES)
    rows = gene_association_rows(connection).to_pylist()
    assert len(rows) == len(GENES)
    hits = [row for row in rows if row["is_significant"]]
    assert [(row["gene_id"], row["top_rsid"], row["top_z_score"], row["n_snps"]) for row in hits] == [
        ("g002", "rs102", pytest.approx(7.0), 6)
    ]
    assert {row["method"] for row in rows} == {"acat"}


def test_gene_association_rows__without_gene_locations_is_a_refusal_with_its_remedy() -> None:
    rows = gene_association_rows(database(traits={"a": with_hits({}, 1)})).to_pylist()
    assert [(row["trait"], row["refusal"]) for row in rows] == [("a", NO_GENES)]


def test_gene_rows__of_genes_on_another_build_are_refusals_that_say_so() -> None:
    told = "the gene locations are on another genome build than the variants"
    connection = database(traits={name: with_hits({102: 8.0}, 1) for name in "ab"}, genes=GENES, wrong_genes=told)
    rows = gene_association_rows(connection)
    assert [(row["trait"], row["gene_id"], row["refusal"]) for row in rows.to_pylist()] == [
        ("a", None, told),
        ("b", None, told),
    ]
    keep(connection, "gene_associations", rows)
    assert shared_gene_rows(connection).num_rows == 0
    assert {(row["unit"], row["refusal"]) for row in gene_overlap_rows(connection).to_pylist()} == {
        ("genes", told),
        ("loci", told),
    }


def test_mhc_region__follows_the_build_of_the_study() -> None:
    """Its ends lie apart by 228 bp and 32 kb."""
    traits = {"a": with_hits({}, 1)}
    regions = {build: mhc_region(database(traits=traits, genome_build=build)) for build in ("GRCh37", "GRCh38", None)}
    assert regions == {"GRCh37": MHC_GRCH37, "GRCh38": MHC_GRCH38, None: MHC_GRCH37}


def test_shared_loci__count_no_snp_of_the_mhc_of_their_build() -> None:
    """On chromosome 6 the last SNP at 33.88 Mb is of the MHC on GRCh38 alone: the rates of the others follow."""
    traits = {"a": with_hits({1_000: 8.0, 846: 9.0}, 1), "b": with_hits({1_000: 8.0, 846: 9.0}, 2)}

    def rates(build: str | None) -> list[float]:
        connection = database(traits=traits, genome_build=build)
        connection.execute("update intermediate.int_gwas_variants__located set chromosome = 6")
        rows = shared_locus_rows(connection).to_pylist()
        return [row["conjunctional_fdr"] for row in rows if row["evidence"] == "conjunctional_fdr"]

    assert rates("GRCh38") != rates("GRCh37")
    assert rates(None) == rates("GRCh37")


def test_gene_association_rows__snp_wise_mean_counts_snps_in_perfect_ld_once(tmp_path: Path) -> None:
    """Two copies of one SNP with z = 4 are one test of z = 4; the Cauchy combination agrees without knowing it."""
    connection = database(traits={"a": with_hits({100: 4.0, 101: 4.0}, 1)}, genes={"pair": (100, 101)})
    rows = {
        row["method"]: row for row in gene_association_rows(connection, ld_reference=str(plink(tmp_path))).to_pylist()
    }
    assert set(rows) == {"acat", "snp_wise_mean"}
    for row in rows.values():
        assert row["p_value"] == pytest.approx(6.334248e-05, rel=1e-5)
    assert "400 people" in rows["snp_wise_mean"]["note"]


def test_shared_gene_rows__one_common_gene_with_its_direction_and_the_overlap_null() -> None:
    traits = {"a": with_hits({102: 8.0, 403: 8.0}, 1), "b": with_hits({102: -8.0, 702: 8.0}, 2)}
    connection = database(traits=traits, genes=GENES)
    keep(connection, "gene_associations", gene_association_rows(connection))
    shared = shared_gene_rows(connection).to_pylist()
    assert [(row["gene_id"], row["is_same_direction"]) for row in shared] == [("g002", False)]
    assert shared[0]["direction_agreement"] < -0.5
    overlaps = {row["unit"]: row for row in gene_overlap_rows(connection).to_pylist()}
    for row in overlaps.values():
        assert (row["n_background"], row["n_1"], row["n_2"], row["n_both"]) == (100, 2, 2, 1)
        assert (row["n_same_direction"], row["n_opposite_direction"]) == (0, 1)
        assert row["expected"] == pytest.approx(0.04)
        # 1 - C(98, 2) / C(100, 2); of 100 rotations 4 put one of 2 x 2 hits together, none puts two.
        assert row["p_value"] == pytest.approx(1 - 98 * 97 / (100 * 99))
        assert row["rotation_p_value"] == pytest.approx(0.04)


def coloc_row(second_at: int) -> dict[str, object]:
    traits = {"a": with_hits({1_000: 9.0}, 1), "b": with_hits({second_at: -9.0}, 2)}
    connection = database(traits=traits)
    keep(connection, "shared_loci", shared_locus_rows(connection))
    rows = [row for row in colocalisation_rows(connection).to_pylist() if row["evidence"] == "both_genome_wide"]
    assert len(rows) == 1
    return dict(rows[0])


def test_colocalisation_rows__one_common_variant_is_h4_over_the_whole_range_of_priors() -> None:
    row = coloc_row(1_000)
    assert row["supported_hypothesis"] == "H4"
    assert row["likeliest_rsid"] == "rs1000"
    assert row["n_credible_snps"] == 1
    assert row["is_robust"] is True
    assert row["is_same_direction"] is False
    assert row["posterior_h4_at_lowest_p_12"] <= row["posterior_h4"] <= row["posterior_h4_at_highest_p_12"]  # type: ignore[operator]


def test_colocalisation_rows__two_variants_are_h3() -> None:
    row = coloc_row(1_004)
    assert row["supported_hypothesis"] == "H3"
    assert row["smallest_p_12_for_h4"] is None


def test_colocalisation_rows__an_undecided_locus_says_so() -> None:
    """The second trait's stronger variant is another one, by just so much that the priors make up for it."""
    traits = {"a": with_hits({1_000: 9.0}, 1), "b": with_hits({1_000: 5.0, 1_004: 6.2}, 2)}
    connection = database(traits=traits)
    keep(connection, "shared_loci", shared_locus_rows(connection))
    row = next(row for row in colocalisation_rows(connection).to_pylist() if row["evidence"] == "both_genome_wide")
    assert max(row["posterior_h3"], row["posterior_h4"]) < 0.8
    assert row["supported_hypothesis"] is None
    assert "no hypothesis reaches 0.8" in row["note"]
    assert "a and b taken as quantitative" in row["note"]


def test_colocalisation_rows__a_disease_has_the_prior_of_a_log_odds_ratio_and_needs_errors_or_counts() -> None:
    traits = {"a": with_hits({1_000: 9.0}, 1), "b": with_hits({1_000: 5.0, 1_004: 6.2}, 2)}

    def row_of(diseases: set[str], **changed: dict[str, np.ndarray]) -> dict[str, object]:
        connection = database(traits={**traits, **changed}, diseases=diseases)
        keep(connection, "shared_loci", shared_locus_rows(connection))
        rows = colocalisation_rows(connection).to_pylist()
        return dict(next(row for row in rows if row["evidence"] == "both_genome_wide"))

    disease = row_of({"a"})
    assert disease["posterior_h4"] != row_of(set())["posterior_h4"]
    assert "b taken as quantitative" in str(disease["note"])
    without_errors = {**traits["a"], "se": np.full(N_SNPS, np.nan)}
    refused = row_of({"a"}, a=without_errors)
    assert refused["posterior_h4"] is None
    assert "a is a disease without standard errors" in str(refused["refusal"])
    assert "n_cases and n_controls" in str(refused["refusal"])
    assert row_of(set(), a=without_errors)["refusal"] is None


def test_loci__ld_joins_what_is_correlated_and_parts_what_only_lies_near(tmp_path: Path) -> None:
    """rs1000 and its copy rs1001 are one locus; rs1008, 320 kb away and independent, is another where LD is known."""
    traits = {"a": with_hits({1_000: 9.0, 1_001: 9.0, 1_008: 9.0}, 1), "b": with_hits({1_000: 9.0, 1_008: 9.0}, 2)}
    connection = database(traits=traits)
    by_distance = shared_locus_rows(connection).to_pylist()
    by_ld = shared_locus_rows(connection, ld_reference=str(plink(tmp_path))).to_pylist()

    def loci(rows: list[dict[str, object]]) -> list[object]:
        return [row["locus"] for row in rows if row["evidence"] == "both_genome_wide"]

    assert len(loci(by_distance)) == 1
    assert len(loci(by_ld)) == 2
    assert "400 people" in by_ld[0]["clumped_by"]


def test_instruments__by_ld_are_independent_variants_inside_10_mb(tmp_path: Path) -> None:
    hits = dict.fromkeys((1000, 1001), 9.0) | {2_000: 9.0}
    connection = database(traits={"a": with_hits(hits, 1), "b": with_hits({}, 2)})
    rows = mendelian_randomisation_rows(connection, ld_reference=str(plink(tmp_path))).to_pylist()
    ivw = next(row for row in rows if row["exposure"] == "a" and row["method"] == "ivw")
    assert ivw["n_instruments"] == 2


@pytest.mark.parametrize(
    ("fault", "options"),
    [
        ("another genome build", {"shift_bp": 17}),
        ("fewer than 100", {"people": 60}),
        ("no rs number", {"names": [f"other{i}" for i in range(N_SNPS)]}),
    ],
)
def test_read_ld_reference__a_wrong_reference_is_refused_with_its_remedy(
    tmp_path: Path, fault: str, options: dict[str, object]
) -> None:
    genome = read_genome(database(traits={"a": with_hits({}, 1)}), strand="any")
    with pytest.raises(LdReferenceError, match=fault) as refused:
        read_ld_reference(str(plink(tmp_path, **options)), genome)  # type: ignore[arg-type]
    assert "LD_REFERENCE" in str(refused.value)


def test_read_ld_reference__a_folder_without_plink_files_is_refused(tmp_path: Path) -> None:
    genome = read_genome(database(traits={"a": with_hits({}, 1)}), strand="any")
    with pytest.raises(LdReferenceError, match=r"no \.bed"):
        read_ld_reference(str(tmp_path), genome)
    assert read_ld_reference("", genome) is None
