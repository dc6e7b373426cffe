"""Enrichment of each outcome's biomarkers, and of the shared ones, in sets of biomarkers, as rows."""

from itertools import groupby
from typing import Any

import duckdb
import pyarrow as pa

from python_models.estimators.multiplicity import adjust_p_values
from python_models.estimators.scans.set_enrichment import set_enrichment
from python_models.frames.biomarkers.biomarker_rows import LEVEL
from python_models.frames.biomarkers.gene_sets import sets_of_build

Row = dict[str, Any]
# A set with fewer measured members says nothing that its members do not say themselves.
MIN_MEASURED = 3
SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("study", "hit_list", "platform", "collection", "set_name")),
        *((name, pa.int64()) for name in ("n_listed", "n_background", "n_in_set", "n_hits", "n_hits_in_set")),
        *((name, pa.float64()) for name in ("expected", "odds_ratio", "odds_ratio_lower", "odds_ratio_upper")),
        *((name, pa.float64()) for name in ("p_value", "q_value")),
        ("n_tests", pa.int64()),
        ("refusal", pa.string()),
    ]
)


def _hit_lists(session: duckdb.DuckDBPyConnection) -> list[tuple[str, str, str, set[str], set[str]]]:
    """(study, list, platform, tested, hits): each arm's outcome, and what each pair of arms shares."""
    listed = session.execute(
        """
        select study, arm as hit_list, platform, biomarker, q_value < $level as is_hit, refusal is null as is_tested
        from results.biomarker_hazard_ratios
        where is_primary
        union all
        select study, first_arm || ' and ' || second_arm || ': ' || direction, platform, biomarker,
            is_shared and is_same_direction = (direction = 'same direction'), true
        from results.shared_biomarkers
        cross join (values ('same direction'), ('opposite directions')) as lists (direction)
        order by 1, 2, 3, 4
        """,
        {"level": LEVEL},
    ).fetchall()
    found = []
    for (study, name, platform), rows in groupby(listed, key=lambda row: row[:3]):
        members = list(rows)
        tested = {row[3] for row in members if row[5]}
        found.append((study, name, platform, tested, {row[3] for row in members if row[3] in tested and row[4]}))
    return found


def biomarker_enrichment_rows(session: duckdb.DuckDBPyConnection, *, gene_sets_file: str) -> pa.Table:
    """One row per list of hits and set of its platform; the background is what was tested, never the genome.

    Raises
    ------
    GeneSetFault: see `read_gmt`.
    """
    sets = sets_of_build(session, gene_sets_file=gene_sets_file)
    rows: list[Row] = []
    for study, name, platform, tested, hits in _hit_lists(session):
        for one in sets:
            if one.platform != platform:
                continue
            found = set_enrichment(tested, set(one.members), hits)
            row: Row = {
                "study": study,
                "hit_list": name,
                "platform": platform,
                "collection": one.collection,
                "set_name": one.name,
                "n_listed": one.n_listed,
                "n_background": found.n_background,
                "n_in_set": found.n_in_set,
                "n_hits": found.n_hits,
                "n_hits_in_set": found.n_hits_in_set,
                "expected": found.expected,
            }
            if found.n_background == 0:
                row["refusal"] = "no biomarker of the platform was tested"
            elif found.n_in_set < MIN_MEASURED:
                row["refusal"] = f"{found.n_in_set} of its members are measured; at least {MIN_MEASURED} are needed"
            elif found.n_in_set == found.n_background:
                row["refusal"] = "the whole panel: nothing is outside the set"
            elif found.n_hits == 0:
                row["refusal"] = "no hits"
            else:
                row |= {"odds_ratio": found.odds_ratio, "odds_ratio_lower": found.lower}
                row |= {"odds_ratio_upper": found.upper, "p_value": found.p}
            rows.append(row)
    rows.sort(key=lambda row: (row["study"], row["hit_list"], row["collection"], row["set_name"]))
    for _, members in groupby(rows, key=lambda row: (row["study"], row["hit_list"], row["collection"])):
        given = [row for row in members if row.get("p_value") is not None]
        for row, q in zip(given, adjust_p_values([row["p_value"] for row in given]) if given else (), strict=True):
            row |= {"q_value": float(q), "n_tests": len(given)}
    return pa.Table.from_pylist(rows, schema=SCHEMA)
