"""Genetic result rows from tables made by hand: signs, refusals, shared loci and causal effects known in advance."""

from pathlib import Path

import duckdb
import jinja2
import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from python_models.estimators.genetics.heritability import heritability
from python_models.estimators.genetics.normal_tails import absolute_z
from python_models.frames.genetics.genetic_rows import (
    NO_LD_SCORES,
    RegressionOptions,
    genetic_correlation_rows,
    heritability_rows,
)
from python_models.frames.genetics.gwas_traits import read_ld_scores, read_statistics
from python_models.frames.genetics.mendelian_randomisation_rows import mendelian_randomisation_rows
from python_models.frames.genetics.shared_locus_rows import shared_locus_rows
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


FIXED = "see one_step"


def test_intercepts_of_the_seeds__reach_the_estimators_and_refuse_two_steps() -> None:
    connection = database(traits={"a": polygenic(), "b": polygenic(8), "c": polygenic(9)})
    connection.execute("insert into seeds.gwas_trait_codings values ('a', 'higher = more', 'quantitative', null, 1.1)")
    connection.execute("insert into seeds.gwas_trait_pairs values ('c', 'b', 0.05, null)")
    rows = {(row["trait"], row["estimator"]): row for row in heritability_rows(connection).to_pylist()}
    fixed = rows["a", "one_step"]
    assert (fixed["intercept"], fixed["intercept_standard_error"]) == (1.1, None)
    scores = read_ld_scores(connection)
    assert scores is not None
    read = read_statistics(connection, trait="a", n_ld_scores=N_SNPS)
    direct = heritability(z=read.z, n=read.n, ld_scores=scores, two_step=None, intercept=1.1)
    assert fixed["heritability"] == direct.h2
    assert FIXED in rows["a", "two_step"]["refusal"]
    assert rows["b", "two_step"]["refusal"] is None
    assert rows["b", "one_step"]["intercept_standard_error"] is not None
    pairs = {
        (row["trait_1"], row["trait_2"], row["estimator"]): row
        for row in genetic_correlation_rows(connection).to_pylist()
    }
    assert pairs["b", "c", "one_step"]["intercept"] == 0.05
    assert pairs["b", "c", "one_step"]["intercept_standard_error"] is None
    assert pairs["a", "b", "one_step"]["heritability_1"] == direct.h2
    assert pairs["a", "b", "one_step"]["intercept_standard_error"] is not None
    assert all(FIXED in row["refusal"] for (*_, estimator), row in pairs.items() if estimator == "two_step")


def test_intercepts_none__is_ldscs_no_intercept_for_every_regression() -> None:
    connection = database(traits={"a": polygenic(), "b": polygenic(8)})
    options = RegressionOptions.of(intercepts="none", chi_square_max="null")
    for row in heritability_rows(connection, options=options).to_pylist():
        assert row["intercept"] == (1.0 if row["estimator"] == "one_step" else None)
    for row in genetic_correlation_rows(connection, options=options).to_pylist():
        assert row["intercept"] == (0.0 if row["estimator"] == "one_step" else None)


def test_chi_square_max__leaves_out_what_ldsc_would() -> None:
    first, second = polygenic(), polygenic(8)
    connection = database(traits={"a": first, "b": second})
    options = RegressionOptions.of(intercepts="free", chi_square_max="4.5")
    own = heritability_rows(connection, options=options).to_pylist()
    assert {row["n_snps"] for row in own if row["trait"] == "a"} == {int((first["z"] ** 2 < 4.5).sum())}
    kept = ((first["z"] * second["z"]) ** 2 < 4.5**2).sum()
    assert {row["n_snps"] for row in genetic_correlation_rows(connection, options=options).to_pylist()} == {int(kept)}


