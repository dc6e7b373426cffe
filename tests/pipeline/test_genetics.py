"""The genetic results of the synthetic study: every line accounted for, every estimate near what was planted."""

import pytest

from tests.pipeline.conftest import Project

pytestmark = pytest.mark.pipeline

# 42 one-step estimates and intercepts, correlated; beyond 4 standard errors is a mistake and not chance.
FARTHEST_STANDARD_ERRORS = 4.0


def test_every_landed_line_is_dropped_by_a_rule_or_kept(built: Project) -> None:
    landed = dict(built.query("select trait, count(*) from marts.gwas_associations group by trait"))
    first_in = dict(built.query("select trait, n_in from quality.gwas_qc where position = 1"))
    last_out = dict(
        built.query(
            "select trait, n_out from quality.gwas_qc where position = (select max(position) from quality.gwas_qc)"
        )
    )
    kept = dict(built.query("select trait, count(*) from intermediate.int_gwas_associations__munged group by trait"))
    assert first_in == landed
    assert last_out == kept
    assert len(landed) >= 2


def test_z_scores_agree_with_effect_and_standard_error(built: Project) -> None:
    """P is printed with six digits: the two ways to Z differ by no more than that."""
    ((n_far,),) = built.query(
        "select count(*) from intermediate.int_gwas_associations__munged "
        "where abs(z_score - beta / standard_error) > 1e-3 * greatest(1, abs(z_score))"
    )
    assert n_far == 0


def test_every_pair_of_traits_has_one_correlation(built: Project) -> None:
    ((n_traits,),) = built.query("select count(distinct trait) from results.heritabilities")
    ((n_pairs,),) = built.query("select count(*) from results.genetic_correlations where estimator = 'one_step'")
    ((n_rows,),) = built.query("select count(*) from results.genetic_correlations")
    ((n_cells,),) = built.query("select count(*) from results.gwas_overlap_matrix")
    assert n_pairs == n_traits * (n_traits - 1) // 2
    assert n_rows == 2 * n_pairs
    assert n_cells == n_traits**2


def test_every_gene_with_a_variant_is_tested_for_every_trait(built: Project) -> None:
    rows = built.query(
        "select trait, count(*), max(n_genes_tested), count(refusal) from results.gene_associations group by trait"
    )
    ((n_traits,),) = built.query("select count(distinct trait) from results.heritabilities")
    assert len(rows) == n_traits
    assert all(n == tested and refused == 0 for _, n, tested, refused in rows)


def test_every_shared_locus_is_examined_for_colocalisation(built: Project) -> None:
    ((n_loci,),) = built.query(
        "select count(*) from results.shared_loci "
        "where locus is not null and evidence in ('both_genome_wide', 'placo_plus')"
    )
    ((n_examined,),) = built.query("select count(*) from results.colocalisations")
    assert n_examined == n_loci


def test_planted_loci_stand_beside_what_was_found(built: Project) -> None:
    """A posterior above 0.8 may err, in one locus of five at most."""
    ((n_planted,),) = built.query("select count(*) from marts.planted_truths where quantity = 'locus'")
    rows = built.query(
        "select planted_hypothesis, supported_hypothesis from results.genetic_locus_comparisons "
        "where is_causal_variant_kept and supported_hypothesis is not null"
    )
    ((n_compared,),) = built.query("select count(*) from results.genetic_locus_comparisons")
    assert n_compared == n_planted > 0
    wrong = [row for row in rows if row[0] != row[1]]
    assert len(wrong) <= 0.2 * len(rows)


def test_estimates_find_what_was_planted(built: Project) -> None:
    compared = built.query(
        "select quantity, trait_1, trait_2, standard_errors_from_truth from results.genetic_truth_comparisons "
        "where estimator = 'one_step' and large_sample_value is not null and estimate is not null"
    )
    assert {row[0] for row in compared} == {
        "heritability",
        "ld_score_intercept",
        "genetic_correlation",
        "cross_trait_intercept",
    }
    assert [row for row in compared if abs(float(str(row[3]))) > FARTHEST_STANDARD_ERRORS] == []
