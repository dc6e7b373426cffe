"""Natural effects against regmedint 1.0.2 (R 4.2.2) and the printed output of the SAS %mediation macro."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from python_models.estimators.mediation.fit_natural_effects import MediationFit, fit_natural_effects
from python_models.estimators.mediation.natural_effects import (
    EFFECTS,
    Contrast,
    NaturalEffects,
    natural_effects,
    path_covariance,
)

CASES = Path(__file__).parents[3] / "shared" / "reference" / "survival"
pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason="the reference cases are not beside the project (../shared)")

# From the coefficients and covariances regmedint itself used, only rounding is left.
FORMULA_TOLERANCE = 1e-12
# From the data: both sides at R's own stopping rules. Relative, or absolute below 1e-3.
FIT_TOLERANCE = 1e-9
# The macro works from printed coefficients: a last digit may be off by one; six significant digits where it prints
# fewer decimals.
SAS_UNITS = 1.0
SAS_RELATIVE = 5e-6
# PROC LOGISTIC stops on its gradient criterion, 1e-4 of the smallest coefficient away: up to 6 units of the last digit.
SAS_LOGISTIC_UNITS = 6.5

OUTCOME_MODELS = {
    "survCox": "cox",
    "survAFT_exp": "aft_exponential",
    "survAFT_weibull": "aft_weibull",
    "linear": "linear",
    "logistic": "logistic",
}
PARTS = (("est", "estimate"), ("se", "standard_error"), ("lower", "lower"), ("upper", "upper"), ("p", "p_value"))
SAS_Z = 1.96


def results(name: str) -> list[dict[str, Any]]:
    return json.loads((CASES / f"{name}.json").read_text())["results"] if CASES.is_dir() else []


def pbc() -> dict[str, np.ndarray]:
    with (CASES / "c02_pbc_sas_macro.csv").open() as handle:
        rows = list(csv.DictReader(handle))
    return {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}


def assert_agrees(effects: NaturalEffects, expected: dict[str, dict[str, float]], tolerance: float) -> None:
    for key, attribute in PARTS:
        np.testing.assert_allclose(
            getattr(effects, attribute),
            [expected[key][effect] for effect in EFFECTS],
            rtol=tolerance,
            atol=tolerance * 1e-3,
            err_msg=key,
        )


def fit_pbc(case: dict[str, Any], **options: Any) -> MediationFit:
    data = pbc()
    fit = fit_natural_effects(
        exposure=data[case["avar"]],
        mediator=data[case["mvar"]],
        outcome=data[case["yvar"]],
        event=data[case["eventvar"]] if case["eventvar"] else None,
        covariates=np.column_stack([data[c] for c in case["cvar"]]) if case["cvar"] else None,
        outcome_model=OUTCOME_MODELS[case["yreg"]],
        mediator_model=case["mreg"],
        has_interaction=case["interaction"],
        is_case_control=case["casecontrol"],
        contrast=Contrast(case["a0"], case["a1"], case["m_cde"]),
        **options,
    )
    assert fit.refusal is None
    return fit


@pytest.mark.parametrize("case", results("c01_vv2015_regmedint"), ids=lambda c: f"{c['yreg']}-{c['interaction']}")
def test_natural_effects__c01_formula_from_regmedint_coefficients(case: dict[str, Any]) -> None:
    given = case["at_c0.5"]
    mediator, outcome = given["mreg_coef"], given["yreg_coef"]
    names = list(outcome)
    terms = [names.index(t) for t in ("x", "m", "x:m") if t in names]
    outcome_covariance = np.zeros((3, 3))
    outcome_covariance[: len(terms), : len(terms)] = np.array(given["yreg_vcov"])[np.ix_(terms, terms)]
    for key, at_covariate, level in (("at_c0.5", 0.5, 1.0), ("at_m_cde0_c1", 1.0, 0.0)):
        at = np.array([[1.0, 0.0, at_covariate], [0.0, 1.0, 0.0]])
        linear_predictor = mediator["(Intercept)"] + at_covariate * mediator["c"]
        paths = np.array([linear_predictor, mediator["x"], 0.0, outcome["x"], outcome["m"], outcome.get("x:m", 0.0)])
        covariance = path_covariance(
            mediator_covariance=at @ np.array(given["mreg_vcov"]) @ at.T,
            mediator_variance=0.0,
            residual_degrees_of_freedom=None,
            outcome_covariance=outcome_covariance,
        )
        effects = natural_effects(paths, covariance, contrast=Contrast(0.0, 1.0, level), mediator_model="logistic")
        assert_agrees(effects, case[key], FORMULA_TOLERANCE)


@pytest.mark.parametrize("case", results("c01_vv2015_regmedint"), ids=lambda c: f"{c['yreg']}-{c['interaction']}")
def test_fit_natural_effects__c01_from_the_data(case: dict[str, Any]) -> None:
    with (CASES / "c01_vv2015_regmedint.csv").open() as handle:
        rows = list(csv.DictReader(handle))
    column = {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}
    for key, at_covariate, level in (("at_c0.5", 0.5, 1.0), ("at_m_cde0_c1", 1.0, 0.0)):
        fit = fit_natural_effects(
            exposure=column["x"],
            mediator=column["m"],
            outcome=column["y"],
            event=column["event"],
            covariates=column["c"],
            covariate_levels=[at_covariate],
            outcome_model=OUTCOME_MODELS[case["yreg"]],
            mediator_model="logistic",
            has_interaction=case["interaction"],
            contrast=Contrast(0.0, 1.0, level),
            stop="coxph",
        )
        assert fit.effects is not None
        assert_agrees(fit.effects, case[key], FIT_TOLERANCE)


@pytest.mark.parametrize("case", results("c02_pbc_sas_macro"), ids=lambda c: c["file"][4:-4])
def test_fit_natural_effects__c02_regmedint(case: dict[str, Any]) -> None:
    for key, levels in (("regmedint", case["c_cond"]), ("regmedint_at_cmean", None)):
        if case[key] is not None:
            fit = fit_pbc(case, covariate_levels=levels, stop="coxph")
            assert fit.effects is not None
            assert_agrees(fit.effects, case[key], FIT_TOLERANCE)


def sas_effects(case: dict[str, Any], *, at: str) -> NaturalEffects:
    """Our effects as the macro computes them, which differs from the papers in two places.

    It takes s2 itself as the variance of s2 (the papers and regmedint: 2 s2^2 / (n - p)), and with case-control data
    it takes the marginal effects at the covariate means of the controls.
    """
    levels = case["c_cond"]
    if at == "marginal":
        data = pbc()
        rows = data[case["yvar"]] == 0 if case["casecontrol"] else slice(None)
        levels = [data[c][rows].mean() for c in case["cvar"]]
    fit = fit_pbc(case, covariate_levels=levels, ties="breslow")
    covariance = fit.covariance.copy()
    if case["mreg"] == "linear":
        covariance[2, 2] = fit.paths[2]
    return natural_effects(
        fit.paths,
        covariance,
        contrast=Contrast(case["a0"], case["a1"], case["m_cde"]),
        mediator_model=case["mreg"],
        outcome_scale=fit.outcome_scale,
    )


@pytest.mark.parametrize("case", results("c02_pbc_sas_macro"), ids=lambda c: c["file"][4:-4])
def test_fit_natural_effects__c02_sas_macro_to_its_printed_digits(case: dict[str, Any]) -> None:
    is_linear = case["yreg"] == "linear"
    is_loose = case["mreg"] == "logistic" and (is_linear or not case["cvar"])
    ours = {at: sas_effects(case, at=at) for at in (("conditional", "marginal") if case["cvar"] else ("conditional",))}
    n_compared = 0
    for line in case["sas"]:
        at, _, effect = line["effect"].rpartition("_")
        position = EFFECTS.index({"cde=nde": "cde", "nie": "tnie"}.get(effect, effect))
        effects = ours[at or "conditional"]
        centre, error = effects.estimate[position], effects.standard_error[position]
        shown = (lambda x: x) if is_linear else np.exp
        mine = {"estimate": shown(centre)}
        # Without covariates the macro's pnie interval is not its tnie interval even where the two effects are one: not
        # compared.
        if not (effect == "pnie" and is_loose and not case["cvar"]):
            mine |= {
                "se": error,
                "lower": shown(centre - SAS_Z * error),
                "upper": shown(centre + SAS_Z * error),
                "p": effects.p_value[position],
            }
        for key, value in mine.items():
            if line.get(key) is None:
                continue
            unit = 1e-3 if is_linear and key != "p" else 1e-5
            units = SAS_LOGISTIC_UNITS if is_loose else SAS_UNITS
            assert abs(value - line[key]) <= max(units * unit, SAS_RELATIVE * abs(line[key])), (line["effect"], key)
            n_compared += 1
    assert n_compared >= 3 * len(case["sas"])
