"""Genetic result rows from tables made by hand: signs, refusals, shared loci and causal effects known in advance."""

from pathlib import Path

import duckdb
import jinja2
import numpy as np
import pyarrow as pa
import pytest

from python_models.estimators.genetics.normal_tails import absolute_z
from python_models.frames.genetic_rows import NO_LD_SCORES, genetic_correlation_rows, heritability_rows
from python_models.frames.mendelian_randomisation_rows import mendelian_randomisation_rows
from python_models.frames.shared_locus_rows import shared_locus_rows
from tests.frames.genetic_tables import N_SNPS, database, polygenic, with_hits

ROOT = Path(__file__).parents[2]
# AS 241 promises 16 digits; power(10, -x) / 2 costs some near P = 1, where Z is near 0.
QUANTILE_TOLERANCE = 1e-12
# Covariance and heritability start their weights from different null intercepts (0 and 1): 4e-4 apart on these SNPs.
WEIGHTS_TOLERANCE = 2e-3


def test_sql_quantile__is_the_estimators_absolute_z() -> None:
    source = (ROOT / "warehouse/macros/z_of_p.sql").read_text()
    macro = jinja2.Environment().from_string(source).module.z_of_neg_log10_p("x")  # type: ignore[attr-defined]
    tails = pa.table({"x": np.concatenate([np.linspace(0, 3, 400), np.geomspace(1e-6, 20_000, 2_000)])})
    connection = duckdb.connect()
    connection.register("tails", tails)
    z = connection.execute(f"select {macro} as z from tails").fetchnumpy()["z"]
    np.testing.assert_allclose(z, absolute_z(tails["x"].to_numpy()), rtol=QUANTILE_TOLERANCE, atol=QUANTILE_TOLERANCE)


def test_genetic_correlation_rows__swapped_alleles_of_the_same_trait_correlate_by_1() -> None:
    first = polygenic()
    swap = np.random.default_rng(3).random(N_SNPS) < 0.5
    second = {"z": np.where(swap, -first["z"], first["z"]), "effect_allele": np.where(swap, "C", "A")}
    row = genetic_correlation_rows(database(traits={"a": first, "b": second})).to_pylist()[0]
    assert row["genetic_correlation"] == pytest.approx(1.0, abs=WEIGHTS_TOLERANCE)
    assert row["sign_convention"] == "a: as coded in its file; b: as coded in its file"
    assert row["n_snps"] == N_SNPS


def test_genetic_correlation_rows__reversed_trait_correlates_by_minus_1() -> None:
    first = polygenic()
    second = {**first, "z": -first["z"]}
    row = genetic_correlation_rows(database(traits={"a": first, "b": second})).to_pylist()[0]
    assert row["genetic_correlation"] == pytest.approx(-1.0, abs=WEIGHTS_TOLERANCE)


def test_rows__without_ld_scores_are_refusals_and_no_estimates() -> None:
    connection = database(traits={"a": polygenic(), "b": polygenic(8)}, with_ld_scores=False)
    for rows in (heritability_rows(connection), genetic_correlation_rows(connection)):
        assert set(rows["refusal"].to_pylist()) == {NO_LD_SCORES}
        estimates = rows.column("heritability" if "heritability" in rows.column_names else "genetic_correlation")
        assert estimates.null_count == len(rows) > 0


def test_heritability_rows__trait_without_signal_is_refused_with_its_number() -> None:
    z = np.random.default_rng(5).normal(size=N_SNPS) / np.sqrt(np.random.default_rng(1).gamma(4, 10, N_SNPS))
    rows = heritability_rows(database(traits={"a": {"z": z, "effect_allele": np.full(N_SNPS, "A")}})).to_pylist()
    assert all(row["heritability"] is None and "not above 0" in row["refusal"] for row in rows)
    assert all(row["n_snps"] == N_SNPS and row["mean_chi_square"] is not None for row in rows)


def test_shared_locus_rows__only_the_common_locus_is_shared_and_its_direction_is_told() -> None:
    traits = {"a": with_hits({1_000: 8.0, 3_000: 8.0}, 1), "b": with_hits({1_000: -8.0, 5_000: 8.0}, 2)}
    rows = shared_locus_rows(database(traits=traits)).to_pylist()
    assert [row["evidence"] for row in rows] == ["both_genome_wide", "placo_plus", "conjunctional_fdr"]
    for row in rows:
        assert row["pleiotropic_rsid"] == row["lead_rsid_1"] == row["lead_rsid_2"] == "rs1000"
        assert row["is_same_direction"] is False
        assert row["placo_neg_log10_p_value"] > -np.log10(5e-8)
        assert row["conjunctional_rsid"] == "rs1000"
        assert (
            row["conjunctional_fdr"] == max(row["conditional_fdr_1_given_2"], row["conditional_fdr_2_given_1"]) < 0.05
        )
        assert row["clumped_by"] == "distance"


def test_mendelian_randomisation_rows__find_the_effect_the_outcome_was_made_with() -> None:
    effects = {250 + 500 * k: 0.1 + 0.01 * k for k in range(12)}
    beta = np.zeros(N_SNPS)
    beta[list(effects)] = list(effects.values())
    se = np.full(N_SNPS, 0.005)
    exposure = {"z": beta / se, "effect_allele": np.full(N_SNPS, "A"), "beta": beta, "se": se}
    noise = np.random.default_rng(4).normal(scale=0.005, size=N_SNPS)
    outcome_beta = -0.5 * beta + noise
    # Reported for the other allele throughout: the sign must come back.
    outcome = {"z": -outcome_beta / se, "effect_allele": np.full(N_SNPS, "C"), "beta": -outcome_beta, "se": se}
    rows = mendelian_randomisation_rows(database(traits={"x": exposure, "y": outcome})).to_pylist()
    forward = {row["method"]: row for row in rows if row["exposure"] == "x"}
    assert set(forward) == {"ivw", "egger", "weighted_median"}
    ivw = forward["ivw"]
    assert ivw["n_instruments"] == len(effects)
    assert abs(ivw["estimate"] + 0.5) < 3 * ivw["standard_error"]
    assert ivw["leave_one_out_lowest"] <= ivw["estimate"] <= ivw["leave_one_out_highest"]
    assert ivw["is_exposure_first"] is True
