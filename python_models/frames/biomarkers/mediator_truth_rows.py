"""Which of the mediators called have no effect of their own on the outcome, by what was planted."""

from itertools import groupby
from typing import Any

import duckdb
from scipy import stats

from python_models.frames.biomarkers.biomarker_rows import LEVEL

Row = dict[str, Any]


def share_row(row: Row, k: int, n: int, expected: float | None) -> Row:
    """A share k / n with its exact 95 % interval beside what was expected of it."""
    if n == 0:
        return {**row, "n": 0, "expected": expected, "refusal": "nothing to be a share of"}
    exact = stats.binomtest(k, n).proportion_ci(method="exact")
    found = {"n": n, "estimate": k / n, "estimate_lower": float(exact.low), "estimate_upper": float(exact.high)}
    covered = None if expected is None else bool(exact.low <= expected <= exact.high)
    return {**row, **found, "expected": expected, "is_covered": covered}


def mediator_truth_rows(session: duckdb.DuckDBPyConnection) -> list[Row]:
    """Shares of the mediators of an arm and platform that do nothing to the outcome, before and after fat mass.

    A biomarker without an effect of its own is either truly null, or it follows adiposity or an exposure that moves the
    outcome: the large-sample value of its hazard ratio is then not 0 under the adjustment set.
    """
    listed = session.execute(
        """
        select
            effects.study, effects.arm, effects.platform, truths.planted_coefficient = 0 as is_without_effect,
            truths.planted_coefficient = 0 and truths.large_sample_value <> 0 as is_follower,
            coalesce(again.is_upheld, false) as is_upheld,
            again.analysis is not null as is_asked_again
        from results.mediation_effects as effects
        inner join marts.planted_truths as truths
            on
                truths.quantity = 'biomarker_effect'
                and effects.outcome = truths.outcome
                and effects.outcome_definition = truths.outcome_definition
                and effects.adjustment_set = truths.adjustment_set
                and effects.biomarker = truths.mediator
                and effects.platform = truths.platform
        left join results.mediation_sensitivities as again
            on
                again.analysis = 'fat_mass_adjusted'
                and effects.study = again.study
                and effects.arm = again.arm
                and effects.exposure = again.exposure
                and effects.scaling = again.scaling
                and effects.outcome_definition = again.outcome_definition
                and effects.platform = again.platform
                and effects.biomarker = again.biomarker
        where effects.is_mediator
        order by effects.study, effects.arm, effects.platform
        """
    ).fetchall()
    rows: list[Row] = []
    for (study, arm, platform), members in groupby(listed, key=lambda row: row[:3]):
        common = {"study": study, "arm": arm, "platform": platform}
        called = [row[3:] for row in members]
        null = sum(is_without and not is_follower for is_without, is_follower, _, _ in called)
        meaning = "mediators truly null for the outcome; expected: at most the false-discovery rate"
        row = {**common, "measure": "null_among_mediators", "meaning": meaning}
        rows.append(_at_most(share_row(row, null, len(called), LEVEL)))
        followers = sum(is_without and is_follower for is_without, is_follower, _, _ in called)
        meaning = (
            "mediators without an effect of their own that follow adiposity or an exposure, which the adjustment set "
            "does not hold; expected: none if it did"
        )
        row = {**common, "measure": "followers_among_mediators", "meaning": meaning}
        rows.append({**share_row(row, followers, len(called), None), "expected": 0.0})
        upheld = [is_without for is_without, _, is_upheld, _ in called if is_upheld]
        if any(is_asked_again for *_, is_asked_again in called):
            meaning = (
                "mediators upheld with fat mass adjusted for, without an effect of their own; expected: at most 5 %"
            )
            row = {**common, "measure": "without_effect_among_upheld", "meaning": meaning}
            rows.append(_at_most(share_row(row, sum(upheld), len(upheld), LEVEL)))
    return rows


def _at_most(row: Row) -> Row:
    """An expected share that may be undercut: covered unless the whole interval lies above it."""
    return row if row.get("is_covered") is None else {**row, "is_covered": row["estimate_lower"] <= row["expected"]}
