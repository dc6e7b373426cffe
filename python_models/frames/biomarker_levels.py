"""Levels of a panel as the marts hold them: proteins scattered from the long table, metabolites read by columns."""

from collections.abc import Iterator, Sequence
from typing import Protocol

import duckdb
import numpy as np
import numpy.typing as npt
from numba import njit

F4 = npt.NDArray[np.float32]
I4 = npt.NDArray[np.int32]


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
def _scatter(values: F4, where: I4, sample: I4, level: F4) -> None:
    """values[where[i], sample[i]] = level[i]: a NumPy index of two arrays takes ten times as long."""
    for i in range(level.shape[0]):
        values[where[i], sample[i]] = level[i]


def protein_levels(session: duckdb.DuckDBPyConnection, blocks: Sequence[Sequence[Named]], n: int) -> Iterator[F4]:
    """Levels (K, n) of each block, NaN where missing; samples in the order of their ids.

    The samples are numbered once; the table is sorted by protein, so that a block reads its own part of it only.
    """
    cursor = session.cursor()
    cursor.execute(
        f"create or replace temp table samples_of_panel as {SAMPLES} "
        "select participant_id, cast(sample as integer) as sample from samples",
        {"platform": "protein"},
    )
    for block in blocks:
        values = np.full((len(block), n), np.nan, dtype=np.float32)
        names = [one.name for one in block]
        reader = cursor.sql(
            """
            with wanted as (
                select unnest($names::varchar[]) as protein, unnest(range(len($names::varchar[])))::integer as place
            )
            select wanted.place, samples.sample, cast(levels.level_npx as float) as level
            from marts.protein_levels as levels
            inner join samples_of_panel as samples on levels.participant_id = samples.participant_id
            inner join wanted on levels.protein = wanted.protein
            where levels.protein between $first and $last and levels.level_npx is not null
            """,
            params={"names": names, "first": names[0], "last": names[-1]},
        ).to_arrow_reader(1_000_000)
        for batch in reader:
            where, sample, level = (column.to_numpy(zero_copy_only=False) for column in batch.columns)
            _scatter(values, where, sample, level)
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
