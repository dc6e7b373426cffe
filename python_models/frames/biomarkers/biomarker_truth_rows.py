"""How the biomarker scans do against what was planted: power, false findings, calibration, direction, shares."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import groupby
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy import special

from python_models.estimators.mediation.estimated_shares import estimated_shares
from python_models.estimators.scans.panel_draws import Spectrum
from python_models.estimators.scans.uniformity import uniformity
from python_models.frames.biomarkers.biomarker_rows import LEVEL
from python_models.frames.biomarkers.mediator_truth_rows import Row, mediator_truth_rows, share_row
from python_models.frames.biomarkers.overlap_counts import Correlations

F8 = npt.NDArray[np.float64]
SEED = 20_260_103
# A test of the distribution of two or three p-values sees nothing but the grossest excess.
MIN_OF_UNIFORMITY = 15
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


def _power(truth: F8, error: F8, threshold: float) -> float:
    """Mean chance of p below the threshold at the planted effects (n,) with these standard errors."""
    z, limit = truth / error, -special.ndtri(threshold / 2.0)
    return float(np.mean(special.ndtr(z - limit) + special.ndtr(-z - limit)))


def biomarker_truth_rows(session: duckdb.DuckDBPyConnection) -> pa.Table:
    """One row per arm, platform and measure; none for real people."""
    listed = session.execute(
        """
        select
            ratios.study, ratios.arm, ratios.platform, ratios.biomarker, ratios.log_hazard_ratio,
            ratios.standard_error, ratios.p_value, ratios.q_value, truths.large_sample_value,
            truths.planted_coefficient, coalesce(truths.monte_carlo_error, 0)
        from results.biomarker_hazard_ratios as ratios
        inner join marts.planted_truths as truths
            on
                truths.quantity = 'biomarker_effect'
                and ratios.outcome = truths.outcome
                and ratios.outcome_definition = truths.outcome_definition
                and ratios.adjustment_set = truths.adjustment_set
                and ratios.biomarker = truths.mediator
                and ratios.platform = truths.platform
        where ratios.is_primary and ratios.refusal is null and truths.large_sample_value is not null
        order by ratios.study, ratios.arm, ratios.platform, ratios.biomarker
        """
    ).fetchall()
    rows: list[Row] = []
    correlations = Correlations.of_build(session) if listed else None
    for (study, arm, platform), members in groupby(listed, key=lambda row: row[:3]):
        common = {"study": study, "arm": arm, "platform": platform}
        rows += _family_rows(common, list(members), partial(_spectrum, correlations, platform))
    return pa.Table.from_pylist([*rows, *_shared_rows(session), *mediator_truth_rows(session)], schema=SCHEMA)


def _spectrum(correlations: Correlations | None, platform: str, biomarkers: Sequence[str]) -> Spectrum:
    found = None if correlations is None else correlations.spectrum_among(platform, biomarkers)
    assert found is not None
    return found


def _family_rows(
    common: Row, members: list[tuple[Any, ...]], spectrum_among: Callable[[Sequence[str]], Spectrum]
) -> list[Row]:
    """Power, direction and coverage of the planted; coverage of those that follow a cause; uniformity of the null.

    members: study, arm, platform, biomarker, estimate, error, p, q, truth under the adjustment set, planted effect,
    Monte-Carlo error of the truth.
    """
    beta, error, p, q, truth, effect, of_truth = (
        np.array([row[k] for row in members], dtype=np.float64) for k in range(4, 11)
    )
    planted, follows, null = effect != 0.0, (effect == 0.0) & (truth != 0.0), truth == 0.0
    found = q < LEVEL
    # The largest p that the family's q-values call found: what power has to reach.
    threshold = float(p[found].max()) if found.any() else LEVEL / max(len(members), 1)
    rows: list[Row] = []
    if planted.any():
        meaning = f"planted biomarkers found; expected: mean power at p below {threshold:.2g}"
        power = _power(truth[planted], error[planted], threshold)
        row = {**common, "measure": "power", "meaning": meaning}
        rows.append(share_row(row, int((found & planted).sum()), int(planted.sum()), power))
        right = found & planted & (np.sign(beta) == np.sign(truth))
        row = {**common, "measure": "right_direction", "meaning": "planted biomarkers found that have the planted sign"}
        rows.append(share_row(row, int(right.sum()), int((found & planted).sum()), 1.0))
    covered = np.abs(beta - truth) <= -special.ndtri(0.025) * error
    for measure, these, of_what in (
        ("coverage", planted, "the planted effect"),
        (
            "coverage_of_followers",
            follows,
            "what a biomarker without effect shows for following a cause of the outcome",
        ),
    ):
        if these.any():
            row = {**common, "measure": measure, "meaning": f"95 % intervals that hold {of_what}"}
            rows.append(share_row(row, int(covered[these].sum()), int(these.sum()), 0.95))
    if null.any():
        row = {**common, "measure": "null_p_below_0.05", "meaning": "biomarkers without effect with p below 0.05"}
        rows.append(share_row(row, int((p[null] < LEVEL).sum()), int(null.sum()), LEVEL))
        row = {**common, "measure": "null_found", "meaning": "biomarkers without effect called found (q below 0.05)"}
        rows.append({**share_row(row, int((found & null).sum()), int(null.sum()), None), "expected": 0.0})
    names = np.array([row[3] for row in members])
    z = (beta - truth) / np.sqrt(error**2 + of_truth**2)
    for measure, these, of_what in (
        ("null_uniformity", null, "of biomarkers without effect"),
        ("truth_uniformity", np.ones_like(null), "of all estimates against their truth"),
    ):
        if not these.any():
            continue
        meaning = (
            f"largest distance of the p-values {of_what} from uniform; p by draws of z that correlate as the panel's"
        )
        row = {**common, "measure": measure, "meaning": meaning, "n": int(these.sum())}
        if these.sum() < MIN_OF_UNIFORMITY:
            reason = f"{these.sum()} biomarkers: fewer than {MIN_OF_UNIFORMITY} could not fail"
            rows.append({**row, "refusal": reason})
        else:
            test = uniformity(z[these], spectrum=spectrum_among(names[these].tolist()), seed=SEED)
            rows.append({**row, "estimate": test.distance, "p_value": test.p})
    return rows


def _shared_rows(session: duckdb.DuckDBPyConnection) -> list[Row]:
    """Shares of the biomarkers of either outcome that are shared in the same direction, beside what was planted."""
    listed = session.execute(
        """
        select
            shared.study, shared.first_arm || ' and ' || shared.second_arm as arms, shared.platform,
            first.log_hazard_ratio, first.standard_error, first.p_value, first.q_value, first_truth.large_sample_value,
            second.log_hazard_ratio, second.standard_error, second.p_value, second.q_value,
            second_truth.large_sample_value
        from results.shared_biomarkers as shared
        inner join results.biomarker_hazard_ratios as first
            on first.is_primary and shared.study = first.study and shared.first_arm = first.arm
                and shared.platform = first.platform and shared.biomarker = first.biomarker
        inner join results.biomarker_hazard_ratios as second
            on second.is_primary and shared.study = second.study and shared.second_arm = second.arm
                and shared.platform = second.platform and shared.biomarker = second.biomarker
        inner join marts.planted_truths as first_truth
            on first_truth.quantity = 'biomarker_effect' and first.biomarker = first_truth.mediator
                and first.outcome = first_truth.outcome and first.outcome_definition = first_truth.outcome_definition
                and first.adjustment_set = first_truth.adjustment_set
                and first.platform = first_truth.platform
        inner join marts.planted_truths as second_truth
            on second_truth.quantity = 'biomarker_effect' and second.biomarker = second_truth.mediator
                and second.outcome = second_truth.outcome
                and second.outcome_definition = second_truth.outcome_definition
                and second.adjustment_set = second_truth.adjustment_set
                and second.platform = second_truth.platform
        -- What is not planted and follows a cause of an outcome is tied to it and has no part in what was planted.
        where (first_truth.large_sample_value = 0 or first_truth.planted_coefficient <> 0)
            and (second_truth.large_sample_value = 0 or second_truth.planted_coefficient <> 0)
        order by all
        """
    ).fetchall()
    rows: list[Row] = []
    for (study, arms, platform), members in groupby(listed, key=lambda row: row[:3]):
        columns = np.array([row[3:] for row in members], dtype=np.float64).T
        rows += _shares_of_pair({"study": study, "arm": arms, "platform": platform}, columns[:5], columns[5:])
    return rows


def _shares_of_pair(common: Row, first: F8, second: F8) -> list[Row]:
    """first, second (5, m): log hazard ratio, its error, p, q and truth of biomarkers whose truths are known."""
    is_listed = [one[3] < LEVEL for one in (first, second)]
    either = is_listed[0] | is_listed[1]
    found = is_listed[0] & is_listed[1] & (first[0] * second[0] > 0)
    planted = (first[4] != 0) | (second[4] != 0)
    is_shared = first[4] * second[4] > 0
    # The chance of each to be found, as the power of an arm has it.
    chance = []
    for one, listed in zip((first, second), is_listed, strict=True):
        threshold = float(one[2][listed].max()) if listed.any() else LEVEL / max(one[2].size, 1)
        chance.append(np.array([_power(one[4][k : k + 1], one[1][k : k + 1], threshold) for k in range(one[2].size)]))
    some = float((1.0 - (1.0 - chance[0]) * (1.0 - chance[1])).sum())
    of_found = float((chance[0] * chance[1])[is_shared].sum()) / some
    meaning = (
        "of the biomarkers found for either outcome, those found for both in the same direction; expected: at the "
    )
    row = {**common, "measure": "found_shared_share", "meaning": meaning + "power that there was"}
    rows = [share_row(row, int(found.sum()), int(either.sum()), of_found)]
    _, estimated = estimated_shares(
        first[0] / first[1], second[0] / second[1], is_first=is_listed[0], is_second=is_listed[1], seed=SEED
    )
    row = {
        **common,
        "measure": "shared_share",
        "meaning": "share of the biomarkers of either outcome that are of both in the same direction, found or not "
        "(biomarker_overlap.estimated_same_direction_share); expected: planted",
        "n": int(either.sum()),
        "expected": float(is_shared.sum() / planted.sum()) if planted.any() else None,
        "refusal": estimated.refusals[0],
    }
    if estimated.refusals[0] is None:
        row |= {
            "estimate": float(estimated.share[0]),
            "estimate_lower": float(estimated.lower[0]),
            "estimate_upper": float(estimated.upper[0]),
        }
        if row["expected"] is not None:
            row["is_covered"] = row["estimate_lower"] <= row["expected"] <= row["estimate_upper"]
    return [*rows, row]
