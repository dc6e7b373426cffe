"""Two lists of biomarkers side by side, matched; what is shared is one definition for all tables."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
from scipy import special

from python_models.estimators.mediation.overlap import shared_exposure_background, shared_mediators
from python_models.frames.biomarkers.biomarker_blocks import PLATFORMS
from python_models.frames.biomarkers.biomarker_rows import LEVEL

F8 = npt.NDArray[np.float64]
Row = dict[str, Any]
BOTH = "both_platforms"


@dataclass(frozen=True, slots=True)
class Pair:
    """Biomarkers tested for both outcomes, in one order; every array (m,): effects, p- and q-values, flags.

    path: effects exchangeable under the null of nothing shared: those of the outcome path where both outcomes have one
    exposure, whose path is then held fixed. is_background: which biomarkers are exchangeable.
    error: standard errors of the effects, NaN where they were not read. z (k, m): of the paths that bring a biomarker
    on a list of its outcome and are not held fixed, for the chance values of correlated biomarkers.
    """

    platform: npt.NDArray[np.str_]
    biomarker: list[str]
    flag_reason: list[str | None]
    effect: tuple[F8, F8]
    p: tuple[F8, F8]
    q: tuple[F8, F8]
    path: tuple[F8, F8]
    is_background: npt.NDArray[np.bool_]
    error: tuple[F8, F8]
    z: tuple[F8, F8]

    def on(self, platform: str) -> "Pair":
        return self._at(np.flatnonzero(np.isin(self.platform, PLATFORMS if platform == BOTH else [platform])))

    def in_background(self) -> "Pair":
        return self._at(np.flatnonzero(self.is_background))

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
            (self.error[0][keep], self.error[1][keep]),
            (self.z[0][:, keep], self.z[1][:, keep]),
        )


def pair_of(first: Iterable[Row], second: Iterable[Row], *, of_one_exposure: bool = False) -> Pair:
    """Rows with platform, biomarker, flag_reason, effect, p_value, q_value, matched.

    Rows of biomarkers have standard_error, those of mediators outcome_path, exposure_z and outcome_z.
    of_one_exposure: both lists are its mediators.
    """
    other = {(row["platform"], row["biomarker"]): row for row in second}
    matched = [(row, other[key]) for row in first if (key := (row["platform"], row["biomarker"])) in other]

    def both(name: str) -> tuple[F8, F8]:
        columns = [[a.get(name, np.nan), b.get(name, np.nan)] for a, b in matched]
        both_columns = np.array(columns, dtype=np.float64).reshape(-1, 2)
        return both_columns[:, 0], both_columns[:, 1]

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
    effect, error = both("effect"), both("standard_error")
    paths = [both("outcome_z")] if of_one_exposure else [both("exposure_z"), both("outcome_z")]
    if np.isfinite(error[0]).all():
        paths = [(effect[0] / error[0], effect[1] / error[1])]
    return Pair(
        platform=platform,
        biomarker=[a["biomarker"] for a, _ in matched],
        flag_reason=[a["flag_reason"] for a, _ in matched],
        effect=effect,
        p=p,
        q=q,
        path=both("outcome_path" if of_one_exposure else "effect"),
        is_background=is_background,
        error=error,
        z=(np.array([path[0] for path in paths]), np.array([path[1] for path in paths])),
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
