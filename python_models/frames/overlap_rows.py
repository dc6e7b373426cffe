"""Biomarkers and mediators that two outcomes share, as rows: which, how many, out of what, more than chance."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import combinations
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
from python_models.frames.biomarker_blocks import PLATFORMS, read_correlation, read_panel
from python_models.frames.biomarker_rows import LEVEL, finite
from python_models.frames.mediation_rows import table_without_nan

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
        ("is_shared_at_fdr", pa.bool_()),
        ("is_same_direction", pa.bool_()),
        ("is_pruned", pa.bool_()),
        ("flag_reason", pa.string()),
    ]
)
COUNTS = [
    ("denominator", pa.string()),
    *((name, pa.int64()) for name in ("n_tested", "n_background", "n_first", "n_second", "n_shared")),
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
BIOMARKER_OVERLAP = pa.schema(
    [
        *list(SHARED)[:3],
        *((name, pa.string()) for name in ("biomarker_set", "platform")),
        *COUNTS,
        *((name, pa.float64()) for name in ("effect_correlation_p", "concordance_p")),
    ]
)
PAIR_OF_FAMILIES = (
    "study", "arm", "exposure", "scaling", "second_exposure", "second_scaling", "first_outcome", "second_outcome",
)  # fmt: skip
MEDIATOR_OVERLAP = pa.schema(
    [
        *((name, pa.string()) for name in PAIR_OF_FAMILIES),
        *((name, pa.string()) for name in ("biomarker_set", "platform")),
        *COUNTS,
    ]
)
SHARED_MEDIATORS = pa.schema(
    [
        *((name, pa.string()) for name in (*PAIR_OF_FAMILIES, "platform", "biomarker")),
        *((f"{which}_indirect_effect", pa.float64()) for which in ("first", "second")),
        *((name, pa.float64()) for name in ("first_q_value", "second_q_value", "p_value", "q_value")),
        *((name, pa.bool_()) for name in ("is_shared_at_fdr", "is_same_direction", "is_pruned")),
        *((f"is_{which}_upheld_fat_mass_adjusted", pa.bool_()) for which in ("first", "second")),
        ("flag_reason", pa.string()),
    ]
)


@dataclass(frozen=True, slots=True)
class _Pair:
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
            (self.path[0][keep], self.path[1][keep]),
            self.is_background[keep],
            self.error[keep],
        )


def _pair(first: Iterable[Row], second: Iterable[Row], *, of_one_exposure: bool = False) -> _Pair:
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
    return _Pair(
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


def _is_shared(pair: _Pair) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Shared: on both lists, q below LEVEL for either outcome. At FDR: of these, whose larger p has q below LEVEL too.

    One definition for biomarkers, mediators and their counts. Two lists intersected control no rate of false sharing;
    the larger p does, over everything tested for both outcomes.
    """
    is_shared = (pair.q[0] < LEVEL) & (pair.q[1] < LEVEL)
    return is_shared, is_shared & shared_mediators(pair.p[0], pair.p[1], level=LEVEL).is_shared


def _share(count: int, size: int, name: str) -> Row:
    """Columns of a share of a list and its exact 95 % interval; none of an empty list."""
    if size == 0:
        return {}
    exact = stats.binomtest(count, size).proportion_ci(method="exact")
    return {name: count / size, f"{name}_lower": float(exact.low), f"{name}_upper": float(exact.high)}


@dataclass(frozen=True, slots=True)
class _Correlations:
    """Of each platform's panel: places of the biomarkers in its correlations (K, K)."""

    place: dict[str, dict[str, int]]
    matrix: dict[str, F8]

    @classmethod
    def of_build(cls, session: duckdb.DuckDBPyConnection) -> "_Correlations":
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


def _agreement_columns(pair: _Pair, platform: str, correlations: _Correlations | None) -> Row:
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


def _count_rows(pair: _Pair, common: Row, correlations: _Correlations | None = None) -> list[Row]:
    """One row per platform (and both together) and denominator."""
    rows = []
    platforms = [platform for platform in PLATFORMS if (pair.platform == platform).any()]
    for platform in (*platforms, *([BOTH] if len(platforms) > 1 else [])):
        these = pair.on(platform)
        signs = [np.where(q < LEVEL, np.sign(e), 0.0) for e, q in zip(these.path, these.q, strict=True)]
        _, is_at_fdr = _is_shared(these)
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
        select
            study, arm, outcome, platform, biomarker, flag_reason,
            log_hazard_ratio as effect, standard_error, p_value, q_value
        from results.biomarker_hazard_ratios where refusal is null and is_primary
        order by study, outcome, platform, biomarker
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
            is_shared, is_at_fdr = _is_shared(these)
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
    pruned = _pruned(session)
    correlations = _Correlations.of_build(session)
    rows: list[Row] = []
    for common, pair in _pairs_of_arms(session):
        rows += _count_rows(pair, {**common, "biomarker_set": "all"}, correlations)
        rows += _count_rows(pair.without(pruned), {**common, "biomarker_set": "pruned"}, correlations)
    return table_without_nan(rows, BIOMARKER_OVERLAP)


