"""The clearest mediators of each family with everything that costs a fit of their own, as rows.

Without and with exposure-mediator interaction: six effects, mediated shares by three definitions, the four-way
decomposition; intervals by the delta method, by Monte-Carlo draws and, for a few, by the bootstrap of the whole chain.
"""

from collections.abc import Iterator
from typing import Any, get_args

import duckdb
import numpy as np
import pyarrow as pa
from scipy import special

from python_models.estimators.mediation.bootstrap import BootstrapEffects, bootstrap_natural_effects
from python_models.estimators.mediation.difference_method import (
    correlation_of_total_and_direct,
    difference_method_draws,
)
from python_models.estimators.mediation.fit_natural_effects import MediationFit, fit_natural_effects
from python_models.estimators.mediation.four_way import COMPONENTS, SHARES, four_way
from python_models.estimators.mediation.mediated_share import ShareDefinition, mediated_share, share_values
from python_models.estimators.mediation.monte_carlo import monte_carlo_effects
from python_models.estimators.mediation.natural_effects import EFFECTS, PATHS, Contrast
from python_models.estimators.survival.cox import CoxFit, fit_cox
from python_models.frames.biomarkers.biomarker_rows import NORMAL_975, finite, one_thread
from python_models.frames.build import cohort_of_build
from python_models.frames.mediation.finalist_arrays import Finalist, finalist_arrays, without_rare_levels
from python_models.frames.mediation.mediation_rows import SEED, table_without_nan
from python_models.frames.mediation.mediation_study import (
    CLINICAL,
    FAMILY,
    MediationStudy,
    everyone,
    of_design,
    read_found,
)

Row = dict[str, Any]
SIX = EFFECTS[:6]
PNDE, TNIE, TE, CDE = (EFFECTS.index(name) for name in ("pnde", "tnie", "te", "cde"))
# Of a finalist's exposure, which is measured from the level that it is compared with.
CONTRAST = Contrast()
KEYS = (
    "study",
    "arm",
    "exposure",
    "scaling",
    "outcome",
    "outcome_definition",
    "adjustment_set",
    "platform",
    "biomarker",
)
METHODS = ("delta", "monte_carlo", "bootstrap")
SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in KEYS),
        ("rank_in_family", pa.int64()),
        ("model", pa.string()),
        ("quantity_kind", pa.string()),
        ("quantity", pa.string()),
        ("n_participants", pa.int64()),
        ("n_events", pa.int64()),
        ("exposure_from", pa.float64()),
        ("exposure_to", pa.float64()),
        ("estimate", pa.float64()),
        ("standard_error", pa.float64()),
        *((f"{method}_{side}", pa.float64()) for method in METHODS for side in ("lower", "upper")),
        ("n_bootstraps", pa.int64()),
        ("p_value", pa.float64()),
        ("interval_refusal", pa.string()),
        ("refusal", pa.string()),
    ]
)


def _fitted(one: Finalist, *, has_interaction: bool, alone: CoxFit) -> MediationFit:
    """Both models; the outcome model begins at the one without the mediator."""
    start = None
    if alone.refusal is None:
        start = np.concatenate([alone.beta[:1], np.zeros(1 + has_interaction), alone.beta[1:]])
    return fit_natural_effects(
        exposure=one.exposure, mediator=one.mediator, outcome=one.time, event=one.event, covariates=one.covariates,
        mediator_covariates=one.centres, strata=one.strata, has_interaction=has_interaction, contrast=CONTRAST,
        outcome_start=start, covariate_names=one.names,
    )  # fmt: skip


def _bootstrapped(given: Finalist, *, has_interaction: bool, n_bootstraps: int) -> BootstrapEffects | None:
    """Both models of the same resamples; None where none are asked for."""
    if n_bootstraps == 0:
        return None
    one = without_rare_levels(given)
    return bootstrap_natural_effects(
        exposure=one.exposure, mediator=one.mediator, time=one.time, event=one.event, covariates=one.covariates,
        mediator_covariates=one.centres, strata=one.strata, has_interaction=has_interaction, contrast=CONTRAST,
        n_bootstraps=n_bootstraps, seed=SEED,
    )  # fmt: skip


