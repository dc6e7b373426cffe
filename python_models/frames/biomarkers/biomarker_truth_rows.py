"""How the biomarker scans do against what was planted: power, false findings, calibration, direction, shares."""

from itertools import groupby
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy import special, stats

from python_models.frames.biomarkers.biomarker_rows import LEVEL

F8 = npt.NDArray[np.float64]
Row = dict[str, Any]
SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("study", "measure", "arm", "platform", "meaning")),
        ("n", pa.int64()),
        *((name, pa.float64()) for name in ("estimate", "estimate_lower", "estimate_upper", "expected")),
        ("is_covered", pa.bool_()),
        ("p_value", pa.float64()),
        ("refusal", pa.string()),
    ]
)


def _share(row: Row, k: int, n: int, expected: float | None) -> Row:
    """A share k / n with its exact 95 % interval beside what was expected of it."""
    if n == 0:
        return {**row, "n": 0, "expected": expected, "refusal": "nothing to be a share of"}
    exact = stats.binomtest(k, n).proportion_ci(method="exact")
    found = {"n": n, "estimate": k / n, "estimate_lower": float(exact.low), "estimate_upper": float(exact.high)}
    covered = None if expected is None else bool(exact.low <= expected <= exact.high)
    return {**row, **found, "expected": expected, "is_covered": covered}


def _power(truth: F8, error: F8, threshold: float) -> float:
    """Mean chance of p below the threshold at the planted effects (n,) with these standard errors."""
    z, limit = truth / error, -special.ndtri(threshold / 2.0)
    return float(np.mean(special.ndtr(z - limit) + special.ndtr(-z - limit)))


def biomarker_truth_rows(session: duckdb.DuckDBPyConnection) -> pa.Table:
    """One row per arm, platform and measure; none for real people."""
    listed = session.execute(
        """
        select
            ratios.study, ratios.arm, ratios.platform, truths.note, ratios.log_hazard_ratio, ratios.standard_error,
            ratios.p_value, ratios.q_value, truths.large_sample_value
        from results.biomarker_hazard_ratios as ratios
        inner join marts.planted_truths as truths
            on
                truths.quantity = 'biomarker_effect'
                and ratios.outcome = truths.outcome
                and ratios.outcome_definition = truths.outcome_definition
                and ratios.adjustment_set = truths.adjustment_set
                and ratios.biomarker = truths.mediator
                and starts_with(truths.note, ratios.platform)
        where ratios.is_primary and ratios.refusal is null and truths.large_sample_value is not null
        order by ratios.study, ratios.arm, ratios.platform, ratios.biomarker
        """
    ).fetchall()
    rows: list[Row] = []
    for (study, arm, platform), members in groupby(listed, key=lambda row: row[:3]):
        rows += _family_rows({"study": study, "arm": arm, "platform": platform}, list(members))
    return pa.Table.from_pylist(rows + _shared_rows(session), schema=SCHEMA)


def _family_rows(common: Row, members: list[tuple[Any, ...]]) -> list[Row]:
    """Power, direction and coverage of the planted; uniformity of the null."""
    beta, error, p, q, truth = (np.array([row[k] for row in members], dtype=np.float64) for k in range(4, 9))
    planted = truth != 0.0
    found = q < LEVEL
    # The largest p that the family's q-values call found: what power has to reach.
    threshold = float(p[found].max()) if found.any() else LEVEL / max(len(members), 1)
    rows: list[Row] = []
    if planted.any():
        meaning = f"planted biomarkers found; expected: mean power at p below {threshold:.2g}"
        power = _power(truth[planted], error[planted], threshold)
        row = {**common, "measure": "power", "meaning": meaning}
        rows.append(_share(row, int((found & planted).sum()), int(planted.sum()), power))
        right = found & planted & (np.sign(beta) == np.sign(truth))
        row = {**common, "measure": "right_direction", "meaning": "planted biomarkers found that have the planted sign"}
        rows.append(_share(row, int(right.sum()), int((found & planted).sum()), 1.0))
        covered = np.abs(beta - truth) <= -special.ndtri(0.025) * error
        row = {**common, "measure": "coverage", "meaning": "95 % intervals that hold the planted effect"}
        rows.append(_share(row, int(covered[planted].sum()), int(planted.sum()), 0.95))
    null = ~planted
    if null.any():
        row = {**common, "measure": "null_p_below_0.05", "meaning": "biomarkers without effect with p below 0.05"}
        rows.append(_share(row, int((p[null] < LEVEL).sum()), int(null.sum()), LEVEL))
        row = {**common, "measure": "null_found", "meaning": "biomarkers without effect called found (q below 0.05)"}
        rows.append({**_share(row, int((found & null).sum()), int(null.sum()), None), "expected": 0.0})
        test = stats.kstest(p[null], "uniform")
        meaning = "largest distance of the null p-values from uniform, with its p (Kolmogorov-Smirnov)"
        row = {**common, "measure": "null_uniformity", "meaning": meaning, "n": int(null.sum())}
        rows.append({**row, "estimate": float(test.statistic), "p_value": float(test.pvalue)})
    return rows


def _shared_rows(session: duckdb.DuckDBPyConnection) -> list[Row]:
    """Share of the biomarkers of either outcome that are shared in the same direction, beside what was planted."""
    listed = session.execute(
        """
        with planted as (
            select
                split_part(note, ';', 1) as platform, mediator as biomarker,
                count(*) filter (large_sample_value != 0) as n_outcomes,
                count(distinct sign(large_sample_value)) filter (large_sample_value != 0) as n_signs
            from marts.planted_truths
            where quantity = 'biomarker_effect' and large_sample_value is not null
            group by all
        )
        select
            shared.study, shared.first_arm || ' and ' || shared.second_arm as arms, shared.platform,
            count(*) filter (planted.n_outcomes > 0) as n_planted,
            count(*) filter (planted.n_outcomes = 2 and planted.n_signs = 1) as n_planted_shared,
            count(*) filter (shared.first_q_value < $level or shared.second_q_value < $level) as n_found,
            count(*) filter (shared.is_shared and shared.is_same_direction) as n_found_shared
        from results.shared_biomarkers as shared
        inner join planted on shared.platform = planted.platform and shared.biomarker = planted.biomarker
        group by all order by all
        """,
        {"level": LEVEL},
    ).fetchall()
    meaning = (
        "biomarkers of either outcome, of those with a known truth, shared in the same direction; expected: planted"
    )
    return [
        _share(
            {"study": study, "measure": "shared_share", "arm": arms, "platform": platform, "meaning": meaning},
            n_shared, n_found, n_planted_shared / n_planted if n_planted else None,
        )
        for study, arms, platform, n_planted, n_planted_shared, n_found, n_shared in listed
    ]  # fmt: skip
