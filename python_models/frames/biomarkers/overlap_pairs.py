"""Two lists of biomarkers side by side: what they share, out of what, beyond chance; one definition for all tables."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy import special, stats

from python_models.estimators.mediation.overlap import (
    DENOMINATORS,
    mediator_overlap,
    shared_exposure_background,
    shared_mediators,
)
from python_models.estimators.scans.effect_agreement import effect_agreement
from python_models.frames.biomarkers.biomarker_blocks import PLATFORMS, read_correlation, read_panel
from python_models.frames.biomarkers.biomarker_rows import LEVEL, finite

F8 = npt.NDArray[np.float64]
Row = dict[str, Any]
SEED = 20_260_102
BOTH = "both_platforms"

COUNTS = [
    ("denominator", pa.string()),
    *((name, pa.int64()) for name in ("n_tested", "n_background", "n_first", "n_second")),
    *((name, pa.int64()) for name in ("n_first_in_background", "n_second_in_background", "n_shared")),
    *((name, pa.int64()) for name in ("n_same_direction", "n_shared_at_fdr")),
    *(
        (name, pa.float64())
        for name in (
            "expected", "share", "share_lower", "share_upper", "same_direction_share", "same_direction_share_lower",
            "same_direction_share_upper", "share_at_fdr", "share_at_fdr_lower", "share_at_fdr_upper",
            "hypergeometric_p", "permutation_p", "permutation_mean", "permutation_upper",
            "same_direction_p", "effect_correlation", "concordance",
        )
    ),
    ("agreement_refusal", pa.string()),
    ("refusal", pa.string()),
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Pair:
    """Biomarkers tested for both outcomes, in one order; every array (m,): effects, p- and q-values, flags.

    path: effects exchangeable under the null of nothing shared: those of the outcome path where both outcomes have one
    exposure, whose path is then held fixed. is_background: which biomarkers are exchangeable.
    error: standard errors of the first effects, NaN where they were not read.
    """

    platform: npt.NDArray[np.str_]
    biomarker: list[str]
    flag_reason: list[str | None]
    effect: tuple[F8, F8]
    p: tuple[F8, F8]
    q: tuple[F8, F8]
    path: tuple[F8, F8]
    is_background: npt.NDArray[np.bool_]
    error: F8

    def on(self, platform: str) -> "Pair":
        return self._at(np.flatnonzero(np.isin(self.platform, PLATFORMS if platform == BOTH else [platform])))

    def _at(self, keep: npt.NDArray[np.intp]) -> "Pair":
        return Pair(
            self.platform[keep],
            [self.biomarker[k] for k in keep],
            [self.flag_reason[k] for k in keep],
            (self.effect[0][keep], self.effect[1][keep]),
            (self.p[0][keep], self.p[1][keep]),
            (self.q[0][keep], self.q[1][keep]),
            (self.path[0][keep], self.path[1][keep]),
            self.is_background[keep],
            self.error[keep],
        )


def pair_of(first: Iterable[Row], second: Iterable[Row], *, of_one_exposure: bool = False) -> Pair:
    """Rows with platform, biomarker, flag_reason, effect, p_value, q_value, matched.

    of_one_exposure: both lists are its mediators; rows then have exposure_z and outcome_path too.
    """
    other = {(row["platform"], row["biomarker"]): row for row in second}
    matched = [(row, other[key]) for row in first if (key := (row["platform"], row["biomarker"])) in other]

    def both(name: str) -> tuple[F8, F8]:
        columns = np.array([[a[name], b[name]] for a, b in matched], dtype=np.float64).reshape(-1, 2)
        return columns[:, 0], columns[:, 1]

    platform = np.array([a["platform"] for a, _ in matched], dtype=str)
    p, q = both("p_value"), both("q_value")
    is_background = np.ones(platform.size, dtype=np.bool_)
    if of_one_exposure:
        exposure = [2.0 * special.ndtr(-np.abs(z)) for z in both("exposure_z")]
        for one in np.unique(platform):
            at = platform == one
            is_background[at] = shared_exposure_background(
                exposure[0][at], exposure[1][at], p[0][at], p[1][at],
                is_first=q[0][at] < LEVEL, is_second=q[1][at] < LEVEL, level=LEVEL,
            )  # fmt: skip
    return Pair(
        platform,
        [a["biomarker"] for a, _ in matched],
        [a["flag_reason"] for a, _ in matched],
        both("effect"),
        p,
        q,
        both("outcome_path" if of_one_exposure else "effect"),
        is_background,
        np.array([a.get("standard_error", np.nan) for a, _ in matched], dtype=np.float64),
    )


def shared_of(pair: Pair) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Shared: on both lists, q below LEVEL for either outcome. At FDR: of these, whose larger p has q below LEVEL too.

    One definition for biomarkers, mediators and their counts. Two lists intersected control no rate of false sharing;
    the larger p does, over everything of a platform tested for both outcomes. Both platforms together are the union of
    what either calls, as their lists are.
    """
    is_shared = (pair.q[0] < LEVEL) & (pair.q[1] < LEVEL)
    is_at_fdr = np.zeros(is_shared.size, dtype=np.bool_)
    for platform in np.unique(pair.platform):
        at = pair.platform == platform
        is_at_fdr[at] = shared_mediators(pair.p[0][at], pair.p[1][at], level=LEVEL).is_shared
    return is_shared, is_shared & is_at_fdr


