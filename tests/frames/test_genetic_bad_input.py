"""Bad summary statistics, from landed lines to result rows: a counted drop or a refusal that says what to do."""

from collections.abc import Callable

import numpy as np
import pytest

from python_models.estimators.genetics.normal_tails import two_sided_p
from python_models.frames.genetics.genetic_rows import genetic_correlation_rows, heritability_rows
from tests.frames.landed_lines import N_SNPS, Lines, at, changed, dropped, study, trait

# What is done to the trait, the rule that counts the lines, and how many.
WHOLE_TRAITS: dict[str, tuple[Callable[[Lines], Lines], str]] = {
    "all strands ambiguous": (lambda lines: changed(lines, effect_allele="A", other_allele="T"), "strand_ambiguous"),
    "N missing": (lambda lines: changed(lines, n=None), "missing_value"),
    "odds ratio as effect": (lambda lines: changed(lines, beta="1.01"), "effects_off_null"),
}


@pytest.mark.parametrize("fault", WHOLE_TRAITS)
def test_a_trait_that_loses_every_line__is_counted_under_one_rule_and_refused_alone(fault: str) -> None:
    change, rule = WHOLE_TRAITS[fault]
    connection = study(bad=change(trait(2)), good=trait(3))
    assert dropped(connection, "bad") == {rule: N_SNPS}
    assert dropped(connection, "good") == {}
    left = connection.execute("select distinct trait from intermediate.int_gwas_associations__regional").fetchall()
    assert left == [("good",)]
    rows = {(row["trait"], row["estimator"]): row for row in heritability_rows(connection).to_pylist()}
    assert rows["good", "one_step"]["refusal"] is None
    assert rows["bad", "one_step"]["heritability"] is None
    assert "quality.gwas_qc" in rows["bad", "one_step"]["refusal"]
    for row in genetic_correlation_rows(connection).to_pylist():
        assert row["genetic_correlation"] is None
        assert "quality.gwas_qc" in row["refusal"]


def test_names_that_the_ld_scores_do_not_have__are_refused_with_what_to_check() -> None:
    other = trait(2)
    other["rsid"] = np.char.add("rs99999", np.arange(N_SNPS).astype(str)).astype(object)
    connection = study(bad=other, good=trait(3))
    assert dropped(connection, "bad") == {}
    row = next(row for row in heritability_rows(connection).to_pylist() if row["trait"] == "bad")
    assert row["heritability"] is None
    assert "SNP names" in row["refusal"]


def test_one_bad_allele__drops_one_line_and_the_correlation_stands() -> None:
    bad = at(trait(2), "effect_allele", [17], "AN")
    connection = study(bad=bad, good=trait(3))
    assert dropped(connection, "bad") == {"not_two_letters": 1}
    row = genetic_correlation_rows(connection).to_pylist()[0]
    assert row["n_snps"] == N_SNPS - 1
    assert row["refusal"] is None


def test_one_line_with_the_alleles_of_another_variant__leaves_the_pair_and_is_counted() -> None:
    """ldsc ends with a KeyError here."""
    bad = at(trait(2), "other_allele", [17], "G")
    row = genetic_correlation_rows(study(bad=bad, good=trait(3))).to_pylist()[0]
    assert row["n_snps_allele_mismatch"] == 1
    assert row["refusal"] is None


def test_p_of_0__is_repaired_beside_a_large_effect_and_dropped_beside_a_small_one() -> None:
    lines = at(trait(2), "p_value", [10, 11], "0")
    lines = at(at(lines, "beta", [10], str(12 / np.sqrt(50_000))), "beta", [11], str(1 / np.sqrt(50_000)))
    connection = study(bad=lines)
    assert dropped(connection, "bad") == {"p_out_of_range": 1}
    ((z,),) = connection.execute(
        "select z_score from intermediate.int_gwas_associations__munged where rsid = 'rs10'"
    ).fetchall()
    assert z == pytest.approx(12.0)
    ((n_repaired,),) = connection.execute("select sum(n_repaired) from quality.gwas_qc").fetchall()
    assert n_repaired == 1


def test_positions_on_another_build__are_told_and_lend_no_place() -> None:
    lifted = trait(2)
    lifted["base_pair_location"] = (np.arange(1, N_SNPS + 1) * 1_000 + 37).astype(str).astype(object)
    connection = study(bad=lifted, good=trait(3))
    told = dict(connection.execute("select trait, what_to_do from quality.gwas_builds").fetchall())
    assert told["good"] is None
    assert "lift" in told["bad"]
    places = connection.execute(
        "select min(base_pair_location) from intermediate.int_gwas_variants__located"
    ).fetchall()
    assert places == [(1_000,)]


def test_few_snps__are_noted_beside_the_estimate() -> None:
    rows = heritability_rows(study(a=trait(2))).to_pylist()
    assert all("fewer than 200,000" in row["note"] for row in rows)


def test_chi_square_that_falls_with_the_ld_score__has_no_heritability_and_no_correlation() -> None:
    l2 = np.random.default_rng(1).gamma(4, 10, N_SNPS)
    z = np.random.default_rng(5).normal(size=N_SNPS) / np.sqrt(l2 / 40)
    lines = trait(2)
    lines["beta"] = (z / np.sqrt(50_000)).astype(str).astype(object)
    lines["p_value"] = two_sided_p(z).astype(str).astype(object)
    connection = study(null=lines, good=trait(3))
    row = next(row for row in heritability_rows(connection).to_pylist() if row["trait"] == "null")
    assert row["heritability"] is None
    assert "not above 0" in row["refusal"]
    for pair in genetic_correlation_rows(connection).to_pylist():
        assert pair["genetic_correlation"] is None
        assert "undefined" in pair["refusal"]
