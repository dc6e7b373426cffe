"""Biomarkers and mediators that two outcomes share, as rows: which, how many, out of what, more than chance."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy import stats

from python_models.estimators.mediation.overlap import DENOMINATORS, mediator_overlap, shared_mediators
from python_models.estimators.scans.effect_agreement import effect_agreement
from python_models.frames.biomarker_blocks import PLATFORMS
from python_models.frames.biomarker_rows import LEVEL, finite

F8 = npt.NDArray[np.float64]
Row = dict[str, Any]
SEED = 20_260_102
BOTH = "both_platforms"

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
        ("is_same_direction", pa.bool_()),
        ("is_pruned", pa.bool_()),
        ("flag_reason", pa.string()),
    ]
)
COUNTS = [
    ("denominator", pa.string()),
    *((name, pa.int64()) for name in ("n_tested", "n_first", "n_second", "n_shared", "n_same_direction")),
    ("n_shared_at_fdr", pa.int64()),
    *(
        (name, pa.float64())
        for name in (
            "expected", "share", "share_lower", "share_upper", "same_direction_share", "same_direction_share_lower",
            "same_direction_share_upper", "hypergeometric_p", "permutation_p", "permutation_mean", "permutation_upper",
            "same_direction_p", "effect_correlation", "concordance", "effect_correlation_p", "concordance_p",
        )
    ),
]  # fmt: skip
BIOMARKER_OVERLAP = pa.schema([*list(SHARED)[:3], ("biomarker_set", pa.string()), ("platform", pa.string()), *COUNTS])
MEDIATOR_OVERLAP = pa.schema(
    [
        *((name, pa.string()) for name in ("study", "arm", "exposure", "scaling", "second_exposure")),
        *((name, pa.string()) for name in ("first_outcome", "second_outcome", "biomarker_set", "platform")),
        *COUNTS,
    ]
)


@dataclass(frozen=True, slots=True)
class _Pair:
    """Biomarkers tested for both outcomes, in one order; every array (m,): effects, p- and q-values, flags."""

    platform: npt.NDArray[np.str_]
    biomarker: list[str]
    flag_reason: list[str | None]
    effect: tuple[F8, F8]
    p: tuple[F8, F8]
    q: tuple[F8, F8]

    def on(self, platform: str) -> "_Pair":
        return self._at(np.flatnonzero(np.isin(self.platform, PLATFORMS if platform == BOTH else [platform])))

    def without(self, left_out: set[tuple[str, str]]) -> "_Pair":
        """Without some (platform, biomarker)."""
        keys = zip(self.platform.tolist(), self.biomarker, strict=True)
        return self._at(np.array([k for k, key in enumerate(keys) if key not in left_out], dtype=np.intp))

    def _at(self, keep: npt.NDArray[np.intp]) -> "_Pair":
        return _Pair(
            self.platform[keep],
            [self.biomarker[k] for k in keep],
            [self.flag_reason[k] for k in keep],
            (self.effect[0][keep], self.effect[1][keep]),
            (self.p[0][keep], self.p[1][keep]),
            (self.q[0][keep], self.q[1][keep]),
        )


def _pair(first: Iterable[Row], second: Iterable[Row]) -> _Pair:
    """Rows with platform, biomarker, flag_reason, effect, p_value, q_value, matched."""
    other = {(row["platform"], row["biomarker"]): row for row in second}
    matched = [(row, other[key]) for row in first if (key := (row["platform"], row["biomarker"])) in other]

    def both(name: str) -> tuple[F8, F8]:
        columns = np.array([[a[name], b[name]] for a, b in matched], dtype=np.float64).reshape(-1, 2)
        return columns[:, 0], columns[:, 1]

    return _Pair(
        np.array([a["platform"] for a, _ in matched], dtype=str),
        [a["biomarker"] for a, _ in matched],
        [a["flag_reason"] for a, _ in matched],
        both("effect"),
        both("p_value"),
        both("q_value"),
    )


def _count_rows(pair: _Pair, common: Row) -> list[Row]:
    """One row per platform (and both together) and denominator."""
    rows = []
    platforms = [platform for platform in PLATFORMS if (pair.platform == platform).any()]
    for platform in (*platforms, *([BOTH] if len(platforms) > 1 else [])):
        these = pair.on(platform)
        signs = [np.where(q < LEVEL, np.sign(e), 0.0) for e, q in zip(these.effect, these.q, strict=True)]
        found = mediator_overlap(sign_first=signs[0], sign_second=signs[1], strata=these.platform, seed=SEED)
        m, same = found.n_background, np.sign(these.effect[0]) == np.sign(these.effect[1])
        agreement = effect_agreement(*these.effect, strata=these.platform, seed=SEED)
        sizes = (
            found.n_first + found.n_second - found.n_shared,
            found.n_first,
            found.n_second,
            min(found.n_first, found.n_second),
        )
        for k, (denominator, size) in enumerate(zip(DENOMINATORS, sizes, strict=True)):
            row: Row = {
                **common,
                "platform": platform,
                "denominator": denominator,
                "n_tested": m,
                "n_first": found.n_first,
                "n_second": found.n_second,
                "n_shared": found.n_shared,
                "n_same_direction": found.n_same_direction,
                "n_shared_at_fdr": int(shared_mediators(these.p[0], these.p[1], level=LEVEL).is_shared.sum()),
                "expected": found.expected,
                "share": finite(found.share[k]),
                "share_lower": finite(found.lower[k]),
                "share_upper": finite(found.upper[k]),
                "hypergeometric_p": found.hypergeometric_p,
                "permutation_p": found.permutation_p,
                "permutation_mean": found.permutation_mean,
                "permutation_upper": found.permutation_upper,
                "same_direction_p": found.same_direction_p,
                "concordance": float(same.mean()),
            }
            if agreement is not None:
                row |= {"effect_correlation": agreement.correlation, "effect_correlation_p": agreement.correlation_p}
                row["concordance_p"] = agreement.concordance_p
            if size > 0:
                exact = stats.binomtest(found.n_same_direction, size).proportion_ci(method="exact")
                row["same_direction_share"] = found.n_same_direction / size
                row |= {"same_direction_share_lower": float(exact.low), "same_direction_share_upper": float(exact.high)}
            rows.append(row)
    return rows


def _read(session: duckdb.DuckDBPyConnection, query: str) -> list[Row]:
    cursor = session.execute(query)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _grouped(rows: Iterable[Row], key: Callable[[Row], tuple[str, ...]]) -> dict[tuple[str, ...], list[Row]]:
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups


def _pairs_of_arms(session: duckdb.DuckDBPyConnection) -> list[tuple[Row, _Pair]]:
    """Every two arms of a study, in the order of their outcomes' names."""
    rows = _read(
        session,
        """
        select study, arm, outcome, platform, biomarker, flag_reason, log_hazard_ratio as effect, p_value, q_value
        from results.biomarker_hazard_ratios where refusal is null order by study, outcome, platform, biomarker
        """,
    )
    arms = _grouped(rows, lambda row: (row["study"], row["arm"]))
    return [
        ({"study": first[0], "first_arm": first[1], "second_arm": second[1]}, _pair(arms[first], arms[second]))
        for first, second in combinations(arms, 2)
        if first[0] == second[0]
    ]


