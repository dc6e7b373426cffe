"""Hazard ratios within subgroups, with the p value of the product of exposure and subgroup in one model of everyone."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy import special

from python_models.frames.estimates import hazard_ratio_columns
from python_models.frames.follow_ups import StudyData
from python_models.frames.survival.cox_problems import CoxProblem, HouseFits
from python_models.frames.survival.subgroups import Subgroup


def interaction_p_value(
    problem: CoxProblem, house: HouseFits, members: list[np.ndarray[tuple[int], np.dtype[np.bool_]]]
) -> float | None:
    """Wald p value of all products of the exposure's k columns and the groups but the first; None without an estimate.

    The groups enter too, where the covariates do not hold them already.
    """
    grouped = np.column_stack([member.astype(np.float64) for member in members[1:]])
    k = problem.k
    products = np.column_stack([problem.matrix[:, :k] * grouped[:, [j]] for j in range(grouped.shape[1])])
    names = [f"product {j + 1}" for j in range(products.shape[1])]
    mains = [f"group {j + 1}: main" for j in range(grouped.shape[1])]
    fit = house.fit_anew(problem.with_columns(np.column_stack([products, grouped]), [*names, *mains], after=k))
    if fit.refusal is not None:
        # The covariates hold the groups, as sex does.
        fit = house.fit_anew(problem.with_columns(products, names, after=k))
    if fit.refusal is not None:
        return None
    columns = list(range(k, k + products.shape[1]))
    return float(special.chdtrc(len(columns), fit.wald_test(columns)))


def subgroup_rows(
    problem: CoxProblem, house: HouseFits, data: StudyData, subgroups: list[Subgroup]
) -> Iterator[dict[str, Any]]:
    """One row per subgroup and level of the exposure; scaled among everyone, so that one unit means the same."""
    study = problem.analysis.study
    for grouping in dict.fromkeys(group.grouping for group in subgroups if group.study == study):
        own = [group for group in subgroups if (group.study, group.grouping) == (study, grouping)]
        members = [group.members(data.columns, problem.rows) for group in own]
        p_value = interaction_p_value(problem, house, members) if problem.refusal is None else None
        for group, member in zip(own, members, strict=True):
            part = problem.keep(member)
            refusal = part.refusal or problem.refusal
            fit = None if refusal else house.fit_anew(part)
            refusal = refusal or (fit.refusal if fit else None)
            for j, level in enumerate(part.scaled.levels):
                row: dict[str, Any] = {
                    "level": level,
                    "subgroup": f"{grouping}: {group.subgroup}",
                    "estimator": "house",
                    **part.counts,
                    "interaction_p_value": p_value,
                    "refusal": refusal,
                }
                if fit is not None and refusal is None:
                    step = part.scaled.step
                    row |= hazard_ratio_columns(float(fit.beta[j]) * step, float(fit.standard_error[j]) * step)
                yield row


def refused_subgroups(study: str, subgroups: list[Subgroup], refusal: str) -> Iterator[dict[str, Any]]:
    """The rows of subgroups of a model that nobody is in: no level, no counts but none."""
    for group in subgroups:
        if group.study == study:
            yield {
                "level": "",
                "subgroup": f"{group.grouping}: {group.subgroup}",
                "n_participants": 0,
                "n_events": 0,
                "person_years": 0.0,
                "refusal": refusal,
            }
