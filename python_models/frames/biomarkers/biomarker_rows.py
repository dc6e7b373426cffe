"""Associations of exposures with biomarkers and of biomarkers with outcomes, as rows of two results."""

import math
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any, get_args

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from dbt.adapters.events.logging import AdapterLogger
from scipy import special
from threadpoolctl import threadpool_limits

from python_models.estimators.multiplicity import adjust_p_values
from python_models.estimators.scans.cox_scan import CoxScan, CoxScanner
from python_models.estimators.scans.linear_scan import LinearScan, LinearScanner, Variance
from python_models.estimators.survival.cox_input import EstimatorInputError
from python_models.frames.biomarkers.biomarker_blocks import PLATFORMS, Biomarker, Panel, read_blocks, read_panel
from python_models.frames.biomarkers.biomarker_designs import (
    BiomarkerDesign,
    BiomarkerStudy,
    CoxScanOf,
    Exposure,
    is_level,
)
from python_models.frames.build import cohort_of_build
from python_models.frames.estimates import without_small_counts

F4 = npt.NDArray[np.float32]
Row = dict[str, Any]
NORMAL_975 = float(special.ndtri(0.975))
LEVEL = 0.05
logger = AdapterLogger("Study")

COMMON = [
    ("study", pa.string()),
    ("arm", pa.string()),
    ("platform", pa.string()),
    ("biomarker", pa.string()),
    ("biomarker_type", pa.string()),
    ("adjustment_set", pa.string()),
    ("transform", pa.string()),
    ("n_participants", pa.int64()),
]
MULTIPLICITY = [
    ("p_value", pa.float64()),
    ("q_value", pa.float64()),
    ("n_tests", pa.int64()),
    ("n_effective_tests", pa.float64()),
    ("is_bonferroni_significant", pa.bool_()),
    ("flag_reason", pa.string()),
    ("refusal", pa.string()),
]
ASSOCIATIONS = pa.schema(
    [
        *COMMON[:2],
        ("exposure", pa.string()),
        ("scaling", pa.string()),
        *COMMON[2:],
        ("difference_sd", pa.float64()),
        ("standard_error", pa.float64()),
        ("difference_lower", pa.float64()),
        ("difference_upper", pa.float64()),
        ("variance", pa.string()),
        *MULTIPLICITY,
    ]
)
HAZARD_RATIOS = pa.schema(
    [
        *COMMON[:2],
        ("outcome", pa.string()),
        ("outcome_definition", pa.string()),
        ("time_scale", pa.string()),
        ("is_primary", pa.bool_()),
        *COMMON[2:],
        ("n_events", pa.int64()),
        ("log_hazard_ratio", pa.float64()),
        ("standard_error", pa.float64()),
        ("hazard_ratio", pa.float64()),
        ("hazard_ratio_lower", pa.float64()),
        ("hazard_ratio_upper", pa.float64()),
        *MULTIPLICITY[:-1],
        ("note", pa.string()),
        MULTIPLICITY[-1],
    ]
)


def panels_of_build(session: duckdb.DuckDBPyConnection) -> list[Panel]:
    """The panels with at least one analysed sample."""
    found = [read_panel(session, platform=platform) for platform in PLATFORMS]
    return [panel for panel in found if panel is not None]


def biomarker_columns(panel: Panel, biomarker: Biomarker) -> Row:
    return {
        "platform": panel.platform,
        "biomarker": biomarker.name,
        "biomarker_type": biomarker.kind,
        "transform": panel.transform,
        "flag_reason": biomarker.flag_reason,
        "refusal": biomarker.exclusion,
    }


def one_thread() -> None:
    """BLAS on one thread, block by block: a model ending beside this one gives the process its threads back."""
    threadpool_limits(limits=1)


def finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def linear_scanner(design: BiomarkerDesign, variance: Variance = "classical") -> LinearScanner | str:
    """The scanner of exposure -> biomarker, or why there is none."""
    if not design.exposures.shape[1]:
        return "no exposure can be estimated"
    try:
        return LinearScanner(
            exposure=design.exposures,
            covariates=np.column_stack([design.covariates, design.centres]),
            names=(*design.names, *design.centre_names, *design.exposure_names),
            variance=variance,
        )
    except EstimatorInputError as error:
        return str(error)


