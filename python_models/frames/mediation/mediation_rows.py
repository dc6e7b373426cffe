"""Exposure -> biomarker -> outcome for every family of the study, and the mediators that conditions share, as rows."""

from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from dbt.adapters.events.logging import AdapterLogger

from python_models.estimators.mediation.natural_effects import EFFECTS
from python_models.estimators.mediation.scan import MediationScan, mediation_of_paths
from python_models.estimators.mediation.sensitivity import mediation_warnings, mediational_e_values
from python_models.estimators.multiplicity import adjust_p_values
from python_models.frames.biomarkers.biomarker_blocks import Biomarker, Panel
from python_models.frames.biomarkers.biomarker_designs import BiomarkerDesign, Exposure
from python_models.frames.biomarkers.biomarker_rows import LEVEL, biomarker_columns, finite, one_thread
from python_models.frames.build import cohort_of_build
from python_models.frames.estimates import without_small_counts
from python_models.frames.mediation.mediation_families import (
    LEFT_OUT,
    MediationFamily,
    SelectionFamily,
    halves_of,
    joint_p,
)
from python_models.frames.mediation.mediation_study import CLINICAL, FAMILY, MediationStudy, everyone

Row = dict[str, Any]
SEED = 20_260_101
PART = ("study", "arm", "exposure", "platform", "biomarker")
TE, TNIE, PNDE = (EFFECTS.index(name) for name in ("te", "tnie", "pnde"))
logger = AdapterLogger("Study")

ESTIMATES = ("indirect_effect", "direct_effect", "total_effect", "log_scale_share", "vanderweele_share")
COMPOSITE = ("q_hdmt", "p_dact", "q_dact", "p_jt_comp", "q_jt_comp")
E_VALUES = ("indirect_e_value", "indirect_e_value_limit", "direct_e_value", "direct_e_value_limit")
SCHEMA = pa.schema(
    [
        ("study", pa.string()),
        ("arm", pa.string()),
        ("exposure", pa.string()),
        ("scaling", pa.string()),
        ("platform", pa.string()),
        ("biomarker", pa.string()),
        ("biomarker_type", pa.string()),
        ("outcome", pa.string()),
        ("outcome_definition", pa.string()),
        ("adjustment_set", pa.string()),
        ("transform", pa.string()),
        ("n_participants", pa.int64()),
        ("n_events", pa.int64()),
        ("exposure_on_biomarker", pa.float64()),
        ("exposure_on_biomarker_error", pa.float64()),
        ("biomarker_on_outcome", pa.float64()),
        ("biomarker_on_outcome_error", pa.float64()),
        ("indirect_effect_error", pa.float64()),
        ("indirect_effect_delta_lower", pa.float64()),
        ("indirect_effect_delta_upper", pa.float64()),
        *((f"{name}{part}", pa.float64()) for name in ESTIMATES for part in ("", "_lower", "_upper")),
        ("share_refusal", pa.string()),
        *((name, pa.float64()) for name in E_VALUES),
        ("p_value", pa.float64()),
        ("q_value", pa.float64()),
        *((name, pa.float64()) for name in COMPOSITE),
        ("composite_refusal", pa.string()),
        ("n_tests", pa.int64()),
        ("n_exposure_paths", pa.int64()),
        ("n_outcome_paths", pa.int64()),
        ("is_mediator", pa.bool_()),
        ("is_split_selected", pa.bool_()),
        ("split_selection_effect", pa.float64()),
        ("split_refusal", pa.string()),
        ("warnings", pa.string()),
        ("flag_reason", pa.string()),
        ("refusal", pa.string()),
    ]
)


def _row(design: BiomarkerDesign, label: Exposure, panel: Panel, biomarker: Biomarker) -> Row:
    analysis = design.analysis
    return {
        "study": analysis.study,
        "arm": label.arm,
        "exposure": label.exposure,
        "scaling": label.scaling,
        "outcome": analysis.outcome,
        "outcome_definition": analysis.outcome_definition,
        "adjustment_set": analysis.adjustment_set,
        **biomarker_columns(panel, biomarker),
    }