def _pruned(session: duckdb.DuckDBPyConnection) -> set[tuple[str, str]]:
    """Platform and biomarker of the near-copies that another stands for."""
    found = session.execute("select platform, biomarker from marts.biomarker_panels where is_pruned").fetchall()
    return {(platform, biomarker) for platform, biomarker in found}


def _unpruned(rows: Iterable[Row], pruned: set[tuple[str, str]]) -> list[Row]:
    """Without the near-copies that another biomarker stands for; q-values stay those of the whole panel."""
    return [row for row in rows if (row["platform"], row["biomarker"]) not in pruned]


def _pairs_of_families(session: duckdb.DuckDBPyConnection) -> list[tuple[Row, list[Row], list[Row], bool]]:
    """Names, rows of either family, and whether both have one exposure: a lifestyle contrast on both outcomes, or the
    exposures of two arms."""
    rows = _read(
        session,
        """
        select
            study, arm, exposure, scaling, outcome, platform, biomarker, flag_reason,
            indirect_effect as effect, p_value, q_value, biomarker_on_outcome as outcome_path,
            exposure_on_biomarker / exposure_on_biomarker_error as exposure_z
        from results.mediation_effects
        where refusal is null and platform in ('protein', 'metabolite')
        order by study, outcome, arm, exposure, scaling, platform, biomarker
        """,
    )
    families = _grouped(
        rows, lambda row: tuple(row[name] for name in ("study", "arm", "exposure", "scaling", "outcome"))
    )
    pairs = []
    for first, second in combinations(families, 2):
        is_one_contrast = first[:4] == second[:4]
        are_two_arms = first[0] == second[0] and first[1] != second[1] and "lifestyle" not in (first[1], second[1])
        if first[4] == second[4] or not (is_one_contrast or are_two_arms):
            continue
        arm = first[1] if is_one_contrast else "both_arms"
        names = (first[0], arm, first[2], first[3], second[2], second[3], first[4], second[4])
        common: Row = dict(zip(PAIR_OF_FAMILIES, names, strict=True))
        pairs.append((common, families[first], families[second], is_one_contrast))
    return pairs


def mediator_overlap_rows(session: duckdb.DuckDBPyConnection) -> pa.Table:
    """Mediators of one lifestyle contrast on both outcomes, and of the exposures of two arms."""
    pruned = _pruned(session)
    counted: list[Row] = []
    for common, first, second, is_one in _pairs_of_families(session):
        for name, rows in {"all": first, "pruned": _unpruned(first, pruned)}.items():
            pair = _pair(rows, second, of_one_exposure=is_one)
            counted += _count_rows(pair, {**common, "biomarker_set": name})
    return table_without_nan(counted, MEDIATOR_OVERLAP)


def shared_mediator_rows(session: duckdb.DuckDBPyConnection) -> pa.Table:
    """The mediators on both lists of each pair of mediator_overlap, by name."""
    pruned = _pruned(session)
    keys = ("study", "exposure", "scaling", "outcome", "platform", "biomarker")
    again = _read(
        session,
        f"""
        select {", ".join(keys)}, is_upheld from results.mediation_sensitivities where analysis = 'fat_mass_adjusted'
        """,
    )
    upheld = {tuple(row[name] for name in keys): row["is_upheld"] for row in again}
    rows: list[Row] = []
    for common, first, second, _ in _pairs_of_families(session):
        both = _pair(first, second)
        for platform in PLATFORMS:
            these = both.on(platform)
            if not these.biomarker:
                continue
            at_fdr = shared_mediators(these.p[0], these.p[1], level=LEVEL)
            is_shared, is_at_fdr = _is_shared(these)
            for k in np.flatnonzero(is_shared):
                name = these.biomarker[k]
                row: Row = {**common, "platform": platform, "biomarker": name, "flag_reason": these.flag_reason[k]}
                for which, place, prefix in (("first", 0, ""), ("second", 1, "second_")):
                    family = (common[f"{prefix}exposure"], common[f"{prefix}scaling"], common[f"{which}_outcome"])
                    row[f"{which}_indirect_effect"] = float(these.effect[place][k])
                    row[f"{which}_q_value"] = float(these.q[place][k])
                    key = (common["study"], *family, platform, name)
                    row[f"is_{which}_upheld_fat_mass_adjusted"] = upheld.get(key)
                row |= {"p_value": float(at_fdr.p[k]), "q_value": float(at_fdr.q[k])}
                row["is_shared_at_fdr"] = bool(is_at_fdr[k])
                row["is_same_direction"] = bool(these.effect[0][k] * these.effect[1][k] > 0)
                rows.append({**row, "is_pruned": (platform, name) in pruned})
    return table_without_nan(rows, SHARED_MEDIATORS)
