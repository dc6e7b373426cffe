"""Biomarker scans, linear scans, E-values and p-value adjustments against R."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from python_models.estimators.multiplicity import adjust_p_values, storey_q_values
from python_models.estimators.scans.cox_scan import scan_cox
from python_models.estimators.scans.linear_scan import scan_linear
from python_models.estimators.survival.cox import fit_cox
from python_models.estimators.survival.e_values import e_values
from python_models.estimators.survival.proportional_hazards import check_proportional_hazards
from tests.reference.survival_case import needs_cases, read_case

pytestmark = needs_cases

F8 = npt.NDArray[np.float64]

# The scan goes on to the maximum; coxph stops up to 3e-8 of a coefficient short of it here.
MAXIMUM = 1e-7
# At coxph's own stop.
ROUNDING = 1e-10
# A likelihood-ratio statistic is a difference of log likelihoods near 600: 1e-7 of a statistic near 8.
RATIO = 1e-6
# Exact arithmetic up to rounding.
EXACT = 1e-12


def z_scores(columns: dict[str, F8], name: str) -> F8:
    """z-score of the log, standard deviation by n - 1, among the values known."""
    logged = np.log(columns[name.replace(".", "_")])
    return (logged - np.nanmean(logged)) / np.nanstd(logged, ddof=1)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_pbc_cox_scan(ties: Any) -> None:
    columns, results = read_case("a06_pbc_biomarker_scan")
    expected = results["scan"]
    biomarkers = np.array([z_scores(columns, row["biomarker"]) for row in expected])
    scan = scan_cox(
        exit=columns["time"],
        event=columns["event"],
        covariates=np.column_stack([columns["age"], columns["male"]]),
        biomarkers=biomarkers,
        ties=ties,
    )
    assert scan.refusals == (None,) * len(expected)
    error = np.array([row[f"se_{ties}"] for row in expected])
    np.testing.assert_allclose(
        scan.beta / error, [row[f"beta_{ties}"] for row in expected] / error, rtol=0, atol=MAXIMUM
    )
    np.testing.assert_allclose(scan.standard_error, error, rtol=MAXIMUM)
    assert scan.n.tolist() == [row["n"] for row in expected]
    assert scan.n_events.tolist() == [row["n_event"] for row in expected]
    if ties == "efron":
        np.testing.assert_allclose(scan.loglik, [row["loglik_efron"] for row in expected], rtol=1e-9)
        np.testing.assert_allclose(np.log(scan.p_value), np.log([row["p_efron"] for row in expected]), rtol=1e-6)
        for method in ("bh", "by", "bonferroni", "holm"):
            np.testing.assert_allclose(adjust_p_values(scan.p_value, method), results["padj"][method], rtol=1e-4)


def test_pbc_biomarkers_one_by_one() -> None:
    columns, results = read_case("a06_pbc_biomarker_scan")
    for row in results["scan"]:
        z = z_scores(columns, row["biomarker"])
        known = np.isfinite(z)
        outcome = {"exit": columns["time"][known], "event": columns["event"][known]}
        base = np.column_stack([columns["age"], columns["male"]])[known]
        full = np.column_stack([z[known], base])
        for ties in ("efron", "breslow"):
            fit = fit_cox(**outcome, covariates=full, ties=ties, stop="coxph")
            assert fit.beta[0] == pytest.approx(row[f"beta_{ties}"], rel=ROUNDING)
            assert fit.standard_error[0] == pytest.approx(row[f"se_{ties}"], rel=ROUNDING)
        fit, without = fit_cox(**outcome, covariates=full), fit_cox(**outcome, covariates=base)
        assert fit.loglik is not None
        assert without.loglik is not None
        assert 2 * (fit.loglik - without.loglik) == pytest.approx(row["lrt_vs_null_model"], rel=RATIO)
        test = check_proportional_hazards(**outcome, covariates=full, stop="coxph")
        assert test.chi_squared[0] == pytest.approx(row["zph_x"]["chisq"], rel=1e-8)
        assert test.global_chi_squared == pytest.approx(row["zph_x"]["global_chisq"], rel=1e-8)
        edges = np.quantile(z[known], [0.25, 0.5, 0.75])
        quartile = np.searchsorted(edges, z[known], side="left")
        dummies = np.column_stack([quartile == k for k in (1, 2, 3)]).astype(float)
        by_quartile = fit_cox(**outcome, covariates=np.column_stack([dummies, base]), stop="coxph")
        np.testing.assert_allclose(by_quartile.beta[:3], row["quartile_betas"], rtol=ROUNDING)
        np.testing.assert_allclose(by_quartile.standard_error[:3], row["quartile_se"], rtol=ROUNDING)
        trend = fit_cox(**outcome, covariates=np.column_stack([quartile + 1.0, base]), stop="coxph")
        assert trend.p_value[0] == pytest.approx(row["trend_p"], rel=1e-8)


def rank_inverse_normal(values: F8) -> F8:
    """Blom scores of the values known, average ranks."""
    known = np.isfinite(values)
    scores = np.full(values.shape, np.nan)
    scores[known] = stats.norm.ppf((stats.rankdata(values[known]) - 0.375) / (known.sum() + 0.25))
    return scores


def test_pbc_linear_scan() -> None:
    columns, expected = read_case("l01_pbc_linear_scan")
    biomarkers = np.array([rank_inverse_normal(columns[row["biomarker"].replace(".", "_")]) for row in expected])
    exposure = np.column_stack([columns["age"], columns["male"]])
    scan = scan_linear(exposure=exposure, biomarkers=biomarkers)
    robust = scan_linear(exposure=exposure, biomarkers=biomarkers, variance="hc3")
    assert scan.n.tolist() == [row["n"] for row in expected]
    for ours, name in (
        (scan.beta[:, 0], "beta_age"),
        (scan.standard_error[:, 0], "se_age"),
        (scan.p_value[:, 0], "p_age"),
        (scan.beta[:, 1], "beta_male"),
        (scan.standard_error[:, 1], "se_male"),
        (robust.standard_error[:, 0], "hc3_se_age"),
        (scan.r_squared, "r2"),
    ):
        np.testing.assert_allclose(ours, [row[name] for row in expected], rtol=1e-11, err_msg=name)


def test_e_values() -> None:
    columns, expected = read_case("g01_evalues")
    for is_rare, name in ((True, "rr_or_hr_rare"), (False, "hr_common")):
        ours = e_values(estimate=columns["est"], lower=columns["lo"], upper=columns["hi"], is_rare=is_rare)
        rows = [row[name] for row in expected]
        np.testing.assert_allclose(ours.point, [row["point"] for row in rows], rtol=EXACT)
        if is_rare:
            np.testing.assert_allclose(ours.point, [row["hr_rare_check"] for row in expected], rtol=EXACT)
        limits = [row["lower"] if row["lower"] is not None else row["upper"] for row in rows]
        np.testing.assert_allclose(ours.limit, limits, rtol=EXACT)
        if not is_rare:
            np.testing.assert_allclose(ours.risk_ratio, [row["rr_point"] for row in rows], rtol=EXACT)


def test_p_adjust_and_q_values() -> None:
    columns, results = read_case("i01_padjust")
    p = columns["p"]
    assert int(np.sum(~np.isnan(p))) == results["n_non_na"]
    for method in ("bh", "by", "bonferroni", "holm"):
        expected = np.array([np.nan if value is None else value for value in results[method]])
        np.testing.assert_allclose(adjust_p_values(p, method), expected, rtol=EXACT)
    q = storey_q_values(p)
    np.testing.assert_allclose(q[~np.isnan(q)], results["storey_q_non_na"], rtol=EXACT)