def with_multiplicity(rows: list[Row], n_effective: dict[str, float | None], family: tuple[str, ...]) -> list[Row]:
    """Add q within each family, and significance at 0.05 over the effective number of tests of the platform."""

    def of(row: Row) -> tuple[str, ...]:
        return tuple(str(row[name]) for name in family)

    rows.sort(key=lambda row: (*of(row), row["biomarker"]))
    for _, members in groupby(rows, key=of):
        tested = [row for row in members if row.get("p_value") is not None]
        for row, q in zip(tested, adjust_p_values([row["p_value"] for row in tested]) if tested else (), strict=True):
            effective = n_effective[row["platform"]]
            row |= {"q_value": float(q), "n_tests": len(tested), "n_effective_tests": effective}
            if effective is not None:
                row["is_bonferroni_significant"] = row["p_value"] < LEVEL / effective
    return rows


def _association_rows(
    panel: Panel, design: BiomarkerDesign, scanner: LinearScanner | str, block: Iterable[Biomarker], values: F4
) -> Iterator[Row]:
    found: LinearScan | None = None if isinstance(scanner, str) else scanner.scan(values[:, design.samples])
    quantile = None if found is None else special.stdtrit(found.residual_degrees_of_freedom, 0.975)
    for k, biomarker in enumerate(block):
        place = 0
        for label in design.labels:
            row = _common(design, label, panel, biomarker)
            if label.refusal is not None or found is None or quantile is None:
                row["refusal"] = label.refusal or str(scanner)
            else:
                row |= {"n_participants": int(found.n[k]), "refusal": found.refusals[k]}
                if found.refusals[k] is None:
                    beta, error = float(found.beta[k, place]), float(found.standard_error[k, place])
                    half = float(quantile[k]) * error
                    row |= {"difference_sd": beta, "standard_error": error, "p_value": float(found.p_value[k, place])}
                    row |= {"difference_lower": beta - half, "difference_upper": beta + half}
                    row["variance"] = found.variance
                place += 1
            yield row


def _common(design: BiomarkerDesign, label: Exposure, panel: Panel, biomarker: Biomarker) -> Row:
    return {
        "study": design.analysis.study,
        "arm": label.arm,
        "exposure": label.exposure,
        "scaling": label.scaling,
        "adjustment_set": design.analysis.adjustment_set,
        **biomarker_columns(panel, biomarker),
    }


def biomarker_association_rows(session: duckdb.DuckDBPyConnection, *, variance: Variance) -> pa.Table:
    """Exposures of the study and lifestyle contrasts -> every biomarker, by least squares; variance: classical or hc3.

    An exposure is analysed among those at risk of its arm's outcome, lifestyle among those at risk of the last arm's.
    """
    if variance not in get_args(Variance):
        raise ValueError(f"biomarkers_linear_variance {variance} is not one of {', '.join(get_args(Variance))}")
    study = BiomarkerStudy(session, cohort=cohort_of_build())
    last_arms = {one.study: one for one in study.outcomes}.values()
    rows: list[Row] = []
    effective: dict[str, float | None] = {}
    for panel in panels_of_build(session):
        wanted = [(study.of_exposure, one) for one in study.analyses]
        wanted += [(study.of_lifestyle, one) for one in last_arms if study.contrasts_of(one)]
        # One design at a time: at half a million people a design is the largest thing there is.
        for design_of, one in wanted:
            design = design_of(study.on(panel, one), panel.rows)
            scanner = linear_scanner(design, variance)
            for block, values in read_blocks(session, panel):
                one_thread()
                rows += _association_rows(panel, design, scanner, block, values)
            excluded = [biomarker for biomarker in panel.biomarkers if biomarker.exclusion is not None]
            rows += [_common(design, label, panel, biomarker) for biomarker in excluded for label in design.labels]
        effective[panel.platform] = panel.n_effective_tests
        logger.info(f"biomarker associations: {len(rows):,} rows after the {panel.platform}s")
    rows = with_multiplicity(rows, effective, ("study", "arm", "exposure", "scaling", "platform"))
    return without_small_counts(pa.Table.from_pylist(rows, schema=ASSOCIATIONS))