@pytest.mark.parametrize(
    ("intercepts", "most", "message"),
    [("fixed", "null", "free or none"), ("free", "0", "above 0"), ("free", "-3", "above 0")],
)
def test_regression_options__unknown_ones_are_refused_with_the_allowed(
    intercepts: str, most: str, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        RegressionOptions.of(intercepts=intercepts, chi_square_max=most)


def test_heritability_rows__say_why_there_is_no_liability_scale() -> None:
    connection = database(traits={"disease": polygenic(), "quantity": polygenic(8)}, diseases={"disease"})
    said = {row["trait"]: row["liability_refusal"] for row in heritability_rows(connection).to_pylist()}
    assert "not a disease" in said["quantity"]
    assert "n_cases, n_controls" in said["disease"]
    assert "population_prevalence" in said["disease"]


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


def test_shared_locus_rows__a_lead_too_strong_for_placo_still_tells_its_direction() -> None:
    traits = {"a": with_hits({1_000: 12.0, 1_001: 6.5}, 1), "b": with_hits({1_000: -11.0, 1_001: 6.5}, 2)}
    rows = shared_locus_rows(database(traits=traits)).to_pylist()
    both = next(row for row in rows if row["evidence"] == "both_genome_wide")
    assert both["pleiotropic_rsid"] == both["lead_rsid_1"] == "rs1000"
    assert (both["z_score_1"], both["z_score_2"], both["is_same_direction"]) == (12.0, -11.0, False)
    assert both["placo_p_value"] is None
    assert both["note"].startswith("no PLACO+ at this SNP: Z squared above 80")


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
    # Each interval is of its own p value: t for Egger, normal for the others.
    quantiles = {"egger": stats.t.ppf(0.975, len(effects) - 2), "ivw": 1.959964, "weighted_median": 1.959964}
    for method, row in forward.items():
        half = quantiles[method] * row["standard_error"]
        assert row["estimate_upper"] - row["estimate"] == pytest.approx(half, rel=1e-6)
        assert row["estimate"] - row["estimate_lower"] == pytest.approx(half, rel=1e-6)
        assert (row["p_value"] < 0.05) == (row["estimate_lower"] * row["estimate_upper"] > 0)


def test_mendelian_randomisation_rows__a_disease_counts_on_the_scale_of_its_liability() -> None:
    """Twelve variants with odds ratio 1.22 of a disease of 4 %, and 0.05 SD of a trait that it causes.

    On the observed scale they explain 0.06 % of the disease and 0.10 % of the trait each: the wrong way round.
    """
    n, share, f = 100_000, 0.04, 0.3
    places = [250 + 500 * k for k in range(12)]
    traits = {}
    for name, effect, error in (
        ("disease", 0.2, 1 / np.sqrt(2 * f * (1 - f) * n * share * (1 - share))),
        ("trait", 0.05, 1 / np.sqrt(2 * f * (1 - f) * n)),
    ):
        beta, se = np.zeros(N_SNPS), np.full(N_SNPS, error)
        beta[places] = effect
        frequency = np.full(N_SNPS, f)
        traits[name] = {
            "z": beta / se, "effect_allele": np.full(N_SNPS, "A"), "beta": beta, "se": se, "frequency": frequency,
        }  # fmt: skip

    def direction(**stated: dict[str, float]) -> dict[str, object]:
        connection = database(traits=traits, diseases=("disease",), **stated)
        rows = mendelian_randomisation_rows(connection).to_pylist()
        return next(row for row in rows if (row["exposure"], row["method"]) == ("disease", "ivw"))

    known = direction(case_shares={"disease": share})
    variance = 2 * f * (1 - f) * 0.2**2
    assert known["is_exposure_first"] is True
    assert known["steiger_z"] > 0
    assert known["r_squared_exposure"] == pytest.approx(12 * variance / (variance + np.pi**2 / 3), rel=0.02)
    assert known["r_squared_outcome"] == pytest.approx(12 * 0.05**2 * 2 * f * (1 - f), rel=0.01)
    assert known["steiger_refusal"] is None
    unknown = direction()
    assert unknown["is_exposure_first"] is None
    assert "cases and controls are not stated" in str(unknown["steiger_refusal"])


def test_mendelian_randomisation_rows__overlap_is_that_of_the_seed_else_the_worst_case() -> None:
    hits = {250 + 500 * k: 9.0 for k in range(12)}
    connection = database(traits={"x": with_hits(hits, 1), "y": with_hits({}, 2), "z": with_hits({}, 3)})
    connection.execute("insert into seeds.gwas_trait_pairs values ('y', 'x', null, 0.25)")
    rows = {
        row["outcome"]: row for row in mendelian_randomisation_rows(connection).to_pylist() if row["exposure"] == "x"
    }
    assert rows["y"]["assumed_overlap_share"] == 0.25
    assert "as stated: the studies share 25%" in rows["y"]["note"]
    assert rows["z"]["assumed_overlap_share"] == 1.0
    assert "assumed, not known" in rows["z"]["note"]


def test_mendelian_randomisation_rows__few_instruments_that_disagree_are_told_with_p_by_t() -> None:
    places = [250 + 500 * k for k in range(12)]
    hits, unlike = dict.fromkeys(places, 9.0), {place: 2.0 + 6.0 * (-1) ** k for k, place in enumerate(places)}
    connection = database(traits={"x": with_hits(hits, 1), "y": with_hits(unlike, 2), "z": with_hits({}, 3)})
    rows = {
        (row["outcome"], row["method"]): row
        for row in mendelian_randomisation_rows(connection).to_pylist()
        if row["exposure"] == "x"
    }
    ivw = rows["y", "ivw"]
    of_t = 2 * stats.t.sf(abs(ivw["estimate"] / ivw["standard_error"]), 11)
    assert f"by t on 11 degrees of freedom P is {of_t:.2g}" in ivw["note"]
    assert of_t > ivw["p_value"]
    others = [row["note"] for key, row in rows.items() if key != ("y", "ivw")]
    assert others
    assert not any("by t on" in note for note in others)
