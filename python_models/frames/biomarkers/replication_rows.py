"""Biomarker -> outcome found in one part of the people and tested in the other, as rows.

The finding part sees every biomarker, the other only what was found: nothing of it has chosen what it tests.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from dbt.adapters.events.logging import AdapterLogger
from scipy import special

from python_models.estimators.multiplicity import adjust_p_values
from python_models.estimators.scans.cox_scan import CoxScan
from python_models.frames.biomarkers.biomarker_blocks import Biomarker, Panel, read_blocks
from python_models.frames.biomarkers.biomarker_designs import BiomarkerDesign, BiomarkerStudy
from python_models.frames.biomarkers.biomarker_rows import LEVEL, cox_scanner, one_thread, panels_of_build
from python_models.frames.build import cohort_of_build
from python_models.frames.columns import Categories
from python_models.frames.estimates import without_small_counts

F4 = npt.NDArray[np.float32]
F8 = npt.NDArray[np.float64]
IP = npt.NDArray[np.intp]
Row = dict[str, Any]
SEED = 20_260_103
logger = AdapterLogger("Study")
ESTIMATE = ("n_participants", "n_events", "log_hazard_ratio", "standard_error", "p_value")
SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("study", "arm", "outcome", "outcome_definition", "adjustment_set")),
        *((name, pa.string()) for name in ("split", "discovery_part", "replication_part", "platform", "biomarker")),
        ("discovery_n_participants", pa.int64()),
        ("discovery_n_events", pa.int64()),
        *((f"discovery_{name}", pa.float64()) for name in (*ESTIMATE[2:], "q_value")),
        ("is_discovered", pa.bool_()),
        ("replication_n_participants", pa.int64()),
        ("replication_n_events", pa.int64()),
        *((f"replication_{name}", pa.float64()) for name in ESTIMATE[2:]),
        ("is_same_sign", pa.bool_()),
        ("is_replicated", pa.bool_()),
        ("difference_z", pa.float64()),
        ("flag_reason", pa.string()),
        ("refusal", pa.string()),
    ]
)


@dataclass(frozen=True, slots=True)
class Split:
    """Two parts of the participants (n,) each, by name."""

    name: str
    discovery: str
    replication: str
    in_discovery: npt.NDArray[np.bool_]
    in_replication: npt.NDArray[np.bool_]


def splits_of(study: BiomarkerStudy, platform: str) -> list[Split]:
    """Random halves, England against Scotland and Wales, and for proteins the random against the selected sample."""
    nation, selected = study.data.columns["nation"], study.data.columns["is_consortium_selected"]
    assert isinstance(nation, Categories)
    assert not isinstance(selected, Categories)
    words = np.array([*nation.levels, ""], dtype=object)[nation.codes]
    half = np.random.default_rng(SEED).random(words.size) < 0.5
    splits = [
        Split("random_halves", "first half", "second half", half, ~half),
        Split("nation", "England", "Scotland and Wales", words == "England", np.isin(words, ("Scotland", "Wales"))),
    ]
    if platform == "protein":
        chosen = selected > 0
        splits.append(Split("consortium_selection", "random sample", "consortium selected", ~chosen, chosen))
    return splits


class _Part:
    """One part's people under one design, scanned block by block."""

    def __init__(self, study: BiomarkerStudy, design_of: int, panel: Panel, within: npt.NDArray[np.bool_]) -> None:
        self.kept: IP = np.flatnonzero(within[panel.rows])
        self.design: BiomarkerDesign = study.without_exposure(
            study.on(panel, study.outcomes[design_of]), panel.rows[self.kept]
        )
        self.columns: IP = self.kept[self.design.samples]
        self.scanner = cox_scanner(self.design)

    def scan(self, values: F4) -> CoxScan | None:
        if isinstance(self.scanner, str):
            return None
        return self.scanner.scan(np.ascontiguousarray(values[:, self.columns]))


