"""Mediators that two outcomes share, as rows: how many, and which by name."""

from itertools import combinations

import duckdb
import numpy as np
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

PAIR_OF_FAMILIES = (
    "study", "arm", "exposure", "scaling", "second_exposure", "second_scaling", "first_outcome", "second_outcome",
)  # fmt: skip
FAT_MASS_ADJUSTED = "fat_mass_adjusted"
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


def _pairs_of_families(session: duckdb.DuckDBPyConnection) -> list[tuple[Row, list[Row], list[Row], bool]]:
    """Names, rows of either family, and whether both have one exposure: a lifestyle contrast on both outcomes, or the
    exposures of two arms."""
    rows = read_rows(
        session,
        """
        select
            study, arm, exposure, scaling, outcome, platform, biomarker, flag_reason,
            indirect_effect as effect, p_value, q_value, biomarker_on_outcome as outcome_path,
            exposure_on_biomarker / exposure_on_biomarker_error as exposure_z,
            biomarker_on_outcome / biomarker_on_outcome_error as outcome_z
        from results.mediation_effects
        where refusal is null and platform in ('protein', 'metabolite')
        order by study, outcome, arm, exposure, scaling, platform, biomarker
        """,
    )
    families = grouped(
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


def _upheld(session: duckdb.DuckDBPyConnection) -> dict[tuple[str, ...], bool]:
    """Whether a mediator stands with fat mass adjusted for, by study, exposure, scaling, outcome, platform, name."""
    keys = ("study", "exposure", "scaling", "outcome", "platform", "biomarker")
    again = read_rows(
        session,
        f"""
        select {", ".join(keys)}, is_upheld from results.mediation_sensitivities
        where analysis = '{FAT_MASS_ADJUSTED}' and is_upheld is not null
        """,
    )
    return {tuple(row[name] for name in keys): row["is_upheld"] for row in again}


def _only_upheld(rows: list[Row], upheld: dict[tuple[str, ...], bool]) -> list[Row]:
    """Mediators that do not stand as biomarkers without a path to the outcome; everything else as it is."""
    keys = ("study", "exposure", "scaling", "outcome", "platform", "biomarker")
    without = {"p_value": 1.0, "q_value": 1.0, "outcome_path": 0.0, "outcome_z": 0.0, "effect": 0.0}
    return [
        row if row["q_value"] >= LEVEL or upheld.get(tuple(row[name] for name in keys)) else {**row, **without}
        for row in rows
    ]


def mediator_overlap_rows(session: duckdb.DuckDBPyConnection) -> pa.Table:
    """Mediators of one lifestyle contrast on both outcomes, and of the exposures of two arms."""
    pruned = pruned_biomarkers(session)
    correlations = Correlations.of_build(session)
    upheld = _upheld(session)
    asked_again = {key[0] for key in upheld}
    counted: list[Row] = []
    for common, first, second, is_one in _pairs_of_families(session):
        sets = {"all": (first, second), "pruned": (unpruned(first, pruned), second)}
        if common["study"] in asked_again:
            sets[FAT_MASS_ADJUSTED] = (_only_upheld(first, upheld), _only_upheld(second, upheld))
        for name, rows in sets.items():
            pair = pair_of(*rows, of_one_exposure=is_one)
            counted += count_rows(pair, {**common, "biomarker_set": name}, correlations)
    return table_without_nan(counted, MEDIATOR_OVERLAP)


def shared_mediator_rows(session: duckdb.DuckDBPyConnection) -> pa.Table:
    """The mediators on both lists of each pair of mediator_overlap, by name."""
    pruned = pruned_biomarkers(session)
    upheld = _upheld(session)
    rows: list[Row] = []
    for common, first, second, _ in _pairs_of_families(session):
        both = pair_of(first, second)
        for platform in PLATFORMS:
            these = both.on(platform)
            if not these.biomarker:
                continue
            at_fdr = shared_mediators(these.p[0], these.p[1], level=LEVEL)
            is_shared, is_at_fdr = shared_of(these)
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
