"""Mediators estimated again: other people, other covariates, other tests beside them, as rows."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from python_models.estimators.mediation.natural_effects import EFFECTS
from python_models.estimators.mediation.scan import PathScan, mediation_of_paths
from python_models.estimators.multiplicity import adjust_p_values
from python_models.frames.biomarkers.biomarker_blocks import Panel
from python_models.frames.biomarkers.biomarker_designs import BiomarkerDesign
from python_models.frames.biomarkers.biomarker_rows import LEVEL, finite, one_thread
from python_models.frames.build import cohort_of_build
from python_models.frames.follow_ups import DAYS_PER_YEAR
from python_models.frames.mediation.mediation_families import MediationFamily, among, halves_of, joint_p, subset
from python_models.frames.mediation.mediation_rows import SEED, table_without_nan
from python_models.frames.mediation.mediation_study import (
    CLINICAL,
    FAMILY,
    DesignOf,
    MediationStudy,
    everyone,
    of_design,
    read_found,
)

Row = dict[str, Any]
PART_OF_EXPOSURE = "exposure_is_part_of_mediator"
TE, TNIE = EFFECTS.index("te"), EFFECTS.index("tnie")
KEYS = ("study", "arm", "exposure", "scaling", "outcome", "outcome_definition", "platform", "biomarker")
SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in KEYS),
        ("analysis", pa.string()),
        ("n_participants", pa.int64()),
        ("n_events", pa.int64()),
        ("compared_effect", pa.float64()),
        *((f"indirect_effect{part}", pa.float64()) for part in ("", "_error", "_lower", "_upper")),
        *((f"total_effect{part}", pa.float64()) for part in ("", "_lower", "_upper")),
        ("ratio_to_compared", pa.float64()),
        ("is_same_direction", pa.bool_()),
        ("p_value", pa.float64()),
        ("q_value", pa.float64()),
        ("is_upheld", pa.bool_()),
        ("refusal", pa.string()),
    ]
)


@dataclass(frozen=True, slots=True)
class Analysis:
    """A row of seeds/mediation_sensitivity_analyses.csv; column_name: of the covariate it adds."""

    study: str
    analysis: str
    kind: str
    column_name: str | None
    years: float | None


def _read_analyses(session: duckdb.DuckDBPyConnection) -> list[Analysis]:
    return [
        Analysis(*row)
        for row in session.execute(
            """
            select analyses.study, analyses.analysis, analyses.kind, covariates.column_name, analyses.years
            from seeds.mediation_sensitivity_analyses as analyses
            left join seeds.covariates as covariates on analyses.covariate = covariates.covariate
            order by analyses.study, analyses.analysis
            """
        ).fetchall()
    ]


def _common(row: Row, analysis: Analysis, compared: float | None) -> Row:
    return {**{name: row[name] for name in KEYS}, "analysis": analysis.analysis, "compared_effect": compared}


def _design_again(
    analysis: Analysis, design: BiomarkerDesign, design_of: DesignOf, wider_of: DesignOf
) -> BiomarkerDesign | str:
    """The design of an analysis, or why there is none; wider_of: with the added covariate."""
    if analysis.kind == "add_covariate":
        if analysis.column_name in design.analysis.covariates:
            return "already adjusted for"
        return among(design.samples, design_of=wider_of)
    if analysis.kind == "drop_early":
        late = design.days > float(analysis.years or 0.0) * DAYS_PER_YEAR
        return among(design.samples[late], design_of=design_of) if late.any() else "nobody is followed that long"
    return halves_of(design, design_of=design_of)[1]


def _estimated(
    found: list[Row], paths: PathScan | None, family: MediationFamily | str, analysis: Analysis
) -> list[Row]:
    """Rows of mediators whose paths were found again, in the order of found."""
    of_half = analysis.kind == "split_sample"
    rows = [_common(row, analysis, row["split_selection_effect" if of_half else "indirect_effect"]) for row in found]
    if paths is None:
        reason = family if isinstance(family, str) else str(family.cox)
        return [{**row, "refusal": reason} for row in rows]
    again = mediation_of_paths(paths, seed=SEED)
    p = joint_p(paths)
    for k, row in enumerate(rows):
        row |= {"n_participants": int(paths.n[k]), "n_events": int(paths.n_events[k]), "refusal": paths.refusals[k]}
        if paths.refusals[k] is not None:
            continue
        row["indirect_effect"] = float(again.effects.estimate[k, TNIE])
        row["indirect_effect_error"] = float(again.effects.standard_error[k, TNIE])
        row["total_effect"] = float(again.effects.estimate[k, TE])
        for name, j in (("indirect_effect", TNIE), ("total_effect", TE)):
            row[f"{name}_lower"] = float(again.intervals.lower[k, j])
            row[f"{name}_upper"] = float(again.intervals.upper[k, j])
        row["p_value"] = finite(p[k])
        if row["compared_effect"]:
            row["ratio_to_compared"] = row["indirect_effect"] / row["compared_effect"]
        row["is_same_direction"] = bool(row["indirect_effect"] * (row["compared_effect"] or 0.0) > 0)
        row["is_upheld"] = row["is_same_direction"] and bool(p[k] < LEVEL)
    return rows


def _again(
    analyses: list[Analysis], study: MediationStudy, panel: Panel, of_study: str | None, found: list[Row]
) -> Iterable[Row]:
    """Every analysis of every family of a panel that has a mediator."""
    wider = {
        one.analysis: study.designs(panel, of_study, adding=[one.column_name]) for one in analyses if one.column_name
    }
    for place, design_of in enumerate(study.designs(panel, of_study)):
        design = design_of(everyone(panel))
        mine = of_design(found, design, panel)
        if not mine:
            continue
        names = sorted({row["biomarker"] for rows in mine.values() for row in rows})
        values = study.values(panel, names)
        for analysis in analyses:
            if analysis.study != design.analysis.study:
                continue
            chosen = "is_split_selected" if analysis.kind == "split_sample" else "is_mediator"
            belonging = {position: [row for row in rows if row[chosen]] for position, rows in mine.items()}
            belonging = {position: rows for position, rows in belonging.items() if rows}
            if not belonging:
                continue
            wider_of = wider[analysis.analysis][place] if analysis.analysis in wider else design_of
            varied = _design_again(analysis, design, design_of, wider_of)
            family = varied if isinstance(varied, str) else MediationFamily(varied)
            if not isinstance(family, str):
                family.scan(values)
            for position, rows in belonging.items():
                paths = None if isinstance(family, str) else family.paths_of(position)
                reason = family if isinstance(family, str) else family.design.labels[position].refusal
                places = np.array([names.index(row["biomarker"]) for row in rows], dtype=np.intp)
                yield from _estimated(
                    rows, None if paths is None else subset(paths, places), reason or family, analysis
                )


def _unflagged(session: duckdb.DuckDBPyConnection, analyses: list[Analysis]) -> Iterable[Row]:
    """Multiplicity without the biomarkers that measure the exposure: effects stay, the others' q-values are smaller."""
    named = {one.study: one for one in analyses if one.kind == "unflagged"}
    cursor = session.execute(
        f"""
        select {", ".join(KEYS)}, n_participants, n_events, flag_reason, warnings, is_mediator, p_value,
            indirect_effect, indirect_effect_error, indirect_effect_lower, indirect_effect_upper,
            total_effect, total_effect_lower, total_effect_upper
        from results.mediation_effects
        where refusal is null and platform <> $clinical order by {", ".join(KEYS)}
        """,
        {"clinical": CLINICAL},
    )
    names = [column[0] for column in cursor.description]
    rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    copied = [field.name for field in SCHEMA if field.name in names and field.name not in KEYS]
    for key, members in groupby(rows, key=lambda row: tuple(row[name] for name in FAMILY)):
        analysis = named.get(key[0])
        if analysis is None:
            continue
        tested = list(members)
        p = np.array([np.nan if PART_OF_EXPOSURE in row["warnings"] else row["p_value"] for row in tested])
        for row, q in zip(tested, adjust_p_values(p), strict=True):
            is_found = bool(q < LEVEL)
            if not (row["is_mediator"] or is_found):
                continue
            again = _common(row, analysis, row["indirect_effect"])
            if PART_OF_EXPOSURE in row["warnings"]:
                yield {**again, "refusal": f"flagged: {row['flag_reason']}"}
            else:
                yield {
                    **again, **{name: row[name] for name in copied}, "q_value": float(q), "ratio_to_compared": 1.0,
                    "is_same_direction": True, "is_upheld": is_found,
                }  # fmt: skip


def mediation_sensitivity_rows(session: duckdb.DuckDBPyConnection) -> pa.Table:
    """Every mediator of results.mediation_effects by every analysis that its study's seeds name."""
    analyses = _read_analyses(session)
    columns = sorted({one.column_name for one in analyses if one.column_name})
    study = MediationStudy(session, cohort=cohort_of_build(), more_columns=columns)
    found = read_found(session)
    rows: list[Row] = []
    for panel, of_study in study.panels():
        one_thread()
        rows += _again([one for one in analyses if one.kind != "unflagged"], study, panel, of_study, found)
    rows += _unflagged(session, analyses)
    rows.sort(key=lambda row: tuple(str(row[name]) for name in (*KEYS, "analysis")))
    return table_without_nan(rows, SCHEMA)