def _estimate(scan: CoxScan | None, k: int, part: _Part, prefix: str) -> tuple[Row, str | None]:
    if scan is None:
        return {}, str(part.scanner)
    row: Row = {f"{prefix}_n_participants": int(scan.n[k]), f"{prefix}_n_events": int(scan.n_events[k])}
    if scan.refusals[k] is not None:
        return row, scan.refusals[k]
    beta, error = float(scan.beta[k]), float(scan.standard_error[k])
    row |= {f"{prefix}_log_hazard_ratio": beta, f"{prefix}_standard_error": error}
    row[f"{prefix}_p_value"] = float(2.0 * special.ndtr(-abs(beta / error)))
    return row, None


def _compared(row: Row) -> Row:
    """Same sign, replicated (two-sided p below 0.05 with the same sign), and the difference in standard errors."""
    first, second = row["discovery_log_hazard_ratio"], row["replication_log_hazard_ratio"]
    same = first * second > 0
    error = math.hypot(row["discovery_standard_error"], row["replication_standard_error"])
    return {
        "is_same_sign": same,
        "is_replicated": bool(same and row["replication_p_value"] < LEVEL),
        "difference_z": (first - second) / error,
    }


def _rows_of_split(
    session: duckdb.DuckDBPyConnection, study: BiomarkerStudy, panel: Panel, split: Split
) -> Iterator[Row]:
    outcomes = range(len(study.outcomes))
    finding = [_Part(study, one, panel, split.in_discovery) for one in outcomes]
    testing = [_Part(study, one, panel, split.in_replication) for one in outcomes]
    rows: list[list[Row]] = [[] for _ in outcomes]
    for block, values in read_blocks(session, panel):
        one_thread()
        for one in outcomes:
            scan = finding[one].scan(values)
            rows[one] += [_first_row(finding[one], split, panel, b, k, scan) for k, b in enumerate(block)]
    found: list[list[int]] = []
    for mine in rows:
        tested = [row for row in mine if "discovery_p_value" in row]
        q_values = adjust_p_values([row["discovery_p_value"] for row in tested]) if tested else ()
        for row, q in zip(tested, q_values, strict=True):
            row |= {"discovery_q_value": float(q), "is_discovered": bool(q < LEVEL)}
        found.append([k for k, row in enumerate(mine) if row.get("is_discovered")])
    start = 0
    for block, values in read_blocks(session, panel):
        one_thread()
        for one in outcomes:
            places = [k for k in found[one] if start <= k < start + len(block)]
            scan = testing[one].scan(values[[k - start for k in places]]) if places else None
            for j, k in enumerate(places):
                more, reason = _estimate(scan, j, testing[one], "replication")
                rows[one][k] |= more
                rows[one][k] |= {"refusal": f"replication: {reason}"} if reason else _compared(rows[one][k])
        start += len(block)
    for mine in rows:
        yield from mine


def _first_row(part: _Part, split: Split, panel: Panel, biomarker: Biomarker, k: int, scan: CoxScan | None) -> Row:
    analysis = part.design.analysis
    estimate, reason = _estimate(scan, k, part, "discovery")
    return {
        "study": analysis.study,
        "arm": analysis.arm,
        "outcome": analysis.outcome,
        "outcome_definition": analysis.outcome_definition,
        "adjustment_set": analysis.adjustment_set,
        "split": split.name,
        "discovery_part": split.discovery,
        "replication_part": split.replication,
        "platform": panel.platform,
        "biomarker": biomarker.name,
        "flag_reason": biomarker.flag_reason,
        **estimate,
        "refusal": f"discovery: {reason}" if reason else None,
    }


def replication_rows(session: duckdb.DuckDBPyConnection) -> pa.Table:
    """Every split, platform, arm and biomarker: found in one part or not, and what became of it in the other."""
    study = BiomarkerStudy(session, cohort=cohort_of_build(), more_columns=("nation", "is_consortium_selected"))
    rows: list[Row] = []
    for panel in panels_of_build(session):
        for split in splits_of(study, panel.platform):
            rows += _rows_of_split(session, study, panel, split)
        logger.info(f"replications: {len(rows):,} rows after the {panel.platform}s")
    return without_small_counts(pa.Table.from_pylist(rows, schema=SCHEMA))
