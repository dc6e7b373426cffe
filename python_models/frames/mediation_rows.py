"""Exposure -> biomarker -> outcome for every family of the study, and the mediators that conditions share, as rows."""

import math
from itertools import groupby
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from dbt.adapters.events.logging import AdapterLogger
from scipy import special

from python_models.estimators.mediation.natural_effects import EFFECTS
from python_models.estimators.mediation.scan import MediationScan, PathScan, join_paths, mediation_of_paths
from python_models.estimators.mediation.several_exposures_scan import ExposuresCoxScanner
from python_models.estimators.multiplicity import adjust_p_values
from python_models.estimators.scans.linear_scan import LinearScanner
from python_models.estimators.survival.cox_input import EstimatorInputError
from python_models.frames.biomarker_blocks import Biomarker, Panel, read_blocks
from python_models.frames.biomarker_designs import BiomarkerDesign, BiomarkerStudy, Exposure
from python_models.frames.biomarker_rows import (
    LEVEL,
    biomarker_columns,
    finite,
    linear_scanner,
    one_thread,
    panels_of_build,
)
from python_models.frames.build import cohort_of_build

F4 = npt.NDArray[np.float32]
Row = dict[str, Any]
SEED = 20_260_101
TE, TNIE, PNDE = (EFFECTS.index(name) for name in ("te", "tnie", "pnde"))
logger = AdapterLogger("Study")

ESTIMATES = ("indirect_effect", "direct_effect", "total_effect", "log_scale_share", "vanderweele_share")
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
        *((f"{name}{part}", pa.float64()) for name in ESTIMATES for part in ("", "_lower", "_upper")),
        ("share_refusal", pa.string()),
        ("p_value", pa.float64()),
        ("q_value", pa.float64()),
        ("n_tests", pa.int64()),
        ("is_mediator", pa.bool_()),
        ("flag_reason", pa.string()),
        ("refusal", pa.string()),
    ]
)


class _Family:
    """The scanners of one design on one panel, and the paths found so far, by exposure."""

    def __init__(self, design: BiomarkerDesign) -> None:
        self.design = design
        self.linear: LinearScanner | str = linear_scanner(design)
        self.cox: ExposuresCoxScanner | str = self.linear if isinstance(self.linear, str) else "no events"
        if not isinstance(self.linear, str) and design.event.any():
            try:
                self.cox = ExposuresCoxScanner(
                    exposures=design.exposures, covariates=design.covariates, exit=design.days, event=design.event,
                    strata=design.strata,
                )  # fmt: skip
            except EstimatorInputError as error:
                self.cox = str(error)
        self.parts: list[list[PathScan]] = [[] for _ in range(design.exposures.shape[1])]

    def scan(self, values: F4) -> None:
        if isinstance(self.linear, str) or isinstance(self.cox, str):
            return
        mine = np.ascontiguousarray(values[:, self.design.samples])
        mediator, outcome = self.linear.scan(mine), self.cox.scan_all(mine)
        refusals = tuple(
            f"mediator model: {first}" if first else (f"outcome model: {second}" if second else None)
            for first, second in zip(mediator.refusals, outcome.biomarker.refusals, strict=True)
        )
        given = np.array([reason is None for reason in refusals])
        for j, parts in enumerate(self.parts):
            columns = {
                "exposure_to_mediator": mediator.beta[:, j],
                "exposure_to_mediator_error": mediator.standard_error[:, j],
                "mediator_to_outcome": outcome.biomarker.beta,
                "mediator_to_outcome_error": outcome.biomarker.standard_error,
                "exposure_to_outcome": outcome.beta[:, j],
                "exposure_to_outcome_error": np.sqrt(outcome.variance[:, j]),
                "outcome_covariance": outcome.covariance[:, j],
            }
            kept = {name: np.where(given, column, np.nan) for name, column in columns.items()}
            parts.append(
                PathScan(**kept, n=outcome.biomarker.n, n_events=outcome.biomarker.n_events, refusals=refusals)
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
    for name, j in (("indirect_effect", TNIE), ("direct_effect", PNDE), ("total_effect", TE)):
        row[name] = float(found.effects.estimate[k, j])
        row[f"{name}_lower"] = float(found.intervals.lower[k, j])
        row[f"{name}_upper"] = float(found.intervals.upper[k, j])
    for name, share in (("log_scale_share", found.log_scale_share), ("vanderweele_share", found.vanderweele_share)):
        row["share_refusal"] = share.refusal[k]
        if share.refusal[k] is None:
            row[name] = finite(share.share[k])
            row[f"{name}_lower"], row[f"{name}_upper"] = finite(share.lower[k]), finite(share.upper[k])
    z = np.array(
        [
            row["exposure_on_biomarker"] / row["exposure_on_biomarker_error"],
            row["biomarker_on_outcome"] / row["biomarker_on_outcome_error"],
        ]
    )
    # Joint significance: the larger of the two paths' p-values.
    row["p_value"] = float(2.0 * special.ndtr(-np.abs(z).min()))
    return row


def _with_q(rows: list[Row]) -> list[Row]:
    """Benjamini-Hochberg within exposure x outcome x platform, on joint significance."""
    family = ("study", "arm", "exposure", "scaling", "outcome_definition", "platform")
    rows.sort(key=lambda row: tuple(str(row[name]) for name in (*family, "biomarker")))
    for _, members in groupby(rows, key=lambda row: tuple(row[name] for name in family)):
        tested = [row for row in members if row.get("p_value") is not None]
        q_values = adjust_p_values([row["p_value"] for row in tested]) if tested else ()
        for row, q in zip(tested, q_values, strict=True):
            row |= {"q_value": float(q), "n_tests": len(tested), "is_mediator": bool(q < LEVEL)}
    return rows


def _rows_of(family: _Family, panel: Panel, biomarkers: list[Biomarker]) -> list[Row]:
    rows, place = [], 0
    for label in family.design.labels:
        found: MediationScan | None = None
        if label.refusal is None:
            if family.parts[place]:
                found = mediation_of_paths(join_paths(family.parts[place]), seed=SEED)
            place += 1
        for k, biomarker in enumerate(biomarkers):
            row = _row(family.design, label, panel, biomarker)
            row |= _estimates(found, k) if found is not None else {"refusal": label.refusal or str(family.cox)}
            rows.append(row)
        rows += [_row(family.design, label, panel, one) for one in panel.biomarkers if one.exclusion is not None]
    return rows


def mediation_effect_rows(session: duckdb.DuckDBPyConnection) -> pa.Table:
    """Each arm's exposures, and every lifestyle contrast, through every biomarker to the primary outcome definition."""
    study = BiomarkerStudy(session, cohort=cohort_of_build())
    rows: list[Row] = []
    for panel in panels_of_build(session):
        designs = [study.of_exposure(one, panel.rows) for one in study.analyses]
        designs += [study.of_lifestyle(one, panel.rows) for one in study.outcomes if study.contrasts_of(one)]
        families = [_Family(design) for design in designs]
        biomarkers: list[Biomarker] = []
        for block, values in read_blocks(session, panel):
            one_thread()
            biomarkers += block
            for family in families:
                family.scan(values)
            logger.info(f"mediation: {len(biomarkers):,} of {len(panel.kept):,} {panel.platform}s")
        for family in families:
            rows += _rows_of(family, panel, biomarkers)
    for row in rows:
        assert not any(isinstance(value, float) and math.isnan(value) for value in row.values())
    return pa.Table.from_pylist(_with_q(rows), schema=SCHEMA)
