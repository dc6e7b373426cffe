"""Levels of a panel as the marts hold them: proteins scattered from the long table, metabolites read by columns."""

from collections.abc import Iterator, Sequence
from typing import Protocol

import duckdb
import numpy as np
import numpy.typing as npt
from numba import njit

F4 = npt.NDArray[np.float32]
I4 = npt.NDArray[np.int32]
I8 = npt.NDArray[np.int64]


class Named(Protocol):
    """A biomarker by name; smallest_positive: of a metabolite with zeros, else NaN."""

    @property
    def name(self) -> str: ...
    @property
    def smallest_positive(self) -> float: ...


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


@njit(cache=True, nogil=True)
def _scatter(values: F4, place: I4, ends: I8, sample: I4, position: I4, level: F4, first_row: int, last: I4) -> int:
    """Put rows of proteins that follow each other into values (K, n); returns rows that are not in their order.

    place (P,): row of values of each protein, -1 for one that is left out; ends (P,): rows up to its end. sample (N,):
    column of each participant, -1 for none. position, level (m,): rows from first_row on; last (1,): position before.
    """
    protein, n_unordered = np.searchsorted(ends, first_row, side="right"), 0
    if protein > 0 and first_row == ends[protein - 1]:
        last[0] = -1
    for i in range(level.shape[0]):
        while protein < ends.shape[0] and first_row + i >= ends[protein]:
            protein += 1
            last[0] = -1
        if protein == ends.shape[0]:
            return n_unordered + 1
        n_unordered += position[i] <= last[0]
        last[0] = position[i]
        column = sample[position[i]]
        if column >= 0 and place[protein] >= 0:
            values[place[protein], column] = level[i]
    return n_unordered


def protein_levels(session: duckdb.DuckDBPyConnection, blocks: Sequence[Sequence[Named]], n: int) -> Iterator[F4]:
    """Levels (K, n) of each block, NaN where missing; samples in the order of their ids.

    The table is sorted by protein and participant, so a block reads its own part of it, without a join.

    Raises
    ------
    RuntimeError: marts.protein_levels is not sorted, or marts.biomarkers is of another build of it.
    """
    cursor = session.cursor()
    placed = cursor.execute(f"{SAMPLES} select position, sample from samples", {"platform": "protein"}).fetchnumpy()
    (n_participants,) = cursor.execute("select count(*) from marts.participants").fetchall()[0]
    sample = np.full(n_participants, -1, dtype=np.int32)
    sample[placed["position"]] = placed["sample"]
    listed = cursor.execute(
        "select biomarker, n_rows from marts.biomarkers where platform = 'protein' and n_rows > 0 order by biomarker"
    ).fetchall()
    for block in blocks:
        values = np.full((len(block), n), np.nan, dtype=np.float32)
        first, last = block[0].name, block[-1].name
        within = [row for row in listed if first <= row[0] <= last]
        places = {one.name: k for k, one in enumerate(block)}
        place = np.array([places.get(name, -1) for name, _ in within], dtype=np.int32)
        ends = np.cumsum([rows for _, rows in within], dtype=np.int64)
        before, n_read, n_unordered = np.full(1, -1, dtype=np.int32), 0, 0
        reader = cursor.sql(
            "select participant_position, cast(level_npx as float) as level from marts.protein_levels "
            "where protein between $first and $last",
            params={"first": first, "last": last},
        ).to_arrow_reader(1_000_000)
        for batch in reader:
            position, level = (column.to_numpy(zero_copy_only=False) for column in batch.columns)
            n_unordered += _scatter(values, place, ends, sample, position, level, n_read, before)
            n_read += len(level)
        if n_unordered or n_read != ends[-1]:
            raise RuntimeError(
                f"marts.protein_levels between {first} and {last}: {n_read:,} rows of {ends[-1]:,}, {n_unordered:,} "
                "not in the order of protein and participant; build it again with dbt build --select protein_levels+"
            )
        yield values
    cursor.close()


def metabolite_levels(session: duckdb.DuckDBPyConnection, blocks: Sequence[Sequence[Named]], n: int) -> Iterator[F4]:
    """Log levels (K, n) of each block, NaN where missing; samples in the order of their ids."""
    for block in blocks:
        columns = ", ".join(f'cast(levels."{one.name}" as double) as "{one.name}"' for one in block)
        found = session.sql(
            f"""
            {SAMPLES}
            select {columns}
            from samples
            inner join marts.metabolite_levels as levels on samples.participant_id = levels.participant_id
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
        yield values
