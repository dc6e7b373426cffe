"""A/T and C/G variants: nothing to the regressions, as good as any to a region, told by frequency or dropped in MR."""

from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from bed_reader import to_bed

from python_models.estimators.genetics.normal_tails import two_sided_p
from python_models.frames.genetics.colocalisation_rows import colocalisation_rows
from python_models.frames.genetics.gene_rows import gene_association_rows
from python_models.frames.genetics.genetic_rows import genetic_correlation_rows, heritability_rows
from python_models.frames.genetics.mendelian_randomisation_rows import mendelian_randomisation_rows
from python_models.frames.genetics.shared_gene_rows import shared_gene_rows
from python_models.frames.genetics.shared_locus_rows import shared_locus_rows
from tests.frames import genetic_tables
from tests.frames.landed_lines import N_SNPS, Lines, at, dropped, study, trait, without
from tests.rendered_models import build, load_seeds

AMBIGUOUS = list(range(0, N_SNPS, 8))
CAUSAL = 2_000


def with_z(lines: Lines, z: dict[int, float]) -> Lines:
    """Effects and P values of these lines."""
    places, values = list(z), np.array(list(z.values()))
    lines = at(lines, "beta", places, (values / np.sqrt(50_000)).astype(str))
    return at(lines, "p_value", places, np.asarray(two_sided_p(values)).astype(str))


def quiet(seed: int, z: dict[int, float], *, letters: tuple[str, str] = ("A", "T")) -> Lines:
    """A trait of noise but for these places; the causal variant is palindromic, its effect allele has frequency 0.2."""
    noise = np.random.default_rng(seed).normal(size=N_SNPS)
    lines = with_z(trait(seed), dict(enumerate(np.where(np.isin(np.arange(N_SNPS), list(z)), 0, noise))) | z)
    lines["effect_allele_frequency"] = np.full(N_SNPS, "0.2", dtype=object)
    lines = at(lines, "effect_allele", [CAUSAL], letters[0])
    return at(lines, "other_allele", [CAUSAL], letters[1])