def shared_biomarker_rows(session: duckdb.DuckDBPyConnection) -> pa.Table:
    """Biomarkers tested for both outcomes of two arms, with the false-discovery rate of being tied to both."""
    rows: list[Row] = []
    pruned = _pruned(session)
    for common, pair in _pairs_of_arms(session):
        for platform in PLATFORMS:
            these = pair.on(platform)
            if not these.biomarker:
                continue
            shared = shared_mediators(these.p[0], these.p[1], level=LEVEL)
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
                        "is_shared": bool(shared.is_shared[k]),
                        "is_same_direction": bool(these.effect[0][k] * these.effect[1][k] > 0),
                        "is_pruned": (platform, biomarker) in pruned,
                        "flag_reason": these.flag_reason[k],
                    }
                )
    return pa.Table.from_pylist(rows, schema=SHARED)


def biomarker_overlap_rows(session: duckdb.DuckDBPyConnection) -> pa.Table:
    """How many biomarkers the outcomes of two arms share."""
    pruned = _pruned(session)
    rows: list[Row] = []
    for common, pair in _pairs_of_arms(session):
        rows += _count_rows(pair, {**common, "biomarker_set": "all"})
        rows += _count_rows(pair.without(pruned), {**common, "biomarker_set": "pruned"})
    return pa.Table.from_pylist(rows, schema=BIOMARKER_OVERLAP)


def _pruned(session: duckdb.DuckDBPyConnection) -> set[tuple[str, str]]:
    """Platform and biomarker of the near-copies that another stands for."""
    found = session.execute("select platform, biomarker from marts.biomarker_panels where is_pruned").fetchall()
    return {(platform, biomarker) for platform, biomarker in found}


def _unpruned(rows: Iterable[Row], pruned: set[tuple[str, str]]) -> list[Row]:
    """Without the near-copies that another biomarker stands for; q-values stay those of the whole panel."""
    return [row for row in rows if (row["platform"], row["biomarker"]) not in pruned]


def mediator_overlap_rows(session: duckdb.DuckDBPyConnection) -> pa.Table:
    """Mediators of one lifestyle contrast on both outcomes, and of the exposures of two arms."""
    rows = _read(
        session,
        """
        select
            study, arm, exposure, scaling, outcome, platform, biomarker, flag_reason,
            indirect_effect as effect, p_value, q_value
        from results.mediation_effects
        where refusal is null and platform in ('protein', 'metabolite')
        order by study, outcome, arm, exposure, scaling, platform, biomarker
        """,
    )
    pruned = _pruned(session)
    families = _grouped(
        rows, lambda row: tuple(row[name] for name in ("study", "arm", "exposure", "scaling", "outcome"))
    )
    counted: list[Row] = []
    for first, second in combinations(families, 2):
        is_one_contrast = first[:4] == second[:4]
        are_two_arms = first[0] == second[0] and first[1] != second[1] and "lifestyle" not in (first[1], second[1])
        if first[4] == second[4] or not (is_one_contrast or are_two_arms):
            continue
        common = {
            "study": first[0],
            "arm": first[1] if is_one_contrast else "both_arms",
            "exposure": first[2],
            "scaling": first[3],
            "second_exposure": second[2],
            "first_outcome": first[4],
            "second_outcome": second[4],
        }
        sets = {"all": families[first], "pruned": _unpruned(families[first], pruned)}
        for name, first_rows in sets.items():
            counted += _count_rows(_pair(first_rows, families[second]), {**common, "biomarker_set": name})
    return pa.Table.from_pylist(counted, schema=MEDIATOR_OVERLAP)
