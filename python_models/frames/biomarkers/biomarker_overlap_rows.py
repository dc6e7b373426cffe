"""Biomarkers that the outcomes of two arms share, as rows: which, and how many."""

from itertools import combinations

import duckdb
import pyarrow as pa

from python_models.estimators.mediation.overlap import shared_mediators
from python_models.frames.biomarkers.biomarker_blocks import PLATFORMS
from python_models.frames.biomarkers.biomarker_rows import LEVEL
from python_models.frames.biomarkers.overlap_counts import COUNTS, Correlations, count_rows
from python_models.frames.biomarkers.overlap_pairs import (
    Row,
    grouped,
    pair_of,
    pruned_biomarkers,
    read_rows,
    shared_of,
    unpruned,
)
from python_models.frames.mediation.mediation_rows import table_without_nan

SHARED = pa.schema(
    [
        ("study", pa.string()),
        ("first_arm", pa.string()),
        ("second_arm", pa.string()),
        ("platform", pa.string()),
        ("biomarker", pa.string()),
        ("first_log_hazard_ratio", pa.float64()),
        ("second_log_hazard_ratio", pa.float64()),
        ("first_q_value", pa.float64()),
        ("second_q_value", pa.float64()),
        ("p_value", pa.float64()),
        ("q_value", pa.float64()),
        ("is_shared", pa.bool_()),
        ("is_shared_at_fdr", pa.bool_()),
        ("is_same_direction", pa.bool_()),
        ("is_pruned", pa.bool_()),
        ("flag_reason", pa.string()),
    ]
)
BIOMARKER_OVERLAP = pa.schema(
    [
        *list(SHARED)[:3],
        *((name, pa.string()) for name in ("biomarker_set", "platform")),
        *COUNTS,
        *((name, pa.float64()) for name in ("effect_correlation_p", "concordance_p")),
    ]
)


def _pairs_of_arms(session: duckdb.DuckDBPyConnection) -> list[tuple[Row, list[Row], list[Row]]]:
    """Every two arms of a study, in the order of their outcomes' names."""
    rows = read_rows(
        session,
        """
        select
            study, arm, outcome, platform, biomarker, flag_reason,
            log_hazard_ratio as effect, standard_error, p_value, q_value
        from results.biomarker_hazard_ratios where refusal is null and is_primary
        order by study, outcome, platform, biomarker
        """,
    )
    arms = grouped(rows, lambda row: (row["study"], row["arm"]))
    return [
        ({"study": first[0], "first_arm": first[1], "second_arm": second[1]}, arms[first], arms[second])
        for first, second in combinations(arms, 2)
        if first[0] == second[0]
    ]


def shared_biomarker_rows(session: duckdb.DuckDBPyConnection) -> pa.Table:
    """Biomarkers tested for both outcomes of two arms, with the false-discovery rate of being tied to both."""
    rows: list[Row] = []
    pruned = pruned_biomarkers(session)
    for common, first, second in _pairs_of_arms(session):
        both = pair_of(first, second)
        for platform in PLATFORMS:
            these = both.on(platform)
            if not these.biomarker:
                continue
            shared = shared_mediators(these.p[0], these.p[1], level=LEVEL)
            is_shared, is_at_fdr = shared_of(these)
            for k, biomarker in enumerate(these.biomarker):
                rows.append(
                    {
                        **common,
                        "platform": platform,
                        "biomarker": biomarker,
                        "first_log_hazard_ratio": float(these.effect[0][k]),
                        "second_log_hazard_ratio": float(these.effect[1][k]),
                        "first_q_value": float(these.q[0][k]),
                        "second_q_value": float(these.q[1][k]),
                        "p_value": float(shared.p[k]),
                        "q_value": float(shared.q[k]),
                        "is_shared": bool(is_shared[k]),
                        "is_shared_at_fdr": bool(is_at_fdr[k]),
                        "is_same_direction": bool(these.effect[0][k] * these.effect[1][k] > 0),
                        "is_pruned": (platform, biomarker) in pruned,
                        "flag_reason": these.flag_reason[k],
                    }
                )
    return pa.Table.from_pylist(rows, schema=SHARED)


def biomarker_overlap_rows(session: duckdb.DuckDBPyConnection) -> pa.Table:
    """How many biomarkers the outcomes of two arms share."""
    pruned = pruned_biomarkers(session)
    correlations = Correlations.of_build(session)
    rows: list[Row] = []
    for common, first, second in _pairs_of_arms(session):
        for name, own in {"all": first, "pruned": unpruned(first, pruned)}.items():
            rows += count_rows(pair_of(own, second), {**common, "biomarker_set": name}, correlations)
    return table_without_nan(rows, BIOMARKER_OVERLAP)