def _estimates(found: MediationScan, k: int) -> Row:
    """Columns of biomarker k of a scan."""
    paths = found.paths
    row: Row = {"n_participants": int(paths.n[k]), "n_events": int(paths.n_events[k]), "refusal": paths.refusals[k]}
    if paths.refusals[k] is not None:
        return row
    row["exposure_on_biomarker"] = float(paths.exposure_to_mediator[k])
    row["exposure_on_biomarker_error"] = float(paths.exposure_to_mediator_error[k])
    row["biomarker_on_outcome"] = float(paths.mediator_to_outcome[k])
    row["biomarker_on_outcome_error"] = float(paths.mediator_to_outcome_error[k])
    row["indirect_effect_error"] = float(found.effects.standard_error[k, TNIE])
    row["indirect_effect_delta_lower"] = float(found.effects.lower[k, TNIE])
    row["indirect_effect_delta_upper"] = float(found.effects.upper[k, TNIE])
    for name, j in (("indirect_effect", TNIE), ("direct_effect", PNDE), ("total_effect", TE)):
        row[name] = float(found.effects.estimate[k, j])
        row[f"{name}_lower"] = float(found.intervals.lower[k, j])
        row[f"{name}_upper"] = float(found.intervals.upper[k, j])
    for name, share in (("log_scale_share", found.log_scale_share), ("vanderweele_share", found.vanderweele_share)):
        row["share_refusal"] = share.refusal[k]
        if share.refusal[k] is None:
            row[name] = finite(share.share[k])
            row[f"{name}_lower"], row[f"{name}_upper"] = finite(share.lower[k]), finite(share.upper[k])
    return row


def _tests(found: MediationScan) -> list[Row]:
    """Columns of the tests, which need the panel whole: one per tested biomarker, in order."""
    tests = found.tests
    if tests is None:
        return []
    given = {
        "p_value": tests.p_joint,
        "q_value": tests.q_joint,
        "q_hdmt": tests.hdmt.q,
        "p_dact": tests.dact.p,
        "q_dact": adjust_p_values(tests.dact.p),
        "p_jt_comp": tests.jt_comp.p,
        "q_jt_comp": adjust_p_values(tests.jt_comp.p),
    }
    refusals = {"HDMT": tests.hdmt.refusal, "DACT": tests.dact.refusal, "JT-comp": tests.jt_comp.refusal}
    refused = "; ".join(f"{name}: {reason}" for name, reason in refusals.items() if reason is not None)
    common = {
        "composite_refusal": refused or None,
        "n_tests": int(tests.p_joint.size),
        "n_exposure_paths": tests.n_a,
        "n_outcome_paths": tests.n_b,
    }
    rows: list[Row] = []
    for k in range(tests.p_joint.size):
        row: Row = {**common, **{name: finite(values[k]) for name, values in given.items()}}
        rows.append({**row, "is_mediator": bool(tests.q_joint[k] < LEVEL)})
    return rows


def _e_values(found: MediationScan, event_share: float) -> list[Row]:
    """E-values of the tested biomarkers' indirect and direct effects, in order."""
    ok = found.is_tested
    if not ok.any():
        return []
    bounds: dict[str, Any] = {}
    for name, j in (("indirect", TNIE), ("direct", PNDE)):
        estimate = found.effects.estimate[ok, j]
        bounds[name] = estimate
        # Percentiles of draws need not hold the estimate where almost no draw differs from it.
        bounds[f"{name}_lower"] = np.minimum(found.intervals.lower[ok, j], estimate)
        bounds[f"{name}_upper"] = np.maximum(found.intervals.upper[ok, j], estimate)
    values = mediational_e_values(**bounds, event_share=event_share)
    columns = (values.indirect.point, values.indirect.limit, values.direct.point, values.direct.limit)
    return [dict(zip(E_VALUES, map(float, row), strict=True)) for row in zip(*columns, strict=True)]


def _split_columns(family: SelectionFamily | None, label: int, n_biomarkers: int) -> list[Row]:
    """Whether half of the people select a biomarker, and their effect; mediation_sensitivities has the other half's."""
    if family is None:
        return [{"split_refusal": "named beforehand, not selected from a panel"}] * n_biomarkers
    paths = family.paths_of(label)
    if paths is None:
        return [{"split_refusal": family.design.labels[label].refusal or str(family.cox)}] * n_biomarkers
    is_tested = np.array([reason is None or reason == LEFT_OUT for reason in paths.refusals], dtype=bool)
    q = adjust_p_values(np.where(is_tested, np.nan_to_num(joint_p(paths), nan=1.0), np.nan))
    effect = paths.exposure_to_mediator * paths.mediator_to_outcome
    rows: list[Row] = []
    for k in range(n_biomarkers):
        if not is_tested[k]:
            rows.append({"split_refusal": paths.refusals[k]})
        elif q[k] < LEVEL:
            rows.append({"is_split_selected": True, "split_selection_effect": float(effect[k])})
        else:
            rows.append({"is_split_selected": False})
    return rows