def cox_scanner(design: BiomarkerDesign) -> CoxScanner | str:
    """The scanner of biomarker -> outcome, or why there is none."""
    if not design.event.any():
        return "no events among those with a sample"
    try:
        return CoxScanner(
            exit=design.days,
            event=design.event,
            entry=design.entry,
            covariates=design.covariates,
            strata=design.strata,
            names=design.names,
            is_level=is_level(design.names),
        )
    except EstimatorInputError as error:
        return str(error)


def _hazard_row(scan: CoxScanOf, panel: Panel, biomarker: Biomarker) -> Row:
    analysis = scan.analysis
    return {
        "study": analysis.study,
        "arm": analysis.arm,
        "outcome": analysis.outcome,
        "outcome_definition": analysis.outcome_definition,
        "time_scale": scan.time_scale,
        "is_primary": scan.is_primary,
        "adjustment_set": analysis.adjustment_set,
        **biomarker_columns(panel, biomarker),
        "refusal": biomarker.exclusion or scan.refusal,
    }


def _hazard_rows(
    panel: Panel,
    scan: CoxScanOf,
    design: BiomarkerDesign,
    scanner: CoxScanner | str,
    block: Iterable[Biomarker],
    values: F4,
) -> Iterator[Row]:
    found: CoxScan | None = None
    if not isinstance(scanner, str):
        found = scanner.scan(np.ascontiguousarray(values[:, design.samples]))
    for k, biomarker in enumerate(block):
        row = _hazard_row(scan, panel, biomarker)
        if found is None:
            row["refusal"] = str(scanner)
        else:
            row |= {"n_participants": int(found.n[k]), "n_events": int(found.n_events[k])}
            row["refusal"] = found.refusals[k]
            if found.refusals[k] is None:
                beta, error = float(found.beta[k]), float(found.standard_error[k])
                row |= {"log_hazard_ratio": beta, "standard_error": error, "hazard_ratio": math.exp(beta)}
                row["hazard_ratio_lower"] = math.exp(beta - NORMAL_975 * error)
                row["hazard_ratio_upper"] = math.exp(beta + NORMAL_975 * error)
                row["p_value"] = float(2.0 * special.ndtr(-abs(beta / error)))
            if found.joined[k]:
                row["note"] = f"no events in {', '.join(found.joined[k])}: joined the reference"
        yield row


def biomarker_hazard_ratio_rows(session: duckdb.DuckDBPyConnection) -> pa.Table:
    """Every biomarker -> the primary outcome definition of each arm, and the scans its seeds add, by Cox regression."""
    study = BiomarkerStudy(session, cohort=cohort_of_build(), with_scans=True)
    rows: list[Row] = []
    effective: dict[str, float | None] = {}
    for panel in panels_of_build(session):
        for scan in study.scans:
            design = study.without_exposure(study.on(panel, scan.analysis), panel.rows, time_scale=scan.time_scale)
            scanner = cox_scanner(design)
            for block, values in read_blocks(session, panel):
                one_thread()
                rows += _hazard_rows(panel, scan, design, scanner, block, values)
        effective[panel.platform] = panel.n_effective_tests
        for biomarker in panel.biomarkers:
            if biomarker.exclusion is not None:
                rows += [_hazard_row(scan, panel, biomarker) for scan in study.scans]
            rows += [_hazard_row(scan, panel, biomarker) for scan in study.refused]
        logger.info(f"biomarker hazard ratios: {len(rows):,} rows after the {panel.platform}s")
    rows = with_multiplicity(rows, effective, ("study", "arm", "outcome_definition", "time_scale", "platform"))
    return without_small_counts(pa.Table.from_pylist(rows, schema=HAZARD_RATIOS))
