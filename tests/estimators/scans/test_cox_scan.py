"""The Cox scan against its plain twin, one `fit_cox` per biomarker on the rows where it is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from python_models.estimators.scans import cox_scan_kernels, joint_newton, single_precision_kernels, sorted_rows
from python_models.estimators.scans.cox_scan import CoxScan, CoxScanner, scan_cox
from python_models.estimators.survival.cox import EstimatorInputError, fit_cox
from tests.estimators.survival.follow_up import FollowUp, simulate_follow_up

# Both at the maximum, each by its own last step.
TWIN = 1e-8
# The exponential is good to a unit in the last place.
EXPONENTIAL = 5e-16
# And one less it in single precision.
GROWTH = 2.5e-7


def panel(data: FollowUp, k: int = 6, missing: float = 0.1, dtype: Any = np.float32) -> npt.NDArray[np.floating]:
    """Biomarkers (k, n) far from 0, the first two tied to a covariate, with holes."""
    rng = np.random.default_rng(11)
    n = data.exit.shape[0]
    values = 3 * rng.normal(size=(k, n)) + 140
    if data.covariates.shape[1]:
        values[:2] += 4 * data.covariates[:, 0]
    values[2:3] += 5 * data.event
    values[rng.random((k, n)) < missing] = np.nan
    return values.astype(dtype)


def twin(data: FollowUp, biomarkers: npt.NDArray[np.floating], **options: Any) -> list[Any]:
    fits = []
    for values in biomarkers:
        known = np.isfinite(values)
        own = {name: value if isinstance(value, str) else value[known] for name, value in options.items()}
        matrix = np.column_stack([data.covariates[known], values[known].astype(np.float64)])
        fits.append(fit_cox(exit=data.exit[known], event=data.event[known], covariates=matrix, **own))
    return fits


def assert_twins(scan: CoxScan, fits: list[Any]) -> None:
    assert scan.refusals == tuple(fit.refusal for fit in fits)
    np.testing.assert_allclose(scan.beta, [fit.beta[-1] for fit in fits], rtol=TWIN)
    np.testing.assert_allclose(scan.standard_error, [fit.standard_error[-1] for fit in fits], rtol=TWIN)
    np.testing.assert_allclose(scan.loglik, [fit.loglik for fit in fits], rtol=1e-11)
    np.testing.assert_allclose(scan.p_value, [fit.p_value[-1] for fit in fits], rtol=1e-5)
    assert scan.n.tolist() == [fit.n for fit in fits]
    assert scan.n_events.tolist() == [fit.n_events for fit in fits]


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("strata", [False, True])
@pytest.mark.parametrize("late_entry", [False, True])
@pytest.mark.parametrize("p", [0, 4])
def test_scan_cox__equals_its_plain_twin(ties: str, strata: bool, late_entry: bool, p: int) -> None:
    data = simulate_follow_up(n=900, p=p, days=120, late_entry=late_entry)
    options: dict[str, Any] = {"ties": ties}
    if strata:
        options["strata"] = data.stratum
    if late_entry:
        options["entry"] = data.entry
    biomarkers = panel(data)
    scan = scan_cox(exit=data.exit, event=data.event, covariates=data.covariates, biomarkers=biomarkers, **options)
    assert np.all(scan.iterations > 1)
    assert_twins(scan, twin(data, biomarkers, **options))


def test_scan_cox__double_precision_is_kept() -> None:
    data = simulate_follow_up(n=600)
    biomarkers = panel(data, dtype=np.float64)
    scan = scan_cox(exit=data.exit, event=data.event, covariates=data.covariates, biomarkers=biomarkers)
    assert_twins(scan, twin(data, biomarkers))


def test_scan_cox__strips_and_lanes_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    data = simulate_follow_up(n=900, days=120, late_entry=True)
    # Most people stay to the end: one visit is joined by many more rows than a strip holds.
    exit = np.where(np.arange(900) % 3 == 0, 500, data.exit)
    event = data.event & (exit < 500)
    biomarkers = panel(data, k=70)
    arguments = {
        "exit": exit,
        "event": event,
        "entry": data.entry,
        "strata": data.stratum,
        "covariates": data.covariates,
    }
    whole = scan_cox(**arguments, biomarkers=biomarkers)
    monkeypatch.setattr(sorted_rows, "STRIP_ROWS", 37)
    scanner = CoxScanner(**arguments)
    for k in (0, 5, 69):
        alone = scanner.scan(biomarkers[k : k + 1])
        assert alone.beta[0] == pytest.approx(whole.beta[k], rel=TWIN)
        assert alone.standard_error[0] == pytest.approx(whole.standard_error[k], rel=TWIN)


def test_scan_cox__order_of_rows_and_units_do_not_matter() -> None:
    data = simulate_follow_up(n=600)
    biomarkers = panel(data, dtype=np.float64)
    one = scan_cox(exit=data.exit, event=data.event, covariates=data.covariates, biomarkers=biomarkers)
    shuffled = np.random.default_rng(3).permutation(600)
    other = scan_cox(
        exit=data.exit[shuffled],
        event=data.event[shuffled],
        covariates=data.covariates[shuffled] * 1000 + 7,
        biomarkers=biomarkers[:, shuffled] * 4 - 3,
    )
    np.testing.assert_allclose(one.beta, 4 * other.beta, rtol=TWIN)
    np.testing.assert_allclose(
        one.standard_error * one.standard_deviation, other.standard_error * other.standard_deviation, rtol=TWIN
    )


def test_scan_cox__refuses_one_biomarker_and_fits_the_rest() -> None:
    data = simulate_follow_up(n=400)
    good = panel(data, k=1)[0]
    infinite, rare = good.copy(), np.full(400, np.nan, dtype=np.float32)
    infinite[:3] = np.inf
    few = np.flatnonzero(data.event)[:3]
    rare[few] = good[few]
    biomarkers = np.stack(
        [
            good,
            np.full(400, np.nan),
            np.full(400, 2.5),
            infinite,
            rare,
            data.covariates[:, 0],
            data.event.astype(float),
            good,
        ]
    ).astype(np.float32)
    covariates = data.covariates.astype(np.float32)
    scan = scan_cox(exit=data.exit, event=data.event, covariates=covariates, biomarkers=biomarkers)
    n_events = int(data.event.sum())
    assert scan.refusals[1] == "no values: the biomarker is missing in every row"
    assert scan.refusals[2] == "constant in all 400 rows where it is known"
    assert scan.refusals[3] == "3 infinite values"
    assert scan.refusals[4] is not None
    assert scan.refusals[4].startswith("too few events")
    assert scan.refusals[5] is not None
    assert "collinear" in scan.refusals[5]
    assert scan.refusals[6] == f"monotone likelihood, no finite estimate: biomarker ({n_events} events)"
    assert scan.refusals[0] is scan.refusals[7] is None
    # A duplicated assay has the same answer, wherever it stands.
    assert scan.beta[0] == pytest.approx(scan.beta[7], rel=1e-12)
    assert np.isnan(scan.beta[1:7]).all()


def test_scan_cox__a_strong_marker_goes_the_same_way_as_its_twin() -> None:
    rng = np.random.default_rng(5)
    data = simulate_follow_up(n=800)
    score = (-np.log(data.exit + rng.random(800)) * 3 + rng.normal(size=800)).astype(np.float32)[None, :]
    scan = scan_cox(exit=data.exit, event=data.event, covariates=data.covariates, biomarkers=score)
    assert_twins(scan, twin(data, score))
    assert abs(scan.z[0]) > 10


def test_cox_scanner__refusal_without_the_biomarker_is_every_biomarkers() -> None:
    data = simulate_follow_up(n=100)
    constant = np.column_stack([data.covariates, np.ones(100)])
    scan = scan_cox(exit=data.exit, event=data.event, covariates=constant, biomarkers=panel(data, k=3))
    assert scan.refusals == ("without the biomarker: constant: x4",) * 3


def test_cox_scanner__shapes() -> None:
    data = simulate_follow_up(n=100)
    scanner = CoxScanner(exit=data.exit, event=data.event, covariates=data.covariates)
    with pytest.raises(EstimatorInputError, match=r"must be \(K, 100\)"):
        scanner.scan(np.zeros((100, 3)))
    assert scanner.scan(np.zeros((0, 100))).beta.shape == (0,)


def test_exponential__is_exp() -> None:
    x = np.concatenate([np.linspace(-700, 700, 20_001), np.random.default_rng(1).normal(size=5000)])
    np.testing.assert_allclose([cox_scan_kernels.exponential(u) for u in x], np.exp(x), rtol=EXPONENTIAL)
    assert 0 <= cox_scan_kernels.exponential(-1e6) < 1e-300
    assert np.isfinite(cox_scan_kernels.exponential(1e6))


def test_growth__is_exp_less_one() -> None:
    """In single precision, near 0 relative to itself."""
    x = np.concatenate([np.linspace(-50, 50, 20_001), 0.1 * np.random.default_rng(1).normal(size=5000)])
    x = x.astype(np.float32)
    ours = np.array([single_precision_kernels.growth(u) for u in x], dtype=np.float64)
    np.testing.assert_allclose(ours, np.expm1(x.astype(np.float64)), rtol=GROWTH)
    assert single_precision_kernels.growth(np.float32(-1e6)) == -1.0
    assert np.isfinite(single_precision_kernels.growth(np.float32(1e6)))


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("in_strata_and_late", [False, True])
@pytest.mark.parametrize("p", [0, 5])
def test_scan_cox__steps_in_single_precision_end_where_the_twin_does(
    ties: str, in_strata_and_late: bool, p: int
) -> None:
    """Of many rows; among the biomarkers are a very strong one and one of few values, whose products are in double."""
    data = simulate_follow_up(
        n=joint_newton.SINGLE_PRECISION_ROWS + 1_000, p=p, days=120, late_entry=in_strata_and_late
    )
    options: dict[str, Any] = {"ties": ties}
    if in_strata_and_late:
        options |= {"strata": data.stratum, "entry": data.entry}
    biomarkers = panel(data, k=11)
    biomarkers[3] -= 0.02 * data.exit.astype(np.float32)
    biomarkers[4, ::2] = np.nan
    e = min(p, 2)
    scanner = CoxScanner(exit=data.exit, event=data.event, covariates=data.covariates, n_first=e, **options)
    scan = scanner.scan(biomarkers)
    fits = twin(data, biomarkers, **options)
    assert np.abs(scan.z).max() > 30
    assert_twins(scan, fits)
    np.testing.assert_allclose(scan.first_variance, [np.diag(fit.covariance)[:e] for fit in fits], rtol=2 * TWIN)
    # Few of the lanes that share sweeps with them, or fits alone, would hide a sweep that does not settle.
    assert np.all((scan.iterations > 1) & (scan.iterations < 10))


def test_scan_cox__null_biomarkers_have_uniform_p_values() -> None:
    data = simulate_follow_up(n=700, share=0.3)
    values = np.random.default_rng(8).normal(size=(256, 700)).astype(np.float32)
    scan = scan_cox(exit=data.exit, event=data.event, covariates=data.covariates, biomarkers=values)
    assert stats.kstest(scan.p_value, "uniform").pvalue > 0.01


@pytest.mark.parametrize("alone", [False, True])
def test_cox_scanner__first_covariates_are_the_twins(alone: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Coefficients, variances and covariances of the first covariates, with strata and delayed entry, by either way."""
    if alone:
        monkeypatch.setattr(joint_newton, "MAX_SWEEPS", 1)
    data = simulate_follow_up(n=900, p=4, days=120, late_entry=True)
    biomarkers = panel(data)
    options: dict[str, Any] = {"strata": data.stratum, "entry": data.entry}
    scanner = CoxScanner(exit=data.exit, event=data.event, covariates=data.covariates, n_first=2, **options)
    scan = scanner.scan(biomarkers)
    fits = twin(data, biomarkers, **options)
    np.testing.assert_allclose(scan.first_beta, [fit.beta[:2] for fit in fits], rtol=TWIN, atol=TWIN)
    np.testing.assert_allclose(scan.first_variance, [np.diag(fit.covariance)[:2] for fit in fits], rtol=TWIN)
    np.testing.assert_allclose(scan.first_covariance, [fit.covariance[:2, -1] for fit in fits], rtol=1e-6, atol=1e-12)