def _share(count: int, size: int, name: str) -> Row:
    """Columns of a share of a list and its exact 95 % interval; none of an empty list."""
    if size == 0:
        return {}
    exact = stats.binomtest(count, size).proportion_ci(method="exact")
    return {name: count / size, f"{name}_lower": float(exact.low), f"{name}_upper": float(exact.high)}


@dataclass(frozen=True, slots=True)
class Correlations:
    """Of each platform's panel: places of the biomarkers in its correlations (K, K)."""

    place: dict[str, dict[str, int]]
    matrix: dict[str, F8]

    @classmethod
    def of_build(cls, session: duckdb.DuckDBPyConnection) -> "Correlations":
        panels = [panel for one in PLATFORMS if (panel := read_panel(session, platform=one)) is not None]
        return cls(
            {one.platform: {biomarker.name: k for k, biomarker in enumerate(one.kept)} for one in panels},
            {one.platform: read_correlation(one) for one in panels},
        )

    def among(self, platform: str, biomarkers: Iterable[str]) -> F8 | None:
        """None of both platforms together: correlations between platforms are not kept."""
        if platform not in self.matrix:
            return None
        at = [self.place[platform][one] for one in biomarkers]
        return self.matrix[platform][np.ix_(at, at)]


def _agreement_columns(pair: Pair, platform: str, correlations: Correlations | None) -> Row:
    """Correlation and concordance of the effects; p where the correlations of their z scores are known."""
    inside = np.flatnonzero(pair.is_background)
    first, second = (path[inside] for path in pair.path)
    if inside.size == 0:
        return {"agreement_refusal": "no biomarker is exchangeable: none is moved clearly enough to be on both lists"}
    columns: Row = {"concordance": float((np.sign(first) == np.sign(second)).mean())}
    among = None if correlations is None else correlations.among(platform, [pair.biomarker[k] for k in inside])
    found = effect_agreement(first, second, first_error=pair.error[inside], panel_correlation=among, seed=SEED)
    if found is None:
        return {
            **columns,
            "agreement_refusal": f"no correlation: {inside.size} biomarkers, or effects that are all equal",
        }
    columns["effect_correlation"] = found.correlation
    if found.correlation_p is not None:
        columns |= {"effect_correlation_p": found.correlation_p, "concordance_p": found.concordance_p}
    elif correlations is not None:
        columns["agreement_refusal"] = "no p: correlations of biomarkers between platforms are not kept"
    return columns


def count_rows(pair: Pair, common: Row, correlations: Correlations | None = None) -> list[Row]:
    """One row per platform (and both together) and denominator."""
    rows = []
    platforms = [platform for platform in PLATFORMS if (pair.platform == platform).any()]
    for platform in (*platforms, *([BOTH] if len(platforms) > 1 else [])):
        these = pair.on(platform)
        signs = [np.where(q < LEVEL, np.sign(e), 0.0) for e, q in zip(these.path, these.q, strict=True)]
        _, is_at_fdr = shared_of(these)
        found = mediator_overlap(
            sign_first=signs[0],
            sign_second=signs[1],
            strata=these.platform,
            is_background=these.is_background,
            seed=SEED,
        )
        agreement = _agreement_columns(these, platform, correlations)
        n_at_fdr = int(is_at_fdr.sum())
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
                "n_tested": len(these.biomarker),
                "n_background": found.n_background,
                "n_first": found.n_first,
                "n_second": found.n_second,
                "n_first_in_background": found.n_first_in_background,
                "n_second_in_background": found.n_second_in_background,
                "n_shared": found.n_shared,
                "n_same_direction": found.n_same_direction,
                "n_shared_at_fdr": n_at_fdr,
                "expected": found.expected,
                "share": finite(found.share[k]),
                "share_lower": finite(found.lower[k]),
                "share_upper": finite(found.upper[k]),
                "hypergeometric_p": found.hypergeometric_p,
                "permutation_p": found.permutation_p,
                "permutation_mean": found.permutation_mean,
                "permutation_upper": found.permutation_upper,
                "same_direction_p": found.same_direction_p,
                "refusal": found.refusals[k],
                **_share(found.n_same_direction, size, "same_direction_share"),
                **_share(n_at_fdr, size, "share_at_fdr"),
                **agreement,
            }
            rows.append(row)
    return rows


def read_rows(session: duckdb.DuckDBPyConnection, query: str) -> list[Row]:
    cursor = session.execute(query)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def grouped(rows: Iterable[Row], key: Callable[[Row], tuple[str, ...]]) -> dict[tuple[str, ...], list[Row]]:
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups


def pruned_biomarkers(session: duckdb.DuckDBPyConnection) -> set[tuple[str, str]]:
    """Platform and biomarker of the near-copies that another stands for."""
    found = session.execute("select platform, biomarker from marts.biomarker_panels where is_pruned").fetchall()
    return {(platform, biomarker) for platform, biomarker in found}


def unpruned(rows: Iterable[Row], pruned: set[tuple[str, str]]) -> list[Row]:
    """Without the near-copies that another biomarker stands for; q-values stay those of the whole panel."""
    return [row for row in rows if (row["platform"], row["biomarker"]) not in pruned]