def with_shared_loci(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Two independent samples, and the loci they share."""
    connection.execute("create schema if not exists results")
    connection.execute(
        "create table results.gwas_overlap_matrix as select first.trait as trait_1, second.trait as trait_2, "
        "0e0 as z_correlation, 0e0 as intercept, 0.01e0 as intercept_standard_error "
        "from quality.gwas_builds as first cross join quality.gwas_builds as second"
    )
    if not rows_of(connection, "select 1 from duckdb_tables() where table_name = 'genome_builds'"):
        connection.execute(
            "create table quality.genome_builds as select 'variants' as positions_of, null as genome_build"
        )
    keep(connection, "shared_loci", shared_locus_rows(connection))
    return connection


def keep(connection: duckdb.DuckDBPyConnection, name: str, rows: pa.Table) -> None:
    connection.register("arrow_rows", rows)
    connection.execute(f"create or replace table results.{name} as select * from arrow_rows")


def rows_of(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[object, ...]]:
    return connection.execute(query).fetchall()


def test_regressions__are_the_same_to_the_last_digit_with_and_without_ambiguous_lines() -> None:
    """The lines would move the smallest N, the median effect and every regression, were they counted."""
    loud = dict.fromkeys(AMBIGUOUS, 30.0)
    with_lines, without_lines = {}, {}
    for seed, name in ((2, "a"), (3, "b")):
        lines = at(at(with_z(trait(seed), loud), "other_allele", AMBIGUOUS, "T"), "n", AMBIGUOUS, "900000")
        with_lines[name], without_lines[name] = lines, without(lines, AMBIGUOUS)
    # Beside an ambiguous line of the same name, whichever comes first, the other line is the one that counts.
    twice = at(with_lines["a"], "rsid", [8, 16], "rs9")
    studies = [study(**with_lines), study(**without_lines), study(**(with_lines | {"a": twice}))]
    for rows in (heritability_rows, genetic_correlation_rows):
        told = [rows(connection) for connection in studies]
        assert told[0].equals(told[1])
        assert told[0].equals(told[2])
    for table in ("int_gwas_traits__limited", "int_gwas_associations__munged"):
        columns = "* exclude (line_number)" if table.endswith("munged") else "*"
        query = f"select {columns} from intermediate.{table} order by all"
        told_rows = [rows_of(connection, query) for connection in studies]
        assert told_rows[0] == told_rows[1] == told_rows[2]
    assert [dropped(connection, "a") for connection in studies] == [
        {"strand_ambiguous": len(AMBIGUOUS)}, {}, {"strand_ambiguous": len(AMBIGUOUS)},
    ]  # fmt: skip
    regional = (
        "select count(*), count(distinct rsid) from intermediate.int_gwas_associations__regional where trait = 'a'"
    )
    assert [rows_of(connection, regional) for connection in studies] == [
        [(N_SNPS, N_SNPS)], [(N_SNPS - len(AMBIGUOUS),) * 2], [(N_SNPS - 2,) * 2],
    ]  # fmt: skip


def test_regional_lines__break_no_other_rule() -> None:
    lines = at(trait(2), "other_allele", [8, 16, 24, 32], "T")
    lines = at(at(at(lines, "n", [8], "100"), "p_value", [16], "0"), "beta", [16], "0")
    connection = study(a=lines)
    left = "select rsid from intermediate.int_gwas_associations__regional where is_strand_ambiguous order by rsid"
    assert rows_of(connection, left) == [("rs24",), ("rs32",)]
    located = "select rsid, has_known_strand from intermediate.int_gwas_variants__located "
    assert sorted(rows_of(connection, located + "where rsid in ('rs31', 'rs32')")) == [("rs31", True), ("rs32", False)]


# The causal variant is beyond doubt; of its neighbours each trait has drawn another to pass the threshold by a little.
FIRST, SECOND = {CAUSAL: 9.0, CAUSAL - 1: 5.7}, {CAUSAL: 9.0, CAUSAL + 1: 5.7}


def colocalisation(first: Lines, second: Lines, **options: str) -> dict[str, object]:
    rows = colocalisation_rows(with_shared_loci(study(a=first, b=second)), **options).to_pylist()
    (row,) = [row for row in rows if row["evidence"] == "both_genome_wide"]
    return dict(row)


def test_colocalisation__finds_a_causal_palindrome_that_its_neighbours_do_not_tell_of() -> None:
    first, second = quiet(4, FIRST), quiet(5, SECOND)
    row = colocalisation(first, second)
    assert (row["supported_hypothesis"], row["likeliest_rsid"]) == ("H4", f"rs{CAUSAL}")
    assert row["is_same_direction"] is True
    blind = colocalisation(without(first, [CAUSAL]), without(second, [CAUSAL]))
    assert blind["supported_hypothesis"] != "H4"
    assert blind["posterior_h4"] < 0.5 < row["posterior_h4"]  # type: ignore[operator]
    assert blind["n_snps"] == row["n_snps"] - 1  # type: ignore[operator]


def test_colocalisation__tells_the_direction_of_a_palindrome_by_frequency_or_not_at_all() -> None:
    """The second study reads the other strand: its T is the first one's A, of the same frequency."""
    first, second = quiet(4, FIRST), quiet(5, SECOND, letters=("T", "A"))
    assert colocalisation(first, second)["is_same_direction"] is True
    assert colocalisation(first, second, palindromes="assume_forward")["is_same_direction"] is False
    assert colocalisation(first, second, palindromes="drop")["is_same_direction"] is None
    half = at(second, "effect_allele_frequency", [CAUSAL], "0.45")
    told = colocalisation(first, half)
    assert (told["supported_hypothesis"], told["is_same_direction"]) == ("H4", None)


def test_colocalisation__reads_the_frequency_of_the_rarer_allele_and_tells_no_direction_by_it() -> None:
    first, second = quiet(4, FIRST), quiet(5, SECOND)
    whole = colocalisation(first, second)
    of_either = {name: cells for name, cells in second.items() if name != "effect_allele_frequency"}
    of_either["minor_allele_frequency"] = second["effect_allele_frequency"]
    row = colocalisation(first, of_either)
    assert row["posterior_h4"] == whole["posterior_h4"]
    assert (whole["is_same_direction"], row["is_same_direction"]) == (True, None)


def test_shared_loci__never_name_a_palindrome() -> None:
    connection = with_shared_loci(study(a=quiet(4, FIRST), b=quiet(5, SECOND)))
    named = {
        row[name]
        for row in shared_locus_rows(connection).to_pylist()
        for name in ("lead_rsid_1", "lead_rsid_2", "pleiotropic_rsid", "conjunctional_rsid")
    }
    assert f"rs{CAUSAL}" not in named
    assert named & {f"rs{CAUSAL - 1}", f"rs{CAUSAL + 1}"}


def test_gene_tests__read_the_palindrome_of_a_gene(tmp_path: Path) -> None:
    """Alone in its gene: P of the gene is its own, by either test. Its sign tells nothing of two traits."""
    connection = study(a=quiet(4, {CAUSAL: 9.0}), b=quiet(5, {CAUSAL: -9.0}))
    gene = pa.table(
        {"gene_id": ["g"], "symbol": ["G"], "chromosome": ["1"], "start_bp": [str(1_000 * (CAUSAL + 1))],
         "stop_bp": [str(1_000 * (CAUSAL + 1))], "strand": ["+"]}
    )  # fmt: skip
    connection.register("arrow_genes", gene)
    connection.execute("create table landed.gene_locations as select * from arrow_genes")
    load_seeds(connection, "anchor_genes", "anchor_variants")
    narrow = {"gwas_gene_window_upstream_bp": 0, "gwas_gene_window_downstream_bp": 0}
    models = ("stg_gene_locations__genes", "int_genes__windowed", "genome_builds")
    build(connection, models, sources={"gene_locations": "landed.gene_locations"}, options=narrow)
    with_shared_loci(connection)
    dosage = np.random.default_rng(3).integers(0, 3, size=(200, N_SNPS)).astype(np.float32)
    properties = {
        "sid": [f"rs{k}" for k in range(N_SNPS)],
        "chromosome": ["1"] * N_SNPS,
        "bp_position": 1_000 * np.arange(1, N_SNPS + 1),
    }
    to_bed(tmp_path / "reference.bed", dosage, properties=properties)
    rows = gene_association_rows(connection, ld_reference=str(tmp_path))
    assert {(row["trait"], row["method"]) for row in rows.to_pylist()} == {
        (name, method) for name in ("a", "b") for method in ("acat", "snp_wise_mean")
    }
    for row in rows.to_pylist():
        assert (row["top_rsid"], row["n_snps"], row["is_significant"]) == (f"rs{CAUSAL}", 1, True)
        assert row["p_value"] == pytest.approx(two_sided_p(9.0), rel=1e-4)
    keep(connection, "gene_associations", rows)
    for shared in shared_gene_rows(connection).to_pylist():
        assert (shared["n_snps_of_both"], shared["is_same_direction"]) == (0, None)


# Mendelian randomisation: six variants of six loci, and beside the fourth a weaker one that can serve.
N = genetic_tables.N_SNPS
PLAIN, TURNED, FORWARD, UNTOLD, BESIDE, UNKNOWN, LAST = 250, 1_000, 1_750, 2_500, 2_510, 3_250, 4_000
PALINDROMES = [TURNED, FORWARD, UNTOLD, UNKNOWN]
FREQUENCIES = {TURNED: (0.2, 0.79), FORWARD: (0.7, 0.72), UNTOLD: (0.44, 0.3), UNKNOWN: (0.2, np.nan)}
BETA = {
    PLAIN: (0.10, 0.051), TURNED: (0.12, -0.066), FORWARD: (0.09, 0.042), UNTOLD: (0.15, 0.090),
    BESIDE: (0.08, 0.041), UNKNOWN: (0.11, 0.070), LAST: (0.07, 0.030),
}  # fmt: skip
SE = 0.01


def causal_rows(**options: str) -> dict[str, dict[str, object]]:
    traits = {}
    for side, name in enumerate("xy"):
        beta, frequency = np.zeros(N), np.full(N, 0.3)
        palindromic = np.isin(np.arange(N), PALINDROMES)
        for place, effects in BETA.items():
            beta[place] = effects[side]
        for place, both in FREQUENCIES.items():
            frequency[place] = both[side]
        traits[name] = {
            "z": beta / SE, "effect_allele": np.full(N, "A"), "beta": beta, "se": np.full(N, SE),
            "frequency": frequency, "palindromic": palindromic,
        }  # fmt: skip
    rows = mendelian_randomisation_rows(genetic_tables.database(traits=traits), **options).to_pylist()
    return {row["method"]: row for row in rows if row["exposure"] == "x"}


def ivw_by_hand(places: list[int], signs: dict[int, int]) -> tuple[float, float, float]:
    """Estimate, standard error and Q of TwoSampleMR's mr_ivw: regression through 0 weighted by 1 / se^2."""
    x = np.array([BETA[place][0] for place in places])
    y = np.array([BETA[place][1] * signs.get(place, 1) for place in places])
    estimate = (x * y).sum() / (x**2).sum()
    q = (((y - estimate * x) / SE) ** 2).sum()
    return estimate, max(1.0, np.sqrt(q / (len(places) - 1))) * SE / np.sqrt((x**2).sum()), q


@pytest.mark.parametrize(
    ("rule", "places", "signs", "n_resolved", "n_dropped"),
    [
        # harmonise_data, action 2: the turned one by its frequencies, none within 0.08 of one half or without frequency
        ("infer_from_frequency", [PLAIN, TURNED, FORWARD, BESIDE, LAST], {TURNED: -1}, 2, 2),
        # action 1: the letters are believed, and the stronger variant leads its locus
        ("assume_forward", [PLAIN, TURNED, FORWARD, UNTOLD, UNKNOWN, LAST], {}, 4, 0),
        # action 3
        ("drop", [PLAIN, BESIDE, LAST], {}, 0, 4),
    ],
)
def test_mendelian_randomisation__palindromes_as_in_two_sample_mr(
    rule: str, places: list[int], signs: dict[int, int], n_resolved: int, n_dropped: int
) -> None:
    rows = causal_rows(palindromes=rule)
    estimate, error, q = ivw_by_hand(places, signs)
    ivw = rows["ivw"]
    assert ivw["n_instruments"] == len(places)
    assert (ivw["n_palindromic_resolved"], ivw["n_palindromic_dropped"]) == (n_resolved, n_dropped)
    assert ivw["estimate"] == pytest.approx(estimate, rel=1e-12)
    assert ivw["standard_error"] == pytest.approx(error, rel=1e-12)
    assert ivw["heterogeneity_q"] == pytest.approx(q, rel=1e-9)


def test_mendelian_randomisation__the_default_is_the_frequencies_and_an_unknown_rule_is_refused() -> None:
    assert causal_rows() == causal_rows(palindromes="infer_from_frequency")
    with pytest.raises(ValueError, match=r"gwas_palindromes is one of .*drop, not '2'.*dbt_project"):
        causal_rows(palindromes="2")


def test_mendelian_randomisation__says_where_only_palindromes_were_there() -> None:
    z = np.zeros(N)
    z[UNTOLD] = 9.0
    one = {"z": z, "effect_allele": np.full(N, "A"), "palindromic": np.isin(np.arange(N), [UNTOLD])}
    rows = mendelian_randomisation_rows(genetic_tables.database(traits={"x": one, "y": one})).to_pylist()
    for row in rows:
        assert (row["n_instruments"], row["n_palindromic_dropped"], row["estimate"]) == (0, 1, None)
        assert "1 palindromic ones whose strand cannot be told" in row["refusal"]