def _effect_rows(fit: MediationFit, drawn: BootstrapEffects | None) -> Iterator[Row]:
    """Six effects on the log hazard ratio, and the interaction's coefficient where there is one."""
    assert fit.effects is not None
    monte_carlo = monte_carlo_effects(fit.paths[None, :], fit.covariance[None], contrast=CONTRAST, seed=SEED)
    for j, name in enumerate(SIX):
        row = {
            "quantity_kind": "effect",
            "quantity": name,
            "estimate": float(fit.effects.estimate[j]),
            "standard_error": float(fit.effects.standard_error[j]),
            "delta_lower": float(fit.effects.lower[j]),
            "delta_upper": float(fit.effects.upper[j]),
            "monte_carlo_lower": float(monte_carlo.lower[0, j]),
            "monte_carlo_upper": float(monte_carlo.upper[0, j]),
            "p_value": finite(float(fit.effects.p_value[j])),
        }
        if drawn is not None and drawn.refusal is None:
            row |= {"bootstrap_lower": float(drawn.lower[j]), "bootstrap_upper": float(drawn.upper[j])}
        yield row
    interaction = PATHS.index("interaction")
    error = float(np.sqrt(fit.covariance[interaction, interaction]))
    if error > 0.0:
        estimate = float(fit.paths[interaction])
        yield {
            "quantity_kind": "interaction",
            "quantity": "exposure_by_mediator",
            "estimate": estimate,
            "standard_error": error,
            "delta_lower": estimate - NORMAL_975 * error,
            "delta_upper": estimate + NORMAL_975 * error,
            "p_value": float(2.0 * special.ndtr(-abs(estimate / error))),
        }


def _difference_limits(one: Finalist, fit: MediationFit, alone: CoxFit, has_interaction: bool) -> tuple[float, float]:
    """Monte-Carlo limits of the excess-relative-risk share, whose total and direct effect are of two models."""
    assert fit.effects is not None
    # At mediator level 0 the controlled direct effect is the exposure's own coefficient.
    assert CONTRAST.mediator_level == 0.0
    terms = [one.mediator, one.exposure * one.mediator][: 1 + has_interaction]
    draws = difference_method_draws(
        total=alone, direct=float(fit.effects.estimate[CDE]), direct_error=float(fit.effects.standard_error[CDE]),
        correlation=correlation_of_total_and_direct(
            time=one.time, event=one.event, exposure=one.exposure, terms=np.column_stack(terms),
            covariates=one.covariates, strata=one.strata, total_beta=alone.beta, direct_beta=fit.outcome_beta,
        ),
        seed=SEED,
    )  # fmt: skip
    total, direct, indirect = draws.T
    shares = share_values(definition="excess_relative_risk", total=total, direct=direct, indirect=indirect)
    lower, upper = np.quantile(shares, [0.025, 0.975])
    return float(lower), float(upper)


def _share_rows(
    one: Finalist, fit: MediationFit, alone: CoxFit, drawn: BootstrapEffects | None, has_interaction: bool
) -> Iterator[Row]:
    """Mediated shares by three definitions, each under its name; alone: the outcome model without the mediator."""
    assert fit.effects is not None
    monte_carlo = monte_carlo_effects(fit.paths[None, :], fit.covariance[None], contrast=CONTRAST, seed=SEED)
    has_draws = drawn is not None and drawn.refusal is None
    estimate = fit.effects.estimate
    pm = EFFECTS.index("pm")
    given: dict[str, dict[str, Any]] = {}
    for definition in ("log_scale", "vanderweele"):
        given[definition] = {
            "total": estimate[TE], "direct": estimate[PNDE], "indirect": estimate[TNIE],
            "total_lower": monte_carlo.lower[0, TE], "total_upper": monte_carlo.upper[0, TE],
        }  # fmt: skip
        if drawn is not None and has_draws:
            given[definition]["draws"] = drawn.draws[None][:, :, [TE, PNDE, TNIE]]
    if alone.refusal is None:
        half = NORMAL_975 * float(alone.standard_error[0])
        total = float(alone.beta[0])
        given["excess_relative_risk"] = {
            "total": total, "direct": estimate[CDE], "indirect": total - estimate[CDE],
            "total_lower": total - half, "total_upper": total + half,
        }  # fmt: skip
        if drawn is not None and has_draws:
            totals, direct = drawn.total_without_mediator_draws, drawn.draws[:, CDE]
            given["excess_relative_risk"]["draws"] = np.stack([totals, direct, totals - direct], axis=-1)[None]
    bounds = {
        "log_scale": (monte_carlo.log_share_lower[0], monte_carlo.log_share_upper[0]),
        "vanderweele": (monte_carlo.lower[0, pm], monte_carlo.upper[0, pm]),
    }
    for definition in get_args(ShareDefinition):
        row: Row = {"quantity_kind": "mediated_share", "quantity": definition}
        if definition not in given:
            yield {**row, "refusal": f"outcome model without the mediator: {alone.refusal}"}
            continue
        share = mediated_share(definition=definition, **given[definition])
        row["refusal"] = share.refusal[0]
        if share.refusal[0] is None:
            row["estimate"] = float(share.share[0])
            row["bootstrap_lower"], row["bootstrap_upper"] = finite(share.lower[0]), finite(share.upper[0])
            if definition not in bounds:
                bounds[definition] = _difference_limits(one, fit, alone, has_interaction)
            row["monte_carlo_lower"], row["monte_carlo_upper"] = map(finite, bounds[definition])
            if drawn is not None and drawn.refusal is not None:
                row["interval_refusal"] = f"bootstrap: {drawn.refusal}"
        yield row


