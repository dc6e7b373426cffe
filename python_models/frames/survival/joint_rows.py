"""Joint categories of two exposures: the first low, the second low, and both, against neither."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

from python_models.estimators.survival.cox import CoxFit
from python_models.frames.columns import Categories, present, take
from python_models.frames.estimates import NORMAL_975, hazard_ratio_columns
from python_models.frames.follow_ups import StudyData
from python_models.frames.scalings import ScaledExposure
from python_models.frames.study import CoxAnalysis
from python_models.frames.survival.cox_problems import CoxProblem, CoxProblems, HouseFits
from python_models.frames.survival.subgroups import JointExposure

F8 = npt.NDArray[np.float64]


def excess_risk_of_interaction(beta: F8, covariance: F8) -> tuple[float, float]:
    """Relative excess risk due to interaction, HR11 - HR10 - HR01 + 1, and its error by the delta method.

    beta (3,), covariance (3, 3): log hazard ratios of the first alone, the second alone, and both.
    Hosmer & Lemeshow 1992, Epidemiology 3:452.
    """
    ratio = np.exp(beta)
    gradient = ratio * np.array([-1.0, -1.0, 1.0])
    return float(ratio[2] - ratio[0] - ratio[1] + 1.0), float(np.sqrt(gradient @ covariance @ gradient))


def _problem(
    joint: JointExposure, analyses: Sequence[CoxAnalysis], problems: CoxProblems, data: StudyData
) -> tuple[CoxAnalysis, CoxProblem | str] | None:
    """The first part's primary model with the crossed groups as exposure; None where the arm has no such part."""
    primary = {
        analysis.exposure: analysis
        for analysis in analyses
        if analysis.is_primary_model and (analysis.study, analysis.arm) == (joint.study, joint.arm)
    }
    if any(part.exposure not in primary for part in joint.parts):
        return None
    analysis = replace(primary[joint.parts[0].exposure], exposure=joint.joint_exposure, scaling="joint_categories")
    base = problems.build(primary[joint.parts[0].exposure])
    if isinstance(base, str):
        return analysis, base
    columns = [data.columns[primary[part.exposure].column_name] for part in joint.parts]
    both = base.keep(present(take(columns[1], base.rows)))
    sex = take(data.columns["sex"], both.rows)
    assert isinstance(sex, Categories)
    low = []
    for part, column in zip(joint.parts, columns, strict=True):
        values = take(column, both.rows)
        assert not isinstance(values, Categories)
        low.append(part.is_low(values, sex))
    groups = np.column_stack([low[0] & ~low[1], ~low[0] & low[1], low[0] & low[1]]).astype(np.float64)
    names = (joint.parts[0].label, joint.parts[1].label)
    scaled = ScaledExposure(
        tuple(f"{name} against neither" for name in (f"{names[0]} alone", f"{names[1]} alone", " and ".join(names))),
        groups,
        "; ".join(
            f"{part.label}: below {part.female:g} in women, {part.male:g} in men"
            if part.cut == "below_value"
            else f"{part.label}: lowest {part.female:.0%} of women, {part.male:.0%} of men"
            for part in joint.parts
        ),
    )  # fmt: skip
    crossed = replace(
        both, analysis=analysis, scaled=scaled, matrix=both.matrix[:, base.k :], names=both.names[base.k :]
    )
    return analysis, crossed.with_columns(groups, scaled.levels, after=0)


def joint_rows(
    joint: JointExposure, analyses: Sequence[CoxAnalysis], problems: CoxProblems, house: HouseFits, data: StudyData
) -> Iterator[tuple[CoxAnalysis, dict[str, Any]]]:
    """One row per crossed group; the p value is of the interaction on the hazard-ratio scale, the same in each row."""
    found = _problem(joint, analyses, problems, data)
    if found is None:
        return
    analysis, problem = found
    if isinstance(problem, str):
        yield analysis, {"level": "", "n_participants": 0, "n_events": 0, "person_years": 0.0, "refusal": problem}
        return
    refusal = problem.refusal
    fit: CoxFit | None = None if refusal else house.fit_anew(problem)
    refusal = refusal or (fit.refusal if fit else None)
    for j, level in enumerate(problem.scaled.levels):
        row: dict[str, Any] = {"level": level, "estimator": "house", **problem.counts, "refusal": refusal}
        if fit is not None and refusal is None:
            beta, covariance = fit.beta[:3], fit.covariance[:3, :3]
            product = float(beta[2] - beta[0] - beta[1])
            contrast = np.array([-1.0, -1.0, 1.0])
            excess, error = excess_risk_of_interaction(beta, covariance)
            row |= hazard_ratio_columns(float(beta[j]), float(fit.standard_error[j]))
            row["interaction_p_value"] = float(special.chdtrc(1, product**2 / float(contrast @ covariance @ contrast)))
            row["note"] = (
                f"{row['note']}; relative excess risk due to interaction {excess:.2f} "
                f"({excess - NORMAL_975 * error:.2f} to {excess + NORMAL_975 * error:.2f})"
            )
        yield analysis, row