def test_scan_cox__a_level_without_events_joins_the_reference_for_that_biomarker() -> None:
    data = simulate_follow_up(n=900, p=3, days=120, late_entry=True)
    level = np.arange(900) % 9 == 0
    other = np.arange(900) % 7 == 0
    covariates = np.column_stack([data.covariates, level, other])
    biomarkers = panel(data, k=70)
    biomarkers[5, level & data.event] = np.nan
    biomarkers[6, level] = np.nan
    biomarkers[7, (level | other) & data.event] = np.nan
    names = ["a", "b", "c", "centre: 11010", "centre: 11011"]
    scanner = CoxScanner(
        exit=data.exit, event=data.event, entry=data.entry, strata=data.stratum, covariates=covariates, names=names,
        is_level=[": " in name for name in names], n_first=1,
    )  # fmt: skip
    scan = scanner.scan(biomarkers)
    assert scan.joined[5] == scan.joined[6] == ("centre: 11010",)
    assert scan.joined[7] == ("centre: 11010", "centre: 11011")
    assert all(not names for k, names in enumerate(scan.joined) if k not in (5, 6, 7))
    assert scan.refusals == (None,) * 70
    for k, columns in ((0, [0, 1, 2, 3, 4]), (5, [0, 1, 2, 4]), (6, [0, 1, 2, 4]), (7, [0, 1, 2])):
        known = np.isfinite(biomarkers[k])
        fit = fit_cox(
            exit=data.exit[known], event=data.event[known], entry=data.entry[known], strata=data.stratum[known],
            covariates=np.column_stack([covariates[known][:, columns], biomarkers[k][known].astype(np.float64)]),
        )  # fmt: skip
        assert scan.beta[k] == pytest.approx(fit.beta[-1], rel=TWIN)
        assert scan.standard_error[k] == pytest.approx(fit.standard_error[-1], rel=TWIN)
        assert scan.first_beta[k, 0] == pytest.approx(fit.beta[0], rel=TWIN)
        assert scan.n[k] == fit.n
    # Without being told which columns are levels, the scan refuses them by name, as `fit_cox` does.
    refused = CoxScanner(
        exit=data.exit, event=data.event, entry=data.entry, strata=data.stratum, covariates=covariates, names=names
    ).scan(biomarkers[5:7])
    assert all("centre: 11010" in str(reason) for reason in refused.refusals)