def _parts_of_exposures(session: duckdb.DuckDBPyConnection) -> set[tuple[str, ...]]:
    """Study, arm, exposure, platform and biomarker where the biomarker measures what the exposure does."""
    found = session.execute(
        """
        select exposures.study, exposures.arm, exposures.exposure, flags.platform, flags.biomarker
        from seeds.exposure_marks as exposures inner join seeds.biomarker_flags as flags using (marks)
        """
    ).fetchall()
    return set(found)


def _warnings(row: Row, event_share: float, days_after_exposure: float, parts: set[tuple[str, ...]]) -> str:
    """Named states, `sensitivity.WARNING_MEANINGS`; parts: of `_parts_of_exposures`."""
    return "; ".join(
        mediation_warnings(
            event_share=event_share,
            mediator_minus_exposure_days=days_after_exposure,
            are_early_events_dropped=False,
            is_exposure_part_of_mediator=tuple(row[name] for name in PART) in parts,
            is_selected_here=bool(row.get("is_mediator")) and row["platform"] != CLINICAL,
        )
    )


def _rows_of(
    family: MediationFamily,
    selection: SelectionFamily | None,
    panel: Panel,
    biomarkers: list[Biomarker],
    days: list[float],
    parts: set[tuple[str, ...]],
) -> list[Row]:
    """days: from exposure to biomarker; parts: of `_parts_of_exposures`."""
    rows = []
    design = family.design
    event_share = float(design.event.mean()) if design.event.size else 0.0
    for position, label in enumerate(design.labels):
        paths = family.paths_of(position)
        of_label = [_row(design, label, panel, biomarker) for biomarker in biomarkers]
        if paths is None:
            reason = label.refusal or str(family.cox)
            rows += [{**row, "refusal": reason} for row in of_label]
        else:
            found = mediation_of_paths(paths, seed=SEED)
            for k, row in enumerate(of_label):
                row |= _estimates(found, k)
            tested = [of_label[k] for k in np.flatnonzero(found.is_tested)]
            for row, tests, values in zip(tested, _tests(found), _e_values(found, event_share), strict=True):
                row |= {**tests, **values}
            halved = _split_columns(selection, position, len(biomarkers))
            for row, columns, gap in zip(of_label, halved, days, strict=True):
                if row["refusal"] is None:
                    row |= columns
                    row["warnings"] = _warnings(row, event_share, gap, parts)
            rows += of_label
        rows += [_row(design, label, panel, one) for one in panel.biomarkers if one.exclusion is not None]
    return rows


def mediation_effect_rows(session: duckdb.DuckDBPyConnection) -> pa.Table:
    """Each arm's exposures, and every lifestyle contrast, through every biomarker to the primary outcome definition."""
    study = MediationStudy(session, cohort=cohort_of_build())
    parts = _parts_of_exposures(session)
    rows: list[Row] = []
    n_families = 0
    for panel, of_study in study.panels():
        # One design at a time: at half a million people a design is the largest thing there is.
        for design_of in study.designs(panel, of_study):
            design = design_of(everyone(panel))
            family = MediationFamily(design)
            is_selected = of_study is None
            selection = SelectionFamily(halves_of(design, design_of=design_of)[0]) if is_selected else None
            for _, values in study.blocks(panel):
                one_thread()
                family.scan(values)
                if selection is not None:
                    selection.scan(values)
            name = design.analysis.study
            days = [study.days_after_exposure(panel, name, one.name) for one in panel.kept]
            rows += _rows_of(family, selection, panel, list(panel.kept), days, parts)
            n_families += 1
            logger.info(
                f"mediation: {n_families} designs scanned, the last of {len(panel.kept):,} {panel.platform} biomarkers"
            )
    rows.sort(key=lambda row: tuple(str(row[name]) for name in (*FAMILY, "biomarker")))
    return table_without_nan(rows, SCHEMA)


def table_without_nan(rows: list[Row], schema: pa.Schema) -> pa.Table:
    """Rows as a table, small counts of people withheld; a NaN in one is a defect."""
    table = without_small_counts(pa.Table.from_pylist(rows, schema=schema))
    for field in schema:
        if pa.types.is_floating(field.type):
            assert not pc.any(pc.is_nan(table.column(field.name))).as_py(), f"{field.name} holds NaN"
    return table