def _four_way_rows(fit: MediationFit) -> Iterator[Row]:
    """Excess relative risks by part, and their shares of the total, refused where a mediated share would be."""
    assert fit.effects is not None
    parts = four_way(fit.paths, fit.covariance, contrast=CONTRAST)
    for j, name in enumerate(COMPONENTS):
        yield {
            "quantity_kind": "four_way",
            "quantity": name,
            "estimate": float(parts.component[j]),
            "standard_error": float(parts.component_standard_error[j]),
            "delta_lower": float(parts.component_lower[j]),
            "delta_upper": float(parts.component_upper[j]),
        }
    monte_carlo = monte_carlo_effects(fit.paths[None, :], fit.covariance[None], contrast=CONTRAST, seed=SEED)
    estimate = fit.effects.estimate
    refusal = mediated_share(
        definition="vanderweele", total=estimate[TE], direct=estimate[PNDE], indirect=estimate[TNIE],
        total_lower=monte_carlo.lower[0, TE], total_upper=monte_carlo.upper[0, TE],
    ).refusal[0]  # fmt: skip
    for j, name in enumerate(SHARES):
        row: Row = {"quantity_kind": "four_way_share", "quantity": name}
        if refusal is not None:
            yield {**row, "refusal": refusal}
            continue
        share, error = float(parts.share[j]), float(parts.share_standard_error[j])
        half = NORMAL_975 * error
        yield {
            **row,
            "estimate": share,
            "standard_error": error,
            "delta_lower": share - half,
            "delta_upper": share + half,
        }


def _rows(one: Finalist, *, n_bootstraps: int) -> Iterator[Row]:
    alone = fit_cox(
        exit=one.time, event=one.event, covariates=np.column_stack([one.exposure, one.covariates]), strata=one.strata,
        names=("exposure", *one.names),
    )  # fmt: skip
    for model, has_interaction in (("without_interaction", False), ("with_interaction", True)):
        fit = _fitted(one, has_interaction=has_interaction, alone=alone)
        common: Row = {
            "model": model, "n_participants": fit.n, "n_events": fit.n_events, "exposure_from": one.exposure_from,
            "exposure_to": one.exposure_from + 1.0,
        }  # fmt: skip
        if fit.effects is None:
            yield {**common, "quantity_kind": "effect", "quantity": "te", "refusal": fit.refusal}
            continue
        drawn = _bootstrapped(one, has_interaction=has_interaction, n_bootstraps=n_bootstraps)
        rows = [*_effect_rows(fit, drawn), *_share_rows(one, fit, alone, drawn, has_interaction)]
        rows += _four_way_rows(fit) if has_interaction else []
        for row in rows:
            counted = n_bootstraps - drawn.n_failed if drawn and row.get("bootstrap_lower") is not None else None
            yield {**common, "n_bootstraps": counted, **row}


def finalists(found: list[Row], per_family: int) -> list[Row]:
    """The first mediators of each family, as read_found orders them, with rank_in_family."""
    ranks: dict[tuple[Any, ...], int] = {}
    chosen = []
    for row in found:
        if row["is_mediator"]:
            key = tuple(row[name] for name in FAMILY)
            ranks[key] = ranks.get(key, 0) + 1
            if ranks[key] <= per_family:
                chosen.append({**row, "rank_in_family": ranks[key]})
    return chosen


def finalist_effect_rows(
    session: duckdb.DuckDBPyConnection, *, per_family: int, n_bootstrapped: int, n_bootstraps: int
) -> pa.Table:
    """Mediators of results.mediation_effects, `per_family` of each family, in a model without and one with interaction.

    n_bootstrapped: how many of the proteins and metabolites among them are bootstrapped, those with a mediated share
    first, then by p-value.
    """
    study = MediationStudy(session, cohort=cohort_of_build())
    chosen = finalists(read_found(session), per_family)
    of_panels = [row for row in chosen if row["platform"] != CLINICAL]
    # Those with a share to give an interval to, before the others.
    by_need = sorted(of_panels, key=lambda row: (row["share_refusal"] is not None, row["p_value"]))
    drawn = {id(row) for row in by_need[:n_bootstrapped]}
    rows: list[Row] = []
    for panel, of_study in study.panels():
        for design_of in study.designs(panel, of_study):
            design = design_of(everyone(panel))
            for label, mine in of_design(chosen, design, panel).items():
                one_thread()
                values = study.values(panel, [row["biomarker"] for row in mine])
                for row, mediator in zip(mine, values, strict=True):
                    keys = {name: row[name] for name in (*KEYS, "rank_in_family")}
                    found = _rows(
                        finalist_arrays(design, label, mediator),
                        n_bootstraps=n_bootstraps if id(row) in drawn else 0,
                    )
                    rows += [{**keys, **one} for one in found]
    rows.sort(key=lambda row: tuple(str(row[name]) for name in (*FAMILY, "rank_in_family", "model")))
    return table_without_nan(rows, SCHEMA)
