"""Biomarker panels as blocks of rows: proteins scattered from the long mart, metabolites read by columns, both scaled.

Memory is bounded by the block: no panel is ever held whole.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

import duckdb
import numpy as np
import numpy.typing as npt
from scipy import special, stats

F4 = npt.NDArray[np.float32]
Transform = Literal["rank_inverse_normal_blom", "rank_inverse_normal_half", "z"]
# Ranks become (rank - c) / (n - 2 c + 1): c = 3/8 (Blom 1958, Statistical Estimates, table 1) or 1/2.
OFFSETS: dict[str, float] = {"rank_inverse_normal_blom": 0.375, "rank_inverse_normal_half": 0.5}
DEFAULT_TRANSFORM: Transform = "rank_inverse_normal_blom"
# The scans' kernels take 64 rows at once; two of those keep the reading of a block worth its query.
BLOCK = 128
PLATFORMS = ("protein", "metabolite")


@dataclass(frozen=True, slots=True)
class Biomarker:
    """A biomarker of a panel; smallest_positive: of a metabolite with zeros, else NaN; exclusion: why left out."""

    name: str
    kind: str
    flag_reason: str | None
    smallest_positive: float
    exclusion: str | None


@dataclass(frozen=True, slots=True)
class Panel:
    """A platform's analysed samples and its biomarkers.

    rows (n,): positions of the samples among the participants sorted by id. biomarkers: all measured ones, sorted;
    those with an exclusion are in no block.
    """

    platform: str
    rows: npt.NDArray[np.intp]
    biomarkers: tuple[Biomarker, ...]
    transform: Transform

    @property
    def kept(self) -> tuple[Biomarker, ...]:
        return tuple(one for one in self.biomarkers if one.exclusion is None)


# Positions among the participants sorted by id, and among the samples of the platform sorted the same way.
SAMPLES = """
with numbered as (
    select participant_id, row_number() over (order by participant_id) - 1 as position
    from marts.participants
), samples as (
    select
        numbered.participant_id, numbered.position,
        row_number() over (order by numbered.participant_id) - 1 as sample
    from marts.biomarker_samples as screened
    inner join numbered on screened.participant_id = numbered.participant_id
    where screened.platform = $platform and screened.exclusion is null
)
"""


def read_panel(session: duckdb.DuckDBPyConnection, *, platform: str, transform: Transform = DEFAULT_TRANSFORM) -> Panel:
    """Who and what of a platform is analysed, without the values.

    Raises
    ------
    ValueError: unknown transform, with the known ones.
    """
    if transform not in get_args(Transform):
        raise ValueError(f"transform {transform} is not one of {', '.join(get_args(Transform))}")
    rows = session.execute(
        f"{SAMPLES} select position from samples order by sample", {"platform": platform}
    ).fetchnumpy()["position"]
    listed = session.execute(
        """
        select
            biomarker, biomarker_type, flag_reason,
            case when n_zero > 0 then smallest_positive else 'nan'::double end as smallest_positive, exclusion
        from marts.biomarkers where platform = $platform order by biomarker
        """,
        {"platform": platform},
    ).fetchall()
    return Panel(platform, np.asarray(rows, dtype=np.intp), tuple(Biomarker(*row) for row in listed), transform)


def read_blocks(
    session: duckdb.DuckDBPyConnection, panel: Panel, *, size: int = BLOCK
) -> Iterator[tuple[tuple[Biomarker, ...], F4]]:
    """Kept biomarkers, `size` at a time: (biomarkers, values (K, n)), one biomarker a row, scaled, NaN if missing."""
    read = _read_proteins if panel.platform == "protein" else _read_metabolites
    kept = panel.kept
    for start in range(0, len(kept), size):
        block = kept[start : start + size]
        values = read(session, block, len(panel.rows))
        for row in values:
            scale_in_place(row, panel.transform)
        yield block, values


def _read_proteins(session: duckdb.DuckDBPyConnection, block: tuple[Biomarker, ...], n: int) -> F4:
    values = np.full((len(block), n), np.nan, dtype=np.float32)
    reader = session.sql(
        f"""
        {SAMPLES}
        select
            cast(list_position($names::varchar[], levels.protein) - 1 as integer) as row_of_block,
            cast(samples.sample as integer) as sample, levels.level_npx
        from marts.protein_levels as levels
        inner join samples on levels.participant_id = samples.participant_id
        where levels.protein between $first and $last
        """,
        params={
            "platform": "protein",
            "names": [one.name for one in block],
            "first": block[0].name,
            "last": block[-1].name,
        },
    ).to_arrow_reader(1_000_000)
    for batch in reader:
        where, sample, level = (column.to_numpy(zero_copy_only=False) for column in batch.columns)
        # A protein between the first and the last that is not of the block has no position.
        listed = np.isfinite(where)
        values[where[listed].astype(np.intp), sample[listed]] = level[listed]
    return values


def _read_metabolites(session: duckdb.DuckDBPyConnection, block: tuple[Biomarker, ...], n: int) -> F4:
    columns = ", ".join(f'cast(levels."{one.name}" as double) as "{one.name}"' for one in block)
    found = session.sql(
        f"""
        {SAMPLES}
        select {columns}
        from samples inner join marts.metabolite_levels as levels on samples.participant_id = levels.participant_id
        order by samples.sample
        """,
        params={"platform": "metabolite"},
    ).to_arrow_table()
    values = np.empty((len(block), n), dtype=np.float32)
    for k, one in enumerate(block):
        level = found.column(k).to_numpy().astype(np.float64, copy=False)
        # Half the smallest positive value keeps zeros below every measured level.
        offset = 0.5 * one.smallest_positive if np.isfinite(one.smallest_positive) else 0.0
        values[k] = np.log(level + offset)
    return values


def scale_in_place(values: F4, transform: Transform) -> None:
    """Scale one biomarker (n,), NaN where missing: ranks to normal quantiles (ties share their mean rank), or z."""
    known = np.flatnonzero(~np.isnan(values))
    n = known.size
    if n == 0:
        return
    given = values[known]
    if transform == "z":
        wide = given.astype(np.float64)
        deviation = wide.std(ddof=1) if n > 1 else 0.0
        values[known] = (wide - wide.mean()) / deviation if deviation > 0 else 0.0
        return
    offset = OFFSETS[transform]
    order = np.argsort(given, kind="stable")
    ascending = given[order]
    if np.any(ascending[1:] == ascending[:-1]):
        rank = stats.rankdata(given)
        values[known] = special.ndtri((rank - offset) / (n - 2.0 * offset + 1.0))
    else:
        values[known[order]] = special.ndtri((np.arange(1, n + 1) - offset) / (n - 2.0 * offset + 1.0))
